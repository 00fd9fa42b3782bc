"""Placing what is due: claim a row and commit, ask the carrier outside of any transaction, write down what it said."""

import datetime
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from appointments.lifecycle import COMING
from appointments.models import Appointment, OutboxMessage
from telephony import limits
from telephony.errors import BudgetSpent
from telephony.models import Call, OutboundCall
from telephony.outbound import attempts, budget, course, dialers, errors, orders
from telephony.outbound.policy import policy_of
from telephony.outbound.wanted import Placing
from telephony.spend import meters
from tenants.models import Tenant, TenantQuerySet
from tenants.phone import mask
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)
State = OutboundCall.State

CLAIM_STANDS = datetime.timedelta(seconds=20)
"""A process that was put to sleep between claim and call places it no more."""
SECONDS_AT_A_TIME = 8.0
LATER = datetime.timedelta(seconds=20)
"""Before what is too many now is looked at again."""
LONGEST_CALL_SECONDS = 14_400
TEXT_LENGTH = 240
REFUSED = "not_placed"


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of a row that was due; `claimed` is None where it is not placed now."""

    order_id: UUID
    claimed: Placing | None = None


def place_due(tenant_id: UUID, *, seconds: float = SECONDS_AT_A_TIME) -> int:
    """Place what is due of one business, for so long at most. How many were tried."""
    until, tried, seen = time.monotonic() + seconds, 0, set[UUID]()
    while time.monotonic() < until:
        looked = claim(tenant_id, besides=seen)
        if looked is None:
            break
        seen.add(looked.order_id)
        if looked.claimed is not None:
            place(looked.order_id, looked.claimed)
            tried += 1
    return tried


def order_and_place(tenant_id: UUID, wish: orders.Wish) -> orders.Ordered:
    """At once, while somebody waits for the answer: order and claim are one transaction. Raises OutboundRefused."""
    with tenant_scope(tenant_id):
        ordered = orders.make(tenant_id, wish)
        claimed = _claimed(ordered.order, timezone.now()) if ordered.is_new else None
    if claimed is not None:
        place(ordered.order.pk, claimed)
    return ordered


def place_now(tenant_id: UUID, order_id: UUID) -> None:
    """Place this one, if it is due and nobody else does."""
    looked = claim(tenant_id, only=order_id)
    if looked is not None and looked.claimed is not None:
        place(order_id, looked.claimed)


# --- The claim -----------------------------------------------------------------------------------


def claim(
    tenant_id: UUID,
    *,
    only: UUID | None = None,
    besides: Iterable[UUID] = (),
    now: datetime.datetime | None = None,
) -> Looked | None:
    """Claim the next row that is due, and commit; None where none is."""
    now = now or timezone.now()
    with tenant_scope(tenant_id):
        orders.lock(tenant_id)
        due = OutboundCall.objects.for_tenant(tenant_id).filter(state=State.WAITING, due_at__lte=now)
        due = due.filter(pk=only) if only else due.exclude(pk__in=list(besides))
        rows = due.select_for_update(skip_locked=True, of=("self",), no_key=True)
        row = rows.select_related("tenant", "number", "customer").order_by("due_at", "pk").first()
        if row is None:
            return None
        try:
            _refuse(row, now)
            with transaction.atomic():
                return Looked(row.pk, _claimed(row, now))
        except errors.OutboundRefused as refused:
            _not_now(row, refused, now)
            return Looked(row.pk)


def _refuse(row: OutboundCall, now: datetime.datetime) -> None:
    """Everything that was looked at when it was ordered may have changed. Raises OutboundRefused."""
    tenant: Tenant = row.tenant
    policy = policy_of(tenant.settings)
    if now > row.not_after:
        raise errors.OutboundRefused("It is too late to be of use", code="EXPIRED")
    if not row.number.is_active:
        raise errors.NoNumber
    _refuse_overtaken(row)
    orders.refuse_number(tenant, policy, row.to_e164)
    orders.refuse_route(tenant, row.number, row.provider)
    orders.refuse_moment(tenant, policy, row.to_e164, now)
    budget.refuse_attempt(tenant, policy, row.to_e164, now)


def _refuse_overtaken(row: OutboundCall) -> None:
    """A reminder of a time that is not the appointment's any more.

    Behind the lock that every change takes first: none can be committed between this look and our claim.
    """
    if row.starts_at is None:
        return
    locked = Appointment.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
    changed = OutboxMessage.objects.filter(appointment=OuterRef("pk"), handled_at=None)
    about = locked.filter(pk=row.appointment_id).annotate(unread=Exists(changed)).first()
    if about is None or about.unread:  # somebody is at it at this moment
        raise errors.TooManyCalls("APPOINTMENT_BUSY", "The appointment is being changed")
    if about.status not in COMING or about.starts_at != row.starts_at:
        raise errors.OutboundRefused("Another change has overtaken it", code="SUPERSEDED")


def _not_now(row: OutboundCall, refused: errors.OutboundRefused, now: datetime.datetime) -> None:
    """What passes is waited for, until the deadline; what does not ends the order."""
    passes = isinstance(refused, errors.QuietHours | errors.TooManyCalls | errors.AgentUnavailable)
    again = max(refused.until or now, now + LATER)
    row.error, row.error_code = refused.error[:TEXT_LENGTH], refused.code
    if passes and again <= row.not_after:
        row.due_at = again
        row.save(update_fields=["due_at", "error", "error_code"])
        return
    row.state = State.CANCELED if refused.code in {"EXPIRED", "SUPERSEDED"} else State.FAILED
    row.settled_at = now
    row.save(update_fields=["state", "settled_at", "error", "error_code"])
    course.tell_notification(row)


def _claimed(row: OutboundCall, now: datetime.datetime) -> Placing:
    """Raises TooManyCalls where the business has no paid time left: then nothing stays of the attempt."""
    policy = policy_of(row.tenant.settings)
    call = attempts.begin(row)
    try:
        meters.reserve(row.tenant, call.pk, row.to_e164)
    except BudgetSpent:
        raise errors.TooManyCalls("BUDGET_SPENT", "The paid time of the business is spent") from None
    row.state, row.claimed_at, row.call, row.attempts = State.PLACING, now, call, row.attempts + 1
    row.error = row.error_code = row.answered_by = ""
    row.save(update_fields=["state", "claimed_at", "call", "attempts", "error", "error_code", "answered_by"])
    longest = limits.longest_call_seconds(row.tenant) or LONGEST_CALL_SECONDS
    return Placing(
        tenant_id=row.tenant_id,
        reference=call.pk,
        from_e164=call.from_e164,
        to_e164=call.to_e164,
        ring_seconds=policy.ring_seconds,
        max_seconds=min(int(longest) + 60, LONGEST_CALL_SECONDS),
        claimed_at=now,
    )


# --- Out of the house ----------------------------------------------------------------------------


def place(order_id: UUID, wanted: Placing) -> None:
    """Ask the carrier, once, and write down what it said. Never raises for what the far end does."""
    if timezone.now() - wanted.claimed_at > CLAIM_STANDS:
        return
    with tenant_scope(wanted.tenant_id):
        carrier = Call.objects.values_list("carrier", flat=True).get(pk=wanted.reference)
    try:
        carrier_call_id = dialers.dialer_of(carrier).place(wanted)
    except errors.CarrierRefused as refused:
        _refused(order_id, wanted, refused)
        return
    logger.info("Outbound: Placed call %s to %s", carrier_call_id, mask(wanted.to_e164))
    with tenant_scope(wanted.tenant_id):
        call = Call.objects.select_for_update().get(pk=wanted.reference)
        attempts.bind(call, carrier_call_id)
        _mine(order_id, wanted).filter(state=State.PLACING).update(state=State.UNDER_WAY)
    course.placed(wanted.tenant_id, order_id)


def _refused(order_id: UUID, wanted: Placing, refused: errors.CarrierRefused) -> None:
    logger.warning("A call to %s was not placed: %s", mask(wanted.to_e164), refused.message)
    with tenant_scope(wanted.tenant_id):
        told = {"error": refused.message[:TEXT_LENGTH], "error_code": refused.code[:40]}
        row = _mine(order_id, wanted).select_for_update().filter(state=State.PLACING).first()
        if row is None:  # a callback was faster: it has been placed
            return
        _mine(order_id, wanted).update(**told)
        if refused.uncertain:
            return  # callbacks tell, or `course.give_up_unheard`
        row.refresh_from_db()
        attempts.end_unplaced(row.call, REFUSED)
        course.not_taken(row, permanent=refused.permanent)


def _mine(order_id: UUID, wanted: Placing) -> "TenantQuerySet[OutboundCall]":
    """The order, as long as this is its present attempt."""
    return OutboundCall.objects.filter(pk=order_id, call_id=wanted.reference)
