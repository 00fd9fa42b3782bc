// The Calendar page. What is shown is drawn anew from `state` whenever that changes; gestures and dialogs end in one of
// the verbs of `doing.js`, and what the server answers is what is shown next.

import { drawAgenda } from "./agenda.js";
import { openBlock } from "./appointment.js";
import { openBooking } from "./booking.js";
import { move, onChange } from "./doing.js";
import { h } from "./dom.js";
import { gesture, watch } from "./drag.js";
import { drawGrid } from "./grid.js";
import { blocksOf } from "./layout.js";
import { watchOver } from "./live.js";
import { keep, load, narrow, shownAppointments, state, viewShown } from "./state.js";
import { drawToolbar } from "./toolbar.js";

const root = document.getElementById("calendar");
const bar = h("div", { class: "cal-bar" });
const alarm = h("p", { class: "cal-alarm", role: "alert", hidden: true });
const stage = h("div", { class: "cal-stage" });
root.replaceChildren(bar, alarm, stage);

const actions = { open: openBlock };
const create = (wish = {}) => openBooking(wish, () => { redraw(); reload(); });

function redraw() {
  gesture.missed = gesture.isOn;
  if (!state.data || gesture.isOn) return;
  keep();
  const focused = document.activeElement?.dataset?.id;
  const openMenus = [...bar.querySelectorAll("details")].map((one) => one.open);
  const scrolled = stage.querySelector(".cal-scroll");
  const [left, top] = [scrolled?.scrollLeft, scrolled?.scrollTop];
  bar.replaceChildren(...drawToolbar({ go, redraw, create: () => create({ employee: state.employee }) }).filter(Boolean));
  bar.querySelectorAll("details").forEach((one, place) => (one.open = openMenus[place] ?? false));
  stage.replaceChildren(viewShown() === "list" ? drawAgenda(actions) : drawGrid(actions));
  stage.querySelector(".cal-scroll")?.scrollTo(left ?? 0, top ?? 0);
  if (focused) stage.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  for (const one of state.data.appointments) if (one.isPending) stage.querySelector(`[data-id="${one.id}"]`)?.classList.add("is-pending");
  root.dataset.version = state.data.version;
}

async function reload() {
  try {
    if (await load()) redraw();
  } catch (error) {
    trouble(error.message);
  }
}

function go(change) {
  Object.assign(state, change);
  keep();
  return reload();
}

function trouble(words) {
  alarm.textContent = words;
  alarm.hidden = !words;
}

const find = (id) => blocksOf(shownAppointments()).find((one) => one.id === id);
watch(stage, {
  find,
  moved: (block, { start, employee }) => (start !== block.start || employee !== block.employee) && move(block.members[0], { start, employee }),
  resized: (block, { start, end }) => end !== block.end && move(block.members[0], { start, end }),
  chosen: create,
  ended: redraw,
});
stage.addEventListener("pointerover", (event) => light(event.target.closest?.(".cal-block")?.dataset.visit));
stage.addEventListener("focusin", (event) => light(event.target.closest?.(".cal-block")?.dataset.visit));

// The parts of one visit, together.
function light(visit) {
  for (const one of stage.querySelectorAll(".cal-block")) one.classList.toggle("is-lit", Boolean(visit) && one.dataset.visit === visit);
}

onChange(redraw, reload);
narrow.addEventListener("change", reload);
await reload();
watchOver(reload, trouble);
setInterval(() => { state.data.now += 1; redraw(); }, 60_000);
