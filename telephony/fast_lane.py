"""The lane on the callers' way in: uvicorn's own WebSocket protocol with a cutter in front.

Offered to the application in the scope's extensions; a server that has none serves the same calls the ordinary way.
"""

from collections.abc import Callable
from typing import Any, Protocol, cast

from asgiref.typing import WebSocketScope
from uvicorn._types import ASGIReceiveEvent
from websockets.http11 import Request
from websockets.protocol import Protocol as SansIO
from websockets.protocol import State

from agents.fast_lane import SendsNow, Take, WayOut, nobody_asks, not_now
from agents.fast_lane.client import NO_HEADERS
from agents.fast_lane.cutter import Cutter, server_frame
from agents.fast_lane.shortcut import Shortcut
from telephony.guarded_socket import GuardedProtocol

EXTENSION = "tonris.fast_lane"
LANE_BYTES = 64 * 1024


class CarrierLane(SendsNow, Protocol):
    """What the consumer of a media socket sees of it."""

    shortcut: Shortcut | None

    def open_lane(self, take: Take, *, binary: bool = False) -> None: ...
    def close_lane(self) -> None: ...
    def lends(self) -> int: ...
    def lend(self) -> None: ...
    def take_back(self) -> None: ...
    def deal_with(self, read: bytes) -> None: ...
    def way_back(self, head: bytes, tail: bytes) -> WayOut: ...


def lane_of(scope: WebSocketScope) -> CarrierLane | None:
    """The lane of this socket, where the server has one."""
    extensions: dict[str, Any] = scope.get("extensions") or {}
    lane: CarrierLane | None = extensions.get(EXTENSION)
    return lane


class WayBack:
    """The agent's audio on its way to the carrier: a WayOut.

    What others write to the carrier comes out of the WebSocket protocol, and changes it, or by `send_now`.
    """

    __slots__ = ("_lane", "_output", "aside", "changes", "head", "tail", "write")

    def __init__(self, lane: "LaneProtocol", head: bytes, tail: bytes) -> None:
        self.head, self.tail = head, tail
        self._lane = lane
        self.write: Callable[[bytes], None] = lane.transport.write
        self.changes = nobody_asks
        self.aside: Take = not_now
        self._output = lane.conn.data_to_send
        lane.conn.__dict__["data_to_send"] = self._data_to_send

    def _data_to_send(self) -> list[bytes]:
        self.changes()
        return self._output()

    def lend(self, changes: Callable[[], None], aside: Take) -> int | None:
        """As `WayOut.lend`: not while anything that was written waits."""
        if not self._lane.may_write() or self.waits():
            return None
        self.changes, self.aside = changes, aside
        transport = self._lane.transport
        if transport.get_extra_info("sslcontext") is not None:
            return -1
        file: int = transport.get_extra_info("socket").fileno()
        return file

    def waits(self) -> bool:
        """As `WayOut.waits`."""
        return self._lane.transport.get_write_buffer_size() > 0

    def ends(self) -> None:
        """The connection is lost."""
        self.changes()
        self.changes, self.aside = nobody_asks, not_now
        del self._lane.conn.__dict__["data_to_send"]


class LaneProtocol(Cutter, GuardedProtocol):
    """For `uvicorn.Config(ws=LaneProtocol, ws_per_message_deflate=False)`: extensions would change frames."""

    # Most of them uvicorn's own: see `Cutter`.
    __slots__ = (
        "_counted_from",
        "_pieces",
        "_small_frames",
        "_way_back",
        "app",
        "app_state",
        "asgi_version",
        "client",
        "config",
        "connections",
        "default_headers",
        "logger",
        "queue",
        "request",
        "response",
        "root_path",
        "scheme",
        "scope",
        "server",
        "tasks",
        "writable",
    )

    peer_masks = True
    lane_bytes = LANE_BYTES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._way_back: WayBack | None = None
        super().__init__(*args, **kwargs)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.handshake_initiated and not self.handshake_complete:  # and not refused
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[EXTENSION] = self

    def open_lane(self, take: Take, *, binary: bool = False) -> None:
        """As `Cutter.open_lane`. Whoever wants to know something of the handshake knows it now."""
        # Headers, in three shapes: six kilobytes for as long as the call lasts. The parser, too, has the request.
        self.request.headers = self.response.headers = NO_HEADERS
        cast(list[object], self.scope["headers"]).clear()
        super().open_lane(take, binary=binary)

    def hand_over(self, data: bytes) -> None:
        GuardedProtocol.data_received(self, data)

    def is_alive(self) -> bool:
        return self.conn.state < State.CLOSING and not self.transport.is_closing()

    def sansio(self) -> SansIO:
        return self.conn

    def reads_later(self) -> bool:
        return self.read_paused

    def connection_lost(self, exc: Exception | None) -> None:
        try:
            self.close_lane()  # before its file may become another's
            if self.handshake_initiated:
                self.scope["extensions"].pop(EXTENSION, None)
            if self._way_back is not None:
                self._way_back.ends()
                self._way_back = None
        finally:
            super().connection_lost(exc)

    def _abort_later(self) -> None:
        if self.shortcut is not None:  # who closes reads no more
            self.shortcut.withdraw()
        super()._abort_later()

    async def receive(self) -> ASGIReceiveEvent:
        with self.way:
            return await super().receive()

    def send_now(self, message: bytes) -> bool:
        if not self.may_write():
            return False
        frame = server_frame(message)
        if self._way_back is None or not self._way_back.aside(frame):
            self.transport.write(frame)
        return True

    def may_write(self) -> bool:
        return self.conn.state is State.OPEN and not self.transport.is_closing() and self.writable.is_set()

    def way_back(self, head: bytes, tail: bytes) -> WayOut:
        """For the agent's audio, which stands between `head` and `tail` each time."""
        self._way_back = WayBack(self, head, tail)
        return self._way_back
