"""Twilio's webhooks: who signed, and what they say.  Source: Twilio, "Webhooks security", "TwiML request"."""

from django.http import HttpRequest, QueryDict
from twilio.request_validator import RequestValidator

from telephony.incoming import CallStatus, IncomingCall
from tenants.phone import as_dialled_at, e164_or_blank, with_plus


class BadField(ValueError):
    """A parameter that Twilio always sends is not there, or is what Twilio never sends."""


def is_signed(request: HttpRequest, public_base_url: str, auth_token: str) -> bool:
    """Whether `X-Twilio-Signature` was made with this token over the public URL and the posted fields.

    The URL is what Twilio was configured with, never what a proxy or a Host header says.
    """
    signature = request.headers.get("X-Twilio-Signature", "")
    if not signature.isascii() or not auth_token:
        return False
    query = request.META.get("QUERY_STRING", "")
    url = public_base_url + request.path + (f"?{query}" if query else "")
    fields = request.POST if request.method == "POST" else QueryDict()
    return bool(signature) and bool(RequestValidator(auth_token).validate(url, fields, signature))


def stream_is_signed(stream_url: str, signature: str, auth_token: str) -> bool:
    """Whether a media stream's handshake was signed for its URL, which Twilio may end with a slash to sign it."""
    if not signature.isascii() or not auth_token:
        return False
    validator = RequestValidator(auth_token)
    return any(validator.validate(url, {}, signature) for url in (stream_url, f"{stream_url}/"))


def refuse_control_characters(fields: QueryDict) -> None:
    """NUL, which PostgreSQL cannot store, and lone surrogates have no place in any field. Raises BadField."""
    for name, values in fields.lists():
        if not all(_storable(text) for text in (name, *values)):
            raise BadField("The form has characters that no form has")


def _storable(text: str) -> bool:
    return not any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in text)


def to_look_up(fields: QueryDict, name: str) -> str:
    """An id before anything is proven: no longer than any is, and "" where no row can have it."""
    text = fields.get(name, "")[:64]
    return text if _storable(text) else ""


def caller_number(text: str) -> str:
    """E.164, or "" for a withheld one."""
    return e164_or_blank(with_plus(text))


def called_number(text: str) -> str:
    """E.164, or "". It is one of ours or nobody's, so that it may come without its plus as well."""
    return caller_number(f" {text}" if text.isascii() and text.isdecimal() else text)


def parse_incoming(fields: QueryDict) -> IncomingCall:
    caller, called = fields.get("From") or "", called_number(required(fields, "To"))
    return IncomingCall(
        carrier_call_id=required(fields, "CallSid"),
        account_id=fields.get("AccountSid") or "",
        from_e164=caller_number(caller) or as_dialled_at(called, caller),  # as some SIP trunks send them
        to_e164=called,
        vouched_for=_vouched_for(fields.get("StirVerstat") or ""),
    )


def _vouched_for(verdict: str) -> bool | None:
    """STIR/SHAKEN: with attestation A or B the originating carrier knows its customer; with C only its gateway."""
    if verdict in {"TN-Validation-Passed-A", "TN-Validation-Passed-B"}:
        return True
    return False if verdict.startswith(("TN-Validation-Failed", "TN-Validation-Passed-C")) else None


def parse_status(fields: QueryDict) -> CallStatus:
    duration = fields.get("CallDuration") or ""
    return CallStatus(
        carrier_call_id=required(fields, "CallSid"),
        state=required(fields, "CallStatus"),
        sequence=fields.get("SequenceNumber") or "",
        duration_seconds=int(duration) if duration.isdecimal() and len(duration) < 8 else None,
    )


def call_id(fields: QueryDict) -> str:
    return required(fields, "CallSid")


def required(fields: QueryDict, name: str) -> str:
    value = fields.get(name) or ""
    if not value:
        raise BadField(f"{name}: this field is required")
    if len(value) > 64:
        raise BadField(f"{name}: longer than 64 characters")
    return value
