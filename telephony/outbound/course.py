"""What becomes of a call that was placed: who answered, how it ended, and whether somebody is called again."""

import datetime
import logging
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from telephony import calls, live
from telephony.errors import CallRefused
from telephony.models import Call, Notification, OutboundCall
from telephony.notifications import composing
from telephony.outbound import attempts, dialers, hanging_up, orders, wording
from telephony.outbound.errors import CarrierRefused
from telephony.outbound.policy import next_allowed, policy_of
from telephony.relief import route_that_works
from tenants.models import Tenant
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)
State = OutboundCall.State

MACHINES = ("machine", "fax")
FAX = "fax"
"""Who answered, as Twilio says it, and what became of the order."""
SILENT = datetime.timedelta(minutes=2)
"""After so long without a word from the carrier it is asked."""
UNHEARD = datetime.timedelta(minutes=10)
"""A call of which only our claim is known is given up: carriers queue for less."""
UNKNOWN = "placement_unknown"
NOT_TOLD = "not told"
"""How a call stands whose carrier does not answer."""

_FINAL = {
    Call.State.BUSY: State.BUSY,
    Call.State.NO_ANSWER: State.NO_ANSWER,
    Call.State.FAILED: State.FAILED,
    Call.State.CANCELED: State.CANCELED,
    Call.State.COMPLETED: State.COMPLETED,
}
AGAIN = frozenset({State.BUSY, State.NO_ANSWER, State.FAILED})


def order_of(call: Call) -> OutboundCall | None:
    """The order whose present attempt this call is. Needs the tenant's scope."""
    rows = OutboundCall.objects.for_tenant(call.tenant_id).select_related(
        "tenant",
        "number",
        "customer",
        "appointment__customer",
        "appointment__employee",
        "appointment__service",
    )
    return rows.filter(call_id=call.pk).first()


# --- The carrier has it --------------------------------------------------------------------------


def named(call: Call, carrier_call_id: str, account_id: str = "") -> bool:
    """A callback has brought the carrier's name of a call. False where it is another call's."""
    with tenant_scope(call.tenant_id):
        bound = attempts.bind(call, carrier_call_id, account_id)
        if bound:
            mine = OutboundCall.objects.filter(call_id=call.pk, state=State.PLACING)
            mine.update(state=State.UNDER_WAY, error="", error_code="")
        return bound


def placed(tenant_id: UUID, order_id: UUID) -> None:
    """The carrier has taken it; somebody may have thought better of it while it was asked."""
    with tenant_scope(tenant_id):
        unwanted = OutboundCall.objects.filter(pk=order_id).exclude(canceled_at=None).exists()
    if unwanted:
        with suppress(CarrierRefused):  # told in the log, and `tidy` asks again
            hanging_up.end_at_carrier(tenant_id, order_id)


def heard(call: Call, answered_by: str) -> bool:
    """The carrier has listened to who answered. Whether it is a machine, told for the first time."""
    with tenant_scope(call.tenant_id):
        OutboundCall.objects.filter(call_id=call.pk).update(answered_by=answered_by[:24])
        if not answered_by.startswith(MACHINES):
            return False
        return calls.add_event(
            call.tenant_id, call.pk, calls.MACHINE, dedupe_key=calls.MACHINE, answered_by=answered_by[:24]
        )


# --- Its end -------------------------------------------------------------------------------------


