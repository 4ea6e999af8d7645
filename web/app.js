// The page: buttons, captions, states. The line itself is call.js, the sound voice.js.

import { Call, CallProblem } from "./call.js";
import { Voice, VoiceProblem } from "./voice.js";

const $ = (id) => document.getElementById(id);
const panel = document.querySelector(".call");
const callButton = $("call"), muteButton = $("mute"), captions = $("captions"), line = $("line");

const STATES = {
  idle: "Ready when you are",
  connecting: "Connecting",
  listening: "Listening",
  thinking: "Thinking",
  speaking: "Speaking. Interrupt whenever you like",
  reconnecting: "The connection fell, coming back",
  ended: "The call has ended",
};
const TYPED_STATES = { ...STATES, listening: "Connected, type your message", speaking: "Connected, type your message" };

const PROBLEMS = {
  insecure: "Browsers give the microphone only to pages over https, or on this computer. You can type below instead.",
  unsupported: "This browser cannot send your voice. You can type below instead.",
  denied: "The microphone is blocked for this page. Allow it in the address bar and press again, or type below.",
  "no-microphone": "There is no microphone here. Plug one in and press again, or type below.",
  busy: "All lines are busy right now. Please try again in a few minutes.",
  "microphone-busy": "Another program is using the microphone. Close it and press again, or type below.",
  "microphone-lost": "The microphone was unplugged or switched off. You can go on by typing below.",
  too_often: "That was a lot of calls in a short time. Please wait a minute.",
  too_many_requests: "That was a lot of requests in a short time. Please wait a moment.",
  wrong_origin: "This page was opened under an address that may not place calls.",
  offline: "The assistant cannot be reached. Check your connection and try again.",
  "no-connection": "The line could not be opened. A proxy between you and us may block WebSockets.",
  "no-websocket": "This browser cannot open a live line (WebSocket), so neither speaking nor typing works here. A current browser can.",
};
const ENDINGS = {
  hung_up: "You hung up",
  ended: "The call has ended",
  lost: "The connection was lost, and the call with it",
  too_long: "The call reached its longest duration",
  superseded: "The call goes on in another window",
  busy: "All lines are busy right now",
};

// Where the engine itself does not say what would be better.
const BETTER = {
  pocketsphinx: "It needs no download. Whisper understands far more, names and letters included.",
  flite: "It needs no download. Piper voices sound much more natural.",
  espeak: "It needs no download. With flite installed speech is clearer; Piper voices sound much more natural.",
  "espeak-ng": "It needs no download. With flite installed speech is clearer; Piper voices sound much more natural.",
};

let call, voice, typedOnly = false, partial, muted = false;

function setState(name) {
  panel.dataset.state = name;
  $("state").textContent = (typedOnly ? TYPED_STATES : STATES)[name];
  const active = !["idle", "ended"].includes(name);
  callButton.querySelector(".talk-label").textContent = active ? "Hang up" : name === "ended" ? "Talk again" : "Start talking";
  muteButton.hidden = !active || typedOnly;
  if (!["listening", "speaking"].includes(name)) callButton.style.setProperty("--level", 0);
}

function notice(code, message) {
  const text = message || PROBLEMS[code] || "Something went wrong. Please try again.";
  $("notice").textContent = text;
  $("notice").hidden = !code;
}

// Loud speech is about 0.2 of full scale: the ring follows loudness, not power.
function showLevel(level) { callButton.style.setProperty("--level", Math.min(1, Math.sqrt(level * 4)).toFixed(2)); }

function showCaption({ role, text, final }) {
  captions.querySelector(".empty")?.remove();
  const atEnd = captions.scrollHeight - captions.scrollTop - captions.clientHeight < 60;
  const known = ["caller", "agent"].includes(role) ? role : "notice-line";
  if (role === "caller" && partial) {
    partial.textContent = text;
  } else {
    const p = document.createElement("p");
    p.className = known;
    p.textContent = text; // never HTML
    captions.append(p);
    if (role === "caller") partial = p;
  }
  if (role === "caller") {
    partial.classList.toggle("partial", !final);
    partial.setAttribute("aria-hidden", String(!final)); // half-heard words are not read out
    if (final) {
      if (!text) partial.remove();
      partial = undefined;
      if (["listening", "speaking", "thinking"].includes(panel.dataset.state)) setState("thinking");
    }
  } else if (role === "agent" && typedOnly) setState("listening");
  while (captions.children.length > 400) captions.firstElementChild.remove();
  if (atEnd) captions.scrollTop = captions.scrollHeight;
}

// What is typed is shown here at once; the other side shows what it has heard.
function showTyped(text) {
  const heard = partial;
  partial = undefined;
  showCaption({ role: "caller", text, final: true });
  partial = heard;
  captions.scrollTop = captions.scrollHeight;
}

