"""A business's server as small as can be, for simulators to talk to when the product is not the subject."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from agents.simulators.asgi import LoopServer, Receive, Scope, Send


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


Reply = tuple[int, str, bytes]  # status, content type, body
SocketHandler = Callable[["Socket"], Awaitable[None]]


def twiml(document: str) -> Reply:
    return 200, "text/xml", f'<?xml version="1.0" encoding="UTF-8"?><Response>{document}</Response>'.encode()


def as_json(answer: object) -> Reply:
    return 200, "application/json", json.dumps(answer).encode()


class Socket:
    """An accepted WebSocket."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self._receive, self._send = receive, send

    async def receive(self) -> dict[str, Any] | None:
        """None once it is closed."""
        message = await self._receive()
        return json.loads(message["text"]) if message["type"] == "websocket.receive" else None

    async def receive_until(self, event: str) -> dict[str, Any]:
        while (message := await self.receive()) is not None:
            if message["event"] == event:
                return message
        raise AssertionError(f"closed before any {event}")

    async def send(self, message: dict[str, Any] | str | bytes) -> None:
        if isinstance(message, bytes):
            await self._send({"type": "websocket.send", "bytes": message})
        else:
            text = message if isinstance(message, str) else json.dumps(message)
            await self._send({"type": "websocket.send", "text": text})

    async def close(self, code: int = 1000) -> None:
        await self._send({"type": "websocket.close", "code": code})


class Business:
    """`replies[path]` is an answer or a function of the request; `socket` handles all WebSockets."""

    def __init__(self, socket: SocketHandler | None = None) -> None:
        self.replies: dict[str, Reply | Callable[[Request], Reply]] = {}
        self.requests: list[Request] = []
        self._socket = socket
        self._server = LoopServer(self._serve)
        self.base_url = self._server.base_url
        self.stream_url = f"ws://127.0.0.1:{self._server.port}/media-stream"

    def to(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    async def __aenter__(self) -> "Business":
        await self._server.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._server.stop()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            if self._socket is None:
                await send({"type": "websocket.close"})
                return
            await send({"type": "websocket.accept"})
            await self._socket(Socket(scope, receive, send))
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        request = Request(scope["method"], scope["path"], scope["query_string"].decode(), headers, body)
        self.requests.append(request)
        reply = self.replies.get(request.path, (404, "text/plain", b"no such thing"))
        status, content_type, content = reply(request) if callable(reply) else reply
        kind = [(b"content-type", content_type.encode())] if content_type else []
        await send({"type": "http.response.start", "status": status, "headers": kind})
        await send({"type": "http.response.body", "body": content})


async def bridge(socket: Socket, signed_url: str) -> None:
    """The least that a bridge must do between a carrier and an agent, both in mu-law."""
    start = await socket.receive_until("start")
    stream_sid = start["streamSid"]
    async with connect(signed_url, proxy=None, compression=None, max_size=2**24) as agent:
        parameters = start["start"]["customParameters"]
        initiation = {"type": "conversation_initiation_client_data", "dynamic_variables": parameters}
        await agent.send(json.dumps(initiation))
        upward = asyncio.create_task(_carry_up(socket, agent))
        try:
            async for text in agent:
                await _carry_down(json.loads(text), socket, stream_sid, agent)
            if not upward.done():
                await _drain(socket, stream_sid, upward)
        finally:
            upward.cancel()
            await asyncio.gather(upward, return_exceptions=True)
    await socket.close()


async def _carry_up(socket, agent) -> None:
    while (message := await socket.receive()) is not None:
        if message["event"] == "mark":
            return
        if message["event"] == "media":
            try:
                await agent.send(json.dumps({"user_audio_chunk": message["media"]["payload"]}))
            except ConnectionClosed:
                continue
    await agent.close()


async def _carry_down(event, socket, stream_sid, agent) -> None:
    match event["type"]:
        case "audio":
            payload = event["audio_event"]["audio_base_64"]
            await socket.send({"event": "media", "streamSid": stream_sid, "media": {"payload": payload}})
        case "interruption":
            await socket.send({"event": "clear", "streamSid": stream_sid})
        case "ping":
            await agent.send(json.dumps({"type": "pong", "event_id": event["ping_event"]["event_id"]}))


async def _drain(socket, stream_sid, upward) -> None:
    """Let the goodbye be heard: a mark comes back when it has been played."""
    await socket.send({"event": "mark", "streamSid": stream_sid, "mark": {"name": "end"}})
    await asyncio.wait_for(upward, 10)


def mulaw(payload: bytes) -> str:
    return base64.b64encode(payload).decode()
