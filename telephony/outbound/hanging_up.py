"""We have thought better of a call: it is not placed, or it ends; and one that came in can be ended, too."""

import datetime
import enum
import logging
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from telephony import calls
from telephony.models import Call, OutboundCall
from telephony.outbound import attempts, dialers
from telephony.outbound.errors import CarrierRefused
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)
State = OutboundCall.State

AGAIN_AFTER = datetime.timedelta(seconds=15)
"""A carrier that would not end a call, or was never asked because a worker died, is asked once more."""
ENDED_BY_US = "hung_up_by_us"
REFUSED = "carrier_refused"


def unwanted(now: datetime.datetime) -> Q:
    """Orders whose call goes on, though somebody wanted it ended a while ago."""
    return Q(state=State.UNDER_WAY, canceled_at__lt=now - AGAIN_AFTER, call__ended_at=None)


class Wish(enum.Enum):
    NOTHING = "it had ended"
    NOTED = "it was not placed yet, and will not be"
    NOTED_AND_TO_END = "it goes on: the carrier has to end it"


def hang_up(tenant_id: UUID, order_id: UUID) -> bool:
    """Whether there was anything to end. A second time changes nothing. Raises CarrierRefused."""
    wish = cancel(tenant_id, order_id)
    if wish is Wish.NOTED_AND_TO_END:
        end_at_carrier(tenant_id, order_id)
    return wish is not Wish.NOTHING


def cancel(tenant_id: UUID, order_id: UUID) -> "Wish":
    """Write down that it is not wanted any more; no carrier is asked."""
    now = timezone.now()
    with tenant_scope(tenant_id):
        rows = OutboundCall.objects.for_tenant(tenant_id).select_for_update(of=("self",), no_key=True)
        order = rows.select_related("call").get(pk=order_id)
        if not order.is_open:
            return Wish.NOTHING
        order.canceled_at = order.canceled_at or now
        if order.state == State.WAITING:
            order.state, order.settled_at = State.CANCELED, now
        order.save(update_fields=["canceled_at", "state", "settled_at"])
        return Wish.NOTED_AND_TO_END if order.state == State.UNDER_WAY else Wish.NOTED


def end_at_carrier(tenant_id: UUID, order_id: UUID) -> None:
    """Outside of any transaction. Raises CarrierRefused."""
    with tenant_scope(tenant_id):
        call: Call | None = OutboundCall.objects.select_related("call__tenant").get(pk=order_id).call
        if call is None or not attempts.is_bound(call) or calls.RANK[call.state] == calls.ENDED:
            return
    _end(call)


def end_incoming(tenant_id: UUID, call_id: UUID) -> bool:
    """Whether there was anything to end. Outside of any transaction. Raises CarrierRefused."""
    with tenant_scope(tenant_id):
        call = Call.objects.for_tenant(tenant_id).select_related("tenant").get(pk=call_id)
    if calls.RANK[call.state] == calls.ENDED:
        return False
    _end(call)
    return True


def _end(call: Call) -> None:
    tenant_id = call.tenant_id
    try:
        dialers.dialer_of(call.carrier).hang_up(call)
    except CarrierRefused as refused:
        logger.warning("Call %s could not be ended: %s", call.carrier_call_id, refused.message)
        with tenant_scope(tenant_id):
            calls.add_event(tenant_id, call.pk, REFUSED, action="hang_up", reason=refused.message[:240])
        raise
    with tenant_scope(tenant_id):
        calls.add_event(tenant_id, call.pk, ENDED_BY_US, dedupe_key=ENDED_BY_US)


def must_ask_again(order: OutboundCall, call: Call, now: datetime.datetime) -> bool:
    """Whether its call is not wanted, no carrier has agreed to end it, and none was asked just now."""
    if order.canceled_at is None or order.canceled_at > now - AGAIN_AFTER:
        return False
    asked = Q(kind=ENDED_BY_US) | Q(kind=REFUSED, occurred_at__gt=now - AGAIN_AFTER)
    with tenant_scope(order.tenant_id):
        return not call.events.filter(asked).exists()
