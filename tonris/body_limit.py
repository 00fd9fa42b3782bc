"""No body is read, let alone spooled to disk, beyond what its path may take."""

import asyncio
import json
from typing import Any

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope

MEBIBYTE = 1024 * 1024
PROGRAMS_LIMIT = MEBIBYTE
PEOPLE_LIMIT = 16 * MEBIBYTE  # a page of the admin with a file to import

RECORDINGS_PATH = "/api/ai/webhook/elevenlabs"
RECORDINGS_LIMIT = 64 * MEBIBYTE
"""Calls' recordings come to this address; who sends one presents a proof, which is checked as it streams by."""
LARGE_AT_ONCE = 8
"""Strangers may send large bodies too, until their proof is found wrong: so much disk and no more."""
LARGE_SECONDS = 120.0

_PROOFS = frozenset({b"elevenlabs-signature", b"x-elevenlabs-signature", b"authorization"})
_TOO_LARGE = (413, "The body is too large", "TOO_LARGE")
_TOO_SLOW = (408, "The body takes too long", "TIMEOUT")
_BUSY = (503, "Too many large bodies at once: try again", "BUSY")
_GONE = {"type": "http.disconnect"}


class BodyLimit:
    """ASGI middleware: Django reads a whole body before it asks anybody who they are."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._large = 0

    async def __call__(self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        body = _Body(self, _limit(scope), receive)
        try:
            body.expect(_declared(scope))
            if body.refusal is None:
                await self._app(scope, body.receive, body.sender(send))
        finally:
            body.release()
        if (
            body.refusal is not None
        ):  # Django took the disconnect for a client that left, and has not answered
            await _refuse(send, *body.refusal)

    def take_place(self) -> bool:
        if self._large == LARGE_AT_ONCE:
            return False
        self._large += 1
        return True

    def leave_place(self) -> None:
        self._large -= 1


class _Body:
    """One request's body as it is read. `refusal` says why it was cut off."""

    def __init__(self, limits: BodyLimit, limit: int, receive: ASGIReceiveCallable) -> None:
        self.refusal: tuple[int, str, str] | None = None
        self._limits, self._limit, self._receive = limits, limit, receive
        self._read = 0
        self._deadline: float | None = None
        self._is_read = self._answered = False

    def expect(self, size: int) -> None:
        """There will be, or are, so many bytes."""
        if size > self._limit:
            self.refusal = _TOO_LARGE
        elif size > PROGRAMS_LIMIT and self._limit == RECORDINGS_LIMIT and self._deadline is None:
            if not self._limits.take_place():
                self.refusal = _BUSY
                return
            self._deadline = asyncio.get_running_loop().time() + LARGE_SECONDS

    def sender(self, send: ASGISendCallable) -> ASGISendCallable:
        async def pass_on(event: Any) -> None:
            self._answered = event["type"] == "http.response.body" and not event.get("more_body")
            await send(event)

        return pass_on

    async def receive(self) -> Any:
        try:
            async with asyncio.timeout_at(None if self._is_read else self._deadline):
                event = await self._receive()
        except TimeoutError:
            self.refusal = _TOO_SLOW
            return _GONE
        if self._answered:
            # The end of an answered request is no news. Django would raise it, and traceback and tasks would hold
            # each other with all that belongs to the request: tens of KiB until the collector's next long round.
            await asyncio.Future()  # until Django cancels
        if event["type"] == "http.request":
            self._read += len(event["body"])
            self._is_read = not event.get("more_body")
            self.expect(self._read)
        return event if self.refusal is None else _GONE

    def release(self) -> None:
        if self._deadline is not None:
            self._limits.leave_place()
            self._deadline = None


def _limit(scope: HTTPScope) -> int:
    if not scope["path"].startswith("/api/"):
        return PEOPLE_LIMIT
    may_be_large = scope["path"] == RECORDINGS_PATH and any(name in _PROOFS for name, _ in scope["headers"])
    return RECORDINGS_LIMIT if may_be_large else PROGRAMS_LIMIT


def _declared(scope: HTTPScope) -> int:
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(value) if value.isdigit() and len(value) < 20 else 0


async def _refuse(send: ASGISendCallable, status: int, text: str, code: str) -> None:
    body = json.dumps({"success": False, "error": text, "code": code}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": body, "more_body": False})
