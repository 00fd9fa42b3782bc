"""What must go on as long as calls do: the slots that are held for them, and the sign that somebody carries them."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from django.db import Error as DatabaseError

from appointments import holds
from telephony import calls
from tenants.scoping import in_thread, platform_scope

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
"""Well within the shortest time that a business may keep a slot for a call."""

BEATS_A_SIGN = 4
"""A sign that somebody carries the call rewrites its row: not with every beat."""

_holders: set[str] = set()
_heart: asyncio.Task[None] | None = None


@asynccontextmanager
async def beating_for(holder: str) -> AsyncIterator[None]:
    """Keep what is held for a call held while it lives: one statement for all calls of the process."""
    global _heart  # noqa: PLW0603 - one for the process
    _holders.add(holder)
    if _heart is None:
        _heart = asyncio.create_task(_beat(), name="heartbeat")
    try:
        yield
    finally:
        _holders.discard(holder)
        if not _holders and _heart is not None:
            heart, _heart = _heart, None
            heart.cancel()
            await asyncio.gather(heart, return_exceptions=True)


async def _beat() -> None:
    for beat in itertools.count(1):
        await asyncio.sleep(BEAT_SECONDS)
        try:
            await in_thread(_refresh, sorted(_holders), sign=beat % BEATS_A_SIGN == 1)
        except DatabaseError:
            logger.warning("What is held for live calls could not be kept held")


def _refresh(holders: list[str], *, sign: bool) -> None:
    with platform_scope():
        holds.refresh_live(holders)
        if sign:
            calls.seen(holders)
