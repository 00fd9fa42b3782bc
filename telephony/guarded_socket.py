"""uvicorn's WebSocket protocol with bounds where it has none: on frames that are no messages, and on going away."""

import asyncio
from typing import Any

from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from telephony.mailbox import Mailbox
from telephony.signal import Signal

SMALL_FRAMES, PIECES, COUNTED_SECONDS = 200, 1000, 2.0
"""Pings and pongs, and pieces of messages: so many in so long, and no more. Of a message each 20 ms, ten pieces;
and of one message never more than PIECES, however slowly they come."""
CLOSE_SECONDS = 3.0
"""A peer that does not answer our closing, or does not read it, is gone a second later."""
POLICY_VIOLATION = 1008


class GuardedProtocol(WebSocketsSansIOProtocol):
    """What a peer may cost that never reads, or floods with what no application sees."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.close_timeout = CLOSE_SECONDS
        self._small_frames = self._pieces = 0
        self._counted_from = 0.0
        # They keep four kilobytes of a call's memory ready for those who wait. These do not.
        self.queue: Mailbox[ASGIReceiveEvent] = Mailbox()  # type: ignore[assignment]
        self.writable: Signal = Signal()  # type: ignore[assignment]
        self.writable.set()

    def handle_ping(self) -> None:
        if self._bears_more(small_frames=1):
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        if self._bears_more(small_frames=1):
            super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        if self._bears_more(pieces=1):
            super().handle_cont(event)

    def _bears_more(self, *, small_frames: int = 0, pieces: int = 0) -> bool:
        """uvicorn answers each ping whether its peer reads or not, and keeps every piece, empty ones too."""
        if self.close_sent:
            return False
        now = self.loop.time()
        if now - self._counted_from > COUNTED_SECONDS:
            self._counted_from, self._small_frames, self._pieces = now, 0, 0
        self._small_frames += small_frames
        self._pieces += pieces
        if self._small_frames <= SMALL_FRAMES and self._pieces <= PIECES and len(self.frames) <= PIECES:
            return True
        self._break_off()
        return False

    def _break_off(self) -> None:
        self.queue.put_nowait({"type": "websocket.disconnect", "code": POLICY_VIOLATION, "reason": ""})
        self.conn.fail(POLICY_VIOLATION)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
        self._abort_later()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._abort_later()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self._abort_later()

    def _abort_later(self) -> None:
        """A closed transport waits for its peer to read what is left, for ever if it must."""
        if not self.disconnected:
            self.loop.call_later(self.close_timeout + 1, self._abort)

    def _abort(self) -> None:
        if not self.disconnected:
            self.transport.abort()
