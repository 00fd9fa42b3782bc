"""OpenAI Realtime: nothing lives there; every call brings its instructions, its tools and its voice along."""

from typing import Any

from django.conf import settings

from agents.audio import PCM16_24K, AudioFormat
from agents.briefings import briefing_of, text_setting
from agents.errands import instruction
from agents.initiation import first_message
from agents.instructions import prompt_of
from agents.models import Conversation
from agents.providers.facts import Provider
from agents.providers.openai_realtime.doctor import examine
from agents.providers.openai_realtime.session import OpenAIRealtimeSession
from agents.providers.openai_realtime.tool_definitions import functions
from agents.providers.openai_realtime.wanted_session import (
    LONGEST_IDLE_S,
    SHORTEST_IDLE_S,
    TURN_DETECTIONS,
    Wishes,
    wanted_session,
)
from agents.tools import registry
from tenants.models import Credential, Tenant


def agent_of(tenant: Tenant) -> str:
    """The model: the tenant's own, else the installation's."""
    return text_setting(tenant, "openaiModel") or settings.OPENAI_REALTIME_MODEL


def initiation(tenant: Tenant, conversation: Conversation, audio_format: AudioFormat) -> dict[str, Any]:
    """The session to ask for, and the words to begin with. The format is added when it is opened."""
    briefing = briefing_of(tenant, conversation)
    instructions = (
        prompt_of(tenant)
        .replace("{{today}}", briefing.today)
        .replace("{{caller_number}}", briefing.caller_number or "withheld")
        .replace("{{call_brief}}", instruction(briefing.errand))
    )
    wishes = _wishes(tenant, instructions)
    return {
        "session": wanted_session(wishes),
        "greeting": first_message(briefing),
        "idle_seconds": wishes.own_idle_seconds,
        "language": wishes.language,
    }


def _wishes(tenant: Tenant, instructions: str) -> Wishes:
    """What the tenant's settings do not say, or say wrongly, is as it is by default."""
    usual = Wishes(instructions)
    turn_detection = text_setting(tenant, "openaiTurnDetection")
    idle: Any = tenant.settings.get("openaiIdleSeconds", usual.idle_seconds)
    if isinstance(idle, bool) or not isinstance(idle, int) or idle < 0:
        idle = usual.idle_seconds
    return Wishes(
        instructions=instructions,
        tools=functions(registry.TOOLS),
        language=tenant.language,
        voice=text_setting(tenant, "openaiVoice") or usual.voice,
        turn_detection=turn_detection if turn_detection in TURN_DETECTIONS else usual.turn_detection,
        transcription_model=text_setting(tenant, "openaiTranscriptionModel") or usual.transcription_model,
        idle_seconds=min(max(idle, SHORTEST_IDLE_S), LONGEST_IDLE_S) if idle else 0,
    )


PROVIDER = Provider(
    name=OpenAIRealtimeSession.provider,
    label=OpenAIRealtimeSession.name,
    api_key=Credential.Name.OPENAI_API_KEY,
    session=OpenAIRealtimeSession,
    agent_of=agent_of,
    initiation=initiation,
    pcm=PCM16_24K,
    cost_unit="US dollars",
    cost_places=2,
    tools=functions,
    simulator="agents.simulators.openai_realtime",
    is_simulated=lambda: settings.OPENAI_SIMULATED,
    examine=examine,
)
