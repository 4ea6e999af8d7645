// One call's connection: session, socket, and coming back after a loss. Knows nothing of the page.

const WAITS_MS = [0, 250, 500, 1000, 2000, 3000];
const OPEN = 1; // WebSocket.OPEN, also where there is no WebSocket
const KEEP_FRAMES = 100; // 2 s of the caller's voice survive a gap

export class CallProblem extends Error {
  constructor(code, message = "") { super(message || code); this.code = code; }
}

export class Call {
  // on: { state(name), caption(line), audio(ArrayBuffer), clear(epoch), ended(code) }
  constructor(on) { this.on = on; this.waitingFrames = []; this.waitingLines = []; this.isOver = false; }

  async start({ audio }) {
    this.audio = audio;
    this.on.state("connecting");
    if (!("WebSocket" in window)) throw new CallProblem("no-websocket");
    const { token } = await this.session();
    await this.connect({ token });
  }

  async session() {
    let response;
    try {
      response = await fetch("/api/session", { method: "POST" });
    } catch {
      throw new CallProblem("offline");
    }
    if (response.ok) return response.json();
    const { error, message } = await response.json().catch(() => ({}));
    throw new CallProblem(error ?? "refused", message);
  }

  connect(credential) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws/call`);
      socket.binaryType = "arraybuffer";
      this.socket = socket;
      let ready = false;
      const timer = setTimeout(() => socket.close(), 6000);
      socket.onopen = () => socket.send(JSON.stringify({
        t: "hello", ...credential, audio: this.audio,
        zone: Intl.DateTimeFormat().resolvedOptions().timeZone ?? "", language: navigator.language ?? "en",
      }));
      socket.onmessage = ({ data }) => {
        if (typeof data !== "string") return this.on.audio(data);
        const message = JSON.parse(data);
        if (message.t === "ready") {
          ready = true;
          clearTimeout(timer);
          this.resume = message.resume;
          this.lostAt = 0;
          this.resumeMs = message.resume_s * 1000;
          this.on.clear(0); // a new connection counts what is played from the beginning
          this.on.state("listening");
          this.flush();
          resolve();
        } else this.hear(message);
      };
      socket.onclose = ({ reason }) => {
        clearTimeout(timer);
        if (this.isOver || socket !== this.socket) return;
        if (!ready) reject(new CallProblem(reason || "no-connection"));
        else if (reason && !["going_away", "silent_socket", "not_reading"].includes(reason)) this.finish(reason);
        else this.comeBack();
      };
    });
  }

  hear(message) {
    if (message.t === "caption") this.on.caption(message);
    else if (message.t === "clear") this.on.clear(message.epoch);
    else if (message.t === "ended" && message.reason !== "going_away") this.finish(message.reason);
  }

  async comeBack() {
    this.on.state("reconnecting");
    this.lostAt ||= performance.now();
    for (let tries = 0; !this.isOver && performance.now() - this.lostAt < this.resumeMs; tries++) {
      const wait = WAITS_MS[Math.min(tries, WAITS_MS.length - 1)];
      await new Promise((done) => setTimeout(done, wait * (0.75 + Math.random() / 2)));
      if (this.isOver) return;
      try {
        await this.connect({ resume: this.resume });
        return;
      } catch (problem) {
        if (/^token_|^call_ended|^resumed_too_late|^superseded/.test(problem.code)) break;
      }
    }
    if (!this.isOver) this.finish("lost");
  }

  frame(pcm) {
    if (this.socket?.readyState === OPEN && this.resume && !this.lostAt) this.socket.send(pcm);
    else if (this.waitingFrames.push(pcm) > KEEP_FRAMES) this.waitingFrames.shift();
  }

  typed(text) {
    if (this.socket?.readyState === OPEN && this.resume && !this.lostAt) this.send({ t: "typed", text });
    else this.waitingLines.push(text);
  }

  played({ epoch, samples }) { this.send({ t: "played", epoch, samples }); }

  flush() {
    for (const pcm of this.waitingFrames.splice(0)) this.socket.send(pcm);
    for (const text of this.waitingLines.splice(0)) this.send({ t: "typed", text });
  }

  send(message) {
    if (this.socket?.readyState === OPEN) this.socket.send(JSON.stringify(message));
  }

  hangUp() {
    this.send({ t: "bye" });
    this.finish("hung_up");
  }

  finish(code) {
    if (this.isOver) return;
    this.isOver = true;
    const socket = this.socket;
    setTimeout(() => socket?.close(), 300); // the goodbye leaves first
    this.on.ended(code);
  }
}
