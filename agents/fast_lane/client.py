"""The lane on our way out: `websockets`' client connection with a cutter in front."""

import asyncio
from collections.abc import Callable
from typing import Any

from websockets.datastructures import Headers
from websockets.protocol import Protocol, State
from websockets.speedups import apply_mask
from websockets.typing import Data

from agents.fast_lane import Take, nobody_asks, not_now
from agents.fast_lane.cutter import TEXT, USUAL_BYTES, Cutter, client_frame, next_mask, usual_heads
from agents.guarded_connection import GuardedConnection

LANE_BYTES = 256 * 1024
"""Eight seconds of 16 kHz audio in one message. Agents may send up to 16 MiB, the ordinary way."""


NO_HEADERS = Headers()
_HEADS = usual_heads(TEXT)
_AROUND = 8
"""Bytes of such a head, and of a mask."""


class Out:
    """The way out, as far as each frame looks at it: one small object, as `cutter.Way` is."""

    __slots__ = ("_transport", "aside", "changes", "head", "open", "tail", "write")

    write: Callable[[bytes], None]
    """One whole frame or more."""
    head: bytes
    tail: bytes
    _transport: asyncio.Transport

    def __init__(self) -> None:
        self.open = False
        self.changes: Callable[[], None] = nobody_asks
        """Called before others write, and when it becomes `open`, or is so no more."""
        self.aside: Take = not_now
        """Writes a frame where audio is written meanwhile."""

    def ends(self) -> None:
        """The connection is lost."""
        self.open = False
        self.changes()
        self.changes, self.aside = nobody_asks, not_now

    def leads(self, transport: asyncio.Transport, head: bytes, tail: bytes) -> None:
        self.head, self.tail = head, tail
        self._transport, self.write = transport, transport.write

    def lend(self, changes: Callable[[], None], aside: Take) -> int | None:
        """As `WayOut.lend`: not while anything that was written waits."""
        if not self.open or self.waits():
            return None
        self.changes, self.aside = changes, aside
        if self._transport.get_extra_info("sslcontext") is not None:
            return -1
        file: int = self._transport.get_extra_info("socket").fileno()
        return file

    def waits(self) -> bool:
        """As `WayOut.waits`."""
        return self._transport.get_write_buffer_size() > 0

    def send(self, content: bytes) -> bool:
        """`LaneConnection.send_now` for what stands between `head` and `tail` each time."""
        if not self.open:
            return False
        message = self.head + content + self.tail
        size = len(message) + _AROUND
        try:
            if size < USUAL_BYTES and (head := _HEADS[size]):
                mask = next_mask()
                self.write(head + mask + apply_mask(message, mask))
            else:
                self.write(client_frame(message))
        except RuntimeError:  # the transport was closed just now, and has not yet told of it
            return False
        return True


class LaneConnection(Cutter, GuardedConnection):
    """For `connect(create_connection=LaneConnection, compression=None)`: extensions would change frames."""

    # See `Cutter`.
    __slots__ = ("_out", "recv_messages", "response_rcvd", "transport")

    peer_masks = False
    lane_bytes = LANE_BYTES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._out = Out()
        super().__init__(*args, **kwargs)
        self.drain_waiters = []  # type: ignore[assignment]  # which nobody takes from the left of: a tenth of a deque

    async def handshake(self, *args: Any, **kwargs: Any) -> None:
        await super().handshake(*args, **kwargs)
        # Six kilobytes of headers that nobody will read, for as long as the call lasts.
        if self.request is not None and self.response is not None:
            self.request.headers = self.response.headers = NO_HEADERS

    def hand_over(self, data: bytes) -> None:
        GuardedConnection.data_received(self, data)

    def is_alive(self) -> bool:
        return self.protocol.state < State.CLOSING

    def reads_later(self) -> bool:
        return self.recv_messages.paused

    def sansio(self) -> Protocol:
        return self.protocol

    async def recv(self, decode: bool | None = None) -> Data:  # type: ignore[override]  # its overloads
        with self.way:
            return await super().recv(decode)

    def send_data(self) -> None:
        super().send_data()
        self._note_out()  # whatever changes the state sends something

    def pause_writing(self) -> None:
        super().pause_writing()
        self._note_out()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._note_out()

    def connection_lost(self, exc: Exception | None) -> None:
        try:
            self._out.ends()  # before its file may become another's
            self.close_lane()
        finally:
            super().connection_lost(exc)

    def _note_out(self) -> None:
        self._out.changes()
        self._out.open = not self.paused and self.protocol.state is State.OPEN

    def send_now(self, message: bytes) -> bool:
        if not self._out.open or self.transport.is_closing():
            return False
        frame = client_frame(message)
        if not self._out.aside(frame):
            self.transport.write(frame)
        return True

    def way_out(self, head: bytes, tail: bytes) -> Out:
        """For what stands between `head` and `tail` each time: the hottest of a call."""
        self._out.leads(self.transport, head, tail)
        return self._out
