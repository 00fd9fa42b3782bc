// What stands against a time: all of it in words, and the nearest free times to choose instead.

import { openDialog } from "./dialogs.js";
import { button, h } from "./dom.js";

export function reasonsOf({ objections }) {
  return h(
    "ul",
    { class: "cal-reasons" },
    objections.map((one) => h("li", { class: one.binds ? "is-binding" : one.forCallers ? "is-mild" : "" }, one.sentence, one.forCallers && h("span", { class: "quiet" }, " (a rule for callers; it does not bind you)"))),
  );
}

export function nearestOf({ nearest }, choose) {
  if (!nearest.length) return h("p", { class: "quiet" }, "No free time was found near it.");
  return h(
    "div",
    { class: "cal-nearest", role: "group", "aria-label": "Nearest free times" },
    nearest.map((slot) => button(slot.label, () => choose(slot))),
  );
}

// After a move that was refused. `instead` and `despite` try again.
export function showRefusal(error, { what, instead, despite }) {
  const { objections = [], nearest = [], mayGoOn = false } = error.body;
  const body = [
    h("p", {}, what),
    objections.length ? reasonsOf({ objections }) : h("p", {}, error.message),
    h("h3", {}, "The nearest free times"),
    nearestOf({ nearest }, (slot) => { opened.close(); instead(slot); }),
  ];
  const leave = button("Leave it where it was", () => opened.close(), { class: "desk-button default" });
  const goOn = mayGoOn && objections.length && button("Do it all the same", () => { opened.close(); despite(objections.map((one) => one.code)); });
  const opened = openDialog("That time is not free", { body, actions: [goOn, leave].filter(Boolean), kind: "is-refusal" });
}
