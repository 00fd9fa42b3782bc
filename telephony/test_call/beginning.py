"""A test call begins as an incoming one does: admitted, routed, its stream's token made."""

from typing import Any
from uuid import uuid4

from telephony import breaker, calls, dialplan, head_start
from telephony.errors import CallFailed
from telephony.incoming import IncomingCall
from telephony.models import Carrier, PhoneNumber
from telephony.test_call.leg import PATH
from tenants.models import Tenant
from tenants.scoping import tenant_scope


def begin(tenant: Tenant, *, caller: str = "") -> dict[str, Any]:
    """The path on this host that the browser's stream goes to, and the `start` object that it must send first.

    `caller` is the number to seem to call from, E.164; without one it is withheld. Raises CallRefused where an
    incoming call would be refused, with the same words.
    """
    number = _number(tenant)
    destination = dialplan.Destination(tenant.pk, number.pk if number else None, in_service=tenant.is_active)
    incoming = IncomingCall(
        carrier_call_id=f"TC{uuid4().hex}",
        account_id="",
        from_e164=caller,
        to_e164=number.e164 if number else "",
        carrier=Carrier.BROWSER,
    )
    calls.admit(incoming, destination)
    route = dialplan.route(destination)
    if not breaker.allows(breaker.Circuit(route.tenant_id, route.provider, route.agent_id)):
        calls.record_refused(incoming, destination, "agent_fails_everybody")
        raise CallFailed
    calls.reserve_time(incoming, destination)
    token = calls.open_call(incoming, route)
    if token is None:
        raise CallFailed
    head_start.begin(route, token)
    sid = incoming.carrier_call_id
    return {
        "path": f"/{PATH}",
        "start": {
            "callSid": sid,
            "accountSid": "",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {
                "agent_id": route.agent_id,
                "tenant_id": str(tenant.pk),
                "call_sid": sid,
                "token": token,
            },
        },
    }


def _number(tenant: Tenant) -> PhoneNumber | None:
    """One that callers dial, where there is one yet."""
    with tenant_scope(tenant):
        return PhoneNumber.objects.filter(is_active=True).order_by("e164").first()