function ended(code) {
  voice?.close();
  voice = call = partial = undefined;
  muted = false;
  muteButton.setAttribute("aria-pressed", "false");
  muteButton.textContent = "Mute";
  setState("ended");
  $("state").textContent = ENDINGS[code] ?? ENDINGS.ended;
  showCaption({ role: "notice", text: ENDINGS[code] ?? ENDINGS.ended, final: true });
}

async function begin({ spoken, firstLine }) {
  notice("");
  typedOnly = !spoken;
  setState("connecting");
  const mine = new Call({
    state: setState,
    caption: showCaption,
    audio: (pcm) => voice?.play(pcm),
    clear: (epoch) => voice?.clear(epoch),
    ended,
  });
  call = mine;
  if (firstLine) mine.typed(firstLine);
  try {
    if (spoken) {
      voice = new Voice({
        onFrame: (pcm) => mine.frame(pcm),
        onLevel: showLevel,
        onPlayed: (report) => mine.played(report),
        onPlaying: (playing) => { if (call === mine && panel.dataset.state !== "reconnecting") setState(playing ? "speaking" : "listening"); },
        onLost: () => notice("microphone-lost"),
      });
      await voice.open();
    }
    await mine.start({ audio: spoken });
  } catch (problem) {
    voice?.close();
    mine.isOver = true;
    voice = call = undefined;
    setState("idle");
    if (problem instanceof VoiceProblem) {
      notice(problem.code === "busy" ? "microphone-busy" : problem.code);
      line.focus();
    } else notice(problem instanceof CallProblem ? problem.code : "failed", problem instanceof CallProblem && problem.code === "busy" ? problem.message : "");
    if (firstLine) line.value = firstLine;
  }
}

callButton.addEventListener("click", () => (call ? call.hangUp() : begin({ spoken: true })));

muteButton.addEventListener("click", () => {
  muted = !muted;
  voice?.mute(muted);
  muteButton.setAttribute("aria-pressed", String(muted));
  muteButton.textContent = muted ? "Muted" : "Mute";
});

$("typing").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = line.value.trim();
  if (!text) return;
  line.value = "";
  showTyped(text);
  if (call) call.typed(text);
  else begin({ spoken: false, firstLine: text });
});

document.addEventListener("keydown", (event) => {
  const beta = document.querySelector(".beta");
  if (event.key === "Escape") beta.classList.add("dismissed");
});
document.querySelector(".beta").addEventListener("mouseleave", ({ currentTarget }) => currentTarget.classList.remove("dismissed"));
document.querySelector(".beta").addEventListener("focusout", ({ currentTarget }) => currentTarget.classList.remove("dismissed"));
addEventListener("pagehide", () => call?.send({ t: "bye" }));

// What the profile calls things, and what is in use.
async function words() {
  const told = await (await fetch("/api/page")).json();
  const { abilities = [], ...named } = told;
  if (named.product && !named.headline) document.querySelector('[data-word="product"]').textContent = `${named.product} trial`;
  for (const [name, text] of Object.entries(named)) {
    if (text && name !== "product") for (const element of document.querySelectorAll(`[data-word="${name}"]`)) element.textContent = text;
  }
  if (abilities.length) document.querySelector(".abilities").replaceChildren(...abilities.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  if (named.product) document.title = `${named.product}: talk to the assistant`;
}

async function engines() {
  const { recogniser, voice: speaker, missing } = await (await fetch("/api/health/detailed")).json();
  // An engine may say why it is in use behind its name: "pocketsphinx: no model folder".
  const parts = (engine) => (engine?.engine ?? "none").split(/: (.*)/s);
  const name = (engine) => (parts(engine)[0] === "none" ? "nothing yet" : parts(engine)[0] + (engine.voice ? ` (${engine.voice})` : ""));
  $("engines").textContent = `Listening with ${name(recogniser)}, speaking with ${name(speaker)}. How to get better ones`;
  const lines = [];
  for (const [role, engine] of [["Recogniser", recogniser], ["Voice", speaker]]) {
    if (!engine) lines.push(`${role}: no service is answering.`);
    else lines.push([`${role}: ${name(engine)}.`, (engine.why ?? parts(engine)[1]) && `Why this one: ${engine.why ?? parts(engine)[1]}.`, engine.better ?? BETTER[parts(engine)[0]]].filter(Boolean).join(" "));
  }
  if (missing.length) lines.push(`Not answering at the moment: ${missing.join(", ")}.`);
  lines.push("The command “holdfast doctor”, on the machine that runs this, lists the better engines and what each of them needs.");
  $("better").replaceChildren(...lines.map((text) => Object.assign(document.createElement("p"), { textContent: text })));
}

const why = Voice.available();
if (why) notice(why);
words().catch(() => {});
const refreshEngines = () => engines().catch(() => { $("engines").textContent = "The assistant cannot be reached at the moment"; });
refreshEngines();
setInterval(() => { if (!document.hidden) refreshEngines(); }, 15000);
setState("idle");
