// The page of test calls: a telephone in the browser.

import { DeskLine } from "./desk-line.js";
import { MediaSocket } from "./media-stream.js";
import { PreparedCaller } from "./prepared-caller.js";
import { tell } from "./transcript.js";

const NOBODY = "00000000-0000-0000-0000-000000000000";
const WORKLET = new URL("./telephone-worklet.js", import.meta.url);
const REFUSED = 1008;

const page = document.getElementById("test-call");
const part = (name) => page.querySelector(`[data-${name}]`);
const desk = new DeskLine({ login: page.dataset.login, onChange: showWords, onState: () => {} });
let call = null; // the one that is made now, or was made last

part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  begin().catch((error) => fail(error));
});
part("end").addEventListener("click", () => hangUp("You have hung up."));
for (const key of page.querySelectorAll("[data-key]")) {
  key.addEventListener("click", () => call?.stream?.digit(key.dataset.key));
}
for (const voice of page.querySelectorAll("[name=voice]")) voice.addEventListener("change", offerNumber);
window.addEventListener("pagehide", () => hangUp(""));

// --- From the button to the line ---

class Trouble extends Error {
  constructor(words, remedy = "") {
    super(words);
    this.remedy = remedy;
  }
}

async function begin() {
  become("starting", "Calling…");
  part("said").replaceChildren();
  call = { id: "", said: [], over: false };
  const voice = page.querySelector("[name=voice]:checked");
  call.audio = await audioContext();
  // The microphone and the lines first: a call that has begun waits for nobody.
  if (voice.value) call.lines = await Promise.all(voice.dataset.lines.split(" ").map(recording));
  else call.microphone = await microphone();
  const begun = await asked();
  call.id = begun.call;
  part("page").href = page.dataset.call.replace(NOBODY, begun.call);
  call.telephone = telephone(call);
  call.stream = new MediaSocket(begun.path, begun.start, {
    onAudio: (play) => call.telephone.port.postMessage({ play }),
    onMark: (mark) => call.telephone.port.postMessage({ mark }),
    onClear: () => call.telephone.port.postMessage({ clear: true }),
    onClose: closed,
  });
  if (call.lines) call.caller = preparedCaller(call);
  call.startedAt = Date.now();
  call.clock = setInterval(tick, 500);
  tick();
  become("talking", call.lines ? "A prepared caller is on the line" : "You are on the line");
}

async function audioContext() {
  if (!window.AudioWorkletNode || !window.isSecureContext) {
    throw new Trouble("Your browser plays no calls on this page.", "Open it over https, in a browser of these years.");
  }
  const context = new AudioContext();
  await context.resume();
  await context.audioWorklet.addModule(WORKLET);
  return context;
}

async function microphone() {
  try {
    const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    return await navigator.mediaDevices.getUserMedia({ audio: wanted });
  } catch {
    const remedy = "Allow it beside the address, or let a prepared caller speak: that needs none.";
    throw new Trouble("Your microphone cannot be used.", remedy);
  }
}

async function recording(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Trouble("The recording could not be fetched.", "Load this page again.");
  return new Uint8Array(await answer.arrayBuffer());
}

async function asked() {
  let answer;
  let told;
  try {
    answer = await fetch(page.dataset.begin, { method: "POST", body: new FormData(part("form")) });
    told = await answer.json();
  } catch {
    throw new Trouble("The call could not be made.", "Load this page again: you may be signed out, or the server away.");
  }
  if (told.login) location.assign(`${told.login}?next=${encodeURIComponent(location.pathname)}`);
  if (!answer.ok) throw new Trouble(told.error, told.remedy);
  return told;
}

function telephone(mine) {
  const node = new AudioWorkletNode(mine.audio, "telephone", { outputChannelCount: [1] });
  if (mine.microphone) mine.audio.createMediaStreamSource(mine.microphone).connect(node);
  node.connect(mine.audio.destination);
  node.port.onmessage = ({ data }) => heardFrom(mine, data);
  return node;
}

function heardFrom(mine, { frame, said, heard, marks, spoken }) {
  if (mine.over) return;
  if (frame) {
    mine.stream?.audio(frame);
    mine.caller?.heard(heard);
    showLevels(said, heard);
  }
  for (const name of marks ?? []) mine.stream?.played(name);
  if (spoken) mine.caller?.spoken();
}

function preparedCaller(mine) {
  return new PreparedCaller(mine.lines, {
    speak: (speak) => mine.telephone.port.postMessage({ speak }),
    hangUp: () => hangUp("The prepared caller has hung up."),
  });
}

// --- And back ---

function hangUp(words) {
  if (!call?.stream || call.over) return;
  call.stream.hangUp();
  end(words);
}

function closed(code) {
  if (call.over) return;
  if (code === REFUSED) {
    fail(new Trouble("The server refused the call.", "Begin it again: each call has a minute to connect."));
  } else if (code === 1000) {
    end("The call is over.");
  } else {
    fail(new Trouble("The line broke.", "Call again; see the call's page for what happened."));
  }
}

function end(words) {
  release();
  part("ending").textContent = words;
  become("over", words);
}

function fail(error) {
  console.info("A test call failed:", error.message);
  release();
  part("error").textContent = error instanceof Trouble ? error.message : "The call could not be made.";
  part("remedy").textContent = error.remedy ?? "Load this page again.";
  part("ending").textContent = "";
  become("failed", "");
}

function release() {
  if (!call) return;
  call.over = true;
  clearInterval(call.clock);
  call.telephone?.port.postMessage({ hangUp: true });
  for (const track of call.microphone?.getTracks() ?? []) track.stop();
  if (call.audio?.state !== "closed") call.audio?.close();
  showLevels(0, 0);
}

// --- What is seen ---

function become(state, words) {
  page.dataset.state = state;
  const going = state === "starting" || state === "talking";
  part("form").hidden = going;
  part("line").hidden = !going;
  part("trouble").hidden = state !== "failed";
  part("after").hidden = !call?.id || going || state === "idle";
  page.querySelector(".line-state").dataset.state = state === "talking" ? "live" : "connecting";
  part("words").textContent = words;
  if (state === "starting") part("timer").textContent = "";
}

function showLevels(said, heard) {
  part("said-level").value = shown(said);
  part("heard-level").value = shown(heard);
}

// Loudness is heard in ratios: 60 dB fill the meter.
function shown(level) {
  return Math.max(0, 1 + Math.log10(Math.max(level, 1e-4) * 2) / 3);
}

function showWords() {
  const card = call && desk.calls.get(call.id);
  if (!card) return; // over for a while: what was said stays
  part("nothing").hidden = true;
  tell(part("said"), card.said);
  if (card.endedAt && call.over && card.outcome) part("ending").textContent = `${card.outcome}.`;
}

function tick() {
  const seconds = Math.floor((Date.now() - call.startedAt) / 1000);
  part("timer").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

// A prepared caller has a number of their own, unless another one is chosen.
function offerNumber({ target }) {
  const field = part("form").elements.caller;
  const ours = [...page.querySelectorAll("[data-caller]")].map((voice) => voice.dataset.caller);
  if (!field.value || ours.includes(field.value)) field.value = target.dataset.caller ?? "";
}
