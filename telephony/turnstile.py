"""Lets streams in: each uses up its token, and of a business whose calls come all at once, many go together.

A stream alone costs a message to the database. Those who come while others are being let in share the next one.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from telephony import calls
from telephony.frames import StreamStarted

AT_ONCE = 4
"""Messages under way for one business: a call that somebody else is writing about keeps one of them waiting."""
TOGETHER = 50

_Outcome = asyncio.Future[calls.ClaimedCall]
_Waiting = tuple[StreamStarted, _Outcome]


async def let_in(started: StreamStarted, carrier: str) -> calls.ClaimedCall:
    """Raises StreamRefused."""
    key = calls.told_tenant(started), carrier
    turnstile = _turnstiles.get(key) or _turnstiles.setdefault(key, _Turnstile(*key))
    return await turnstile.let_in(started)


class _Turnstile:
    """One business's, or that of all streams that name none. It stands there while somebody passes."""

    def __init__(self, tenant_id: UUID | None, carrier: str) -> None:
        self._tenant_id = tenant_id
        self._carrier = carrier
        self._waiting: list[_Waiting] = []
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def let_in(self, started: StreamStarted) -> calls.ClaimedCall:
        outcome: _Outcome = asyncio.get_running_loop().create_future()
        self._waiting.append((started, outcome))
        if self._under_way < AT_ONCE:
            self._under_way += 1
            task = asyncio.create_task(self._work(), name="turnstile")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await outcome

    async def _work(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
                if len(group) > 1:
                    group = await self._let_in_together(group)
                if group:
                    await asyncio.wait([self._let_in_alone(*one) for one in group])
        finally:  # in the same step as the last look at who waits: whoever comes next begins anew
            self._under_way -= 1
            if not self._under_way:
                del _turnstiles[self._tenant_id, self._carrier]

    async def _let_in_together(self, group: Sequence[_Waiting]) -> list[_Waiting]:
        """Who is left."""
        streams = [started for started, _ in group]
        asked = asyncio.ensure_future(calls.claim_streams(self._tenant_id, streams, carrier=self._carrier))
        await asyncio.wait([asked])
        if error := asked.exception():
            for _, outcome in group:
                _tell(outcome, error)
            return []
        left: list[_Waiting] = []
        for waiting, claimed in zip(group, asked.result(), strict=True):
            if claimed is None:
                left.append(waiting)
            else:
                _tell(waiting[1], claimed)
        return left

    def _let_in_alone(self, started: StreamStarted, outcome: _Outcome) -> _Outcome:
        asked = asyncio.ensure_future(calls.claim_stream(started, carrier=self._carrier))
        asked.add_done_callback(lambda _: _tell(outcome, asked.exception() or asked.result()))
        return asked


def _tell(outcome: _Outcome, what: calls.ClaimedCall | BaseException) -> None:
    if outcome.done():  # its stream has given up
        return
    if isinstance(what, BaseException):
        outcome.set_exception(what)
    else:
        outcome.set_result(what)


_turnstiles: dict[tuple[UUID | None, str], _Turnstile] = {}
