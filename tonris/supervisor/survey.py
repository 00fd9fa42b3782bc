"""What of TONRIS runs in this checkout, whoever started it; and an end to all of it."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator

from tonris.embedded import find_running, processes, server_directories, servers_place
from tonris.home import home, read_state, write_state

from . import leftovers
from .lock import up_lock

UP_SECONDS = 60.0


class StopFailed(Exception):
    """Something goes on running; the message says what."""


def status() -> Iterator[str]:
    """One line for each process: name, pid, address, version."""
    rows = [*_rows()]
    if not rows:
        yield "Nothing of TONRIS runs here. `make run` starts it."
    for name, pid, address, version in rows:
        yield f"{name:<16} {pid:>8}  {address:<28} {version}".rstrip()


def stop_everything() -> Iterator[str]:
    """Stop `up` if it runs, then whatever was left over; one line for each."""
    holder = up_lock().holder()
    if holder:
        yield f"Asking `up` (process {holder[0]}) to stop"
        _stop_up(holder[0])
    names = leftovers.stop_children(read_state())
    for found in [*find_running()]:
        found.stop()
        names.append(f"{found.name} ({found.version})")
    write_state({})
    for name in names:
        yield f"Stopped {name}"
    if not holder and not names:
        yield "Nothing of TONRIS was running here."


def erase() -> Iterator[str]:
    """Remove the local databases, and the programs that were copied for them. Nothing may run any more."""
    place = servers_place()
    for path in server_directories(place):
        shutil.rmtree(path)
        yield f"Removed {path}"
    if place.root != home():
        place.root.rmdir()


def _stop_up(pid: int) -> None:
    if pid:
        os.kill(pid, signal.SIGTERM)
    if not pid or not processes.wait_gone(pid, UP_SECONDS):
        raise StopFailed(f"`up` (process {pid}) goes on running; a call may be under way. Try again later.")


def _rows() -> Iterator[tuple[str, int, str, str]]:
    state = read_state()
    url = str(state.get("app_base_url", ""))
    simulators = [str(state[key]) for key in state if key.endswith("_base_url") and key != "app_base_url"]
    addresses = {"web": url, "simulators": next(iter(simulators), "")}
    if holder := up_lock().holder():
        yield "up", holder[0], holder[1], ""
    for name, pid in leftovers.find_children(state):
        yield "web, media" if name == "web" else name, pid, addresses.get(name, ""), ""
    for found in find_running():
        yield found.name, found.pid, found.address, found.version
