"""What an ElevenLabs agent is told when a conversation begins.

One builder for two outlets: the conversation-initiation webhook, and our own socket, where the vendor would
not call the webhook. Pure: facts in, JSON object out.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from agents.audio import MULAW_8K, AudioFormat
from agents.disclosures import disclosed
from agents.errands import Errand, instruction, opening
from agents.speech import speech_for

DEFAULT_TONE = "friendly and professional"


@dataclass(frozen=True, slots=True)
class Briefing:
    """The facts about a tenant and a call. Everything has a safe default: a missing variable ends a session."""

    tenant_id: UUID | None = None
    business_name: str = "Our Business"
    caller_number: str = ""
    call_sid: str = ""
    conversation_id: str | None = None
    """Left out on the socket, where it is not known yet."""
    business_hours_summary: str = ""
    greeting: str = ""
    tone: str = DEFAULT_TONE
    language: str = "en"
    timezone: str = "UTC"
    today: str = ""
    """`Tuesday, 2026-11-24`, in the tenant's zone."""
    voice_id: str = ""
    errand: Errand | None = None
    """Of a call that we place; None of one that comes in."""
    says_machine: bool = False
    """That an AI speaks; calls that we place say so anyway."""
    says_recorded: bool = False


def first_message(briefing: Briefing) -> str:
    language, errand = briefing.language, briefing.errand
    if errand is not None:
        words = opening(errand, briefing.business_name, language)
    else:
        words = briefing.greeting or speech_for(language).greeting(briefing.business_name)
    as_machine = briefing.says_machine and errand is None
    return disclosed(words, language, as_machine=as_machine, as_recorded=briefing.says_recorded)


def format_name(audio_format: AudioFormat) -> str:
    """As the vendor names it: `ulaw_8000`, `pcm_16000`."""
    return f"{'ulaw' if audio_format.encoding == 'mulaw' else 'pcm'}_{audio_format.rate_hz}"


def language_name(tag: str) -> str:
    """As the vendor names it: without a region, but for Brazil's Portuguese."""
    tag = tag.strip().lower().replace("_", "-")
    return tag if tag == "pt-br" else tag.partition("-")[0] or "en"


def build_initiation(
    briefing: Briefing, overrides: Collection[str] | None = None, audio_format: AudioFormat = MULAW_8K
) -> dict[str, Any]:
    """`conversation_initiation_client_data`. `overrides` names the overrides to send; None sends all.

    An agent whose settings forbid an override may end the session, so that a tenant can narrow them.
    """
    return {
        "type": "conversation_initiation_client_data",
        "dynamic_variables": _variables(briefing),
        **_overrides(briefing, overrides, format_name(audio_format)),
    }


def resuming(initiation: dict[str, Any], opening: str) -> dict[str, Any]:
    """The same, for an agent that goes on with a call: its first words are another's."""
    override = initiation.get("conversation_config_override", {})
    agent = override.get("agent", {})
    if "first_message" in agent:
        override = {**override, "agent": {**agent, "first_message": opening}}
        initiation = {**initiation, "conversation_config_override": override}
    # An agent that forbids the override greets with this variable, if it was set up by us.
    return {**initiation, "dynamic_variables": {**initiation["dynamic_variables"], "greeting": opening}}


def _variables(briefing: Briefing) -> dict[str, str]:
    tenant_id = str(briefing.tenant_id) if briefing.tenant_id else ""
    variables = {
        "tenant_id": tenant_id,
        "tenant_name": briefing.business_name,
        "business_name": briefing.business_name,
        "caller_number": briefing.caller_number,
        "call_sid": briefing.call_sid,
        "business_hours_summary": briefing.business_hours_summary,
        "greeting": first_message(briefing),
        "ai_tone": briefing.tone,
        "timezone": briefing.timezone,
        "today": briefing.today,
        **_of_errand(briefing.errand),
    }
    if briefing.conversation_id is not None:
        variables["conversation_id"] = briefing.conversation_id
    return variables


def _of_errand(errand: Errand | None) -> dict[str, str]:
    """There in every call: a variable that a prompt names, and nobody fills, ends the session."""
    told = errand or Errand()
    return {
        "call_direction": "inbound" if errand is None else "outbound",
        "call_purpose": told.purpose,
        "customer_name": told.customer_name,
        "appointment": told.appointment,
        "appointment_id": told.appointment_id,
        "call_brief": instruction(errand),
    }


def _overrides(briefing: Briefing, names: Collection[str] | None, spoken: str) -> dict[str, Any]:
    agent = {
        "agent_output_audio_format": spoken,
        "user_input_audio_format": spoken,
        "language": language_name(briefing.language),
        "first_message": first_message(briefing),
    }
    tts = {"output_format": spoken}
    if briefing.voice_id:
        tts["voice_id"] = briefing.voice_id
    if names is not None:
        agent = {name: value for name, value in agent.items() if name in names}
        tts = {name: value for name, value in tts.items() if name in names}
    override = {section: fields for section, fields in (("agent", agent), ("tts", tts)) if fields}
    return {"conversation_config_override": override} if override else {}
