"""The vendor's server: Realtime sessions over WebSocket, and the list of models over HTTP."""

import asyncio
import json
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

from agents.simulators.asgi import LoopServer, Receive, Scope, Send, until_gone
from agents.simulators.elevenlabs.wire import Wire
from agents.simulators.openai_realtime.behaviour import FOREVER, Behaviour
from agents.simulators.openai_realtime.conversation import Conversation, World
from agents.simulators.openai_realtime.record import Json, Record
from agents.simulators.scenarios import Scenario

MODELS = ("gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-realtime-2", "gpt-realtime-1.5")
CHARS_PER_SECOND = 32.0  # brisk: nobody wants to wait for a demonstration
PATH = "/v1/realtime"


class OpenAISimulator:
    """`async with OpenAISimulator(...) as simulator:`; `OPENAI_BASE_URL` is `simulator.base_url`.

    `behaviour` may be replaced at any time and holds from the next request on. Without `scenario` the
    caller's number, which the instructions tell, decides it.
    """

    def __init__(
        self,
        *,
        api_key: str = "simulated-openai-key",
        models: Iterable[str] = MODELS,
        scenario: Scenario | None = None,
        behaviour: Behaviour | None = None,
        chars_per_second: float = CHARS_PER_SECOND,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.api_key = api_key
        self.models = {model: {"id": model, "object": "model", "owned_by": "system"} for model in models}
        self.scenario = scenario
        self.behaviour = behaviour or Behaviour()
        self.chars_per_second = chars_per_second
        self.sessions: list[Record] = []
        self.handshakes: list[dict[str, str]] = []  # their headers, refused ones among them
        self._opened = asyncio.Condition()
        self._server = LoopServer(self._serve, host=host, port=port)

    @property
    def base_url(self) -> str:
        return f"{self._server.base_url}/v1"

    async def session(self, index: int = 0, timeout_s: float = 10.0) -> Record:
        """That session, as soon as it has been opened."""
        async with asyncio.timeout(timeout_s):
            async with self._opened:
                await self._opened.wait_for(lambda: len(self.sessions) > index)
        return self.sessions[index]

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["type"] == "websocket":
            await self._converse(scope, receive, send, headers)
            return
        status, body = self._answer(scope["method"], scope["path"], headers)
        await _respond(send, "http.response", status, body)

    def _answer(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, Json]:
        if headers.get("authorization") != f"Bearer {self.api_key}":
            return 401, _error("invalid_api_key", "Incorrect API key provided.")
        if method != "GET" or not path.startswith("/v1/models"):
            return 404, _error("unknown_url", f"Unknown request URL: {method} {path}.")
        if path == "/v1/models":
            return 200, {"object": "list", "data": list(self.models.values())}
        name = path.removeprefix("/v1/models/")
        if name not in self.models:
            return 404, _error("model_not_found", f"The model '{name}' does not exist.")
        return 200, self.models[name]

    async def _converse(self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]) -> None:
        behaviour = self.behaviour
        self.handshakes.append(headers)
        if behaviour.handshake_delay_s == FOREVER:
            await until_gone(receive)
            return
        await asyncio.sleep(behaviour.handshake_delay_s)
        refusal = self._refusal(scope["path"], headers, behaviour)
        if refusal is not None:
            await receive()
            await _respond(send, "websocket.http.response", *refusal)
            return
        wire = Wire(scope, receive, send)
        await wire.accept()
        query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        if (problem := self._problem(headers, query)) is not None:
            await wire.send({"type": "error", "event_id": "event_1", "error": problem["error"]})
            await wire.close(4000, problem["error"]["message"])
            return
        client = (scope["client"][0], scope["client"][1])
        record = Record(len(self.sessions), headers, query, client)
        self.sessions.append(record)
        async with self._opened:
            self._opened.notify_all()
        world = World(self.scenario, self.chars_per_second, self._server.drop)
        try:
            await Conversation(wire, record, query["model"], behaviour, world).run()
        finally:
            record.ended.set()

    def _refusal(self, path: str, headers: dict[str, str], behaviour: Behaviour) -> tuple[int, Json] | None:
        if path != PATH:
            return 404, _error("unknown_url", f"Unknown request URL: GET {path}.")
        if behaviour.handshake_status != 101:
            return behaviour.handshake_status, _error("refused", "The request was refused.")
        if headers.get("authorization") != f"Bearer {self.api_key}":
            return 401, _error("invalid_api_key", "Incorrect API key provided.")
        return None

    def _problem(self, headers: dict[str, str], query: dict[str, str]) -> Json | None:
        if "openai-beta" in headers:
            return _error("beta_api_shape_disabled", "The Realtime Beta API is no longer supported.")
        if not query.get("model"):
            return _error("missing_model", "You must provide a model parameter.")
        if query["model"] not in self.models:
            return _error("model_not_found", f"The model '{query['model']}' does not exist.")
        return None


def _error(code: str, message: str) -> Json:
    return {"error": {"type": "invalid_request_error", "code": code, "message": message, "param": None}}


async def _respond(send: Send, kind: str, status: int, body: Any) -> None:
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": content})