def settle(call: Call, *, now: datetime.datetime | None = None) -> None:
    """Write down how the order of a call that is over has ended, or when it is tried again. Needs no scope."""
    now = now or timezone.now()
    with tenant_scope(call.tenant_id):
        rows = OutboundCall.objects.select_for_update(of=("self",), no_key=True).select_related(
            "tenant", "call"
        )
        order = rows.filter(call_id=call.pk, state__in=[State.PLACING, State.UNDER_WAY]).first()
        if order is None or order.call is None or not _is_over(order.call):
            return
        if not attempts.is_bound(order.call):
            _finish(order, State.FAILED, now, code=UNKNOWN, error="Whether it was placed is not known")
            return
        state = _FINAL[Call.State(order.call.state)]
        if order.answered_by.startswith(MACHINES):  # which may be over before there was a stream to say so
            Call.objects.filter(pk=call.pk, outcome="").update(outcome=calls.MACHINE)
        if order.answered_by == FAX:
            _finish(order, State.FAILED, now, code=FAX, error="A fax machine has answered")
            return
        if order.answered_by.startswith(MACHINES) and state == State.COMPLETED:
            state = State.MACHINE
        if order.canceled_at is not None and state != State.COMPLETED:
            state = State.CANCELED
        if state in AGAIN and _again(order, state, now):
            return
        _finish(order, state, now)


def _is_over(call: Call) -> bool:
    """The carrier says so, and whoever carried it has written down how."""
    streaming = call.stream_started_at is not None and call.stream_ended_at is None
    return calls.RANK[call.state] == calls.ENDED and not streaming


def _again(order: OutboundCall, state: str, now: datetime.datetime) -> bool:
    """Whether it is tried again: never past the deadline, and never at night."""
    if order.attempts >= order.max_attempts or order.canceled_at is not None:
        return False
    policy = policy_of(order.tenant.settings)
    due = next_allowed(now + policy.retry_after, policy.quiet, orders.zones(order.tenant, order.to_e164))
    if due > order.not_after:
        return False
    order.state, order.due_at, order.error_code = State.WAITING, due, state
    order.save(update_fields=["state", "due_at", "error_code"])
    return True


def not_taken(order: OutboundCall, *, permanent: bool) -> None:
    """The carrier refused it: for good, or for the moment and then as if nobody had answered. Needs the scope."""
    now = timezone.now()
    if permanent or order.origin == OutboundCall.Origin.API or not _again(order, State.FAILED, now):
        _finish(order, State.FAILED, now, code=order.error_code, error=order.error)


def _finish(
    order: OutboundCall, state: str, now: datetime.datetime, *, code: str = "", error: str = ""
) -> None:
    order.state, order.settled_at, order.error_code, order.error = state, now, code, error
    order.save(update_fields=["state", "settled_at", "error_code", "error"])
    tell_notification(order)


def tell_notification(order: OutboundCall) -> None:
    """A reminder by telephone is delivered once somebody, or a machine, has heard it. Needs the tenant's scope."""
    if order.notification_id is None:
        return
    told = Notification.State
    if order.error_code in {"SUPERSEDED", "EXPIRED"}:
        state = told.SUPERSEDED if order.error_code == "SUPERSEDED" else told.EXPIRED
    elif order.state == State.CANCELED:
        state = told.SKIPPED
    else:
        state = told.DELIVERED if _was_heard(order) else told.UNDELIVERED
    rows = Notification.objects.filter(
        pk=order.notification_id, state__in=[told.SENDING, told.SENT, told.UNKNOWN]
    )
    rows.update(
        state=state, settled_at=timezone.now(), error_code=order.error_code[:40], error=_because(order)[:240]
    )


def _was_heard(order: OutboundCall) -> bool:
    if order.state == State.MACHINE:
        return policy_of(order.tenant.settings).voicemail != ""
    return (
        order.state == State.COMPLETED and order.call is not None and order.call.outcome in calls.ON_PURPOSE
    )


def _because(order: OutboundCall) -> str:
    return order.error or ("" if _was_heard(order) else str(order.get_state_display()))


# --- What was never told -------------------------------------------------------------------------


def open_orders(now: datetime.datetime) -> Q:
    """Orders at which somebody should look, beside those that are due."""
    over = Q(state__in=[State.PLACING, State.UNDER_WAY]) & ~Q(call__ended_at=None)
    unheard = Q(state=State.PLACING, claimed_at__lt=now - UNHEARD)
    silent = Q(state=State.UNDER_WAY, claimed_at__lt=now - SILENT, call__ended_at=None)
    return over | unheard | silent | hanging_up.unwanted(now)


