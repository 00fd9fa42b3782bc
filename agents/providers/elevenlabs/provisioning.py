"""A tenant's ElevenLabs agent, made or brought up to date: webhook, secret, tools, agent. A second run changes nothing.

What is ours is found again by marks that the vendor keeps for us: the agent by its tag, the tools by the secret
in their header, the webhook by its id in the tenant's settings. Nobody else's tool or webhook is ever written.
"""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings

from agents.audio import MULAW_8K, AudioFormat
from agents.initiation import format_name, language_name
from agents.providers.elevenlabs.desired_agent import DesiredAgent, differences, summary
from agents.providers.elevenlabs.provisioning_tools import keep_tools
from agents.providers.elevenlabs.provisioning_webhook import (
    TO_BE_MADE,
    delete_webhooks,
    keep_secret,
    keep_webhook,
)
from agents.providers.elevenlabs.rest import ElevenLabsRest
from agents.providers.elevenlabs.wishes import AGENT_ID, Wishes, forget_refusal, load_wishes, remember
from agents.provisioning_log import Log
from tenants.models import Tenant
from tenants.vendor_http import VendorError

Json = dict[str, Any]

INITIATION_PATH = "/api/webhooks/elevenlabs/conversation-initiation"


def provision_agent(tenant_id: UUID, log: Log, audio_format: AudioFormat = MULAW_8K) -> None:
    """Make the vendor's side what it should be, in the carrier's format. Raises VendorError.

    Asks nobody while a transaction is open.
    """
    wishes = load_wishes(tenant_id)
    if not wishes.api_key:
        raise VendorError(
            "There is no ElevenLabs key for this business.",
            fix=f"Give it one: manage.py set_secret {wishes.tenant.slug} elevenlabs_api_key.",
        )
    with ElevenLabsRest(wishes.api_key, read_only=log.dry_run) as api:
        agent_id = wishes.agent_id or _find_agent(api, tag_of(wishes.tenant))
        now = read_agent(api, agent_id) if agent_id else {}
        webhook = keep_webhook(api, wishes, log)
        secret_id = keep_secret(api, wishes.tenant, webhook.secret, log)
        tool_ids = keep_tools(api, secret_id, attached_tools(now), log)
        desired = replace(
            desired_agent(wishes, secret_id=secret_id, webhook_id=webhook.id, tool_ids=tool_ids),
            audio_format=format_name(audio_format),
        )
        agent_id = _agent(api, desired, agent_id, now, log)
        delete_webhooks(api, webhook.left_over, log)
    if not log.dry_run and agent_id != wishes.agent_id:
        remember(tenant_id, {AGENT_ID: agent_id})
    if wishes.refused:
        log.add("updated", "overrides", "the agent allows them now, so they are sent again")
        if not log.dry_run:
            forget_refusal(tenant_id, agent_id)


def tag_of(tenant: Tenant) -> str:
    return f"tonris-{tenant.pk}"


def desired_agent(
    wishes: Wishes, *, secret_id: str, webhook_id: str, tool_ids: tuple[str, ...]
) -> DesiredAgent:
    return DesiredAgent(
        name=f"{wishes.tenant.name} (TONRIS)",
        tag=tag_of(wishes.tenant),
        prompt=wishes.prompt,
        # The greeting travels with each conversation: a new one needs no visit to the vendor.
        first_message="{{greeting}}",
        language=language_name(wishes.tenant.language),
        timezone=wishes.tenant.timezone,
        voice_id=settings.ELEVENLABS_VOICE_ID,
        max_seconds=settings.MAX_CALL_SECONDS or 3600,
        overrides=wishes.overrides,
        placeholders=wishes.placeholders,
        initiation_url=settings.APP_BASE_URL + INITIATION_PATH,
        secret_id=secret_id,
        webhook_id=webhook_id,
        tool_ids=tool_ids,
    )


# --- The agent -----------------------------------------------------------------------------------


def _find_agent(api: ElevenLabsRest, tag: str) -> str:
    """An agent that was made and then not written down, or ""."""
    for one in api.agents_named("(TONRIS)"):
        if tag in (one.get("tags") or []):
            return str(one["agent_id"])
    return ""


def read_agent(api: ElevenLabsRest, agent_id: str) -> Json:
    try:
        return api.agent(agent_id)
    except VendorError as error:
        if error.status not in {404, 422}:
            raise
        raise VendorError(
            f"ElevenLabs has no agent {agent_id} in this key's workspace.",
            status=404,
            fix=f"Correct {AGENT_ID} in the business's settings, or remove it there to have an agent made.",
        ) from None


def _agent(api: ElevenLabsRest, desired: DesiredAgent, agent_id: str, now: Json, log: Log) -> str:
    body = desired.body(now)
    if not agent_id:
        if log.dry_run:
            log.add("created", "agent", desired.name)
            return TO_BE_MADE
        agent_id = api.create_agent(body)
        log.add("created", "agent", f"{desired.name}, {agent_id}")
        _insist(desired, api.agent(agent_id))
        return agent_id
    changes = differences(body, now)
    if not changes:
        log.add("unchanged", "agent", agent_id)
        return agent_id
    if not log.dry_run:
        api.update_agent(agent_id, changes)
        _insist(desired, api.agent(agent_id))
    log.add("updated", "agent", f"{agent_id}: {summary(changes)}")
    return agent_id


def _insist(desired: DesiredAgent, now: Json) -> None:
    """A field that the vendor dropped without a word would show in a call, and nowhere else."""
    left = differences(desired.body(now), now)
    if left:
        raise VendorError(
            f"ElevenLabs took the agent but not its {summary(left)}.",
            fix="Set that in the ElevenLabs dashboard, then run this again.",
        )


def attached_tools(now: Json) -> list[str]:
    prompt = now.get("conversation_config", {}).get("agent", {}).get("prompt", {})
    return [str(tool_id) for tool_id in prompt.get("tool_ids") or []]
