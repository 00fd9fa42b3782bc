// What is shown: which dates, whose, and what the server told of them. The address keeps it.

import { ask } from "./api.js";
import { Clock, dateAfter, mondayOf } from "./clock.js";
import { settings } from "./settings.js";

export const narrow = matchMedia("(max-width: 767px)");
const address = new URLSearchParams(location.search);
const remembered = JSON.parse(localStorage.getItem("tonris-calendar") || "{}");

export const state = {
  view: ["day", "week", "list"].includes(address.get("view")) ? address.get("view") : remembered.view || "day",
  date: /^\d{4}-\d\d-\d\d$/.test(address.get("date") ?? "") ? address.get("date") : settings.today,
  employee: address.get("employee") ?? "",
  hidden: new Set(remembered.hidden ?? []),
  showCancelled: Boolean(remembered.showCancelled),
  wholeDay: Boolean(remembered.wholeDay),
  service: remembered.service ?? "",
  data: null,
  clock: null,
};

export const viewShown = () => (narrow.matches ? "list" : state.view);
export const firstShown = () => (viewShown() === "week" ? mondayOf(state.date) : state.date);
export const daysShown = () => (viewShown() === "week" ? 7 : 1);
export const step = (by) => dateAfter(state.date, by * daysShown());

export function keep() {
  const query = new URLSearchParams(location.search);
  for (const name of ["view", "date", "employee"]) {
    if (state[name]) query.set(name, state[name]);
    else query.delete(name);
  }
  history.replaceState(null, "", `?${query}`);
  const { view, hidden, showCancelled, wholeDay, service } = state;
  localStorage.setItem("tonris-calendar", JSON.stringify({ view, hidden: [...hidden], showCancelled, wholeDay, service }));
}

// Read anew. An answer that another question has overtaken is dropped: true when this one counts.
let asked = 0;
export async function load() {
  const mine = (asked += 1);
  const data = await ask("days/", { first: firstShown(), days: daysShown() });
  if (mine !== asked) return false;
  state.data = data;
  state.clock = new Clock(data.days);
  return true;
}

export function replace(appointment) {
  const others = state.data.appointments.filter((one) => one.id !== appointment.id);
  state.data.appointments = [...others, appointment].sort((one, other) => one.start - other.start);
}

export const employees = () => state.data.employees;
export const nameOf = (id) => employees().find((one) => one.id === id)?.name ?? "";
export const columnsOfStaff = () => employees().filter((one) => !state.hidden.has(one.id));
export const shownAppointments = () =>
  state.data.appointments.filter((one) => state.showCancelled || one.status !== "cancelled");