def tidy(tenant_id: UUID, now: datetime.datetime | None = None) -> None:
    """Settle what is over, end what is not wanted, ask about what is silent, give up what was never heard of."""
    now = now or timezone.now()
    with tenant_scope(tenant_id):
        rows = (
            OutboundCall.objects.for_tenant(tenant_id).filter(open_orders(now)).select_related("call__tenant")
        )
        found = [(row, row.call) for row in rows.order_by("claimed_at")[:100] if row.call is not None]
    mute: set[str] = set()
    for order, call in found:
        if call.ended_at is None:
            try:
                _look_after(order, call, now, is_mute=call.carrier in mute)
            except CarrierRefused as refused:  # told in the log
                if not refused.permanent:
                    mute.add(call.carrier)
        settle(call, now=now)


def _look_after(order: OutboundCall, call: Call, now: datetime.datetime, *, is_mute: bool) -> None:
    """A call that has not ended, as far as we know. Raises CarrierRefused.

    `is_mute`: its carrier has just not answered about another. To wait for it as many times as there are calls would
    keep all workers from everybody else's.
    """
    if not attempts.is_bound(call):
        with tenant_scope(call.tenant_id):
            attempts.end_unplaced(call, UNKNOWN)
    elif hanging_up.must_ask_again(order, call, now):
        if not is_mute:
            hanging_up.end_at_carrier(order.tenant_id, order.pk)
    elif _is_silent(call, now):
        if is_mute:
            _note_look(call, NOT_TOLD)
        else:
            _ask(call)


def _is_silent(call: Call, now: datetime.datetime) -> bool:
    """Whoever carries a call knows best that it goes on."""
    if call.stream_started_at is not None and call.stream_ended_at is None:
        return False
    with tenant_scope(call.tenant_id):
        return not call.events.filter(occurred_at__gt=now - SILENT).exists()


def _ask(call: Call) -> None:
    """Raises CarrierRefused."""
    try:
        status = dialers.dialer_of(call.carrier).look_up(call)
    except CarrierRefused as refused:
        logger.warning("How call %s stands cannot be asked: %s", call.carrier_call_id, refused.message)
        _note_look(call, NOT_TOLD)
        raise
    _note_look(call, status.state if status else "unknown")
    if status is not None:
        calls.apply_status(status)


def _note_look(call: Call, state: str) -> None:
    """Which lets the call be for as long as it may be silent."""
    with tenant_scope(call.tenant_id):
        calls.add_event(call.tenant_id, call.pk, "looked_up", state=state)


# --- Words ---------------------------------------------------------------------------------------


def words_for_machine(call: Call) -> str:
    """What an answering machine is told; "" for nothing."""
    with tenant_scope(call.tenant_id):
        order = order_of(call)
        if order is not None and order.answered_by == FAX:
            return ""
        tenant = Tenant.objects.get(pk=call.tenant_id)
        own = policy_of(tenant.settings).voicemail
        return wording.on_machine(own, tenant.language, _facts(tenant, call, order))


def _facts(tenant: Tenant, call: Call, order: OutboundCall | None) -> dict[str, Any]:
    number = tenant.phone or call.our_e164
    facts = {"business": tenant.name, "phone": wording.spoken_number(number)}
    if order is None:
        return facts
    if order.appointment is not None:
        about = composing.facts_of(tenant, order.appointment)
        facts |= {name: about[name] for name in ("service", "employee", "when", "date", "time")}
    facts["name"] = order.customer.name if order.customer else ""
    return facts


def answers(call: Call) -> attempts.Connected | None:
    """The callee has answered: who speaks, and a token for the stream. Raises CallRefused where nobody can."""
    if live.is_draining():  # this process is about to end: a stream begun now would be cut
        raise CallRefused
    with tenant_scope(call.tenant_id):
        order = order_of(call)
        if order is None or order.canceled_at is not None:
            return None
        route = orders.route_of(order.tenant, order.number, order.provider)
        return attempts.connect(call, route_that_works(route, call.carrier) or route, order)
