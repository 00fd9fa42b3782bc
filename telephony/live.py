"""The calls that this process carries at this moment: what a shutdown waits for and readiness reports."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from prometheus_client import Counter, Gauge

_calls: dict[UUID, Callable[[str], None]] = {}
_draining = False

tasks = Gauge("tonris_tasks", "What goes on at once in this process: asyncio tasks")
live_calls = Gauge("tonris_live_calls", "Calls that this process carries now")
live_calls.set_function(lambda: len(_calls))
ended_calls = Counter("tonris_calls_ended", "Calls that this process has carried", ["outcome"])
refused_streams = Counter("tonris_streams_refused", "Media sockets without a valid token")


def count_tasks_of(loop: asyncio.AbstractEventLoop) -> None:
    """For the metrics, which are asked for on other threads."""
    tasks.set_function(lambda: len(asyncio.all_tasks(loop)))


@contextmanager
def call(call_id: UUID, leave: Callable[[str], None]) -> Iterator[None]:
    """A call is under way here; `leave` ends its stream with an outcome, and its carrier asks what is next."""
    _calls[call_id] = leave
    try:
        yield
    finally:
        del _calls[call_id]


def hand_on() -> None:
    """The time to drain is over: every stream ends, and the callers are given somebody else."""
    for leave in list(_calls.values()):
        leave("drained")


def count() -> int:
    return len(_calls)


def start_draining() -> None:
    """No new calls: readiness says so from now on."""
    global _draining  # noqa: PLW0603 - one process, one flag
    _draining = True


def is_draining() -> bool:
    return _draining
