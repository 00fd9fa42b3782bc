// Whom an appointment is for: somebody who is known, or somebody new.

import { ask } from "./api.js";
import { button, field, h, tellProblem } from "./dom.js";

const PAUSE_MS = 200;

export function chooseCustomer() {
  const search = h("input", { type: "search", autocomplete: "off", placeholder: "Name, number or e-mail" });
  const found = h("ul", { class: "cal-found", "aria-live": "polite" });
  const name = h("input", { type: "text", maxlength: "120", autocomplete: "off" });
  const phone = h("input", { type: "tel", maxlength: "40", autocomplete: "off" });
  const email = h("input", { type: "email", maxlength: "254", autocomplete: "off" });
  const searched = field("Customer", search, { wide: true });
  const anew = h("div", { class: "cal-fields", hidden: true }, field("Name", name), field("Phone", phone), field("E-mail", email));
  const chosen = h("div", { class: "cal-chosen", hidden: true });
  let known = null;
  let waits = 0;
  let asked = 0;

  search.addEventListener("input", () => {
    clearTimeout(waits);
    waits = setTimeout(look, PAUSE_MS);
  });

  async function look() {
    const typed = search.value.trim();
    const mine = (asked += 1);
    const { customers } = typed ? await ask("customers/", { q: typed }).catch(() => ({ customers: [] })) : { customers: [] };
    if (mine !== asked) return;
    found.replaceChildren(
      ...customers.map((one) => h("li", {}, button([h("strong", {}, one.name), ` ${one.phone || one.email}`], () => choose(one)))),
      ...(typed ? [h("li", {}, button(`Somebody new: ${typed}`, () => meet(typed)))] : []),
    );
  }

  function choose(one) {
    known = one;
    chosen.replaceChildren(h("span", {}, "For ", h("strong", {}, one.name), ` ${one.phone || one.email}`), button("Somebody else", again));
    show(chosen);
    chosen.querySelector("button").focus();
  }

  function meet(typed) {
    known = null;
    const isNumber = /^[+\d\s()/-]+$/.test(typed);
    (isNumber ? phone : typed.includes("@") ? email : name).value = typed;
    show(anew);
    (isNumber ? name : phone).focus();
  }

  function again() {
    known = null;
    show(searched);
    search.focus();
  }

  function show(part) {
    for (const one of [searched, anew, chosen]) one.hidden = one !== part;
    found.hidden = part !== searched;
  }

  return {
    element: h("div", { class: "cal-customer" }, searched, found, anew, chosen),
    read() {
      if (known) return { body: { customer: known.id }, problems: [] };
      if (anew.hidden) return { body: {}, problems: [["customer", "Who is it for? Search, and choose somebody."]] };
      return { body: { name: name.value, phone: phone.value, email: email.value }, problems: [] };
    },
    // Beside the fields; whether it belongs to one of them.
    tell(problems) {
      const inputs = { customer: search, name, phone, email, customerEmail: email };
      for (const input of [search, name, phone, email]) tellProblem(input, "");
      const told = problems.filter(([field]) => inputs[field]);
      told.forEach(([field, words]) => tellProblem(inputs[field], words));
      if (told.length) inputs[told[0][0]].focus();
      return told.length > 0;
    },
  };
}
