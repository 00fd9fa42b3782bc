"""The instructions of a tenant's agent, made of its rows; whichever provider it lives at."""

from agents import prompts
from agents.briefings import opening_week, text_setting
from agents.initiation import DEFAULT_TONE
from agents.speech import speech_for
from agents.tools import registry
from appointments.models import Service
from tenants.models import Tenant


def prompt_of(tenant: Tenant) -> str:
    """With the tenant's own `aiInstructions`. Needs the tenant's scope."""
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
    return f"{prompts.plain(text)}\n\n{variables}"
