// The dialog of a new appointment: what, when, with whom and for whom; and beside it what the engine says of the time.

import { ask, newKey, tell } from "./api.js";
import { chooseCustomer } from "./customer.js";
import { notice, openDialog, resting } from "./dialogs.js";
import { button, field, h, options, tellProblem } from "./dom.js";
import { nearestOf, reasonsOf } from "./refusal.js";
import { serviceOf, settings } from "./settings.js";
import { employees, keep, replace, state } from "./state.js";

const PAUSE_MS = 250;

// `wish`: { start, end?, employee } as they were chosen on the grid, or nothing of it.
export function openBooking(wish, redraw) {
  if (!settings.services.length) return notice("Nothing is sold yet: add a service first.", { bad: true });
  const key = newKey();
  const face = wish.start === undefined ? { date: state.date, time: "" } : state.clock.face(wish.start);
  const service = serviceFor(wish.employee);
  const input = {
    service: h("select", {}, groupsOfServices(service.id)),
    employee: h("select"),
    date: h("input", { type: "date", value: face.date, required: true }),
    time: h("input", { type: "time", value: face.time, required: true }),
    until: h("input", { type: "time" }),
    notes: h("textarea", { rows: "2", maxlength: "4000" }),
  };
  const addOns = h("fieldset", { class: "cal-add-ons" });
  const verdict = h("div", { class: "cal-verdict", "aria-live": "polite" });
  const customer = chooseCustomer();
  let known = null; // what the engine said of what is filled in now
  let waits = 0;
  let asked = 0;
  let exact = wish.start; // the instant, as long as date and time are those that it shows

  const book = button("Book", () => send(), { class: "desk-button default", disabled: !settings.mayBook });
  const opened = openDialog(settings.mayBook ? "New appointment" : "What stands against a time", {
    kind: "is-booking",
    body: [
      h("div", { class: "cal-fields" }, field("Service", input.service, { wide: true }), addOns, field("With", input.employee), field("Date", input.date), field("Starts", input.time), field("Ends", input.until, { help: "Empty: as long as it takes." })),
      verdict,
      settings.mayBook && customer.element,
      settings.mayBook && field("Notes", input.notes, { wide: true }),
    ].filter(Boolean),
    actions: [button("Close", () => opened.close()), settings.mayBook && book].filter(Boolean),
  });

  fillEmployees(wish.employee);
  fillAddOns();
  if (wish.end) input.until.value = state.clock.face(wish.end).time;
  input.service.addEventListener("change", () => { state.service = input.service.value; keep(); fillEmployees(input.employee.value); fillAddOns(); look(); });
  for (const one of [input.date, input.time]) one.addEventListener("input", () => { exact = undefined; look(); });
  for (const one of [input.employee, input.until, addOns]) one.addEventListener("input", () => look());
  look();

  function fillEmployees(chosen) {
    const { performers } = serviceOf(input.service.value);
    const rows = employees().filter((one) => one.isActive || one.id === chosen);
    const can = (one) => one.id in performers;
    rows.sort((one, other) => can(other) - can(one));
    options(input.employee, rows.map((one) => [one.id, can(one) ? `${one.name} (${performers[one.id]} min)` : `${one.name} (does not do this)`]), chosen || rows[0]?.id);
  }

  function fillAddOns() {
    const offered = serviceOf(input.service.value).addOns;
    addOns.hidden = !offered.length;
    addOns.replaceChildren(h("legend", {}, "Add-ons"), ...offered.map((one) => h("label", {}, h("input", { type: "checkbox", value: one.id }), ` ${one.name} (${one.minutes ? `${one.minutes} min, ` : ""}${one.price})`)));
  }

  function question() {
    const chosen = [...addOns.querySelectorAll("input:checked")].map((one) => one.value);
    const start = exact === undefined ? { date: input.date.value, time: input.time.value } : { start: exact };
    return { service: input.service.value, employee: input.employee.value, ...start, until: input.until.value, addOns: chosen };
  }

  function look() {
    clearTimeout(waits);
    known = null;
    book.disabled = !settings.mayBook || !input.date.value || !input.time.value;
    if (!input.date.value || !input.time.value) return verdict.replaceChildren(h("p", { class: "quiet" }, "Fill in the time to see whether it is free."));
    waits = setTimeout(askWhy, PAUSE_MS);
    return undefined;
  }

  async function askWhy() {
    const mine = (asked += 1);
    try {
      const said = await ask("why/", { ...question(), addOns: question().addOns.join(",") });
      if (mine !== asked) return;
      known = said;
      showVerdict(said);
    } catch (error) {
      if (mine === asked) verdict.replaceChildren(h("p", { class: "cal-problem" }, error.message));
    }
  }

  function showVerdict(said) {
    const isMild = said.objections.every((one) => one.forCallers);
    const words = !said.objections.length ? "Free. Callers could book it, too." : isMild ? "Free for you. Callers are not offered it:" : said.mayGoOn ? "You may book it all the same, but mind:" : "It cannot be booked:";
    verdict.className = `cal-verdict ${!said.objections.length || isMild ? "is-free" : said.mayGoOn ? "is-warned" : "is-refused"}`;
    verdict.replaceChildren(h("p", {}, h("strong", {}, words)), reasonsOf(said), ...(isMild ? [] : [h("h3", {}, "The nearest free times"), nearestOf(said, take)]));
    book.textContent = said.mayGoOn && !isMild ? "Book all the same" : "Book";
    book.disabled = !settings.mayBook || !said.mayGoOn;
  }

  function take(slot) {
    const face = state.clock.face(slot.start);
    exact = slot.start;
    input.until.value = "";
    fillEmployees(slot.employee);
    if (face.date) [input.date.value, input.time.value] = [face.date, face.time];
    else input.time.closest(".cal-fields").dataset.chosen = slot.label; // on a day that is not on the page
    look();
  }

  async function send() {
    const { body, problems } = customer.read();
    customer.tell(problems);
    if (problems.length) return;
    const despite = (known?.objections ?? []).map((one) => one.code);
    await resting(opened.dialog, async () => {
      try {
        const { appointment } = await tell("appointments/", { ...question(), ...body, notes: input.notes.value, despite, key });
        replace(appointment);
        opened.close();
        redraw();
        notice(`Booked: ${appointment.customer}, ${appointment.serviceName}, ${state.clock.between(appointment.start, appointment.end)}.`);
      } catch (error) {
        refused(error);
      }
    });
  }

  function refused(error) {
    if (error.body?.objections?.length) {
      known = error.body;
      return showVerdict(error.body);
    }
    if (error.body?.field && customer.tell([[error.body.field, error.message]])) return undefined;
    return notice(error.message, { bad: true });
  }
}

// The one that was chosen last, where this employee does it; else the first that they do.
function serviceFor(employee) {
  const does = (one) => one && (!employee || employee in one.performers);
  const last = serviceOf(state.service);
  return (does(last) && last) || settings.services.find(does) || settings.services[0];
}

function groupsOfServices(chosen) {
  const groups = new Map();
  for (const one of settings.services) groups.set(one.category, [...(groups.get(one.category) ?? []), one]);
  return [...groups].map(([category, services]) => {
    const choices = services.map((one) => h("option", { value: one.id, selected: one.id === chosen }, `${one.name} (${one.minutes} min)`));
    return category ? h("optgroup", { label: category }, choices) : choices;
  }).flat();
}
