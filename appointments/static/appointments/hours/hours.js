// The page works without this. With it, rows come and go without a new page, and nobody leaves typed hours behind unasked.

const form = document.getElementById("hours");
let unsaved = form.hasAttribute("data-unsaved");
let leaving = false;

function told() {
  const words = form.querySelector("[data-dirty]");
  if (words) words.hidden = !unsaved;
}

form.addEventListener("input", () => {
  unsaved = true;
  told();
});

form.addEventListener("submit", async (event) => {
  const pressed = event.submitter;
  if (!/^(add|remove|copy|as-business)/.test(pressed?.value ?? "")) {
    leaving = true;
    return;
  }
  event.preventDefault();
  const sent = new FormData(form, pressed);
  const page = await answered(sent).catch(() => null);
  if (!page) {  // as it would be without this: the server answers with a page
    leaving = true;
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "do", value: pressed.value }));
    form.submit();
    return;
  }
  const week = page.getElementById("week");
  document.getElementById("week").replaceWith(week);
  unsaved = true;
  told();
  goOn(pressed.value, week);
});

async function answered(sent) {
  const answer = await fetch(location.href, { method: "POST", body: sent, credentials: "same-origin" });
  if (!answer.ok) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.getElementById("week") ? page : null;
}

// Where somebody at a keyboard expects to be.
function goOn(pressed, week) {
  const [what, day] = pressed.split(":");
  const there =
    week.querySelector("[data-focus]") ??
    (what === "copy" ? week.querySelector(`#day-${day} summary`) : week.querySelector(`#day-${day} [data-add]`)) ??
    week.querySelector("input");
  there?.focus();
}

// One list of days at a time is open, and Escape closes it.
form.addEventListener("toggle", (event) => {
  if (!event.target.open) return;
  for (const other of form.querySelectorAll("details[open]")) if (other !== event.target) other.open = false;
}, true);
form.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && form.querySelector("details[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

window.addEventListener("beforeunload", (event) => {
  if (unsaved && !leaving) event.preventDefault();
});
told();
