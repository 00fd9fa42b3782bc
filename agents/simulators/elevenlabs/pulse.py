"""Signs of life: pings out, pongs back, and the caller's audio in between."""

import asyncio

from agents.simulators.elevenlabs import protocol
from agents.simulators.elevenlabs.behaviour import Behaviour
from agents.simulators.elevenlabs.outbox import Outbox
from agents.simulators.elevenlabs.session import Session


class Pulse:
    def __init__(self, outbox: Outbox, session: Session, behaviour: Behaviour) -> None:
        self._outbox = outbox
        self._session = session
        self._behaviour = behaviour
        self._clock = asyncio.get_running_loop().time
        self._unanswered: dict[int, float] = {}
        self._input_at = self._clock()
        self._last_trip_ms: int | None = None  # the first ping carries null

    def input_came(self) -> None:
        self._input_at = self._clock()

    def pong(self, event_id: int) -> None:
        sent_at = self._unanswered.pop(event_id, None)
        if sent_at is None:
            self._session.violations.append(f"pong for a ping that was not waiting: {event_id}")
            return
        self._session.pongs.append(event_id)
        self._last_trip_ms = round((self._clock() - sent_at) * 1000)

    async def run(self) -> None:
        """Returns when no audio has come for the time that the vendor allows."""
        while self._clock() - self._input_at < self._behaviour.input_timeout_s:
            if self._behaviour.pings:
                await self._ping()
            await asyncio.sleep(min(self._behaviour.ping_interval_s, self._behaviour.input_timeout_s))
            self._note_missing_pongs()

    async def _ping(self) -> None:
        event_id = self._outbox.next_id()
        self._unanswered[event_id] = self._clock()
        await self._outbox.send(protocol.ping(event_id, self._last_trip_ms))

    def _note_missing_pongs(self) -> None:
        limit_s = self._behaviour.pong_timeout_s
        now = self._clock()
        for event_id in [each for each, sent_at in self._unanswered.items() if now - sent_at > limit_s]:
            del self._unanswered[event_id]
            self._session.violations.append(f"no pong for ping {event_id} within {limit_s:g} s")
