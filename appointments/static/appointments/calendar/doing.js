// What is done to an appointment. Each gesture has a key of its own; what is refused has changed nothing.

import { newKey, tell } from "./api.js";
import { notice } from "./dialogs.js";
import { showRefusal } from "./refusal.js";
import { nameOf, replace, state } from "./state.js";

export const underWay = { count: 0 };
let draw = () => {};
let refresh = () => {};
export function onChange(redraw, reload) {
  [draw, refresh] = [redraw, reload];
}

// Does it, shows what it has become, and says whether it was done. `refused` may answer with dialogs of its own.
export async function change(route, body, refused) {
  underWay.count += 1;
  try {
    const { appointment } = await tell(route, { key: newKey(), ...body });
    replace(appointment);
    return appointment;
  } catch (error) {
    if (error.body?.appointment) replace(error.body.appointment);
    if (!refused?.(error)) notice(error.message, { bad: true });
    return null;
  } finally {
    underWay.count -= 1;
    draw();
    refresh();
  }
}

const routeTo = (one, verb) => `appointments/${one.id}/${verb}/`;

// `to`: { start, end?, employee? }. It stands at its new place, pale, until the server has agreed; or it snaps back.
export async function move(one, to, { despite = [], isUndo = false } = {}) {
  const before = { start: one.start, end: one.end, employee: one.employee };
  const length = one.end - one.start;
  const shown = to.start === undefined ? {} : { start: to.start, end: to.end ?? to.start + length };
  replace({ ...one, ...shown, employee: to.employee || one.employee, isPending: true });
  draw();
  const answer = change(routeTo(one, "move"), { ...to, seen: one.version, despite }, (error) => {
    replace(error.body?.appointment ?? one);
    return refusedMove(error, one, to);
  });
  const moved = await answer;
  if (!moved) return false;
  const words = `${moved.customer}: ${state.clock.between(moved.start, moved.end) || "another day"} with ${nameOf(moved.employee)}`;
  notice(isUndo ? `Back again. ${words}` : `Moved. ${words}`, { undo: isUndo ? null : () => move(moved, before, { isUndo: true }) });
  return true;
}

function refusedMove(error, one, to) {
  if (error.code !== "OPPOSED" && !error.body?.nearest) return false;
  showRefusal(error, {
    what: `${one.customer}, ${one.serviceName}, stays where it was.`,
    instead: (slot) => move(one, { start: slot.start, employee: slot.employee, ...(to.end && to.start !== undefined ? { end: slot.start + to.end - to.start } : {}) }),
    despite: (codes) => move(one, to, { despite: codes }),
  });
  return true;
}

export function become(one, status, reason = "") {
  return change(routeTo(one, "status"), { status, reason, seen: one.version });
}

export function note(one, notes) {
  return change(routeTo(one, "notes"), { notes, seen: one.version });
}
