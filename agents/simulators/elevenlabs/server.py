"""The agent vendor's server: signed URLs and REST over HTTP, conversations over WebSocket."""

import asyncio
import json
import logging
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

import httpx2

from agents.simulators.asgi import LoopServer, Receive, Scope, Send, read_body, until_gone
from agents.simulators.elevenlabs.behaviour import FOREVER, Behaviour
from agents.simulators.elevenlabs.conversation import Conversation, World
from agents.simulators.elevenlabs.postcall import post_transcription
from agents.simulators.elevenlabs.profile import AgentProfile
from agents.simulators.elevenlabs.rest import Rest
from agents.simulators.elevenlabs.session import Session
from agents.simulators.elevenlabs.signed_urls import SignedUrls
from agents.simulators.elevenlabs.wire import Wire
from agents.simulators.elevenlabs.workspace import Workspace
from agents.simulators.scenarios import Scenario
from agents.simulators.tones import tone_hz

log = logging.getLogger(__name__)

SIGNED_URL_PATHS = frozenset(
    {
        "/v1/convai/conversation/get-signed-url",
        "/v1/convai/conversation/get_signed_url",
    }
)
CONVERSATION_PATH = "/v1/convai/conversation"
POST_CALL_PATH = "/api/ai/webhook/elevenlabs"
AGENT_CHARS_PER_SECOND = 32.0  # brisk: nobody wants to wait for a demonstration


