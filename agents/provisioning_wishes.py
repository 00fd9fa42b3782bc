"""What a tenant's rows say of the agent that it should have at ElevenLabs."""

from dataclasses import dataclass
from uuid import UUID

from agents import prompts
from agents.briefings import REFUSED, brief, opening_week, overrides_of, text_setting
from agents.initiation import DEFAULT_TONE, build_initiation, first_message
from agents.providers.elevenlabs.desired_agent import plain, sent_overrides
from agents.speech import speech_for
from agents.tools import registry
from appointments.models import Service
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


def prompt_of(tenant: Tenant) -> str:
    """The instructions of this tenant's agent, with its own `aiInstructions`. Needs the tenant's scope."""
    known = Service.objects.for_tenant(tenant).filter(is_active=True).order_by("name")
    business = prompts.Business(
        name=tenant.name,
        tone=text_setting(tenant, "aiTone") or DEFAULT_TONE,
        timezone=tenant.timezone,
        language=tenant.language,
        hours_summary=speech_for("en").hours_summary(opening_week(tenant)),
        services=[prompts.Offer(one.name, one.duration_minutes, one.price, one.currency) for one in known],
        address=tenant.address,
        phone=tenant.phone,
        tools=frozenset(name for tool in registry.TOOLS for name in (tool.name, *tool.aliases)),
    )
    own = text_setting(tenant, "aiInstructions")
    text = "\n\n".join([prompts.instructions(business), *([f"# House rules\n{own}"] if own else [])])
    variables = (
        "# This call\n- Today is {{today}}. The caller's number is {{caller_number}}.\n- {{call_brief}}"
    )
    return f"{plain(text)}\n\n{variables}"


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
