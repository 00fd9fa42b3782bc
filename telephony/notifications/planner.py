"""What is to be told: changes and coming appointments become rows that wait. The only maker of notifications.

Changes are read from the outbox, which is written in the transaction of the change itself. Reminders are read from the
calendar, so that those of yesterday's bookings follow what the business settles today.
"""

import datetime
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from appointments.lifecycle import COMING
from appointments.models import Appointment, AppointmentChange, Customer, OutboxMessage, WaitlistEntry
from telephony.notifications import mail
from telephony.notifications.models import Channel, Kind, Notification, OptOut
from telephony.notifications.wishes import HOUR, Reminder, Wishes, due_at, last_use, wishes_of
from tenants.models import Tenant
from tenants.scoping import tenant_scope

State = Notification.State

AT_A_TIME = 200
AHEAD = datetime.timedelta(hours=24)
"""Reminders stand in the list for so long before they are due."""
NIGHT_AT_MOST = datetime.timedelta(hours=24)
SOON_AFTER = HOUR
"""Nobody is reminded of what they have agreed upon within the hour."""
OLD_NEWS = datetime.timedelta(hours=6)
"""What could not be told for so long is not told any more: reminders follow, and people have called."""
TOLD_TOGETHER = datetime.timedelta(minutes=1)
ANSWERED_ALREADY = frozenset({"text message", "customer's page"})
"""Actors who were told at once what came of it."""

_KINDS = {"booked": Kind.BOOKED, "restored": Kind.BOOKED, "moved": Kind.MOVED, "cancelled": Kind.CANCELLED}
_TIMES = ("booked", "restored", "moved")
"""Changes after which an appointment has another time than before."""


def plan(tenant_id: UUID, *, now: datetime.datetime | None = None) -> int:
    """Turn the outbox's next messages into notifications. How many were read; 0 while another does it."""
    now = now or timezone.now()
    with tenant_scope(tenant_id):
        if not _alone(tenant_id):
            return 0
        tenant = Tenant.objects.get(pk=tenant_id)
        waiting = OutboxMessage.objects.for_tenant(tenant_id).filter(handled_at=None)
        rows = waiting.select_related("appointment__customer").order_by("created_at", "pk")
        messages = list(rows[:AT_A_TIME])
        wishes = wishes_of(tenant.settings)
        for message in messages:
            _plan(tenant, wishes, message, now)
        OutboxMessage.objects.filter(pk__in=[one.pk for one in messages]).update(handled_at=now)
        return len(messages)


def plan_reminders(tenant_id: UUID, *, now: datetime.datetime | None = None) -> int:
    """Make the reminders of the coming days. How many there are more of."""
    now = now or timezone.now()
    with tenant_scope(tenant_id):
        if not _alone(tenant_id):
            return 0
        tenant = Tenant.objects.get(pk=tenant_id)
        wishes = wishes_of(tenant.settings)
        return sum(_plan_reminder(tenant, wishes, one, now) for one in wishes.reminders)


def _alone(tenant_id: UUID) -> bool:
    """One planner at a time: an appointment's messages are read in their order."""
    with connection.cursor() as cursor:
        key = f"notifications {tenant_id}"
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        return bool(cursor.fetchone()[0])


# --- Changes -------------------------------------------------------------------------------------


def _plan(tenant: Tenant, wishes: Wishes, message: OutboxMessage, now: datetime.datetime) -> None:
    if message.kind == "offered":
        _plan_offer(tenant, wishes, message, now)
        return
    kind = _KINDS.get(message.kind)
    if kind is None:
        return
    appointment = message.appointment
    _supersede(appointment)
    starts_at = parse_datetime(str(message.body.get("startsAt", ""))) or appointment.starts_at
    if kind not in wishes.told or starts_at <= now or message.created_at < now - OLD_NEWS:
        return
    if _answered_already(message) or _told_with_another(message):
        return
    _make(
        tenant,
        appointment.customer,
        wishes.told[kind],
        appointment=appointment,
        kind=kind,
        version=str(message.pk),
        starts_at=starts_at,
        due_at=now,
        not_after=starts_at,
    )


def _supersede(appointment: Appointment) -> None:
    """What waits to tell how it stood before. A reminder of the same start stays, if it still takes place."""
    waiting = Notification.objects.filter(appointment=appointment, state=State.WAITING)
    if appointment.status in COMING:
        waiting = waiting.exclude(kind=Kind.REMINDER, starts_at=appointment.starts_at)
    waiting.update(state=State.SUPERSEDED, settled_at=timezone.now())


def _answered_already(message: OutboxMessage) -> bool:
    if message.kind == "moved":  # worth having in writing, whoever did it
        return False
    changes = AppointmentChange.objects.filter(appointment_id=message.appointment_id, kind=message.kind)
    return changes.filter(changed_at=message.created_at, actor__in=ANSWERED_ALREADY).exists()


