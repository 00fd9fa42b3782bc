// Above the calendar: which day, which view, whose.

import { inWords } from "./clock.js";
import { button, h, icon, options } from "./dom.js";
import { settings } from "./settings.js";
import { employees, firstShown, state, step, viewShown } from "./state.js";

const VIEWS = { day: "Day", week: "Week", list: "List" };

export function drawToolbar({ go, redraw, create }) {
  const whole = viewShown() === "week" ? `Week of ${inWords(firstShown(), { day: "numeric", month: "long", year: "numeric" })}` : inWords(state.date, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
  const date = h("input", { type: "date", value: state.date, "aria-label": "Go to a date", on: { change: (event) => event.target.value && go({ date: event.target.value }) } });
  return [
    h("div", { class: "cal-when" },
      button("Today", () => go({ date: settings.today })),
      arrow("chevron_left", "Earlier", () => go({ date: step(-1) })),
      arrow("chevron_right", "Later", () => go({ date: step(1) })),
      date,
      h("h2", { class: "cal-title", "aria-live": "polite" }, whole),
      h("span", { class: "cal-zone quiet" }, icon("public"), `${settings.timezone} time`),
    ),
    h("div", { class: "cal-how" },
      viewShown() === "day" ? pickEmployees(redraw) : pickEmployee(go),
      showMenu(redraw),
      h("div", { class: "cal-views", role: "group", "aria-label": "View" }, Object.entries(VIEWS).map(([view, words]) => button(words, () => go({ view }), { "aria-pressed": String(viewShown() === view) }))),
      !settings.mayChange && h("span", { class: "cal-chip" }, icon("visibility"), "To look at"),
      settings.mayBook && button([icon("add"), "New appointment"], create, { class: "desk-button default cal-new" }),
    ),
  ];
}

function arrow(sign, words, press) {
  return button(icon(sign), press, { class: "desk-button cal-arrow", "aria-label": words, title: words });
}

function pickEmployee(go) {
  const rows = [["", "Everybody"], ...employees().map((one) => [one.id, one.name])];
  const select = options(h("select", { "aria-label": "Employee", on: { change: (event) => go({ employee: event.target.value }) } }), rows, state.employee);
  return select;
}

function menu(sign, words, lines) {
  return h("details", { class: "cal-menu" }, h("summary", { class: "desk-button" }, icon(sign), words), h("div", { class: "cal-choices" }, lines));
}

function check(words, isOn, turn) {
  return h("label", {}, h("input", { type: "checkbox", checked: isOn, on: { change: (event) => turn(event.target.checked) } }), ` ${words}`);
}

function pickEmployees(redraw) {
  const shown = employees().filter((one) => !state.hidden.has(one.id)).length;
  const words = shown === employees().length ? "Everybody" : `${shown} of ${employees().length}`;
  const lines = employees().map((one) =>
    check(one.name, !state.hidden.has(one.id), (isOn) => {
      if (isOn) state.hidden.delete(one.id);
      else state.hidden.add(one.id);
      redraw();
    }),
  );
  return menu("group", words, lines);
}

function showMenu(redraw) {
  const turn = (name) => (isOn) => { state[name] = isOn; redraw(); };
  return menu("tune", "Show", [
    check("Cancelled appointments", state.showCancelled, turn("showCancelled")),
    check("The whole day, also when nobody works", state.wholeDay, turn("wholeDay")),
    h("div", { class: "cal-legend", "aria-label": "Colours" }, Object.entries(settings.statuses).map(([status, words]) => h("span", { class: `cal-chip is-${status}` }, words)), h("span", { class: "cal-chip is-held" }, "Held for a caller")),
  ]);
}
