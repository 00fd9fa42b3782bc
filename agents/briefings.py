"""Rows in, Briefing out: what the builder of initiation data needs of a tenant. Needs the tenant's scope."""

import datetime
from collections.abc import Collection
from datetime import tzinfo
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from agents.errands import Errand
from agents.initiation import DEFAULT_TONE, Briefing
from agents.models import Conversation
from agents.speech import Hours, speech_for
from appointments.models import Appointment
from appointments.rules import load_week
from appointments.wallclock import wall_time
from tenants.models import Tenant

REFUSED = "overridesRefusedBy"


def brief(
    tenant: Tenant,
    *,
    caller_number: str,
    call_sid: str,
    conversation_id: str | None,
    errand: Errand | None = None,
) -> Briefing:
    return Briefing(
        tenant_id=tenant.pk,
        business_name=tenant.name,
        caller_number=caller_number,
        call_sid=call_sid,
        conversation_id=conversation_id,
        business_hours_summary=speech_for(tenant.language).hours_summary(opening_week(tenant)),
        greeting=text_setting(tenant, "aiGreeting"),
        tone=text_setting(tenant, "aiTone") or DEFAULT_TONE,
        language=tenant.language,
        timezone=tenant.timezone,
        today=today_in(tenant.zone, tenant.language),
        voice_id=settings.ELEVENLABS_VOICE_ID,
        errand=errand,
    )


def briefing_of(tenant: Tenant, conversation: Conversation) -> Briefing:
    """What a session is told that is opened for this conversation. Needs the tenant's scope."""
    return brief(
        tenant,
        caller_number=conversation.caller_e164,
        call_sid=conversation.carrier_call_id,
        conversation_id=None,
        errand=errand_of(conversation),
    )


def errand_of(conversation: Conversation) -> Errand | None:
    """Why we have called; None where they have. Needs the tenant's scope."""
    if not conversation.is_outbound:
        return None
    about = conversation.about
    return Errand(
        purpose=plain(conversation.purpose),
        customer_name=plain(conversation.customer_name),
        appointment=plain(_told(about)) if about else "",
        appointment_id=str(about.pk) if about else "",
    )


def _told(appointment: Appointment) -> str:
    local = wall_time(appointment.starts_at, appointment.tenant.zone)
    speech = speech_for("en")  # of instructions, whatever the agent speaks
    when = f"{speech.full_date(local.date())} {speech.at(local)}"
    told = f"{appointment.service.name} with {appointment.employee.name}, {when}, {appointment.status}"
    return f"{told}, for {appointment.customer.name}"


def plain(text: str) -> str:
    """Without braces, which the vendor takes for variables; a missing one ends a session."""
    return text.replace("{{", "").replace("}}", "")


def today_in(zone: tzinfo, language: str) -> str:
    """`Tuesday, 2026-11-24`"""
    today = timezone.now().astimezone(zone).date()
    return f"{speech_for(language).weekdays[today.weekday()]}, {today.isoformat()}"


def overrides_of(tenant: Tenant, agent_id: str = "") -> Collection[str] | None:
    """`settings.sendOverrides`: "all" (None here), "none", or a list of names; none for an agent that refused."""
    if agent_id and agent_id in tenant.settings.get(REFUSED, []):
        return []
    wanted: Any = tenant.settings.get("sendOverrides", "all")
    if isinstance(wanted, list):
        return [str(name) for name in wanted]
    return [] if wanted == "none" else None


def remember_refusal(tenant_id: UUID, agent_id: str) -> None:
    """Note in the tenant's settings, where staff see it, that this agent forbids overrides."""
    # Without `no_key` it would wait for everybody who inserts a row of the tenant's, and they for each other.
    tenant = Tenant.objects.select_for_update(no_key=True).get(pk=tenant_id)
    tenant.settings[REFUSED] = sorted({*tenant.settings.get(REFUSED, []), agent_id})
    tenant.save(update_fields=["settings"])


def opening_week(tenant: Tenant) -> list[Hours]:
    """The business's weekly hours, Monday first."""
    week: list[list[tuple[datetime.time, datetime.time]]] = [[] for _ in range(7)]
    for hours in load_week(tenant):
        week[hours.weekday].append((hours.interval.opens, hours.interval.closes))
    return [tuple(day) for day in week]


def text_setting(tenant: Tenant, name: str) -> str:
    value: Any = tenant.settings.get(name)
    return value.strip() if isinstance(value, str) else ""
