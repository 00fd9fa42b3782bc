"""Children of an `up` that was killed: found by what it wrote down, ended before the next one starts."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from typing import Any

from tonris.embedded import processes
from tonris.home import read_state, write_state

from .console import Console

STEPS = ((signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0))


def find_children(state: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """(name, pid) of the recorded children that still run. A pid with another command is somebody else's."""
    commands, pids = state.get("commands"), state.get("pids")
    if isinstance(commands, dict) and isinstance(pids, dict):
        for name, words in commands.items():
            if _members(pids.get(name, 0), words):
                yield name, pids[name]


def stop_children(state: Mapping[str, Any]) -> list[str]:
    """End the recorded children, with what they started; the names of those that still ran."""
    names = []
    for name, pid in list(find_children(state)):
        words = state["commands"][name]
        if processes.is_running(pid, words):
            processes.stop(pid, STEPS)
        for member in _members(pid, words):
            processes.stop(member, STEPS[1:])
        names.append(name)
    return names


def end_leftovers(console: Console) -> None:
    """Make way for a new `up`, and say so if there was something in it."""
    state = read_state()
    if [*find_children(state)]:
        with console.step("Ending processes of an earlier run") as step:
            step.text = "Ended what an earlier run left: " + ", ".join(stop_children(state))
    if state:
        write_state({})


def _members(pid: int, words: list[str]) -> list[int]:
    """The process and those it forked, which carry its command line and may have survived it."""
    candidates = {pid, *processes.group_members(pid)} if pid > 0 else set()
    return [candidate for candidate in candidates if processes.is_running(candidate, words)]
