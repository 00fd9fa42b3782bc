"""The way out: event ids that only rise, and only those events that the agent's settings let through."""

from agents.simulators.elevenlabs.protocol import Json
from agents.simulators.elevenlabs.wire import Wire

_ALWAYS = frozenset({"error"})


class Outbox:
    def __init__(self, wire: Wire, client_events: frozenset[str]) -> None:
        self._wire = wire
        self._events = client_events | _ALWAYS
        self._last_id = 0

    def next_id(self) -> int:
        """One counter for replies and pings alike, as captured from a live agent."""
        self._last_id += 1
        return self._last_id

    async def send(self, message: Json) -> None:
        if message["type"] in self._events:
            await self._wire.send(message)

    async def send_raw(self, frame: str | bytes) -> None:
        await self._wire.send_raw(frame)
