// One call on the page.

import { tell } from "./transcript.js";

const BADGES = {
  queued: "Waiting",
  ringing: "Ringing",
  "in-progress": "Connected",
  completed: "Over",
  busy: "Busy",
  "no-answer": "Not answered",
  canceled: "Cancelled",
  failed: "Failed",
};

export class Card {
  /** `wish(deed, card)` when a button is pressed, `whisper(text, card)` whether it was sent. */
  constructor(template, addresses, { wish, whisper }) {
    this.element = template.content.firstElementChild.cloneNode(true);
    this.addresses = addresses;
    for (const button of this.element.querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => wish(button.dataset.do, this));
    }
    this.part("whisper").addEventListener("submit", (event) => {
      event.preventDefault();
      const text = event.target.elements.text.value.trim();
      if (text && whisper(text, this)) event.target.reset();
    });
  }

  show(card, { mayAct, live }) {
    this.card = card;
    const over = card.endedAt !== null;
    this.element.classList.toggle("over", over);
    this.element.dataset.id = card.id;
    this.#person(card);
    const direction = card.test ? "test call" : card.direction === "outbound" ? "called by us" : "";
    this.part("direction").textContent = direction && ` · ${direction}`;
    const badge = this.part("badge");
    badge.textContent = over ? card.outcome || BADGES[card.state] : card.talking ? "Talking" : BADGES[card.state];
    badge.dataset.tone = over ? "over" : card.talking ? "good" : "wait";
    this.part("page").href = this.addresses.call(card.id);
    for (const button of this.element.querySelectorAll("[data-do]")) {
      button.hidden = !mayAct || over;
      button.disabled = !live || !card.talking || (button.dataset.do === "transfer" && card.test);
    }
    this.part("whisper").hidden = !mayAct || over;
    for (const field of this.part("whisper").elements) field.disabled = !live || !card.talking;
    tell(this.part("said"), card.said);
    if (over) this.refuse("");
  }

  #person(card) {
    const who = this.part("who");
    const name = card.name || card.number || "Number withheld";
    if (card.customer) {
      const link = document.createElement("a");
      link.href = this.addresses.customer(card.customer);
      link.textContent = name;
      who.replaceChildren(link);
    } else {
      who.textContent = name;
    }
    this.part("number").textContent = card.name ? card.number : card.number ? "not among your customers" : "";
  }

  /** `now`: milliseconds on the server's clock. */
  tick(now) {
    const until = this.card.endedAt === null ? now : Date.parse(this.card.endedAt);
    const seconds = Math.max(0, Math.floor((until - Date.parse(this.card.startedAt)) / 1000));
    this.part("timer").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }

  refuse(reason) {
    this.part("refusal").textContent = reason;
    this.part("refusal").hidden = !reason;
  }

  part(name) {
    return this.element.querySelector(`[data-${name}]`);
  }
}