class ElevenLabsSimulator:
    """`async with ElevenLabsSimulator(...) as simulator:`; `ELEVENLABS_BASE_URL` is `simulator.base_url`.

    `behaviour` may be replaced at any time and holds from the next request on. Without `agents` every
    agent id exists, with `default_agent`'s settings, until it is set up over REST. Without `scenario` the
    caller's number decides it.
    """

    def __init__(
        self,
        *,
        api_key: str = "simulated-elevenlabs-key",
        webhook_secret: str = "simulated-webhook-secret",  # noqa: S107 - it opens nothing but a simulator
        backend_url: str | None = None,
        agents: Iterable[AgentProfile] | None = None,
        default_agent: AgentProfile | None = None,
        odd_agents: Iterable[AgentProfile] = (),
        scenario: Scenario | None = None,
        behaviour: Behaviour | None = None,
        chars_per_second: float = AGENT_CHARS_PER_SECOND,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.api_key = api_key
        self.webhook_secret = webhook_secret
        self.backend_url = backend_url.rstrip("/") if backend_url else None
        self.agents = None if agents is None else {agent.agent_id: agent for agent in agents}
        self.default_agent = default_agent or AgentProfile()
        self.odd_agents = {agent.agent_id: agent for agent in odd_agents}
        self.scenario = scenario
        self.behaviour = behaviour or Behaviour()
        self.chars_per_second = chars_per_second
        self.sessions: list[Session] = []
        self.signed_url_requests: list[dict[str, str]] = []  # their headers
        self.workspace = Workspace()
        self.rest = Rest(api_key, self.workspace, self.sessions, self._profile)
        self._signed_urls = SignedUrls()
        self._opened = asyncio.Condition()
        self._server = LoopServer(self._serve, host=host, port=port)
        self._http = httpx2.AsyncClient(trust_env=False, limits=httpx2.Limits(max_connections=200))

    @property
    def base_url(self) -> str:
        return self._server.base_url

    async def session(self, index: int = 0, timeout_s: float = 10.0) -> Session:
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
        await self._http.aclose()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["type"] == "websocket":
            if self.behaviour.handshake_delay_s == FOREVER:
                await until_gone(receive)
                return
            await self._converse(Wire(scope, receive, send), scope, query, headers)
            return
        status, body = await self._answer(scope, receive, query, headers)
        content = json.dumps(body).encode()
        content_headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": content_headers})
        await send({"type": "http.response.body", "body": content})

    async def _answer(
        self, scope: Scope, receive: Receive, query: dict[str, str], headers: dict[str, str]
    ) -> tuple[int, Any]:
        if scope["path"] not in SIGNED_URL_PATHS:
            try:
                raw = await read_body(receive)
                body = json.loads(raw) if raw else None
            except ValueError:
                error = {"type": "json_invalid", "loc": ["body"], "msg": "JSON decode error"}
                return 422, {"detail": [error]}
            return self.rest.answer(scope["method"], scope["path"], query, headers, body)
        if scope["method"] != "GET":
            return 405, {"detail": "Method Not Allowed"}
        self.signed_url_requests.append(headers)
        behaviour = self.behaviour
        if behaviour.signed_url_delay_s == FOREVER:
            await until_gone(receive)
            return 504, {}
        await asyncio.sleep(behaviour.signed_url_delay_s)
        if behaviour.signed_url_status != 200:
            return behaviour.signed_url_status, _detail("refused", "The request was refused.")
        if headers.get("xi-api-key") != self.api_key:
            return 401, _detail("invalid_api_key", "Invalid API key")
        if not (agent_id := query.get("agent_id")):
            missing = {
                "type": "missing",
                "loc": ["query", "agent_id"],
                "msg": "Field required",
                "input": None,
            }
            return 422, {"detail": [missing]}
        if self._profile(agent_id) is None:
            return 404, _detail("agent_not_found", f"The agent with the id {agent_id} was not found.")
        url = behaviour.signed_url or self._signed_urls.issue(self.base_url, agent_id)
        return 200, {"signed_url": url}

    async def _converse(
        self, wire: Wire, scope: Scope, query: dict[str, str], headers: dict[str, str]
    ) -> None:
        behaviour = self.behaviour
        await asyncio.sleep(behaviour.handshake_delay_s)
        if scope["path"] != CONVERSATION_PATH or behaviour.handshake_status != 101:
            await wire.refuse(404 if scope["path"] != CONVERSATION_PATH else behaviour.handshake_status)
            return
        await wire.accept()
        agent_id = query.get("agent_id", "")
        profile = self._profile(agent_id) if agent_id else None
        if profile is None:
            await wire.close(3000, "Request error: the agent does not exist")
            return
        if not self._admits(profile, query, headers):
            await wire.close(1008, "Could not authorize the conversation: invalid or expired signature")
            return
        session = Session(
            agent_id, len(self.sessions), headers, query, (scope["client"][0], scope["client"][1])
        )
        session.tone_hz = tone_hz(session.index)
        self.sessions.append(session)
        async with self._opened:
            self._opened.notify_all()
        try:
            await Conversation(wire, session, profile, behaviour, self._world()).run()
        finally:
            session.ended.set()
            await self._tell(session, profile, behaviour)
            session.finished.set()

    def _admits(self, profile: AgentProfile, query: dict[str, str], headers: dict[str, str]) -> bool:
        if headers.get("xi-api-key") == self.api_key:
            return True
        signature = query.get("conversation_signature")
        if signature is None:
            return profile.public
        return self._signed_urls.allows(signature, query["agent_id"])

    def _profile(self, agent_id: str) -> AgentProfile | None:
        """As it was set up over REST, else as this simulator was told of it."""
        stored = self.workspace.profile(agent_id)
        if stored is not None:
            return stored
        if agent_id in self.odd_agents:
            return self.odd_agents[agent_id]
        return self.default_agent if self.agents is None else self.agents.get(agent_id)

    def _world(self) -> World:
        return World(
            scenario=self.scenario,
            http=self._http,
            backend_url=self.backend_url,
            webhook_secret=self.webhook_secret,
            chars_per_second=self.chars_per_second,
            drop=self._server.drop,
        )

    async def _tell(self, session: Session, profile: AgentProfile, behaviour: Behaviour) -> None:
        """The post-call webhook; a business that does not answer has missed it."""
        if not behaviour.post_call_webhook or session.initiation is None:
            return
        if profile.server_tools is None:  # nobody has set this agent up
            target = (self.backend_url + POST_CALL_PATH, self.webhook_secret) if self.backend_url else None
        else:
            target = profile.post_call
        if target is None:
            return
        try:
            session.webhook_status = await post_transcription(self._http, *target, session, profile)
        except httpx2.HTTPError as error:
            log.warning("Post-call webhook for %s failed: %s", session.conversation_id, type(error).__name__)


def _detail(status: str, message: str) -> dict[str, Any]:
    return {"detail": {"status": status, "message": message}}
