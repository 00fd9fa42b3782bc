"""Calls that we place over Infobip.  Source: Infobip, "Calls API": create call, hangup, machine detection.

There is no way to ask twice for the same call: our own name travels in `customData`, and comes back with every event.
"""

from typing import Any
from uuid import UUID

from telephony.carriers.infobip.account import account_of
from telephony.carriers.infobip.events import ENDED_STATES, LONGEST_ID, REFERENCE
from telephony.carriers.infobip.provisioning import own_id, require_login
from telephony.carriers.infobip.rest import InfobipRest
from telephony.incoming import CallStatus
from telephony.models import Call, Carrier
from telephony.outbound.errors import CarrierRefused
from telephony.outbound.wanted import Placing
from tenants.vendor_http import VendorError

MESSAGE_SECONDS = 30
"""For a machine to come to its tone."""
_STATES = {
    "CALLING": "queued",
    "RINGING": "ringing",
    "PRE_ESTABLISHED": "ringing",
    "ESTABLISHED": "in-progress",
    **ENDED_STATES,
}


class InfobipDialer:
    def missing(self, tenant_id: UUID) -> str:
        try:
            require_login(account_of(tenant_id))
        except VendorError as error:
            return str(error)
        return ""

    def place(self, wanted: Placing) -> str:
        account = account_of(wanted.tenant_id)
        body: dict[str, Any] = {
            "endpoint": {"type": "PHONE", "phoneNumber": wanted.to_e164.removeprefix("+")},
            "from": wanted.from_e164.removeprefix("+"),
            "callsConfigurationId": account.configuration_id or own_id(wanted.tenant_id),
            "connectTimeout": wanted.ring_seconds,
            "maxDuration": wanted.max_seconds,
            "machineDetection": {"enabled": True, "messageDetectionTimeout": MESSAGE_SECONDS},
            "customData": {REFERENCE: str(wanted.reference)},
        }
        try:
            with InfobipRest(account.api_key) as api:
                made = api.place_call(body)
        except VendorError as error:
            raise refusal(error) from error
        call_id = str(made.get("id") or "")[:LONGEST_ID]
        if not call_id:
            raise CarrierRefused("Infobip answered without the call's id.", uncertain=True)
        return call_id

    def hang_up(self, call: Call) -> None:
        answered = call.state == Call.State.IN_PROGRESS
        try:
            with InfobipRest(account_of(call.tenant_id).api_key) as api:
                api.hang_up(call.carrier_call_id, "" if answered else "CANCELLED")
        except VendorError as error:
            if error.status != 404:
                raise refusal(error) from error

    def look_up(self, call: Call) -> CallStatus | None:
        try:
            with InfobipRest(account_of(call.tenant_id).api_key) as api:
                told = api.call(call.carrier_call_id)
        except VendorError as error:
            raise refusal(error) from error
        state = _STATES.get(str((told or {}).get("state")))
        return CallStatus(call.carrier_call_id, state, "looked-up", None, Carrier.INFOBIP) if state else None


def refusal(error: VendorError) -> CarrierRefused:
    passing = error.status is None or error.status == 429
    code = error.code or str(error.status or "")
    return CarrierRefused(
        error.message, code=code, permanent=not passing and not error.maybe_done, uncertain=error.maybe_done
    )
