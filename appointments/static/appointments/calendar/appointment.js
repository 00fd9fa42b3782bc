// The dialog of one appointment, or of a group: what is known of it, and everything that can be done.

import { settings } from "./settings.js";
import { isComing, partOf, statusChip, who } from "./blocks.js";
import { notice, openDialog, resting } from "./dialogs.js";
import { become, move, note } from "./doing.js";
import { button, field, h, icon, options, tellProblem } from "./dom.js";
import { visitsOf } from "./layout.js";
import { employees, nameOf, state } from "./state.js";

const VERBS = { confirmed: "Mark as confirmed", completed: "Mark as completed", no_show: "Mark as no-show", scheduled: "Bring back" };

export function openBlock(block) {
  if (block.members.length > 1 || (block.seats > 1 && block.status !== "cancelled")) openGroup(block);
  else openAppointment(block.members[0]);
}

function openGroup(block) {
  const lines = block.members.map((one) =>
    h("li", {}, button([h("strong", {}, one.customer), " ", statusChip(one.status)], () => { opened.close(); openAppointment(one); })),
  );
  const body = [
    h("p", {}, `${when(block)}, with ${nameOf(block.employee)}. ${who(block)} are taken.`),
    h("ul", { class: "cal-members" }, lines),
  ];
  const opened = openDialog(block.serviceName, { body });
}

function openAppointment(one) {
  const body = [facts(one), settings.mayChange && notes(one), settings.mayChange && isComing(one) && elsewhere(one)];
  const opened = openDialog(one.customer, { body: body.filter(Boolean), actions: settings.mayChange ? verbs(one) : [] });
  opened.dialog.dataset.appointment = one.id;

  function verbs(row) {
    const steps = settings.moves[row.status].filter((status) => status !== "cancelled" && (status !== "no_show" || row.start <= state.data.now));
    const found = steps.map((status) => button(VERBS[status], () => done(() => become(row, status), settings.statuses[status]), { data: { becomes: status } }));
    if (settings.moves[row.status].includes("cancelled")) found.unshift(button("Cancel appointment", () => askWhy(row), { class: "desk-button is-grave", data: { becomes: "cancelled" } }));
    return found;
  }

  function askWhy(row) {
    const reason = h("input", { type: "text", maxlength: "240", autocomplete: "off" });
    const yes = button("Yes, cancel it", () => done(() => become(row, "cancelled", reason.value), "Cancelled"), { class: "desk-button is-grave" });
    opened.footer.replaceChildren(field("Why? (for the team, if you like)", reason, { wide: true }), button("Keep it", opened.close), yes);
    reason.focus();
  }

  function notes(row) {
    const input = h("textarea", { rows: "2", maxlength: "4000" });
    input.value = row.notes;
    const save = button("Save notes", () => done(() => note(row, input.value), "Notes saved"), { disabled: true });
    input.addEventListener("input", () => (save.disabled = input.value === row.notes));
    return h("div", { class: "cal-notes" }, field("Notes", input, { wide: true }), save);
  }

  function elsewhere(row) {
    const { date, time } = state.clock.face(row.start);
    const input = {
      date: h("input", { type: "date", value: date, required: true }),
      time: h("input", { type: "time", value: time, required: true }),
      until: h("input", { type: "time", value: state.clock.face(row.end).time }),
      employee: options(h("select"), employees().filter((who) => who.isActive || who.id === row.employee).map((who) => [who.id, who.name]), row.employee),
    };
    const lengthens = row.seats === 1;
    const press = async () => {
      for (const name of ["date", "time"]) tellProblem(input[name], input[name].value ? "" : "Please fill this in.");
      if (!input.date.value || !input.time.value) return;
      opened.close();
      await move(row, wished(row, input, { date, time }));
    };
    input.time.addEventListener("input", () => (input.until.value = "")); // it stays as long as it is
    return h(
      "details",
      { class: "cal-elsewhere" },
      h("summary", {}, "Move to another time or employee"),
      h(
        "div",
        { class: "cal-fields" },
        field("Date", input.date),
        field("Starts", input.time),
        lengthens && field("Ends", input.until, { help: "Empty: it stays as long as it is." }),
        field("With", input.employee),
        button("Move it", press, { class: "desk-button default" }),
      ),
    );
  }

  async function done(work, words) {
    const changed = await resting(opened.dialog, work);
    if (!changed) return opened.close();
    opened.close();
    return notice(`${changed.customer}: ${words.toLowerCase()}.`);
  }
}

// The instant, where the start was left alone: of an hour that comes twice, the form knows the first alone.
function wished(row, input, shown) {
  const isHere = input.date.value === shown.date && input.time.value === shown.time;
  const until = input.until.value;
  const end = until && (until !== state.clock.face(row.end).time || !isHere) ? { until } : {};
  const start = isHere ? { start: row.start } : { date: input.date.value, time: input.time.value };
  return { ...start, ...end, employee: input.employee.value };
}

function when(one) {
  const day = state.data.days[state.clock.dayAt(one.start)];
  return `${day ? `${day.label}, ` : ""}${state.clock.between(one.start, one.end)}`;
}

function facts(one) {
  const visits = visitsOf(state.data.appointments);
  const part = partOf({ ...one }, visits);
  const siblings = (visits.get(one.visit) ?? []).filter((other) => other.id !== one.id);
  const rows = [
    ["When", when(one)],
    ["Service", [one.serviceName, ...one.addOns].join(" + ")],
    ["With", nameOf(one.employee)],
    ["Status", statusChip(one.status)],
    one.phone && ["Phone", h("a", { href: `tel:${one.phone}` }, one.phone)],
    one.email && ["E-mail", one.email],
    ["Price", one.price],
    part && ["Visit", `Part ${part}; also ${siblings.map((other) => `${state.clock.at(other.start)} ${other.serviceName} with ${nameOf(other.employee)}`).join(", ")}`],
    one.isSeries && ["Series", "One of a series"],
    ["Booked by", one.source],
    !settings.mayChange && one.notes && ["Notes", one.notes],
  ].filter(Boolean);
  return [
    h("dl", { class: "cal-facts" }, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    h("p", {}, h("a", { href: settings.change.replace("{id}", one.id) }, "Open its page", icon("chevron_right"))),
  ];
}
