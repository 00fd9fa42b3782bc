// Gestures on the grid: move and resize what is booked, choose a free stretch. With a mouse at once, with a finger
// after it has rested. The server decides: until it has, nothing has moved.

import { h } from "./dom.js";
import { PIXELS_PER_MINUTE } from "./grid.js";
import { state } from "./state.js";

const STEP = 5;
const FREE_STEP = 15;
const REST_MS = 400;
const SLACK_PIXELS = 5;
const EDGE_PIXELS = 40;

// While it is on, nothing is redrawn: what is under the hand would be gone. `missed`: something should have been.
export const gesture = { isOn: false, missed: false };

export function watch(root, { find, moved, resized, chosen, ended }) {
  let now = null;

  root.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || now) return;
    const column = event.target.closest(".cal-column");
    if (!column) return;
    const element = event.target.closest(".cal-block");
    if (element && !element.classList.contains("may-drag")) return;
    if (!element && (!chosen || event.target.closest(".cal-hold"))) return;
    const block = element && find(element.dataset.id);
    now = {
      kind: !element ? "choose" : event.target.closest(".cal-resize") ? "resize" : "move",
      pointer: event.pointerId, block, element, column, x: event.clientX, y: event.clientY,
      from: axisAt(column, event.clientY), isTouch: event.pointerType === "touch",
    };
    gesture.isOn = true;
    const place = block && state.clock.place(Number(column.dataset.day), block.start, block.end);
    now.grip = block ? now.from - (now.kind === "resize" ? place.bottom : place.top) : 0;
    if (now.isTouch) now.rest = setTimeout(() => begin(event), REST_MS);
    else if (now.kind !== "choose") event.preventDefault(); // or the browser drags the text, or scrolls
  });

  function begin(event) {
    now.ghost = h("div", { class: `cal-ghost is-${now.kind}`, "aria-hidden": "true" });
    now.element?.classList.add("is-dragged");
    root.classList.add("is-dragging");
    follow(event);
  }

  addEventListener("pointermove", (event) => {
    if (!now || event.pointerId !== now.pointer) return;
    const far = Math.hypot(event.clientX - now.x, event.clientY - now.y) > SLACK_PIXELS;
    if (!now.ghost && now.isTouch) {
      if (far) stop(); // it scrolls
      return;
    }
    if (!now.ghost && far) begin(event);
    if (now?.ghost) follow(event);
  });

  function follow(event) {
    scrollAtEdges(root, event);
    const step = event.shiftKey ? 1 : STEP;
    const at = axisAt(now.column, event.clientY);
    if (now.kind === "move") now.column = columnAt(root, event.clientX) ?? now.column;
    now.wish = { move: wishToMove, resize: wishToResize, choose: wishToChoose }[now.kind](now, at, step);
    show(now);
  }

  addEventListener("pointerup", (event) => {
    if (!now || event.pointerId !== now.pointer) return;
    const { kind, block, ghost, wish, from, column, isTouch } = now;
    stop();
    if (!ghost) {
      if (kind === "choose" && (!isTouch || event.target.closest?.(".cal-column"))) chooseOne(column, from);
      return;
    }
    if (block) swallowClick();
    if (!wish) return;
    if (kind === "move") moved(block, wish);
    else if (kind === "resize") resized(block, wish);
    else chosen(wish);
  });

  function chooseOne(column, from) {
    const start = state.clock.instant(Number(column.dataset.day), snap(from - FREE_STEP / 2, FREE_STEP));
    if (start !== null) chosen({ start, employee: column.dataset.employee });
  }

  addEventListener("pointercancel", () => now && stop());
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !now?.ghost) return;
    event.preventDefault();
    stop();
    swallowClick();
  });
  // Once a finger drags, the page must hold still.
  root.addEventListener("touchmove", (event) => now?.ghost && event.preventDefault(), { passive: false });
  root.addEventListener("contextmenu", (event) => now?.ghost && event.preventDefault());

  function stop() {
    clearTimeout(now.rest);
    now.ghost?.remove();
    now.element?.classList.remove("is-dragged");
    root.classList.remove("is-dragging");
    now = null;
    setTimeout(() => { // the click comes first, to what is still there
      if (now) return;
      gesture.isOn = false;
      if (gesture.missed) ended();
    }, 0);
  }
}

// The click that follows a drag is no click.
function swallowClick() {
  const swallow = (event) => { event.stopPropagation(); event.preventDefault(); };
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
}

function wishToMove(now, at, step) {
  const { block, column } = now;
  const day = Number(column.dataset.day);
  const start = state.clock.instant(day, snap(at - now.grip, step));
  return start === null ? null : { start, end: start + block.end - block.start, day, employee: column.dataset.employee || block.employee };
}

function wishToResize({ block, column, grip }, at, step) {
  const day = Number(column.dataset.day);
  const end = state.clock.instant(day, snap(at - grip, step));
  return end === null ? null : { start: block.start, end: Math.max(end, block.start + STEP), day, employee: block.employee };
}

function wishToChoose({ column, from }, at, step) {
  const day = Number(column.dataset.day);
  const [first, last] = [Math.min(from, at), Math.max(from, at)];
  const start = state.clock.instant(day, snap(first, step));
  const end = state.clock.instant(day, snap(last, step));
  return start === null || end === null || end <= start ? null : { start, end, day, employee: column.dataset.employee };
}

function show({ ghost, wish, column, block }) {
  ghost.hidden = !wish;
  if (!wish) return;
  const place = state.clock.place(wish.day, wish.start, wish.end);
  const from = Number(column.closest(".cal-grid").dataset.from);
  ghost.style.top = `${(place.top - from) * PIXELS_PER_MINUTE}px`;
  ghost.style.height = `${Math.max(16, (place.bottom - place.top) * PIXELS_PER_MINUTE)}px`;
  ghost.replaceChildren(h("strong", {}, state.clock.between(wish.start, wish.end)), block ? block.customer : "");
  if (ghost.parentElement !== column) column.append(ghost);
}

const snap = (axis, step) => Math.round(axis / step) * step;

function axisAt(column, y) {
  const from = Number(column.closest(".cal-grid").dataset.from);
  return from + (y - column.getBoundingClientRect().top) / PIXELS_PER_MINUTE;
}

function columnAt(root, x) {
  return [...root.querySelectorAll(".cal-column")].find((one) => {
    const { left, right } = one.getBoundingClientRect();
    return left <= x && x < right;
  });
}

function scrollAtEdges(root, event) {
  const scroll = root.querySelector(".cal-scroll");
  const { left, right, top, bottom } = scroll.getBoundingClientRect();
  if (event.clientX > right - EDGE_PIXELS) scroll.scrollLeft += 16;
  else if (event.clientX < left + EDGE_PIXELS) scroll.scrollLeft -= 16;
  if (event.clientY > bottom - EDGE_PIXELS) scroll.scrollTop += 16;
  else if (event.clientY < top + EDGE_PIXELS) scroll.scrollTop -= 16;
}