def _told_with_another(message: OutboxMessage) -> bool:
    """Of a visit or a series that was made or unmade at once, the earliest appointment tells it for all."""
    mine = message.appointment
    same = Q(pk=None)
    if mine.visit:
        same |= Q(appointment__visit=mine.visit)
    if mine.series_id:
        same |= Q(appointment__series_id=mine.series_id)
    together = OutboxMessage.objects.filter(
        same,
        kind=message.kind,
        appointment__starts_at__lt=mine.starts_at,
        created_at__gte=message.created_at - TOLD_TOGETHER,
        created_at__lte=message.created_at + TOLD_TOGETHER,
    )
    return together.exists()


def _plan_offer(tenant: Tenant, wishes: Wishes, message: OutboxMessage, now: datetime.datetime) -> None:
    if Kind.OFFERED not in wishes.told:
        return
    starts_at = parse_datetime(str(message.body.get("startsAt", "")))
    expires_at = parse_datetime(str(message.body.get("expiresAt", "")))
    entries = WaitlistEntry.objects.select_related("customer")
    entry = entries.filter(pk=message.body.get("waitlistEntry")).first()
    if entry is None or starts_at is None or expires_at is None or expires_at <= now:
        return
    _make(
        tenant,
        entry.customer,
        wishes.told[Kind.OFFERED],
        waitlist_entry=entry,
        kind=Kind.OFFERED,
        version=str(message.pk),
        starts_at=starts_at,
        due_at=now,
        not_after=expires_at,
    )


# --- Reminders -----------------------------------------------------------------------------------


def _plan_reminder(tenant: Tenant, wishes: Wishes, reminder: Reminder, now: datetime.datetime) -> int:
    made = 0
    for appointment in _to_be_reminded(reminder, now):
        due = due_at(appointment.starts_at, reminder.lead, wishes.quiet, tenant.zone)
        useful = last_use(appointment.starts_at, reminder.lead)
        if due > now + AHEAD or due < appointment.agreed_at + SOON_AFTER or useful <= now:  # type: ignore[attr-defined]
            continue
        row = {
            "appointment": appointment,
            "kind": Kind.REMINDER,
            "version": appointment.starts_at.isoformat(),
            "hours_before": reminder.hours_before,
        }
        again = Notification.objects.filter(**row, state=State.SUPERSEDED)  # moved away, and back
        if again.update(state=State.WAITING, due_at=due, not_after=useful, settled_at=None):
            made += 1
            continue
        customer = appointment.customer
        times = {"starts_at": appointment.starts_at, "due_at": due, "not_after": useful}
        _make(tenant, customer, reminder.channel, **row, **times)
        made += 1
    return made


def _to_be_reminded(reminder: Reminder, now: datetime.datetime) -> Iterator[Appointment]:
    """Coming appointments without this reminder of their present time; of a visit, the first."""
    coming: QuerySet[Any] = Appointment.objects.filter(
        status__in=COMING,
        starts_at__gt=now,
        starts_at__lte=now + reminder.lead + AHEAD + NIGHT_AT_MOST,
    )
    known = Notification.objects.filter(
        appointment=OuterRef("pk"),
        kind=Kind.REMINDER,
        hours_before=reminder.hours_before,
        starts_at=OuterRef("starts_at"),
    ).exclude(state=State.SUPERSEDED)
    earlier = Appointment.objects.filter(
        visit=OuterRef("visit"), status__in=COMING, starts_at__lt=OuterRef("starts_at"), starts_at__gt=now
    )
    agreed = Coalesce(Max("history__changed_at", filter=Q(history__kind__in=_TIMES)), F("created_at"))
    rows = coming.exclude(Exists(known)).exclude(Exists(earlier)).annotate(agreed_at=agreed)
    yield from rows.select_related("customer").order_by("starts_at", "pk")


# --- The row -------------------------------------------------------------------------------------


def _make(tenant: Tenant, customer: Customer, wished: str, **facts: Any) -> None:
    """A row that waits; or one that says why nobody is told, for whoever wonders."""
    channel, problem = reach(customer, wished)
    state = {"state": State.SKIPPED, "error": problem, "settled_at": timezone.now()} if problem else {}
    Notification.objects.bulk_create(
        [Notification(tenant=tenant, channel=channel, **facts, **state)], ignore_conflicts=True
    )


def reach(customer: Customer, wished: str) -> tuple[str, str]:
    """By which channel a customer is told, and why by none, or "". Who wants no texts, or has no phone, gets mail."""
    by_mail = bool(customer.email) and mail.is_configured()
    if wished == Channel.EMAIL:
        if not customer.email:
            return Channel.EMAIL, "The customer has left no e-mail address."
        return Channel.EMAIL, "" if by_mail else "This installation has no mail server (EMAIL_URL)."
    if not customer.phone_e164:
        problem = "" if by_mail else "The customer has left no telephone number."
        return (Channel.EMAIL if by_mail else Channel(wished)), problem
    if OptOut.objects.for_tenant(customer.tenant_id).filter(e164=customer.phone_e164).exists():
        by = Channel(wished)
        return (Channel.EMAIL, "") if by_mail else (by, "The customer wants no texts (STOP).")
    return Channel(wished), ""
