"""ElevenLabs Agents: a tenant's agent lives there, and a call tells it whom it talks to."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.checks import CheckMessage, Warning

from agents.audio import PCM16_16K, AudioFormat
from agents.briefings import briefing_of, overrides_of, text_setting
from agents.initiation import build_initiation
from agents.models import Conversation
from agents.providers.elevenlabs import doctor
from agents.providers.elevenlabs.missed_conversations import fetch_missed
from agents.providers.elevenlabs.provisioning import INITIATION_PATH, provision_agent
from agents.providers.elevenlabs.provisioning_webhook import EVENTS_PATH
from agents.providers.elevenlabs.rest import ElevenLabsRest
from agents.providers.elevenlabs.session import ElevenLabsSession
from agents.providers.elevenlabs.signed_urls import signed_url_beforehand
from agents.providers.elevenlabs.tool_definitions import tool_configs
from agents.providers.facts import Provider
from agents.tools.contract import Tool
from tenants.credentials import secret
from tenants.models import Credential, Tenant
from tenants.scoping import tenant_scope

SECRET_ID = "<id of the workspace secret whose value is: Bearer, a space, the business's webhook secret>"  # noqa: S105
"""For people who set an agent up by hand."""


def agent_of(tenant: Tenant) -> str:
    """The tenant's own agent, else the installation's, else ""."""
    return text_setting(tenant, "elevenLabsAgentId") or settings.ELEVENLABS_AGENT_ID


def initiation(tenant: Tenant, conversation: Conversation, audio_format: AudioFormat) -> dict[str, Any]:
    briefing = briefing_of(tenant, conversation)
    return build_initiation(briefing, overrides_of(tenant, conversation.agent_id), audio_format)


def tools(wanted: Iterable[Tool]) -> list[dict[str, Any]]:
    return tool_configs(wanted, base_url=settings.APP_BASE_URL, secret_id=SECRET_ID)


def addresses() -> Mapping[str, str]:
    return {
        "agent: tools": f"{settings.APP_BASE_URL}/api/ai/tools/<name of the tool>",
        "workspace: post-call webhook": settings.APP_BASE_URL + EVENTS_PATH,
        "agent: conversation initiation": settings.APP_BASE_URL + INITIATION_PATH,
    }


def deploy_checks() -> Iterator[CheckMessage]:
    if not settings.ELEVENLABS_WEBHOOK_SECRET:
        hint = "Tenants need one each, as manage.py provision makes them; or set ELEVENLABS_WEBHOOK_SECRET."
        yield Warning("ELEVENLABS_WEBHOOK_SECRET is not set.", hint=hint, id="telephony.W002")


def delete(tenant_id: UUID, external_id: str) -> None:
    with tenant_scope(tenant_id):
        key = secret(tenant_id, Credential.Name.ELEVENLABS_API_KEY)
    with ElevenLabsRest(key) as api:
        api.delete_conversation(external_id)


PROVIDER = Provider(
    name=ElevenLabsSession.provider,
    label=ElevenLabsSession.name,
    api_key=Credential.Name.ELEVENLABS_API_KEY,
    session=ElevenLabsSession,
    agent_of=agent_of,
    initiation=initiation,
    pcm=PCM16_16K,
    cost_unit="credits",
    tools=tools,
    simulator="agents.simulators.elevenlabs",
    is_simulated=lambda: settings.ELEVENLABS_SIMULATED,
    examine=doctor.examine,
    provision=provision_agent,
    addresses=addresses,
    deploy_checks=deploy_checks,
    head_start=signed_url_beforehand,
    fetch_missed=lambda tenant_id: fetch_missed(tenant_id, default_agent_id=settings.ELEVENLABS_AGENT_ID),
    delete=delete,
    formats_are_agents=True,
)
