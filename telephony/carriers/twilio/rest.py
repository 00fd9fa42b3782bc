"""Twilio's REST API, as far as we need it.  Source: Twilio, "IncomingPhoneNumbers", "Accounts", "Messages"."""

import datetime
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx2 as httpx
from django.conf import settings

from tenants.vendor_http import ATTEMPTS, VendorError, VendorHttp

Json = dict[str, Any]
LONGEST_REASON = 200

_FIXES = {
    401: "Check account and token under Credentials (twilio_account_sid, twilio_auth_token) or the TWILIO_ settings.",
    403: "The account may be suspended, or the token belongs to test credentials: look at the Twilio console.",
    429: "Twilio wants fewer requests: wait a minute and try again.",
}


class TwilioRest:
    """One account. `with TwilioRest(account_sid, auth_token) as api:`"""

    def __init__(self, account_sid: str, auth_token: str, *, read_only: bool = False) -> None:
        self._account = f"/2010-04-01/Accounts/{quote(account_sid, safe='')}"
        self._http = VendorHttp(
            "Twilio",
            settings.TWILIO_BASE_URL,
            explain,
            auth=(account_sid, auth_token),
            read_only=read_only,
        )

    def __enter__(self) -> "TwilioRest":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def account(self) -> Json:
        """`sid`, `status` (active, suspended, closed), `type` (Full, Trial)."""
        return self._object("GET", f"{self._account}.json")

    def number(self, e164: str) -> Json | None:
        """The account's number, with `sid`, `voice_url` and the rest of its wiring; None if it isn't here."""
        page = self._object("GET", f"{self._account}/IncomingPhoneNumbers.json", params={"PhoneNumber": e164})
        # The filter matches parts of numbers too.
        rows = page.get("incoming_phone_numbers") or []
        return next((one for one in rows if one.get("phone_number") == e164), None)

    def update_number(self, number_sid: str, fields: dict[str, str]) -> Json:
        """Fields by their form names, such as `VoiceUrl`."""
        path = f"{self._account}/IncomingPhoneNumbers/{quote(number_sid, safe='')}.json"
        return self._object("POST", path, data=fields)

    def send_text(
        self, *, sender: str, to: str, text: str, status_url: str = "", attempts: int = ATTEMPTS
    ) -> str:
        """Send an SMS; the message's SID. Not repeated when Twilio may have taken it.  Source: Twilio, "Messages"."""
        fields = {"From": sender, "To": to, "Body": text}
        if status_url:
            fields["StatusCallback"] = status_url
        path = f"{self._account}/Messages.json"
        sent = self._object("POST", path, data=fields, repeatable=False, attempts=attempts)
        return str(sent.get("sid") or "")

    def texts(self, *, sender: str, to: str, since: datetime.datetime) -> list[Json]:
        """What was sent from one number to another: `sid`, `body`, `status`; the newest first, 1000 at most."""
        # Not by DateSent: what is still queued has none.
        query = {"From": sender, "To": to, "PageSize": "1000"}
        page = self._object("GET", f"{self._account}/Messages.json", params=query, attempts=1)
        rows = page.get("messages") or []
        return [one for one in rows if _made_at(one) >= since]

    def recording(self, recording_sid: str, *, most_bytes: int) -> bytes:
        """As MP3.  Source: Twilio, "Recordings"."""
        path = f"{self._account}/Recordings/{quote(recording_sid, safe='')}.mp3"
        return self._http.fetch(path, most_bytes=most_bytes)

    def create_call(self, fields: Mapping[str, Any]) -> Json:
        """Place a call: `sid`, `status`. By form names; a list is a name that is repeated. Asks once."""
        path = f"{self._account}/Calls.json"
        return self._object("POST", path, data=dict(fields), repeatable=False, attempts=1)

    def update_call(self, call_sid: str, fields: Mapping[str, str]) -> Json:
        """`Status` (completed, canceled) or `Twiml`, which takes the place of what the call is at."""
        return self._object("POST", self._call(call_sid), data=dict(fields))

    def call(self, call_sid: str) -> Json:
        """`status`, `duration` in seconds as a string, `answered_by`. Asks once."""
        return self._object("GET", self._call(call_sid), attempts=1)

    def delete(self, kind: str, sid: str) -> None:
        """One of `Recordings`, `Messages` or `Calls`, once it has ended, for good.  Source: Twilio, each one's page."""
        self._http.send("DELETE", f"{self._account}/{kind}/{quote(sid, safe='')}.json")

    def _call(self, call_sid: str) -> str:
        return f"{self._account}/Calls/{quote(call_sid, safe='')}.json"

    def _object(self, method: str, path: str, **parts: Any) -> Json:
        value = self._http.send(method, path, **parts)
        if not isinstance(value, dict):
            raise VendorError("Twilio answered with something that is not an object.")
        return value


def _made_at(message: Json) -> datetime.datetime:
    """`Tue, 24 Nov 2026 14:30:00 +0000`, to the second; of one that does not say, any time is possible."""
    try:
        return parsedate_to_datetime(str(message.get("date_created") or "")).astimezone(datetime.UTC)
    except ValueError:
        return datetime.datetime.max.replace(tzinfo=datetime.UTC)


def explain(response: httpx.Response) -> VendorError:
    """`{"code": 21402, "message": "…", "more_info": "…", "status": 400}`."""
    try:
        body = response.json()
    except ValueError:
        body = None
    told = body if isinstance(body, dict) else {}
    code, status = str(told.get("code") or ""), response.status_code
    said = f": {str(told.get('message'))[:LONGEST_REASON]}" if told.get("message") else ""
    named = f", error {code}" if code else ""
    fix = _FIXES.get(status) or (
        f"https://www.twilio.com/docs/api/errors/{code} explains it." if code else ""
    )
    return VendorError(f"Twilio refused ({status}{named}){said}.", status=status, code=code, fix=fix)
