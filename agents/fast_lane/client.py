"""The lane on our way out: `websockets`' client connection with a cutter in front."""

from typing import Any

from websockets.datastructures import Headers
from websockets.protocol import Protocol, State
from websockets.speedups import apply_mask
from websockets.typing import Data

from agents.fast_lane import Take
from agents.fast_lane.cutter import (
    SHORT_MASKED,
    TEXT,
    Cutter,
    client_frame,
    masked_header,
    next_mask,
)
from agents.guarded_connection import GuardedConnection

LANE_BYTES = 256 * 1024
"""Eight seconds of 16 kHz audio in one message. Agents may send up to 16 MiB, the ordinary way."""


class Out:
    """Whether a message may be sent at once. Looked at with each frame, and therefore a thing of its own."""

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open = False


class LaneConnection(Cutter, GuardedConnection):
    """For `connect(create_connection=LaneConnection, compression=None)`: extensions would change frames."""

    peer_masks = False
    lane_bytes = LANE_BYTES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._out = Out()
        super().__init__(*args, **kwargs)

    async def handshake(self, *args: Any, **kwargs: Any) -> None:
        await super().handshake(*args, **kwargs)
        # Six kilobytes of headers that nobody will read, for as long as the call lasts.
        if self.request is not None and self.response is not None:
            self.request.headers, self.response.headers = Headers(), Headers()

    def hand_over(self, data: bytes) -> None:
        GuardedConnection.data_received(self, data)

    def is_alive(self) -> bool:
        return self.protocol.state < State.CLOSING

    def sansio(self) -> Protocol:
        return self.protocol

    async def recv(self, decode: bool | None = None) -> Data:  # type: ignore[override]  # its overloads
        with self.reader_waits():
            return await super().recv(decode)

    def receive_anew(self) -> None:
        self.transport.set_protocol(self)

    def send_data(self) -> None:
        super().send_data()
        self._note_out()  # whatever changes the state sends something

    def pause_writing(self) -> None:
        super().pause_writing()
        self._note_out()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._note_out()

    def _note_out(self) -> None:
        self._out.open = not self.paused and self.protocol.state is State.OPEN

    def send_now(self, message: bytes) -> bool:
        if not self._out.open or self.transport.is_closing():
            return False
        self.transport.write(client_frame(message))
        return True

    def sender(self, head: bytes, tail: bytes) -> Take:
        """`send_now` for what stands between `head` and `tail` each time, as one function: the hottest of a call."""
        write, is_closing, out = self.transport.write, self.transport.is_closing, self._out
        around = len(head) + len(tail)

        def send(content: bytes) -> bool:
            if not out.open or is_closing():
                return False
            if 126 <= (size := len(content) + around) < 65536:
                mask = next_mask()
                write(masked_header(TEXT, SHORT_MASKED, size, mask) + apply_mask(head + content + tail, mask))
            else:
                write(client_frame(head + content + tail))
            return True

        return send
