"""No body is read, let alone spooled to disk, beyond what its path may take."""

import json
from typing import Any

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope

MEBIBYTE = 1024 * 1024
PROGRAMS_LIMIT = MEBIBYTE
PEOPLE_LIMIT = 16 * MEBIBYTE  # a page of the admin with a file to import


class BodyLimit:
    """ASGI middleware: Django reads a whole body before it asks anybody who they are."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        limit = PROGRAMS_LIMIT if scope["path"].startswith("/api/") else PEOPLE_LIMIT
        if _declared(scope) > limit:
            await _refuse(send)
            return
        read = 0

        async def counted() -> Any:
            nonlocal read
            event = await receive()
            if event["type"] == "http.request":
                read += len(event["body"])
            return {"type": "http.disconnect"} if read > limit else event

        await self._app(scope, counted, send)
        if read > limit:  # Django took the disconnect for a client that left, and has not answered
            await _refuse(send)


def _declared(scope: HTTPScope) -> int:
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(value) if value.isdigit() and len(value) < 20 else 0


async def _refuse(send: ASGISendCallable) -> None:
    body = json.dumps({"success": False, "error": "The body is too large", "code": "TOO_LARGE"}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": body, "more_body": False})
