"""How many files a process may have open: each call takes two or more, and without one left nobody new gets in."""

import fcntl
import logging
import os
import resource
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

ENOUGH = 65_536
FEWEST_LEFT, SHARE_LEFT = 16, 10
"""Open files are scarce when fewer than so many, or than the tenth part, are left."""
SAID_AGAIN_SECONDS = 60.0


def allow_many() -> None:
    """Shells and systemd begin with 1,024, and leave it to whoever needs more to say so."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if most == resource.RLIM_INFINITY else min(most, ENOUGH)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


class OpenFiles:
    """Of this process, looked at once a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._mine = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._next_word = 0.0

    def look(self) -> None:
        """Say so where they are scarce: the event loop itself closes whoever it cannot let in, without a word."""
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        now = self._clock()
        if now < self._next_word or not self._are_scarce(allowed):
            return
        self._next_word = now + SAID_AGAIN_SECONDS
        logger.error(
            "Of %d files that this process may have open hardly any is left: new calls are turned away. Live ones "
            "go on. Allow it more (ulimit -n, LimitNOFILE), or run more processes",
            allowed,
        )

    def _are_scarce(self, allowed: int) -> bool:
        """The lowest number that is free tells it: the kernel takes that first."""
        if allowed == resource.RLIM_INFINITY:
            return False
        try:
            lowest = fcntl.fcntl(self._mine, fcntl.F_DUPFD_CLOEXEC, 0)
        except OSError:
            return True
        os.close(lowest)
        return lowest >= allowed - max(FEWEST_LEFT, allowed // SHARE_LEFT)

    def close(self) -> None:
        os.close(self._mine)
