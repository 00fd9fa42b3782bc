"""Lets streams in: each uses up its token, and of a business whose calls come all at once, many go together.

A stream alone costs a thread and a message to the database. Threads have their turns when the audio pauses, and a
process that carries hundreds of calls pauses rarely: those who come while others are being let in share one turn.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from django.db import Error

from telephony import calls
from telephony.errors import StreamRefused
from telephony.frames import StreamStarted
from tenants.scoping import in_thread

AT_ONCE = 4
"""Messages under way for one business: a call that somebody else is writing about keeps one of them waiting."""
TOGETHER = 50

_Waiting = tuple[StreamStarted, asyncio.Future[calls.ClaimedCall]]


async def let_in(started: StreamStarted, carrier: str) -> calls.ClaimedCall:
    """Raises StreamRefused."""
    tenant_id = calls.told_tenant(started)
    if tenant_id is None:
        return await in_thread(calls.claim_stream, started, carrier=carrier)
    key = tenant_id, carrier
    turnstile = _turnstiles.get(key) or _turnstiles.setdefault(key, _Turnstile(tenant_id, carrier))
    return await turnstile.let_in(started)


class _Turnstile:
    """One business's. It stands there while somebody passes."""

    def __init__(self, tenant_id: UUID, carrier: str) -> None:
        self._tenant_id = tenant_id
        self._carrier = carrier
        self._waiting: list[_Waiting] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def let_in(self, started: StreamStarted) -> calls.ClaimedCall:
        outcome: asyncio.Future[calls.ClaimedCall] = asyncio.get_running_loop().create_future()
        self._waiting.append((started, outcome))
        if len(self._under_way) < AT_ONCE:
            task = asyncio.create_task(self._work(), name="turnstile")
            self._under_way.add(task)
            task.add_done_callback(self._done)
        return await outcome

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not self._under_way:
            del _turnstiles[self._tenant_id, self._carrier]

    async def _work(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
            if len(group) > 1:
                group = await self._let_in_together(group)
            await asyncio.gather(*(self._let_in_alone(*one) for one in group))

    async def _let_in_together(self, group: Sequence[_Waiting]) -> list[_Waiting]:
        """Who is left."""
        try:
            claimed = await in_thread(
                calls.claim_streams,
                self._tenant_id,
                [started for started, _ in group],
                carrier=self._carrier,
            )
        except Error as error:
            for _, outcome in group:
                _tell(outcome, error)
            return []
        for (_, outcome), one in zip(group, claimed, strict=True):
            if one is not None:
                _tell(outcome, one)
        return [waiting for waiting, one in zip(group, claimed, strict=True) if one is None]

    async def _let_in_alone(self, started: StreamStarted, outcome: asyncio.Future[calls.ClaimedCall]) -> None:
        try:
            _tell(outcome, await in_thread(calls.claim_stream, started, carrier=self._carrier))
        except (StreamRefused, Error) as error:
            _tell(outcome, error)


def _tell(outcome: asyncio.Future[calls.ClaimedCall], what: calls.ClaimedCall | Exception) -> None:
    if outcome.done():  # its stream has given up
        return
    if isinstance(what, Exception):
        outcome.set_exception(what)
    else:
        outcome.set_result(what)


_turnstiles: dict[tuple[UUID, str], _Turnstile] = {}
