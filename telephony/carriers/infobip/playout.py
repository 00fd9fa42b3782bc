"""Sends the agent's audio at the pace of speech: one task a call, with the pacer's arithmetic and a real clock."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from telephony.carriers.infobip.codec import CLEAR
from telephony.carriers.infobip.pacer import Pacer

logger = logging.getLogger(__name__)

Send = Callable[[str | bytes], Awaitable[None]]

MOST_WAITING_S = 120.0
"""Agents send faster than speech, but no reply is so long."""
POLL_S = 0.02


class Playout:
    """Stands between the bridge and the socket. `send` never waits for the pace."""

    def __init__(self, send: Send, pacer: Pacer, clock: Callable[[], float] = time.monotonic) -> None:
        self._send, self._pacer, self._clock = send, pacer, clock
        self._wake = asyncio.Event()
        self._overflowed = False

    async def send(self, message: str | bytes) -> None:
        if isinstance(message, str):
            if message == CLEAR:
                self.clear()
            await self._send(message)
        elif self._pacer.waiting_s < MOST_WAITING_S:
            self._pacer.add(message)
            self._wake.set()
        elif not self._overflowed:
            self._overflowed = True
            logger.warning("More than %g s of speech wait to be played: the rest is lost", MOST_WAITING_S)

    def clear(self) -> float:
        """Forget what is not played; how many seconds that is. The carrier is told by the bridge's own message."""
        return self._pacer.clear(self._clock())

    @property
    def played_seconds(self) -> float:
        return self._pacer.played_seconds(self._clock())

    async def drained(self) -> None:
        """Until everything has been played."""
        self._pacer.end_turn()
        self._wake.set()
        # Polled: an interruption may shorten it, and more speech make it longer.
        while (left := self._pacer.left_s(self._clock())) > 0:  # noqa: ASYNC110
            await asyncio.sleep(max(left, POLL_S))

    async def run(self) -> None:
        """Until cancelled."""
        loop, pacer, wake = asyncio.get_running_loop(), self._pacer, self._wake
        while True:
            while (frame := pacer.next_frame(self._clock())) is not None:
                await self._send(frame)
            wait = pacer.next_at() - self._clock()
            timer = None if math.isinf(wait) else loop.call_later(max(wait, 0.0), wake.set)
            await wake.wait()
            wake.clear()
            if timer is not None:
                timer.cancel()


@asynccontextmanager
async def playing(send: Send, pacer: Pacer) -> AsyncIterator[Playout]:
    playout = Playout(send, pacer)
    task = asyncio.create_task(playout.run(), name="playout")
    try:
        yield playout
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
