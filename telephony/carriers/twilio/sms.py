"""Text messages by Twilio.  Source: Twilio, "Messages", "Error dictionary", "Track delivery status"."""

import datetime
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings

from telephony.carriers.twilio.addresses import callback_url
from telephony.carriers.twilio.rest import TwilioRest
from telephony.text_errors import CannotSend, MaybeSent
from tenants.credentials import secret
from tenants.models import Credential
from tenants.vendor_http import VendorError

OPTED_OUT = "21610"
PASSING = frozenset({429})


class TwilioTexts:
    """One tenant's account."""

    takes_replies = True

    def __init__(self, account_sid: str, auth_token: str) -> None:
        self._account, self._token = account_sid, auth_token

    @classmethod
    def of(cls, tenant_id: UUID) -> "TwilioTexts":
        return cls(
            secret(tenant_id, Credential.Name.TWILIO_ACCOUNT_SID),
            secret(tenant_id, Credential.Name.TWILIO_AUTH_TOKEN),
        )

    def send(self, *, sender: str, to: str, text: str, reference: UUID, attempts: int = 1) -> str:
        try:
            with TwilioRest(self._account, self._token) as api:
                sid = api.send_text(
                    sender=sender, to=to, text=text, status_url=status_url(reference), attempts=attempts
                )
        except VendorError as error:
            if error.maybe_done:
                raise MaybeSent(error.message) from error
            raise _refusal(error) from error
        if not sid:
            raise MaybeSent("Twilio answered without the message's SID.")
        return sid

    def find(
        self, *, sender: str, to: str, text: str, reference: UUID, since: datetime.datetime
    ) -> list[str]:
        """By sender, receiver, words and time: Twilio keeps no reference of ours."""
        try:
            with TwilioRest(self._account, self._token, read_only=True) as api:
                listed = api.texts(sender=sender, to=to, since=since)
        except VendorError as error:
            raise _refusal(error) from error
        return [str(one.get("sid")) for one in listed if one.get("body") == text]


def status_url(reference: UUID) -> str:
    """Where Twilio tells of delivery; "" where it could not reach us, and would refuse the message for it."""
    local = settings.APP_BASE_URL.startswith("http://")
    if local and settings.TWILIO_BASE_URL.startswith("https://"):
        return ""
    return f"{callback_url('sms-status')}?{urlencode({'n': str(reference)})}"


def _refusal(error: VendorError) -> CannotSend:
    """What was said about this message is final; about the moment, or nothing at all, is not."""
    passing = error.status is None or error.status in PASSING or error.status >= 500
    return CannotSend(
        error.message,
        code=error.code or str(error.status or ""),
        permanent=not passing,
        opted_out=error.code == OPTED_OUT,
    )
