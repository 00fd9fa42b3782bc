"""The lane on the callers' way in: uvicorn's own WebSocket protocol with a cutter in front.

Offered to the application in the scope's extensions; a server that has none serves the same calls the ordinary way.
"""

from typing import Any, Protocol

from asgiref.typing import WebSocketScope
from uvicorn._types import ASGIReceiveEvent
from websockets.http11 import Request
from websockets.protocol import Protocol as SansIO
from websockets.protocol import State

from agents.fast_lane import SendsNow, Take
from agents.fast_lane.cutter import Cutter, server_frame
from telephony.guarded_socket import GuardedProtocol
from telephony.shortcut import Shortcut

EXTENSION = "tonris.fast_lane"
LANE_BYTES = 64 * 1024


class CarrierLane(SendsNow, Protocol):
    """What the consumer of a media socket sees of it."""

    shortcut: Shortcut | None

    def open_lane(self, take: Take, *, binary: bool = False) -> None: ...
    def close_lane(self) -> None: ...
    def lend(self) -> int: ...
    def take_back(self, read: bytes) -> None: ...


def lane_of(scope: WebSocketScope) -> CarrierLane | None:
    """The lane of this socket, where the server has one."""
    extensions: dict[str, Any] = scope.get("extensions") or {}
    lane: CarrierLane | None = extensions.get(EXTENSION)
    return lane


class LaneProtocol(Cutter, GuardedProtocol):
    """For `uvicorn.Config(ws=LaneProtocol, ws_per_message_deflate=False)`: extensions would change frames."""

    peer_masks = True
    lane_bytes = LANE_BYTES
    shortcut: Shortcut | None = None

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.handshake_initiated and not self.handshake_complete:  # and not refused
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[EXTENSION] = self

    def hand_over(self, data: bytes) -> None:
        GuardedProtocol.data_received(self, data)

    def is_alive(self) -> bool:
        return self.conn.state < State.CLOSING and not self.transport.is_closing()

    def sansio(self) -> SansIO:
        return self.conn

    def receive_anew(self) -> None:
        self.transport.set_protocol(self)

    def lend(self) -> int:
        free = self.way.between_messages and self.way.clear and not self.read_paused
        if not free or self.transport.is_closing() or self.transport.get_extra_info("sslcontext") is not None:
            return -1
        file: int = self.transport.get_extra_info("socket").fileno()
        self.transport.pause_reading()
        return file

    def take_back(self, read: bytes) -> None:
        if self.disconnected:
            return
        if not self.read_paused:
            self.transport.resume_reading()
        if read:
            try:
                self.data_received(read)
            except Exception:  # as the loop does with what it has read itself
                self.transport.abort()
                raise

    def close_lane(self) -> None:
        if self.shortcut is not None:
            self.shortcut.close()
        super().close_lane()

    def connection_lost(self, exc: Exception | None) -> None:
        try:
            if self.shortcut is not None:  # before its file may become another's
                self.shortcut.close()
        finally:
            super().connection_lost(exc)

    def _abort_later(self) -> None:
        if self.shortcut is not None:  # who closes reads no more
            self.shortcut.withdraw()
        super()._abort_later()

    async def receive(self) -> ASGIReceiveEvent:
        with self.reader_waits():
            return await super().receive()

    def send_now(self, message: bytes) -> bool:
        if self.conn.state is not State.OPEN or self.transport.is_closing() or not self.writable.is_set():
            return False
        self.transport.write(server_frame(message))
        return True
