// Dialogs and short notices.

import { button, h, icon } from "./dom.js";

let titles = 0;

export function openDialog(title, { body = [], actions = [], kind = "" } = {}) {
  const heading = h("h2", { id: `cal-title-${(titles += 1)}`, tabindex: "-1", autofocus: true }, title);
  const dialog = h("dialog", { class: `cal-dialog desk ${kind}`, "aria-labelledby": heading.id });
  const close = () => dialog.close();
  const shut = h("button", { type: "button", class: "cal-close", "aria-label": "Close", on: { click: close } }, icon("close"));
  dialog.append(h("header", {}, heading, shut), h("div", { class: "cal-body" }, body), h("footer", {}, actions));
  dialog.addEventListener("click", (event) => event.target === dialog && close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, close, footer: dialog.querySelector("footer") };
}

// Says something to everybody, those who do not see the page included. `undo` takes it back.
export function notice(words, { undo, bad = false } = {}) {
  const shown = h("div", { class: `cal-notice${bad ? " is-bad" : ""}` }, h("span", {}, words));
  if (undo) shown.append(button("Undo", () => { shown.remove(); undo(); }));
  const place = stand(bad);
  place.replaceChildren(shown);
  setTimeout(() => shown.remove(), bad ? 15_000 : 8_000);
}

function stand(bad) {
  const id = bad ? "cal-alerts" : "cal-notices";
  let place = document.getElementById(id);
  if (!place) {
    place = h("div", { id, class: "cal-notices", role: bad ? "alert" : "status" });
    document.body.append(place);
  }
  return place;
}

// While something is under way its buttons rest: a double click is one click.
export async function resting(dialog, work) {
  const buttons = [...dialog.querySelectorAll("button")].filter((one) => !one.disabled);
  buttons.forEach((one) => (one.disabled = true));
  try {
    return await work();
  } finally {
    buttons.forEach((one) => (one.disabled = false));
  }
}
