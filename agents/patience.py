"""Database work that an answer does not wait for longer than it can: a caller may be listening to silence.

Work inside an open transaction stays on its own thread: another thread would see another state of the database.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial
from typing import TypeVar

from django.db import Error as DatabaseError
from django.db import close_old_connections, connection

logger = logging.getLogger(__name__)

T = TypeVar("T")

READERS = 4
"""A thread that waits for a stopped database is lost until it moves again: these many, and no more."""
MAX_WAITING_WRITES = 500
RETRY_PAUSES_S = (1.0, 5.0, 15.0)

_readers = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="reader")
_free_readers = threading.BoundedSemaphore(READERS)
_writers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="behind")
_counting = threading.Lock()
_waiting = 0


class TooSlow(Exception):
    """The database did not answer in time."""


def in_transaction() -> bool:
    """Whether what is read now may never be committed, and must not be remembered."""
    return connection.in_atomic_block


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns or raises. Raises TooSlow when that takes longer; the work then ends unheard."""
    if in_transaction():
        return work()
    deadline = time.monotonic() + seconds
    if not _free_readers.acquire(timeout=seconds):
        raise TooSlow
    future = _readers.submit(partial(_freeing_a_reader, work))
    try:
        return future.result(timeout=max(0.0, deadline - time.monotonic()))
    except FutureTimeout:
        raise TooSlow from None


def behind(work: Callable[[], object]) -> None:
    """Do it after the answer. Lost if the process dies first, or if too much waits already."""
    if in_transaction():
        work()
        return
    if not _change_waiting(1):
        logger.warning("Too much waits to be written: an entry was dropped")
        return
    _writers.submit(partial(_persistently, work))


def writes_waiting() -> int:
    """How much is still to be written behind answers."""
    return _waiting


def _freeing_a_reader(work: Callable[[], T]) -> T:
    try:
        return _on_a_fresh_connection(work)
    finally:
        _free_readers.release()


def _on_a_fresh_connection(work: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return work()
    finally:
        connection.close()


def _persistently(work: Callable[[], object]) -> None:
    """Once more and once more where the database was away; whatever else goes wrong would go wrong again."""
    try:
        for pause in RETRY_PAUSES_S:
            try:
                _on_a_fresh_connection(work)
                return
            except DatabaseError:
                time.sleep(pause)
        _on_a_fresh_connection(work)
    except Exception:
        logger.exception("What should be written behind an answer could not be")
    finally:
        _change_waiting(-1)


def _change_waiting(by: int) -> bool:
    """False, and no change, where that would be too many."""
    global _waiting  # noqa: PLW0603 - one count for the process
    with _counting:
        if _waiting + by > MAX_WAITING_WRITES:
            return False
        _waiting += by
        return True
