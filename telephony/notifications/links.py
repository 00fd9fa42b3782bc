"""The address of one appointment's page: signed, for that appointment alone, until it begins.

43 letters: the appointment's id, the last minute in which it is good, and 12 bytes of a signature. Whose appointment
it is decides whose business the page is of; nothing else in a request does.
"""

import base64
import binascii
import datetime
import hmac
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac

PATH = "/a/"
_SALT = "telephony.notifications.links"
_SIGNATURE_BYTES = 12
_TOKEN_BYTES = 16 + 4 + _SIGNATURE_BYTES


def link(appointment_id: UUID, good_until: datetime.datetime) -> str:
    return f"{settings.APP_BASE_URL}{PATH}{token(appointment_id, good_until)}"


def token(appointment_id: UUID, good_until: datetime.datetime) -> str:
    minute = int(good_until.timestamp() // 60).to_bytes(4, "big")
    body = appointment_id.bytes + minute
    return base64.urlsafe_b64encode(body + _signature(body, settings.SECRET_KEY)).decode().rstrip("=")


def appointment_of(text: str) -> UUID | None:
    """Whose page it is; None for what we did not sign, and once it has had its time."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _TOKEN_BYTES:
        return None
    body, signature = raw[:20], raw[20:]
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if not any(hmac.compare_digest(signature, _signature(body, key)) for key in keys):
        return None
    good_until = int.from_bytes(body[16:], "big") * 60
    return UUID(bytes=body[:16]) if timezone.now().timestamp() < good_until else None


def _signature(body: bytes, key: str) -> bytes:
    return salted_hmac(_SALT, body, secret=key, algorithm="sha256").digest()[:_SIGNATURE_BYTES]
