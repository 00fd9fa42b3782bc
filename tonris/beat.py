"""Beat, which gives out no more tasks once nobody takes them: Redis refuses when it is full, and calls need it."""

import logging
from typing import Any

from celery.beat import PersistentScheduler
from redis.exceptions import RedisError

from tonris import signs

logger = logging.getLogger(__name__)

MOST_WAITING = 1000
"""What beat gives out in a quarter of an hour. Each is a round, and the next one does what this would have done."""


class Scheduler(PersistentScheduler):
    _paused = False

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        paused = _is_full()
        if paused and not self._paused:
            logger.warning("%d tasks wait: beat gives out no more until workers take some", MOST_WAITING)
        self._paused = paused
        if not paused:
            super().apply_entry(entry, producer)


def _is_full() -> bool:
    try:
        return signs.waiting() >= MOST_WAITING
    except RedisError:
        return False  # to give out the task fails, too, and is told
