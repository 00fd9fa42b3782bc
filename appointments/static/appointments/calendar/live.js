// Is the page still true? A small question every so often, as long as somebody may be looking.

import { ask } from "./api.js";
import { underWay } from "./doing.js";
import { gesture } from "./drag.js";
import { daysShown, firstShown, state } from "./state.js";

const EVERY_MS = 1500;
const AT_WORST_MS = 15_000;

export function watchOver(reload, trouble) {
  let pause = EVERY_MS;
  let timer = 0;

  async function look() {
    clearTimeout(timer);
    if (document.hidden) return; // until it is shown again
    try {
      // What somebody drags stays in their hand, and what is on its way to the server arrives first.
      if (state.data && !gesture.isOn && !underWay.count) {
        const { version } = await ask("version/", { first: firstShown(), days: daysShown() });
        if (version !== state.data.version && !gesture.isOn && !underWay.count) await reload();
      }
      pause = EVERY_MS;
      trouble("");
    } catch (error) {
      pause = Math.min(pause * 2, AT_WORST_MS);
      trouble(error.message);
    }
    timer = setTimeout(look, pause);
  }

  document.addEventListener("visibilitychange", look);
  timer = setTimeout(look, EVERY_MS);
}
