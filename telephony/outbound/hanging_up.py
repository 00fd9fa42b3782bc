"""We have thought better of a call: it is not placed, or it ends."""

import logging
from uuid import UUID

from django.utils import timezone

from telephony import calls
from telephony.models import Call, OutboundCall
from telephony.outbound import attempts, dialers
from telephony.outbound.errors import CarrierRefused
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)
State = OutboundCall.State


def hang_up(tenant_id: UUID, order_id: UUID) -> bool:
    """Whether there was anything to end. A second time changes nothing. Raises CarrierRefused."""
    now = timezone.now()
    with tenant_scope(tenant_id):
        rows = OutboundCall.objects.for_tenant(tenant_id).select_for_update(of=("self",), no_key=True)
        order = rows.select_related("call").get(pk=order_id)
        if not order.is_open:
            return False
        order.canceled_at = order.canceled_at or now
        if order.state == State.WAITING:
            order.state, order.settled_at = State.CANCELED, now
        order.save(update_fields=["canceled_at", "state", "settled_at"])
        waits = order.state != State.UNDER_WAY
    if not waits:
        end_at_carrier(tenant_id, order_id)
    return True


def end_at_carrier(tenant_id: UUID, order_id: UUID) -> None:
    """Outside of any transaction. Raises CarrierRefused."""
    with tenant_scope(tenant_id):
        call: Call | None = OutboundCall.objects.select_related("call__tenant").get(pk=order_id).call
        if call is None or not attempts.is_bound(call) or calls.RANK[call.state] == calls.ENDED:
            return
    try:
        dialers.dialer_of(call.carrier).hang_up(call)
    except CarrierRefused as refused:
        logger.warning("Call %s could not be ended: %s", call.carrier_call_id, refused.message)
        raise
    with tenant_scope(tenant_id):
        calls.add_event(tenant_id, call.pk, "hung_up_by_us", dedupe_key="hung_up_by_us")
