// Live calls: whatever the desk's socket knows of, as cards.

import { Card } from "./card.js";
import { DeskLine } from "./desk-line.js";

const NOBODY = "00000000-0000-0000-0000-000000000000";
const WORDS = { live: "Live", reconnecting: "Reconnecting…", "signed-out": "You are signed out." };
const PATIENCE_MS = 15_000;

const page = document.getElementById("live");
const part = (name) => page.querySelector(`[data-${name}]`);
const ahead = Date.parse(page.dataset.now) - Date.now(); // of our clock, the server's
const addresses = {
  call: (id) => page.dataset.call.replace(NOBODY, id),
  customer: (id) => page.dataset.customer.replace(NOBODY, id),
};
const title = document.title;
const cards = new Map();

const line = new DeskLine({ login: page.dataset.login, onChange: draw, onState: tellState, onRefused: refuse });
setInterval(tick, 1000);

function draw() {
  for (const [id, card] of cards) {
    if (line.calls.has(id)) continue;
    card.element.remove();
    cards.delete(id);
  }
  for (const [id, told] of line.calls) {
    const card = cards.get(id) ?? add(id);
    card.show(told, { mayAct: line.mayAct, live: line.state === "live" });
  }
  count();
  tick();
}

function add(id) {
  const card = new Card(part("card"), addresses, { wish, whisper });
  cards.set(id, card);
  part("cards").prepend(card.element); // the newest first
  return card;
}

function count() {
  const going = [...line.calls.values()].filter((card) => card.endedAt === null).length;
  part("empty").hidden = cards.size > 0 || line.state === "connecting";
  part("count").textContent = going === 0 ? "" : going === 1 ? "1 call" : `${going} calls`;
  document.title = going ? `(${going}) ${title}` : title;
}

function tick() {
  for (const card of cards.values()) card.tick(Date.now() + ahead);
}

function tellState(state) {
  page.querySelector(".line-state").dataset.state = state;
  part("words").textContent = WORDS[state];
  page.classList.toggle("stale", state !== "live");
  if (state !== "live") draw();
}

// --- Stepping in ---

const QUESTIONS = {
  hang_up: ["End this call?", "The caller is cut off once the agent has finished its sentence.", "Hang up"],
  transfer: [
    "Put this caller through?",
    "The agent lets go, and your phone for transfers rings. If nobody answers, the caller gets what you have set up.",
    "Put through",
  ],
};

async function wish(deed, card) {
  if (!(await agreed(...QUESTIONS[deed]))) return;
  card.refuse("");
  if (!line.ask({ do: deed, id: card.card.id })) {
    card.refuse("There is no connection at this moment. Please try again.");
    return;
  }
  setTimeout(() => {
    const going = line.calls.get(card.card.id)?.talking;
    if (going) card.refuse("Nothing has come of it yet. Please try again.");
  }, PATIENCE_MS);
}

function whisper(text, card) {
  card.refuse("");
  const sent = line.ask({ do: "whisper", id: card.card.id, text });
  if (!sent) card.refuse("There is no connection at this moment. Please try again.");
  return sent;
}

function agreed(question, words, yes) {
  const dialog = part("ask");
  part("ask-title").textContent = question;
  part("ask-words").textContent = words;
  part("ask-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

function refuse({ id, reason }) {
  cards.get(id)?.refuse(reason);
}
