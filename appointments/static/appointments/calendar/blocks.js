// One appointment, group or hold, as a block of the grid or a line of the list.

import { h, icon } from "./dom.js";
import { settings } from "./settings.js";
import { nameOf, state } from "./state.js";

const SIGNS = { scheduled: "schedule", confirmed: "check_circle", completed: "done_all", no_show: "person_off", cancelled: "cancel" };

export const isComing = (one) => one.status === "scheduled" || one.status === "confirmed";
export const mayDrag = (block) => settings.mayChange && block.members.length === 1 && isComing(block);

export function who(block) {
  return block.seats > 1 ? `${block.members.length} of ${block.seats} seats` : block.customer;
}

export function statusChip(status) {
  return h("span", { class: `cal-chip is-${status}` }, icon(SIGNS[status]), settings.statuses[status]);
}

export function inOneSentence(block, visits) {
  const part = partOf(block, visits);
  return [
    `${state.clock.between(block.start, block.end)}, ${block.seats > 1 ? `${block.serviceName}, ${who(block)}` : `${block.customer}, ${block.serviceName}`}`,
    `with ${nameOf(block.employee)}`,
    settings.statuses[block.status].toLowerCase(),
    part && `part ${part} of a visit`,
    block.isSeries && "one of a series",
    block.notes && "has notes",
  ].filter(Boolean).join(", ");
}

// "2 of 3", for a part of a visit.
export function partOf(block, visits) {
  const parts = visits.get(block.visit);
  return parts ? `${parts.findIndex((one) => one.id === block.id) + 1} of ${parts.length}` : "";
}

export function blockOf(block, visits, { open, named }) {
  const part = partOf(block, visits);
  return h(
    "button",
    {
      type: "button",
      class: `cal-block is-${block.status}${mayDrag(block) ? " may-drag" : ""}`,
      "aria-label": inOneSentence(block, visits),
      data: { id: block.id, visit: part ? block.visit : "" },
      on: { click: () => open(block) },
    },
    h(
      "span",
      { class: "cal-line" },
      h("span", { class: "cal-time" }, state.clock.at(block.start), h("span", { class: "cal-until" }, `–${state.clock.between(block.start, block.end).split("–")[1]}`)),
      signs(block, part),
    ),
    h("strong", {}, block.seats > 1 ? block.serviceName : block.customer),
    h("span", { class: "cal-what" }, block.seats > 1 ? who(block) : block.serviceName, named && ` · ${nameOf(block.employee)}`),
    mayDrag(block) && block.seats === 1 && h("span", { class: "cal-resize", "aria-hidden": "true" }),
  );
}

function signs(block, part) {
  return h(
    "span",
    { class: "cal-signs" },
    part && h("span", { class: "cal-part", title: `Part ${part} of a visit` }, icon("link"), part.replace(" of ", "/")),
    block.seats > 1 && icon("groups"),
    block.isSeries && icon("repeat"),
    block.notes && icon("sticky_note_2"),
    block.status !== "scheduled" && icon(SIGNS[block.status]),
  );
}

export function holdOf(hold) {
  const words = `${state.clock.between(hold.start, hold.end)} ${hold.serviceName}: ${hold.why}`;
  return h(
    "div",
    { class: "cal-hold", role: "note", "aria-label": `${words}, with ${nameOf(hold.employee)}`, data: { hold: hold.id } },
    h("span", { class: "cal-line" }, h("span", { class: "cal-time" }, state.clock.between(hold.start, hold.end)), icon(hold.why.includes("phone") ? "phone_in_talk" : "hourglass_top")),
    h("strong", {}, hold.why[0].toUpperCase() + hold.why.slice(1)),
    h("span", { class: "cal-what" }, hold.serviceName),
  );
}
