"""What a bridge cannot go below in this event loop: bytes from one socket to the other, unread.

python -m benchmarks.media_relay PORT AGENT_PORT
"""

import asyncio
import sys
from typing import Any


class End(asyncio.Protocol):
    """One socket of a pair."""

    transport: asyncio.Transport
    other: "End | None" = None
    _early = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._early += data
        else:
            self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None:
            self.other.transport.close()

    def pair_with(self, other: "End") -> None:
        self.other, other.other = other, self
        if self._early:
            other.transport.write(self._early)


class CallersEnd(End):
    def __init__(self, agent_port: int) -> None:
        self._agent_port = agent_port

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._dialling = asyncio.create_task(self._dial())

    async def _dial(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, agent = await loop.create_connection(End, "127.0.0.1", self._agent_port)
        except OSError:  # somebody only looks whether we listen, and there is no agent yet
            self.transport.close()
        else:
            self.pair_with(agent)


async def main() -> None:
    port, agent_port = (int(argument) for argument in sys.argv[1:3])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: CallersEnd(agent_port), "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
