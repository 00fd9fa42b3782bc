"""Whether a notification still tells the truth, and in which words. Needs the tenant's scope and the row's lock."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from appointments.lifecycle import COMING
from appointments.models import Appointment, Customer, WaitlistEntry
from telephony.notifications import mail, planner, rendering
from telephony.notifications.carriers import Sender, sender_of
from telephony.notifications.links import link
from telephony.notifications.models import Channel, Kind, MessageTemplate, Notification, OptOut
from telephony.notifications.segments import measure, plain
from telephony.notifications.wishes import night_at, wishes_of
from telephony.notifications.wording import wording_for
from tenants.models import Tenant

State = Notification.State
LONGEST_TEXT = 1600
LONGEST_ALERT = 480
"""A text of three segments: all of the message stands in the admin."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What goes out. `sender_of_texts` is None for mail."""

    channel: str
    business: str
    to: str
    text: str
    subject: str = ""
    sender: str = ""
    segments: int | None = None
    sender_of_texts: Sender | None = None

    @property
    def carrier_name(self) -> str:
        return self.sender_of_texts.carrier_name if self.sender_of_texts else ""

    def carrier(self) -> Sender:
        if self.sender_of_texts is None:
            raise ValueError("mail has no carrier")
        return self.sender_of_texts


@dataclass(frozen=True, slots=True)
class Never:
    """It is not sent: `state` and why."""

    state: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    due_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody is changing the appointment at this moment."""


Verdict = Letter | Never | Later | Busy


def compose(row: Notification, now: datetime.datetime) -> Verdict:
    """What to do about a row that is due."""
    tenant: Tenant = row.tenant
    if not tenant.is_active:
        return Never(State.SKIPPED, "The business is suspended.")
    if now > row.not_after:
        return Never(State.EXPIRED)
    if row.kind in {Kind.ALERT, Kind.RECEIPT}:
        return _of_message(row, tenant)
    if row.kind == Kind.OFFERED:
        return _of_offer(row, tenant, now)
    return _of_appointment(row, tenant, now)


def _of_appointment(row: Notification, tenant: Tenant, now: datetime.datetime) -> Verdict:
    # Behind the lock that every change takes first: none can be committed between this look and our claim.
    rows = Appointment.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
    appointment = rows.filter(pk=row.appointment_id).select_related("employee", "service", "customer").first()
    if appointment is None:
        return Busy()
    gone = appointment.status == Appointment.Status.CANCELLED
    stands = gone if row.kind == Kind.CANCELLED else appointment.status in COMING
    if not stands or (row.kind != Kind.CANCELLED and appointment.starts_at != row.starts_at):
        return Never(State.SUPERSEDED)
    if row.kind == Kind.REMINDER:
        wishes = wishes_of(tenant.settings)
        if row.hours_before not in {one.hours_before for one in wishes.reminders}:
            return Never(State.SKIPPED, "The business has switched this reminder off.")
        night = night_at(now, wishes.quiet, tenant.zone)
        if night is not None:
            return Later(night.end) if night.end <= row.not_after else Never(State.EXPIRED, "Quiet hours.")
    facts = facts_of(tenant, appointment, starts_at=row.starts_at)
    good_until = row.starts_at if row.kind != Kind.CANCELLED else None
    return _letter(row, tenant, appointment.customer, facts, appointment.pk, good_until)


def _of_offer(row: Notification, tenant: Tenant, now: datetime.datetime) -> Verdict:
    entries: QuerySet[WaitlistEntry] = WaitlistEntry.objects.select_related(
        "customer", "service", "hold__employee"
    )
    entry = entries.filter(notifications=row, state=WaitlistEntry.State.OFFERED).first()
    hold = entry.hold if entry else None
    if entry is None or hold is None or hold.starts_at != row.starts_at or hold.expires_at <= now:
        return Never(State.SUPERSEDED)
    facts = {
        **_common(tenant, row.starts_at),
        "name": entry.customer.name,
        "service": entry.service.name,
        "employee": hold.employee.name,
        "until": rendering.clock(hold.expires_at, tenant.zone, tenant.language),
    }
    return _letter(row, tenant, entry.customer, facts, None, None)


def _of_message(row: Notification, tenant: Tenant) -> Verdict:
    """For the team, or to whoever left it."""
    message, wording = row.message, wording_for(tenant.language)
    if message is None:
        return Never(State.SUPERSEDED)
    facts = {
        "business": tenant.name,
        "name": message.caller_name or wording.somebody,
        "phone": message.callback_e164,
        "message": message.text,
    }
    if row.kind == Kind.RECEIPT:
        facts["phone"] = tenant.phone
    text = rendering.fill(wording.alert if row.kind == Kind.ALERT else wording.receipt, facts)
    if row.channel == Channel.EMAIL:
        if not mail.is_configured():
            return Never(State.SKIPPED, "This installation has no mail server (EMAIL_URL).")
        subject = rendering.fill(wording.alert_subject, facts)
        return Letter(row.channel, tenant.name, row.to_address, text, subject=subject)
    if OptOut.objects.for_tenant(tenant).filter(e164=row.to_address).exists():
        return Never(State.SKIPPED, "This number wants no texts (STOP).")
    sender = sender_of(tenant.pk)
    if sender is None:
        return Never(State.FAILED, "The business has no number to send texts from.")
    text = plain(text)[:LONGEST_ALERT]
    return Letter(
        row.channel,
        tenant.name,
        row.to_address,
        text,
        sender=sender.e164,
        segments=measure(text).segments,
        sender_of_texts=sender,
    )


def _letter(
    row: Notification,
    tenant: Tenant,
    customer: Customer,
    facts: dict[str, str],
    appointment_id: UUID | None,
    good_until: datetime.datetime | None,
) -> Letter | Never:
    channel, problem = planner.reach(customer, row.channel)
    if problem:
        return Never(State.SKIPPED, problem)
    if channel == Channel.CALL:  # the agent finds the words; these are for whoever reads the list
        text = ", ".join(facts[name] for name in ("service", "employee", "when"))
        return Letter(channel, tenant.name, customer.phone_e164, text)
    sender = sender_of(tenant.pk) if channel == Channel.SMS else None
    if channel == Channel.SMS and sender is None:
        return Never(State.FAILED, "The business has no number to send texts from.")
    wording = wording_for(tenant.language)
    if appointment_id is not None and good_until is not None:
        facts["link"] = link(appointment_id, good_until)
    facts["phone"] = facts["phone"] or (sender.e164 if sender else "")
    facts["replies"] = _replies(row.kind, sender, facts, tenant)
    text = rendering.fill(_template(row.kind, tenant), facts)
    if sender is None:
        subject = rendering.fill(wording.subjects[row.kind], facts)
        return Letter(channel, tenant.name, customer.email, text, subject=subject)
    text = plain(text)[:LONGEST_TEXT]
    return Letter(
        channel,
        tenant.name,
        customer.phone_e164,
        text,
        sender=sender.e164,
        segments=measure(text).segments,
        sender_of_texts=sender,
    )


def _replies(kind: str, sender: Sender | None, facts: Mapping[str, str], tenant: Tenant) -> str:
    """How to answer. By mail, and where the carrier brings us no answers, there is the link; or the telephone."""
    wording = wording_for(tenant.language)
    if sender is not None and sender.carrier.takes_replies:
        template = wording.offer_replies if kind == Kind.OFFERED else wording.replies
        return "" if kind == Kind.CANCELLED else rendering.fill(template, facts)
    if facts.get("link"):
        return rendering.fill(wording.by_link, facts)
    return rendering.fill(wording.offer_by_phone, facts) if kind == Kind.OFFERED and facts["phone"] else ""


def _template(kind: str, tenant: Tenant) -> str:
    own = MessageTemplate.objects.for_tenant(tenant).filter(kind=kind).first()
    return own.text if own else rendering.usual(kind, tenant.language)


# --- What there is to tell -----------------------------------------------------------------------


def facts_of(
    tenant: Tenant, appointment: Appointment, *, starts_at: datetime.datetime | None = None
) -> dict[str, str]:
    """By placeholder. Of a visit, all services: the customer has one appointment of several parts."""
    return {
        **_common(tenant, starts_at or appointment.starts_at),
        "name": appointment.customer.name,
        "service": " + ".join(_services(appointment)),
        "employee": appointment.employee.name,
        "code": appointment.code,
    }


def _services(appointment: Appointment) -> list[str]:
    if not appointment.visit:
        return [appointment.service.name]
    parts = Appointment.objects.filter(visit=appointment.visit, status=appointment.status)
    names = list(parts.order_by("starts_at").values_list("service__name", flat=True))
    return names or [appointment.service.name]


def _common(tenant: Tenant, starts_at: datetime.datetime) -> dict[str, str]:
    told = rendering.told_time(starts_at, tenant.zone, tenant.language)
    return {"business": tenant.name, "phone": tenant.phone, **told}


def fallback_phone(tenant: Tenant, ours_e164: str) -> str:
    """Where to call: the number that the business gives out, else the one that the text came to."""
    return tenant.phone or ours_e164
