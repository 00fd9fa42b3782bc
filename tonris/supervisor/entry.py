"""The way in: one at a time, on a clean ground, at a free address."""

from __future__ import annotations

import os
from collections.abc import Callable

from .address import DEFAULT_PORT, choose_port, reachable
from .console import Console
from .leftovers import end_leftovers
from .lock import up_lock
from .plan import Plan
from .run import Supervisor


class AlreadyRunning(Exception):
    """Another `up` has this checkout; the message says where."""


def bring_up(
    plan_for: Callable[[int], Plan],
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    place_call: bool = True,
    once: bool = False,
    summary: Callable[[str], str] = lambda url: f"TONRIS is up: {url}",
) -> int:
    """Run TONRIS until it is stopped; the exit code. `plan_for` is given the port that was chosen.

    AlreadyRunning, AddressError or HomeError if it cannot even begin.
    """
    lock = up_lock()
    if not lock.acquire():
        raise AlreadyRunning(lock.refusal())
    try:
        console = Console()
        end_leftovers(console)
        chosen = choose_port(host, port)
        if port is None and chosen != DEFAULT_PORT:
            console.line(f"  Port {DEFAULT_PORT} is in use by another program; using {chosen}.")
        lock.announce(os.environ.get("APP_BASE_URL") or f"http://{reachable(host)}:{chosen}")
        return Supervisor(
            plan_for(chosen),
            console,
            host=host,
            port=chosen,
            place_call=place_call,
            once=once,
            summary=lambda url: console.line(summary(url)),
        ).run()
    finally:
        lock.release()
