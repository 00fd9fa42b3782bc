"""A call ends when its last words have been heard: agents send faster than speech."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from telephony.codec import Codec, Playout
from telephony.signal import Signal

logger = logging.getLogger(__name__)

LAST_WORDS = "last-words"
"""The mark that comes back when they have been."""
ECHO_SECONDS = 2.0
"""By our own clock it may all have been played: the carrier's is behind by the way that audio takes."""


class LastWords:
    def __init__(
        self, codec: Codec, send_mark: Callable[[str], Awaitable[None]], playout: Playout | None
    ) -> None:
        self._codec = codec
        self._send_mark = send_mark
        self._playout = playout
        self._played = Signal()

    def were_played(self) -> None:
        self._played.set()

    async def drain(self, played_out_at: float) -> None:
        """Until the carrier has played all that it was sent; by our clock it has at `played_out_at`."""
        left = max(played_out_at - time.monotonic(), 0.0)
        if self._playout is not None:
            await self._playout.drained()
        elif not self._codec.confirms_playback:
            await asyncio.sleep(left)
        else:
            await self._send_mark(LAST_WORDS)
            await self._echo(left + ECHO_SECONDS)

    async def _echo(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._played.wait()
        except TimeoutError:
            logger.info("The carrier did not confirm that the last words were played")
