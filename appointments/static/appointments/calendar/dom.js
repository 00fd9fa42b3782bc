// Elements, made in one expression. Text is always text: nothing here parses HTML.

export function h(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "style") for (const [property, to] of Object.entries(value)) element.style.setProperty(property, to);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return element;
}

export function icon(name) {
  return h("span", { class: "material-symbols-outlined cal-icon", "aria-hidden": "true" }, name);
}

export function button(words, press, given = {}) {
  return h("button", { type: "button", class: "desk-button", ...given, on: { click: press } }, words);
}

let labelled = 0;

// A label with its field, and room for what is wrong with it.
export function field(words, input, { help = "", wide = false } = {}) {
  input.id ||= `cal-field-${(labelled += 1)}`;
  const problem = h("p", { class: "cal-problem", id: `${input.id}-problem`, hidden: true });
  input.setAttribute("aria-describedby", problem.id);
  return h(
    "div",
    { class: wide ? "cal-field is-wide" : "cal-field" },
    h("label", { for: input.id }, words),
    input,
    help && h("p", { class: "help" }, help),
    problem,
  );
}

export function tellProblem(input, words) {
  const place = document.getElementById(`${input.id}-problem`);
  input.setAttribute("aria-invalid", words ? "true" : "false");
  place.textContent = words;
  place.hidden = !words;
}

export function options(select, rows, chosen) {
  select.replaceChildren(...rows.map(([value, words]) => h("option", { value, selected: value === chosen }, words)));
  return select;
}
