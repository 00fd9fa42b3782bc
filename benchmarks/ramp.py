"""How many calls one core carries before one frame in a hundred is more than 20 ms late, beside Node's `ws`.

Takes minutes, and runs only when it is asked for by name. Calls are added until it is too much, then the middle between
what went and what did not is tried. The load is one process on one core: where it is late itself, the bridge could
have carried more.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from subprocess import SubprocessError

from benchmarks import media

P99_MS = 20.0
FIRST, MOST = 200, 1600
STEP = 1.5
RESOLUTION = 0.1
LATE_MS = 10.0
"""A load that is later than this is no measure of what it loads."""
NAMES = (media.NODE, "fast lane")
HEADINGS = ("calls a core, p99 under 20 ms", "calls", "x Node", "")


set_up = media.set_up


def run(_subject: None) -> Iterator[media.Line]:
    core, *_, load_core = *media.cores(), *media.cores()
    bridges = media.serving_each(core)
    carried: dict[str, int] = {}
    for name in NAMES:
        if name not in bridges:
            continue
        most, why = _most(bridges[name], load_core)
        carried[name] = most
        node = carried.get(media.NODE)
        yield name, str(most), f"{most / node:.2f}" if node else "-", why


def _most(serve: Callable[[], AbstractContextManager[media.Running]], core: int) -> tuple[int, str]:
    went, too_many, calls, why = 0, 0, FIRST, ""
    while True:
        problem = _problem(serve, calls, core)
        sys.stderr.write(f"  {calls} calls: {problem or 'carried'}\n")
        if problem:
            too_many, why = calls, problem
        else:
            went = calls
        if not too_many and went >= MOST:
            return went, "and perhaps more"
        if too_many and too_many - went <= max(10, went * RESOLUTION):
            return went, f"at {too_many}: {why}"
        calls = (went + too_many) // 2 if too_many else min(MOST, int(went * STEP))


def _problem(serve: Callable[[], AbstractContextManager[media.Running]], calls: int, core: int) -> str:
    """What was wrong with so many calls; "" when nothing was."""
    try:
        with serve() as bridge:
            found = media.measure(bridge, calls, core)
    except SubprocessError as error:
        return f"the load failed: {type(error).__name__}"
    worst = max(found[way][media.P99] for way in ("up", "down"))
    if found["unanswered"] or found["lost"]:
        return f"{found['unanswered']} unanswered, {found['lost']} frames lost"
    if worst >= P99_MS:
        late = f", the load itself late by {found['late_ms']:.0f} ms" if found["late_ms"] > LATE_MS else ""
        return f"p99 {worst:.0f} ms{late}"
    return ""
