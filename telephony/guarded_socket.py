"""uvicorn's WebSocket protocol with bounds where it has none: on frames that are no messages, and on going away."""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

SMALL_FRAMES, SMALL_FRAMES_SECONDS = 200, 2.0
"""Pings, pongs and pieces of messages: so many in so long, and no more."""
CLOSE_SECONDS = 3.0
"""A peer that does not answer our closing, or does not read it, is gone a second later."""
POLICY_VIOLATION = 1008


class GuardedProtocol(WebSocketsSansIOProtocol):
    """What a peer may cost that never reads, or floods with what no application sees."""

    _small_frames = 0
    _counted_from = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.close_timeout = CLOSE_SECONDS

    def handle_ping(self) -> None:
        if self._bears_one_more():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        if self._bears_one_more():
            super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        if self._bears_one_more():
            super().handle_cont(event)

    def _bears_one_more(self) -> bool:
        """uvicorn answers each ping whether its peer reads or not, and keeps every piece, empty ones too."""
        if self.close_sent:
            return False
        now = self.loop.time()
        if now - self._counted_from > SMALL_FRAMES_SECONDS:
            self._counted_from, self._small_frames = now, 0
        self._small_frames += 1
        if self._small_frames <= SMALL_FRAMES:
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
