"""What a caller gets when the agent is gone: nothing more, a person, voicemail, or an apology."""

import time
from collections.abc import Callable

from agents.tools.people import transfer_number
from telephony import calls
from telephony.carriers.twilio import twiml
from telephony.errors import CallFailed
from telephony.models import Call
from tenants.scoping import tenant_scope

CallbackUrl = Callable[[str], str]

SETTLE_TRIES, SETTLE_SECONDS = 8, 0.2

_TRANSFER = "I'm sorry, our assistant is not available. One moment, I'm connecting you with someone."
_VOICEMAIL = "I'm sorry, nobody can take your call right now. Please leave a message after the tone."
_THANKS = "Thank you. We will call you back. Goodbye."


def after_stream(carrier_call_id: str, call_status: str, callback_url: CallbackUrl) -> str:
    """The media stream of a call is over, or never came to be; `call_status` is the carrier's own."""
    call = _settled(carrier_call_id)
    if call is None:
        return twiml.say(CallFailed.spoken)
    if calls.RANK.get(call_status) == calls.ENDED or calls.RANK[call.state] == calls.ENDED:
        return twiml.hang_up()
    if call.outcome in calls.GOOD_ENDINGS or not call.tenant.is_active:
        return twiml.hang_up()
    with tenant_scope(call.tenant_id):
        calls.add_event(call.tenant_id, call.pk, "aftercare", outcome=call.outcome)
    number = transfer_number(call.tenant)
    if number:
        return twiml.dial(
            number,
            announcement="" if call.outcome == calls.TRANSFER else _TRANSFER,
            caller_id=call.to_e164,
            dialed_url=callback_url("dialed"),
            language=call.tenant.language,
        )
    return _voicemail_or_apology(call, callback_url)


def _settled(carrier_call_id: str) -> Call | None:
    """The call, once its stream's ending is written down: the carrier may ask before that."""
    for _ in range(SETTLE_TRIES):
        call = calls.find_call(carrier_call_id)
        if call is None or not call.stream_started_at or call.stream_ended_at:
            return call
        time.sleep(SETTLE_SECONDS)
    return call


def after_dial(carrier_call_id: str, dial_status: str, callback_url: CallbackUrl) -> str:
    call = calls.find_call(carrier_call_id)
    if call is None or dial_status in {"completed", "answered"}:
        return twiml.hang_up()
    return _voicemail_or_apology(call, callback_url)


def after_recording(carrier_call_id: str, recording_id: str) -> str:
    call = calls.find_call(carrier_call_id)
    if call is None:
        return twiml.hang_up()
    with tenant_scope(call.tenant_id):
        key = f"voicemail:{recording_id}"
        calls.add_event(call.tenant_id, call.pk, "voicemail", dedupe_key=key, recording_id=recording_id[:64])
    return twiml.say(_THANKS, language=call.tenant.language)


def _voicemail_or_apology(call: Call, callback_url: CallbackUrl) -> str:
    language = call.tenant.language
    if call.tenant.settings.get("voicemail") is True:
        return twiml.record_voicemail(_VOICEMAIL, recorded_url=callback_url("recorded"), language=language)
    return twiml.say(CallFailed.spoken, language=language)
