"""What a tenant's rows say of the agent that it should have at ElevenLabs."""

from dataclasses import dataclass
from uuid import UUID

from agents.briefings import REFUSED, brief, overrides_of, text_setting
from agents.initiation import build_initiation, first_message
from agents.instructions import prompt_of
from agents.providers.elevenlabs.desired_agent import sent_overrides
from tenants.credentials import own_secret, secret, set_secret
from tenants.models import Credential, Tenant
from tenants.scoping import tenant_scope

AGENT_ID = "elevenLabsAgentId"
WEBHOOK_ID = "elevenLabsWebhookId"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the tenant's rows say of its agent, loaded in one unit of work."""

    tenant: Tenant
    api_key: str
    own_webhook_secret: str
    agent_id: str
    webhook_id: str
    prompt: str
    overrides: frozenset[str]
    placeholders: dict[str, str]
    refused: bool


def load_wishes(tenant_id: UUID) -> Wishes:
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.get(pk=tenant_id)
        briefing = brief(tenant, caller_number="", call_sid="", conversation_id="")
        agent_id = text_setting(tenant, AGENT_ID)
        # The wish alone counts, not what an agent has refused before: it is about to allow it.
        initiation = build_initiation(briefing, overrides_of(tenant))
        placeholders: dict[str, str] = dict(initiation["dynamic_variables"])
        placeholders["greeting"] = first_message(briefing)
        placeholders["today"] = "today"  # a date would differ, and be written anew, every day
        return Wishes(
            tenant=tenant,
            api_key=secret(tenant.pk, Credential.Name.ELEVENLABS_API_KEY),
            own_webhook_secret=own_secret(tenant.pk, Credential.Name.WEBHOOK_SECRET) or "",
            agent_id=agent_id,
            webhook_id=text_setting(tenant, WEBHOOK_ID),
            prompt=prompt_of(tenant),
            overrides=sent_overrides(initiation),
            placeholders=placeholders,
            refused=agent_id in tenant.settings.get(REFUSED, []),
        )


def remember(tenant_id: UUID, names: dict[str, str], webhook_secret: str = "") -> None:
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.select_for_update(no_key=True).get(pk=tenant_id)
        tenant.settings |= names
        tenant.save(update_fields=["settings"])
        if webhook_secret:
            set_secret(tenant, Credential.Name.WEBHOOK_SECRET, webhook_secret)


def forget_refusal(tenant_id: UUID, agent_id: str) -> None:
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.select_for_update(no_key=True).get(pk=tenant_id)
        left = [one for one in tenant.settings.get(REFUSED, []) if one != agent_id]
        tenant.settings[REFUSED] = left
        tenant.save(update_fields=["settings"])
