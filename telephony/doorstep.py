"""Media sockets that have not proved yet whose they are: so many at once, and no more."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Gauge

from telephony.errors import StreamRefused

ROOM = 1024
"""Each stands here for the time of two looks at the database, or for three seconds when it says nothing."""
MESSAGES = 100
"""Before its `start` a carrier has one thing to say: that it is connected."""

_standing = 0

waiting = Gauge("tonris_streams_waiting", "Media sockets that have not proved themselves yet")
waiting.set_function(lambda: _standing)


def count() -> int:
    return _standing


@contextmanager
def standing() -> Iterator[None]:
    """Raises StreamRefused when there is no room."""
    global _standing  # noqa: PLW0603 - one count for the process
    if _standing >= ROOM:
        raise StreamRefused("too many sockets wait to be let in")
    _standing += 1
    try:
        yield
    finally:
        _standing -= 1
