"""The calls that this process carries at this moment: what a shutdown waits for and readiness reports."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

_calls: set[UUID] = set()
_draining = False


@contextmanager
def call(call_id: UUID) -> Iterator[None]:
    _calls.add(call_id)
    try:
        yield
    finally:
        _calls.discard(call_id)


def count() -> int:
    return len(_calls)


def start_draining() -> None:
    """No new calls: readiness says so from now on."""
    global _draining  # noqa: PLW0603 - one process, one flag
    _draining = True


def is_draining() -> bool:
    return _draining
