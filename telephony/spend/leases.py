"""The time that this process's live calls have been granted, and the one task that asks for more of it.

Between two ticks a lease is arithmetic on a clock. A database that is away renews nothing: a call with a cap goes on
until its lease is over, at least a minute, and a call without one for as long as it likes.
"""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from django.db import Error as DatabaseError

from telephony.spend import meters
from telephony.spend.caps import TICK_SECONDS
from tenants.scoping import in_tenant

logger = logging.getLogger(__name__)

GATHER_SECONDS = 1.0
"""For which a call that begins waits for others, to have its meter read with theirs: each reading is a transaction."""
LAST_WORDS_SECONDS = 5.0
"""Kept back from what is granted: the agent's last sentence belongs to it."""


class Lease:
    """One live call's."""

    def __init__(
        self,
        tenant_id: UUID,
        call_id: UUID,
        granted_seconds: int | None,
        clock: Callable[[], float] = time.monotonic,
        *,
        used_seconds: int = 0,
    ) -> None:
        """`used_seconds` of an agent that goes on with a call: the meter does not begin anew."""
        self.tenant_id, self.call_id = tenant_id, call_id
        self.granted_seconds = granted_seconds
        self._clock = clock
        self._began = clock() - used_seconds

    @property
    def used_seconds(self) -> int:
        """A second that has begun counts."""
        return math.ceil(self._clock() - self._began)

    def seconds_left(self) -> float:
        """Until the agent's last words."""
        if self.granted_seconds is None:
            return math.inf
        return self.granted_seconds - LAST_WORDS_SECONDS - (self._clock() - self._began)


_leases: dict[UUID, Lease] = {}
_new: list[Lease] = []
_wake = asyncio.Event()
_ticker: asyncio.Task[None] | None = None


@asynccontextmanager
async def ticking(lease: Lease) -> AsyncIterator[None]:
    """While this lasts the call's meter is read, and its lease renewed. Whoever ends the call settles it."""
    global _ticker, _wake  # noqa: PLW0603 - one for the process
    _leases[lease.call_id] = lease
    _new.append(lease)
    if _ticker is None:
        _wake = asyncio.Event()  # of this loop
        _ticker = asyncio.create_task(_tick_on(), name="spend")
    _wake.set()
    try:
        yield
    finally:
        _leases.pop(lease.call_id, None)
        if not _leases and _ticker is not None:
            ticker, _ticker = _ticker, None
            _new.clear()
            ticker.cancel()
            await asyncio.gather(ticker, return_exceptions=True)


async def _tick_on() -> None:
    """All of them every tick, and each one soon after it began."""
    due = time.monotonic() + TICK_SECONDS
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(due - time.monotonic(), 0)):
                await _wake.wait()
        if time.monotonic() < due:
            await asyncio.sleep(GATHER_SECONDS)
        _wake.clear()
        fresh, _new[:] = list(_new), []
        if time.monotonic() >= due:
            due, fresh = time.monotonic() + TICK_SECONDS, list(_leases.values())
        await _renew(fresh)


async def _renew(leases: list[Lease]) -> None:
    of_tenant: dict[UUID, list[Lease]] = {}
    for lease in leases:
        of_tenant.setdefault(lease.tenant_id, []).append(lease)
    await asyncio.gather(*(_renew_of(tenant_id, of) for tenant_id, of in of_tenant.items()))


async def _renew_of(tenant_id: UUID, leases: list[Lease]) -> None:
    readings = {lease.call_id: lease.used_seconds for lease in leases}
    try:
        granted = await in_tenant(tenant_id, meters.read, tenant_id, readings)
    except DatabaseError:
        logger.warning("The meters of %d live calls could not be read", len(leases))
        return
    for lease in leases:
        if lease.call_id in granted:
            lease.granted_seconds = granted[lease.call_id]
