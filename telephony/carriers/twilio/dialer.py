"""Calls that we place over Twilio.  Source: Twilio, "Call resource", "Answering machine detection", "Error dictionary".

Machines are detected while the call goes on (`AsyncAmd`): the other way holds the TwiML back for four seconds, in which
whoever has answered hears nothing and hangs up. With `DetectMessageEnd` Twilio tells of a machine at its tone, so that
what is said then is recorded.
"""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from telephony.carriers.twilio import twiml
from telephony.carriers.twilio.addresses import callback_url
from telephony.carriers.twilio.provisioning import require_login, twilio_login
from telephony.carriers.twilio.rest import TwilioRest
from telephony.incoming import CallStatus
from telephony.models import Call
from telephony.outbound.errors import CarrierRefused
from telephony.outbound.wanted import Placing
from tenants.scoping import tenant_scope
from tenants.vendor_http import VendorError

EVENTS = ["initiated", "ringing", "answered", "completed"]
PASSING = frozenset({429})
OVER = frozenset({"21220", "20404"})
"""The call has ended meanwhile."""


class TwilioDialer:
    def missing(self, tenant_id: UUID) -> str:
        try:
            require_login(twilio_login(tenant_id))
        except VendorError as error:
            return str(error)
        return ""

    def place(self, wanted: Placing) -> str:
        try:
            with self._api(wanted.tenant_id) as api:
                made = api.create_call(_fields(wanted))
        except VendorError as error:
            raise refusal(error) from error
        sid = str(made.get("sid") or "")[:64]
        if not sid:
            raise CarrierRefused("Twilio answered without the call's SID.", uncertain=True)
        return sid

    def hang_up(self, call: Call) -> None:
        # `canceled` ends what has not been answered, and nothing else; `completed` what has.
        unanswered = call.state in {Call.State.QUEUED, Call.State.RINGING}
        self._update(call, {"Status": "canceled" if unanswered else "completed"})
        if unanswered:  # it may have been answered at this moment
            self._update(call, {"Status": "completed"})

    def say_and_hang_up(self, call: Call, words: str, language: str) -> None:
        """In place of the stream, which ends. Raises CarrierRefused."""
        document = twiml.say(words, language=language) if words else twiml.hang_up()
        self._update(call, {"Twiml": document})

    def look_up(self, call: Call) -> CallStatus | None:
        try:
            with self._api(call.tenant_id) as api:
                told = api.call(call.carrier_call_id)
        except VendorError as error:
            if error.status == 404:
                return None
            raise refusal(error) from error
        duration = str(told.get("duration") or "")
        return CallStatus(
            carrier_call_id=call.carrier_call_id,
            state=str(told.get("status") or ""),
            sequence="looked-up",
            duration_seconds=int(duration) if duration.isdecimal() and len(duration) < 8 else None,
        )

    def _update(self, call: Call, fields: dict[str, str]) -> None:
        try:
            with self._api(call.tenant_id) as api:
                api.update_call(call.carrier_call_id, fields)
        except VendorError as error:
            if error.code not in OVER and error.status != 404:
                raise refusal(error) from error

    def _api(self, tenant_id: UUID) -> TwilioRest:
        with tenant_scope(tenant_id):
            login = twilio_login(tenant_id)
        return TwilioRest(login.account_sid, login.auth_token)


def _fields(wanted: Placing) -> dict[str, Any]:
    return {
        "To": wanted.to_e164,
        "From": wanted.from_e164,
        "Url": address("outbound", wanted.reference),
        "Method": "POST",
        "FallbackUrl": callback_url("fallback"),
        "FallbackMethod": "POST",
        "StatusCallback": address("outbound-status", wanted.reference),
        "StatusCallbackMethod": "POST",
        "StatusCallbackEvent": EVENTS,
        "Timeout": str(wanted.ring_seconds),
        "TimeLimit": str(wanted.max_seconds),
        "MachineDetection": "DetectMessageEnd",
        "AsyncAmd": "true",
        "AsyncAmdStatusCallback": address("outbound-amd", wanted.reference),
        "AsyncAmdStatusCallbackMethod": "POST",
    }


def address(name: str, reference: UUID) -> str:
    """Signed with all its parameters: the reference cannot be changed on the way."""
    return f"{callback_url(name)}?{urlencode({'call': str(reference)})}"


def refusal(error: VendorError) -> CarrierRefused:
    """What was said about this call is final; about the moment, or nothing at all, is not."""
    passing = error.status is None or error.status in PASSING
    code = error.code or str(error.status or "")
    return CarrierRefused(
        error.message, code=code, permanent=not passing and not error.maybe_done, uncertain=error.maybe_done
    )
