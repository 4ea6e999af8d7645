// Sound on the audio thread: microphone -> 20 ms of 16 kHz PCM, and 16 kHz PCM -> speakers.
// The browser's own rate (44.1 or 48 kHz, mostly) is converted here; contexts at 16 kHz would do it
// too, but Firefox does not connect a microphone to one.

const RATE = 16000;
const FRAME = 320; // 20 ms
const HALF_WIDTH = 16; // zero crossings of the kernel to each side
const PHASES = 256;

// Windowed-sinc conversion of a stream, any ratio (J. O. Smith, "Digital Audio Resampling").
export class Resampler {
  constructor(from, to) {
    this.step = from / to;
    const cutoff = Math.min(1, to / from) * 0.94;
    this.reach = Math.ceil(HALF_WIDTH / cutoff);
    this.table = new Float32Array(this.reach * PHASES + 2);
    for (let i = 0; i < this.table.length; i++) {
      const x = i / PHASES;
      const u = x / this.reach;
      const window = u < 1 ? 0.42 + 0.5 * Math.cos(Math.PI * u) + 0.08 * Math.cos(2 * Math.PI * u) : 0;
      const t = Math.PI * x * cutoff;
      this.table[i] = window * cutoff * (x === 0 ? 1 : Math.sin(t) / t);
    }
    this.reset();
  }

  reset() {
    this.held = new Float32Array(this.reach); // the past begins with silence
    this.at = this.reach; // position of the next output sample in `held`
  }

  // Everything that can be said of the input so far.
  push(input) {
    const held = new Float32Array(this.held.length + input.length);
    held.set(this.held);
    held.set(input, this.held.length);
    const out = [];
    while (this.at + this.reach < held.length) {
      out.push(this.sample(held, this.at));
      this.at += this.step;
    }
    const drop = Math.max(0, Math.floor(this.at) - this.reach);
    this.held = held.slice(drop);
    this.at -= drop;
    return Float32Array.from(out);
  }

  sample(held, at) {
    const { reach, table } = this;
    let sum = 0;
    for (let i = Math.ceil(at - reach), end = Math.floor(at + reach); i <= end; i++) {
      const x = Math.abs(i - at) * PHASES;
      const k = Math.floor(x);
      if (k + 1 < table.length) sum += (held[i] ?? 0) * (table[k] + (x - k) * (table[k + 1] - table[k]));
    }
    return sum;
  }
}

class Ear extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, RATE);
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.muted = false;
    this.port.onmessage = ({ data }) => { this.muted = data.muted; };
  }

  process([input]) {
    const channel = input[0];
    if (!channel) return true;
    let power = 0;
    for (const sample of this.resampler.push(channel)) {
      const value = this.muted ? 0 : Math.max(-1, Math.min(1, sample));
      power += value * value;
      this.frame[this.filled++] = Math.round(value * 32767);
      if (this.filled === FRAME) {
        const frame = this.frame;
        this.frame = new Int16Array(FRAME);
        this.filled = 0;
        this.port.postMessage({ frame: frame.buffer, level: this.level(frame) }, [frame.buffer]);
      }
    }
    return true;
  }

  level(frame) {
    let sum = 0;
    for (const value of frame) sum += value * value;
    return Math.sqrt(sum / FRAME) / 32768;
  }
}

// Plays what it is given; counts what it has played since the last clear and says so every 100 ms.
class Mouth extends AudioWorkletProcessor {
  constructor() {
    super();
    this.epoch = 0;
    this.fresh();
    this.port.onmessage = ({ data }) => (data.clear === undefined ? this.take(data.pcm) : this.clear(data.clear));
  }

  fresh() {
    this.resampler = new Resampler(RATE, sampleRate);
    this.ready = []; // converted blocks, with the source samples that they stand for
    this.offset = 0;
    this.waiting = 0; // converted samples not yet played
    this.played = 0; // source samples since the epoch began
    this.playing = false;
    this.since = 0; // output samples since audio began to wait
    this.unreported = 0;
  }

  take(pcm) {
    const input = new Int16Array(pcm);
    const block = this.resampler.push(Float32Array.from(input, (v) => v / 32768));
    if (block.length) this.ready.push(block);
    this.waiting += block.length;
  }

  clear(epoch) {
    const last = this.last || 0;
    this.fresh();
    this.epoch = epoch;
    this.fade = last; // 3 ms down to silence instead of a click
    this.port.postMessage({ playing: false, epoch, samples: 0, level: 0 });
  }

  process(_inputs, [output]) {
    const out = output[0];
    // Half a message's worth gathers before sound begins, for at most 60 ms: the network is not a metronome.
    if (!this.playing && this.waiting) {
      this.since += out.length;
      if (this.waiting > 0.06 * sampleRate || this.since > 0.06 * sampleRate) this.playing = true;
    }
    let power = 0;
    for (let i = 0; i < out.length; i++) {
      let value = 0;
      if (this.playing && this.ready.length) {
        const block = this.ready[0];
        value = block[this.offset++];
        this.played += RATE / sampleRate;
        this.waiting--;
        if (this.offset === block.length) { this.ready.shift(); this.offset = 0; }
      } else if (this.fade) {
        this.fade = Math.abs(this.fade) < 1e-4 ? 0 : this.fade * 0.97;
        value = this.fade;
      }
      power += value * value;
      this.last = out[i] = value;
    }
    this.unreported += out.length;
    const dry = this.playing && !this.ready.length;
    if (dry) { this.playing = false; this.since = 0; }
    if (dry || (this.playing && this.unreported >= sampleRate / 10)) {
      this.unreported = 0;
      const level = Math.sqrt(power / out.length);
      this.port.postMessage({ playing: this.playing, epoch: this.epoch, samples: Math.round(this.played), level });
    }
    for (let c = 1; c < output.length; c++) output[c].set(out);
    return true;
  }
}

registerProcessor("holdfast-ear", Ear);
registerProcessor("holdfast-mouth", Mouth);
