// The microphone and the speakers of one call.

export class VoiceProblem extends Error {
  constructor(code) { super(code); this.code = code; }
}

export class Voice {
  // onFrame(ArrayBuffer of 20 ms PCM), onLevel(0..1 of whoever sounds), onPlayed({epoch, samples}), onPlaying(bool)
  constructor(handlers) { this.handlers = handlers; this.playing = false; }

  static available() {
    if (!window.isSecureContext) return "insecure";
    if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) return "unsupported";
    return "";
  }

  async open() {
    const problem = Voice.available();
    if (problem) throw new VoiceProblem(problem);
    // Made inside the click, or browsers keep it silent.
    this.context = new AudioContext({ latencyHint: "interactive" });
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
      });
    } catch (error) {
      await this.close();
      throw new VoiceProblem(error.name === "NotAllowedError" ? "denied" : error.name === "NotFoundError" ? "no-microphone" : "busy");
    }
    await this.context.audioWorklet.addModule("/static/voice-worklet.js");
    await this.context.resume();
    this.ear = new AudioWorkletNode(this.context, "holdfast-ear", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    this.ear.port.onmessage = ({ data }) => {
      this.handlers.onFrame(data.frame);
      if (!this.playing) this.handlers.onLevel(data.level);
    };
    this.mouth = new AudioWorkletNode(this.context, "holdfast-mouth", { numberOfInputs: 0, outputChannelCount: [1] });
    this.mouth.port.onmessage = ({ data }) => this.report(data);
    this.context.createMediaStreamSource(this.stream).connect(this.ear);
    this.mouth.connect(this.context.destination);
    for (const track of this.stream.getAudioTracks()) track.onended = () => this.handlers.onLost?.();
  }

  play(pcm) { this.mouth?.port.postMessage({ pcm }, [pcm]); }
  clear(epoch) { this.mouth?.port.postMessage({ clear: epoch }); }
  mute(muted) { this.ear?.port.postMessage({ muted }); }

  // What has left the worklet sounds a little later: that much has not been heard yet.
  report({ playing, epoch, samples, level }) {
    if (playing !== this.playing) { this.playing = playing; this.handlers.onPlaying(playing); }
    if (playing) this.handlers.onLevel(level);
    const delay = this.context.outputLatency || this.context.baseLatency || 0;
    const heard = Math.max(0, samples - Math.round(delay * 16000));
    this.handlers.onPlayed({ epoch, samples: heard });
    if (!playing && samples) setTimeout(() => this.handlers.onPlayed({ epoch, samples }), delay * 1000);
  }

  async close() {
    for (const track of this.stream?.getTracks() ?? []) { track.onended = null; track.stop(); }
    this.stream = this.ear = this.mouth = undefined;
    if (this.context?.state !== "closed") await this.context?.close();
  }
}
