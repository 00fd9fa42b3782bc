"""What follows an event and asks Infobip for something: done after the event was answered, which cannot wait."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from django.db import close_old_connections, connection

logger = logging.getLogger(__name__)

MOST_WAITING = 500

_threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="infobip")
_counting = threading.Condition()
_under_way = 0
_timers: dict[object, threading.Timer] = {}


def run(work: Callable[[], object], *, after_s: float = 0.0) -> None:
    """Never raises. An errand that is lost with the process leaves a caller to the sweep, as a lost call is."""
    global _under_way  # noqa: PLW0603 - one count for the process
    with _counting:
        if _under_way >= MOST_WAITING:
            logger.error("Too many calls wait for Infobip: an errand was dropped")
            return
        _under_way += 1
    if after_s:
        timer = threading.Timer(after_s, _threads.submit, [partial(_do, work)])
        timer.daemon = True
        timer.start()
    else:
        _threads.submit(_do, work)


def later(name: object, work: Callable[[], object], after_s: float) -> None:
    """In place of what was to be done later under this name; nobody waits for it, and it is lost with the process."""
    forget(name)
    timer = threading.Timer(after_s, run, [work])
    timer.daemon = True
    _timers[name] = timer
    timer.start()


def forget(name: object) -> None:
    timer = _timers.pop(name, None)
    if timer is not None:
        timer.cancel()


def finish(timeout_s: float = 10.0) -> bool:
    """Wait until none is under way. Whether that was so in time."""
    with _counting:
        return _counting.wait_for(lambda: _under_way == 0, timeout_s)


def _do(work: Callable[[], object]) -> None:
    global _under_way  # noqa: PLW0603 - one count for the process
    close_old_connections()
    try:
        work()
    except Exception:
        logger.exception("What Infobip should have been asked for was not")
    finally:
        connection.close()
        with _counting:
            _under_way -= 1
            _counting.notify_all()
