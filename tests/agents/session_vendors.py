"""What each agent provider brings to the suite that all of them have to pass: one class and one line here."""

import contextlib
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

from django.conf import settings

from agents.audio import MULAW_8K, AudioFormat
from agents.initiation import Briefing, build_initiation
from agents.providers import session_for
from agents.providers.openai_realtime.tool_definitions import functions
from agents.providers.openai_realtime.wanted_session import Wishes, wanted_session
from agents.session import AgentSession, Assignment
from agents.simulators import elevenlabs, openai_realtime
from agents.simulators.elevenlabs import behaviour as elevenlabs_frames
from agents.simulators.openai_realtime import behaviour as openai_frames
from agents.simulators.scenarios import OPENING_HOURS, Scenario
from agents.tools.registry import TOOLS

GREETING = "Hello and welcome to the Test Salon, how can I help you today?"
FAULTS = ("refused", "refused late", "deaf", "lost", "dropped", "mute", "noise", "ends at once")
BRISK = 300.0


class Vendor(ABC):
    """A provider's simulator, and its record of the only session."""

    provider: str
    agent_id: str
    simulator: Any
    base_url_setting: str

    @abstractmethod
    def make(self, fault: str, scenario: Scenario, chars_per_second: float) -> Any: ...

    @abstractmethod
    def initiation(self) -> dict[str, Any]: ...

    @property
    @abstractmethod
    def greeting_said(self) -> str: ...

    @abstractmethod
    def answers_of(self, tool: str) -> Any:
        """What the provider got for its last use of that tool."""
        ...

    @abstractmethod
    def was_told(self, text: str) -> bool:
        """In words that are no caller's."""
        ...

    @property
    def record(self) -> Any:
        return self.simulator.sessions[0]

    @property
    def breaches(self) -> list[Any]:
        """What the provider did not like about us."""
        return list(getattr(self.record, "violations", None) or getattr(self.record, "errors", []))

    @contextlib.asynccontextmanager
    async def serving(
        self, fault: str = "", *, scenario: Scenario = OPENING_HOURS, chars_per_second: float = BRISK
    ) -> AsyncIterator["Vendor"]:
        self.simulator = self.make(fault, scenario, chars_per_second)
        async with self.simulator:
            setattr(settings, self.base_url_setting, self.simulator.base_url)
            yield self

    def session(self, audio_format: AudioFormat = MULAW_8K) -> AgentSession:
        assignment = Assignment(
            tenant_id=uuid4(),
            conversation_id=uuid4(),
            provider=self.provider,
            agent_id=self.agent_id,
            api_key=self.simulator.api_key,
            initiation_json=json.dumps(self.initiation()),
        )
        return session_for(assignment, audio_format)


class ElevenLabs(Vendor):
    provider = "elevenlabs"
    agent_id = "agent_of_tests"
    base_url_setting = "ELEVENLABS_BASE_URL"
    faults = {
        "refused": elevenlabs.Behaviour(signed_url_status=401),
        "refused late": elevenlabs.Behaviour(close=elevenlabs.Close(1008, at="initiated")),
        "deaf": elevenlabs.Behaviour(metadata=False),
        "lost": elevenlabs.Behaviour(close=elevenlabs.Close(1011, at="greeting")),
        "dropped": elevenlabs.Behaviour(close=elevenlabs.Close(None, at="greeting")),
        "mute": elevenlabs.Behaviour(silent=True, pings=False),
        "noise": elevenlabs.Behaviour(
            frames=(
                elevenlabs_frames.BAD_JSON,
                elevenlabs_frames.UNKNOWN_EVENT,
                elevenlabs_frames.BAD_BASE64,
                elevenlabs_frames.HUGE_FRAME,
            )
        ),
        "ends at once": elevenlabs.Behaviour(close=elevenlabs.Close(1000, at="metadata")),
    }

    def make(self, fault: str, scenario: Scenario, chars_per_second: float) -> Any:
        tools = frozenset(use.name for line in scenario.lines for use in line.tools)
        return elevenlabs.ElevenLabsSimulator(
            default_agent=elevenlabs.AgentProfile(client_tools=tools),
            behaviour=self.faults.get(fault),
            scenario=scenario,
            chars_per_second=chars_per_second,
        )

    def initiation(self) -> dict[str, Any]:
        return build_initiation(Briefing(greeting=GREETING))

    @property
    def greeting_said(self) -> str:
        return self.record.turns[0].message

    def answers_of(self, tool: str) -> Any:
        return self.record.tool(tool).answer

    def was_told(self, text: str) -> bool:
        told = [one for one in self.record.messages if one.get("type") == "contextual_update"]
        return any(text in one["text"] for one in told)


class OpenAI(Vendor):
    provider = "openai"
    agent_id = "gpt-realtime-2.1"
    base_url_setting = "OPENAI_BASE_URL"
    faults = {
        "refused": openai_realtime.Behaviour(handshake_status=401),
        "refused late": openai_realtime.Behaviour(close=openai_realtime.Close(1008, at="created")),
        "deaf": openai_realtime.Behaviour(updated=False),
        "lost": openai_realtime.Behaviour(close=openai_realtime.Close(1011, at="greeting")),
        "dropped": openai_realtime.Behaviour(close=openai_realtime.Close(None, at="greeting")),
        "mute": openai_realtime.Behaviour(silent=True),
        "noise": openai_realtime.Behaviour(
            frames=(
                openai_frames.BAD_JSON,
                openai_frames.UNKNOWN_EVENT,
                openai_frames.BAD_BASE64,
                openai_frames.BETA_DELTA,
                openai_frames.BINARY_FRAME,
            )
        ),
        "ends at once": openai_realtime.Behaviour(close=openai_realtime.Close(1000, at="updated")),
    }

    def make(self, fault: str, scenario: Scenario, chars_per_second: float) -> Any:
        return openai_realtime.OpenAISimulator(
            behaviour=self.faults.get(fault), scenario=scenario, chars_per_second=chars_per_second
        )

    def initiation(self) -> dict[str, Any]:
        wishes = Wishes("You answer the phone of the Test Salon.", tools=functions(TOOLS))
        return {"session": wanted_session(wishes), "greeting": GREETING}

    @property
    def greeting_said(self) -> str:
        return self.record.said[0][1]

    def answers_of(self, tool: str) -> Any:
        return json.loads(self.record.tool(tool).output)

    def was_told(self, text: str) -> bool:
        items = [one["item"] for one in self.record.events if one["type"] == "conversation.item.create"]
        return any(item["role"] == "system" and text in item["content"][0]["text"] for item in items)


VENDORS = (ElevenLabs, OpenAI)
