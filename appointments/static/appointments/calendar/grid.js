// The grid: a column for each employee of a day, or for each day of a week, on the axis that the server has drawn.

import { blockOf, holdOf } from "./blocks.js";
import { h } from "./dom.js";
import { blocksOf, sideBySide, visitsOf } from "./layout.js";
import { columnsOfStaff, nameOf, shownAppointments, state, viewShown } from "./state.js";

export const PIXELS_PER_MINUTE = 1.2;
const SHORTEST = 20;
const MARGIN = 60;

export function drawGrid(actions) {
  const columns = columnsShown();
  const range = rangeShown(columns);
  const visits = visitsOf(state.data.appointments);
  const drawn = columns.map((column) => drawColumn(column, range, visits, actions));
  const grid = h(
    "div",
    { class: `cal-grid is-${viewShown()}`, style: { "--columns": columns.length }, data: { from: range.from } },
    h("div", { class: "cal-corner", "aria-hidden": "true" }),
    columns.map((column) => h("div", { class: `cal-head${column.isToday ? " is-today" : ""}` }, h("strong", {}, column.title), h("span", {}, column.note))),
    drawAxis(range),
    drawn,
  );
  return h("div", { class: "cal-scroll", tabindex: "-1" }, grid);
}

export function columnsShown() {
  const { data, employee } = state;
  if (viewShown() === "week") {
    return data.days.map((day, index) => ({ day: index, employee: employee || null, title: day.label, note: day.note, isToday: day.isToday }));
  }
  return columnsOfStaff().map((one) => ({ day: 0, employee: one.id, title: one.name, note: one.isActive ? "" : "not active" }));
}

const isIn = (column, one) => !column.employee || one.employee === column.employee;

// Which minutes of the axis are worth their room: what is open or taken, and an hour around it; in whole hours.
function rangeShown(columns) {
  const { data, clock, wholeDay } = state;
  const all = { from: 0, until: data.axis.minutes };
  if (wholeDay) return all;
  const spans = columns.flatMap((column) => [
    ...openIn(column).map(([start, end]) => clock.place(column.day, start, end)),
    ...[...shownAppointments(), ...data.holds].filter((one) => isIn(column, one)).map((one) => clock.place(column.day, one.start, one.end)),
  ]).filter(Boolean);
  if (!spans.length) return { from: Math.min(480, all.until), until: Math.min(1080, all.until) };
  const from = Math.floor((Math.min(...spans.map((one) => one.top)) - MARGIN) / 60) * 60;
  const until = Math.ceil((Math.max(...spans.map((one) => one.bottom)) + MARGIN) / 60) * 60;
  return { from: Math.max(all.from, from), until: Math.min(all.until, until) };
}

const openIn = (column) => state.data.open.own[column.employee] ?? state.data.open.business;

function drawAxis(range) {
  const ticks = state.data.axis.ticks.filter(([at]) => at >= range.from && at < range.until);
  return h(
    "div",
    { class: "cal-axis", "aria-hidden": "true", style: { height: pixels(range.until - range.from) } },
    ticks.map(([at, words]) => h("span", { style: { top: pixels(at - range.from) } }, words)),
  );
}

const pixels = (minutes) => `${Math.round(minutes * PIXELS_PER_MINUTE)}px`;

function drawColumn(column, range, visits, actions) {
  const { data } = state;
  const body = h("div", {
    class: `cal-column${column.isToday ? " is-today" : ""}`,
    role: "group",
    "aria-label": column.note ? `${column.title}, ${column.note}` : column.title,
    style: { height: pixels(range.until - range.from) },
    data: { day: column.day, employee: column.employee ?? "" },
  });
  const put = (element, place, words) => {
    if (!place || place.bottom <= range.from || place.top >= range.until) return;
    const top = Math.max(place.top, range.from);
    element.style.top = pixels(top - range.from);
    element.style.height = pixels(Math.min(place.bottom, range.until) - top);
    if (words) element.append(h("span", {}, words));
    body.append(element);
  };
  const shade = (kind, start, end, words) => put(h("div", { class: `cal-shade ${kind}` }), state.clock.place(column.day, start, end), words);

  closed(column).forEach(([start, end]) => shade("is-closed", start, end));
  state.clock.gaps(column.day, data.axis.minutes).forEach(([top, bottom]) => put(h("div", { class: "cal-shade is-skipped" }), { top, bottom }, isShort(column.day) && "The clock skips this"));
  data.closures.forEach((one) => shade("is-closure", one.start, one.end, one.note ? `Closed: ${one.note}` : "Closed"));
  data.timeOff.filter((one) => isIn(column, one)).forEach((one) => shade("is-off", one.start, one.end, `${column.employee ? "" : `${nameOf(one.employee)}: `}${one.note || "Time off"}`));
  shadeBuffers(column, shade);
  placed(column).forEach((one) => drawPlaced(one, column, visits, actions, put));
  if (column.day === state.clock.dayAt(data.now)) {
    const now = state.clock.place(column.day, data.now, data.now + 1);
    put(h("div", { class: "cal-now", role: "presentation" }), now);
  }
  return body;
}

// An hour that comes twice on another day of the week is missing here, too, but nothing is skipped.
const isShort = (day) => state.clock.ends(day) - state.clock.begins(day) < 24 * 60;

// The parts of a day in which nobody works.
function closed(column) {
  const parts = [];
  let at = state.clock.begins(column.day);
  const end = state.clock.ends(column.day);
  for (const [opens, closes] of openIn(column)) {
    if (closes <= at || opens >= end) continue;
    if (opens > at) parts.push([at, opens]);
    at = closes;
  }
  if (at < end) parts.push([at, end]);
  return parts;
}

function shadeBuffers(column, shade) {
  for (const one of shownAppointments()) {
    if (!isIn(column, one) || one.status === "cancelled") continue;
    if (one.blockedFrom < one.start) shade("is-buffer", one.blockedFrom, one.start);
    if (one.end < one.blockedUntil) shade("is-buffer", one.end, one.blockedUntil);
  }
}

function placed(column) {
  const blocks = blocksOf(shownAppointments().filter((one) => isIn(column, one)));
  const holds = state.data.holds.filter((one) => isIn(column, one)).map((hold) => ({ hold, start: hold.start, end: hold.end }));
  const found = [...blocks.map((block) => ({ block, start: block.start, end: block.end })), ...holds];
  return sideBySide(
    found.flatMap((one) => {
      const place = state.clock.place(column.day, one.start, one.end);
      return place ? [{ ...one, top: place.top, bottom: Math.max(place.bottom, place.top + SHORTEST) }] : [];
    }),
  );
}

function drawPlaced(one, column, visits, actions, put) {
  const element = one.block ? blockOf(one.block, visits, { open: actions.open, named: !column.employee }) : holdOf(one.hold);
  element.style.setProperty("--lane", one.lane);
  element.style.setProperty("--lanes", one.lanes);
  if (one.bottom - one.top < 40) element.classList.add("is-short");
  if (one.lanes > 1) element.classList.add("is-slim");
  put(element, one);
}
