"""One WebSocket, ASGI at one end and messages at the other."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from agents.simulators.asgi import Receive, Scope, Send


class BinaryFrameError(Exception):
    """The client sent a binary frame; this protocol has none."""


@dataclass
class ClosedError(Exception):
    """The client has closed, or is gone (code 1005 or 1006)."""

    code: int
    reason: str


class Wire:
    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.closed = False
        self._scope = scope
        self._receive = receive
        self._send = send

    async def accept(self) -> None:
        await self._receive()  # websocket.connect
        subprotocol = "convai" if "convai" in self._scope.get("subprotocols", []) else None
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol})

    async def refuse(self, status: int) -> None:
        """Answer the handshake with an HTTP status instead of an upgrade."""
        self.closed = True
        body = json.dumps({"detail": {"status": "refused", "message": HTTPStatus(status).phrase}}).encode()
        headers = [(b"content-type", b"application/json")]
        await self._send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await self._send({"type": "websocket.http.response.body", "body": body})

    async def receive(self) -> str:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self.closed = True
            raise ClosedError(message.get("code", 1005), message.get("reason") or "")
        if message.get("text") is None:
            raise BinaryFrameError
        return str(message["text"])

    async def send(self, message: dict[str, Any]) -> None:
        await self.send_raw(json.dumps(message, separators=(",", ":")))

    async def send_raw(self, frame: str | bytes) -> None:
        """To a client that has gone, nothing."""
        if self.closed:
            return
        kind = "text" if isinstance(frame, str) else "bytes"
        try:
            await self._send({"type": "websocket.send", kind: frame})
        except OSError:  # uvicorn's ClientDisconnected
            self.closed = True

    async def close(self, code: int, reason: str) -> None:
        if self.closed:
            return
        self.closed = True
        try:
            # A close frame has room for 123 bytes of reason.
            reason = reason.encode()[:123].decode(errors="ignore")
            await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except OSError:
            return
