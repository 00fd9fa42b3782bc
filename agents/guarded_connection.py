"""`websockets`' client connection with a bound on what waits to be sent."""

from websockets.asyncio.client import ClientConnection

MAX_UNSENT_BYTES = 1024 * 1024


class GuardedConnection(ClientConnection):
    """Whoever sends waits for a peer that reads slowly, but pings are answered all the same: in memory, unbounded."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.transport.abort()
