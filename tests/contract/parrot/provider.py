"""A provider that says again what it hears, to show what a provider is made of. Its sessions are in `sessions`."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any
from uuid import UUID

from agents.audio import MULAW_8K, PCM16_8K, AudioFormat
from agents.errors import AgentRefused
from agents.events import AgentEvent, AgentSaid, Speech
from agents.models import Conversation
from agents.providers.facts import Provider
from agents.session import Assignment, Closing
from agents.tools.contract import Tool
from tenants.credentials import secret
from tenants.findings import Finding, broken
from tenants.models import Tenant
from tenants.scoping import tenant_scope

KEY = "parrot_api_key"
GREETING = "Pretty Polly"
sessions: list["ParrotSession"] = []


class ParrotSession:
    provider = "parrot"
    name = "Parrot"
    overrides_refused = False

    def __init__(self, assignment: Assignment, wanted_format: AudioFormat = MULAW_8K) -> None:
        self.agent_id, self.external_id = assignment.agent_id, ""
        self.input_format = self.output_format = wanted_format
        self.last_message_at = 0.0
        self.closing: Closing | None = None
        self.heard = bytearray()
        self._api_key = assignment.api_key
        self._events: asyncio.Queue[AgentEvent | None] = asyncio.Queue()

    async def open(self) -> None:
        if not self._api_key:
            raise AgentRefused("no seeds", 401)
        sessions.append(self)
        self.external_id = f"parrot-{len(sessions)}"
        self._now()
        self._events.put_nowait(AgentSaid(GREETING))
        self._events.put_nowait(Speech(self.output_format.silence(0.5)))

    async def send_audio(self, audio: bytes) -> None:
        self._now()
        self.heard += audio
        self._events.put_nowait(Speech(audio))

    async def send_digit(self, digit: str) -> None:
        pass

    async def answer_tool(self, call_id: str, answer: dict[str, Any]) -> None:
        pass

    async def tell(self, fact: str, *, aloud: bool = False) -> None:
        pass

    async def was_cut(self, item: str, heard_ms: int) -> None:
        pass

    async def events(self) -> AsyncIterator[AgentEvent]:
        while (event := await self._events.get()) is not None:
            yield event

    async def close(self) -> None:
        self.closing = self.closing or Closing(1000)
        self._events.put_nowait(None)

    def _now(self) -> None:
        self.last_message_at = asyncio.get_running_loop().time()


def initiation(tenant: Tenant, conversation: Conversation, audio_format: AudioFormat) -> dict[str, Any]:
    return {"greeting": GREETING}


def tools(wanted: Iterable[Tool]) -> list[dict[str, Any]]:
    return [{"name": tool.name} for tool in wanted]


def examine(tenant_id: UUID, audio_format: AudioFormat) -> Iterator[Finding]:
    with tenant_scope(tenant_id):
        if not secret(tenant_id, KEY):
            yield broken("PARROT_HUNGRY", "The parrot has no seeds.", "Give it some.")


PROVIDER = Provider(
    name=ParrotSession.provider,
    label=ParrotSession.name,
    api_key=KEY,
    session=ParrotSession,
    agent_of=lambda tenant: "polly",
    initiation=initiation,
    pcm=PCM16_8K,
    cost_unit="sunflower seeds",
    tools=tools,
    simulator="tests.contract.parrot",
    is_simulated=lambda: True,
    examine=examine,
)
