"""A call that we place, as a row of Call: begun under a name of our own, bound to the carrier's, connected to an agent.

Besides `telephony.calls` the only writer of Call: this one has not from the first what a call that comes in has.
Needs the tenant's scope.
"""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from uuid import UUID

from agents.conversations import open_conversation
from telephony import calls
from telephony.dialplan import Route
from telephony.handover import prepare, seal, wire_format
from telephony.models import Call, OutboundCall
from telephony.spend import meters
from tenants.models import Tenant
from tenants.scoping import platform_scope

PLACING = "placing-"
"""Begins the name of a call that its carrier has not named yet."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A call that is answered and waits for its stream."""

    call: Call
    token: str
    route: Route


def begin(order: OutboundCall) -> Call:
    """The next attempt's row. It counts from now on, whatever becomes of us."""
    pk = uuid.uuid4()
    return Call.objects.create(
        pk=pk,
        tenant_id=order.tenant_id,
        carrier=order.number.carrier,
        carrier_call_id=f"{PLACING}{pk.hex}",
        direction=Call.Direction.OUTBOUND,
        state=Call.State.QUEUED,
        from_e164=order.number.e164,
        to_e164=order.to_e164,
        number_id=order.number_id,
    )


def find(reference: str, carrier: str) -> Call | None:
    """The attempt that a carrier's callback names, with its tenant: before any tenant is known."""
    try:
        pk = UUID(reference)
    except ValueError:
        return None
    with platform_scope():
        rows = Call.objects.select_related("tenant").filter(
            direction=Call.Direction.OUTBOUND, carrier=carrier
        )
        return rows.filter(pk=pk).first()


def bind(call: Call, carrier_call_id: str, account_id: str = "") -> bool:
    """The carrier has named it: in its answer or in a callback, whichever is first. False for another call's name."""
    unnamed = Call.objects.filter(pk=call.pk, carrier_call_id__startswith=PLACING)
    if carrier_call_id and unnamed.update(carrier_call_id=carrier_call_id, carrier_account_id=account_id):
        calls.add_event(call.tenant_id, call.pk, "placed", dedupe_key="placed")
    call.refresh_from_db(fields=["carrier_call_id", "state", "outcome", "stream_started_at", "conversation"])
    return call.carrier_call_id == carrier_call_id


def is_bound(call: Call) -> bool:
    return not call.carrier_call_id.startswith(PLACING)


def connect(call: Call, route: Route, order: OutboundCall) -> Connected | None:
    """The callee has answered: a conversation, and a token for the stream, a fresh one for a repeated webhook.

    None when the stream has started, or the call is over: a captured webhook must not open a second one.
    """
    row = Call.objects.select_for_update().get(pk=call.pk)
    if row.stream_started_at or calls.RANK[row.state] == calls.ENDED:
        return None
    if row.conversation_id is None:
        row.conversation = open_conversation(
            tenant_id=row.tenant_id,
            provider=route.provider,
            agent_id=route.agent_id,
            caller_e164=row.to_e164,
            # Nobody claims to have this number: we have dialled it.
            caller_vouched_for=True,
            called_e164=row.from_e164,
            carrier_call_id=row.carrier_call_id,
            is_outbound=True,
            purpose=order.purpose,
            appointment_id=order.appointment_id,
            customer_name=order.customer.name if order.customer else "",
        )
    token = secrets.token_urlsafe(32)
    tenant = Tenant.objects.get(pk=row.tenant_id)
    ready = prepare(
        tenant,
        row.conversation.pk,
        wire_format(row.carrier, route.provider),
        row.carrier,
        granted_seconds=meters.granted_to(row.pk),
        has_menu=False,
    )
    row.handover, row.session_url = seal(ready), ""
    row.stream_token_hash = hashlib.sha256(token.encode()).hexdigest()
    row.stream_token_expires_at = calls.token_expires_at()
    row.save()
    return Connected(row, token, route)


def end_unplaced(call: Call, outcome: str) -> None:
    """The carrier did not take it, or nobody knows."""
    calls.end_unheard(call, outcome)
