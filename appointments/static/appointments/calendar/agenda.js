// A day as a list: on a telephone, and for whoever would rather read.

import { blockOf, holdOf, statusChip } from "./blocks.js";
import { h, icon } from "./dom.js";
import { blocksOf, visitsOf } from "./layout.js";
import { nameOf, shownAppointments, state } from "./state.js";

export function drawAgenda(actions) {
  const { data, employee } = state;
  const isTheirs = (one) => !employee || one.employee === employee;
  const visits = visitsOf(data.appointments);
  const lines = [
    ...blocksOf(shownAppointments().filter(isTheirs)).map((block) => [block.start, lineOf(block, visits, actions)]),
    ...data.holds.filter(isTheirs).map((hold) => [hold.start, h("li", {}, holdOf(hold))]),
    ...data.timeOff.filter(isTheirs).map((one) => [one.start, remark("beach_access", `${nameOf(one.employee)}: ${one.note || "time off"}`, one)]),
    ...data.closures.map((one) => [one.start, remark("event_busy", one.note ? `Closed: ${one.note}` : "Closed", one)]),
  ].sort(([one], [other]) => one - other);
  const day = data.days[0];
  return h(
    "div",
    { class: "cal-agenda" },
    h("p", { class: "quiet" }, hoursOf(day, employee)),
    lines.length ? h("ol", { class: "cal-list" }, lines.map(([, line]) => line)) : h("p", { class: "cal-nothing" }, icon("event_available"), "Nothing is booked."),
  );
}

function lineOf(block, visits, actions) {
  const element = blockOf(block, visits, { open: actions.open, named: !state.employee });
  element.classList.remove("may-drag");
  element.append(statusChip(block.status));
  return h("li", {}, element);
}

function remark(sign, words, { start, end }) {
  const from = Math.max(start, state.clock.begins(0));
  const until = Math.min(end, state.clock.ends(0));
  const isAllDay = from === state.clock.begins(0) && until === state.clock.ends(0);
  return h("li", { class: "cal-remark" }, icon(sign), `${isAllDay ? "All day" : state.clock.between(from, until)}: ${words}`);
}

function hoursOf(day, employee) {
  const { data, clock } = state;
  const open = (data.open.own[employee] ?? data.open.business)
    .map(([start, end]) => [Math.max(start, clock.begins(0)), Math.min(end, clock.ends(0))])
    .filter(([start, end]) => start < end);
  const whose = employee ? `${nameOf(employee)} works` : "Open";
  const words = open.length ? `${whose} ${open.map(([start, end]) => clock.between(start, end)).join(", ")}.` : employee ? `${nameOf(employee)} does not work.` : "Not open.";
  return day.note ? `${words} ${day.note}.` : words;
}
