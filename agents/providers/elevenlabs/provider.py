"""ElevenLabs Agents: a tenant's agent lives there, and a call tells it whom it talks to."""

from typing import Any

from django.conf import settings

from agents.audio import AudioFormat
from agents.briefings import brief, errand_of, overrides_of, text_setting
from agents.initiation import build_initiation
from agents.models import Conversation
from agents.providers.elevenlabs.session import ElevenLabsSession
from agents.providers.elevenlabs.signed_urls import signed_url_beforehand
from agents.providers.facts import Provider
from tenants.models import Credential, Tenant


def agent_of(tenant: Tenant) -> str:
    """The tenant's own agent, else the installation's, else ""."""
    return text_setting(tenant, "elevenLabsAgentId") or settings.ELEVENLABS_AGENT_ID


def initiation(tenant: Tenant, conversation: Conversation, audio_format: AudioFormat) -> dict[str, Any]:
    briefing = brief(
        tenant,
        caller_number=conversation.caller_e164,
        call_sid=conversation.carrier_call_id,
        conversation_id=None,
        errand=errand_of(conversation),
    )
    return build_initiation(briefing, overrides_of(tenant, conversation.agent_id), audio_format)


PROVIDER = Provider(
    name=ElevenLabsSession.provider,
    label=ElevenLabsSession.name,
    api_key=Credential.Name.ELEVENLABS_API_KEY,
    session=ElevenLabsSession,
    agent_of=agent_of,
    initiation=initiation,
    head_start=signed_url_beforehand,
    formats_are_agents=True,
)
