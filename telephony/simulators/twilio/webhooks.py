"""The carrier's requests to our webhooks: form bodies, signatures, timeouts and the one retry."""

import asyncio
import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlencode, urlsplit, urlunsplit

import httpx2
from twilio.request_validator import RequestValidator

CONNECT_S = 5.0
TOTAL_S = 15.0
MAX_REDIRECTS = 10
Form = dict[str, str]


def new_sid(prefix: str) -> str:
    return prefix + secrets.token_hex(16)


@dataclass(frozen=True)
class Exchange:
    """One request and its answer; status 0 when there was none."""

    url: str
    form: Mapping[str, str]
    status: int
    content_type: str | None
    body: bytes
    took_ms: int
    final_url: str
    error: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def failure(self) -> str:
        return f"answered {self.status}" if self.status else f"did not answer ({self.error})"


class Webhooks:
    def __init__(self, auth_token: str, http: httpx2.AsyncClient) -> None:
        self._validator = RequestValidator(auth_token)
        self._http = http

    async def send(self, url: str, form: Mapping[str, str], method: str = "POST") -> Exchange:
        """Never raises for what the other side does: a failure is an exchange too."""
        url = url.partition("#")[0]  # connection overrides are for the carrier alone
        started = time.monotonic()
        try:
            async with asyncio.timeout(TOTAL_S):
                response = await self._request(url, form, method)
        except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            return Exchange(url, form, 0, None, b"", _ms_since(started), url, type(error).__name__)
        content_type = response.headers.get("content-type")
        final_url = str(response.url)
        took_ms = _ms_since(started)
        return Exchange(url, form, response.status_code, content_type, response.content, took_ms, final_url)

    async def _request(self, url: str, form: Mapping[str, str], method: str) -> httpx2.Response:
        if method.upper() == "GET":
            url, form = f"{url}{'&' if '?' in url else '?'}{urlencode(form)}", {}
        headers = {
            "X-Twilio-Signature": self.signature(url, form),
            "I-Twilio-Idempotency-Token": secrets.token_hex(16),
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
        }
        data = dict(form) if method.upper() == "POST" else None
        try:
            return await self._http.request(method.upper(), url, data=data, headers=headers)
        except httpx2.ConnectError:  # the one thing that is retried by default
            return await self._http.request(method.upper(), url, data=data, headers=headers)

    def signature(self, url: str, form: Mapping[str, str]) -> str:
        return str(self._validator.compute_signature(signed_url(url), dict(form)))

    def stream_signature(self, url: str) -> str:
        """For the handshake of a media stream: its URL, no fields."""
        return str(self._validator.compute_signature(signed_url(url), {}))


def signed_url(url: str) -> str:
    """The URL as it is signed: without user and fragment, and over TLS without the port."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme in ("https", "wss"):
        host = host.partition(":")[0]
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))


def voice_form(
    account_sid: str, call_sid: str, to: str, from_: str, status: str, direction: str = "inbound"
) -> Form:
    """The fields that every voice request of a call carries."""
    attested = {"StirVerstat": "TN-Validation-Passed-A"} if direction == "inbound" else {}
    return {
        **attested,
        "AccountSid": account_sid,
        "ApiVersion": "2010-04-01",
        "CallSid": call_sid,
        "CallStatus": status,
        "CallToken": f"%7B%22callToken%22%3A%22{call_sid[2:18]}%22%7D",
        "Called": to,
        "CalledCity": "",
        "CalledCountry": "US",
        "CalledState": "NY",
        "CalledZip": "",
        "Caller": from_,
        "CallerCity": "",
        "CallerCountry": "US",
        "CallerState": "CA",
        "CallerZip": "",
        "Direction": direction,
        "From": from_,
        "FromCity": "",
        "FromCountry": "US",
        "FromState": "CA",
        "FromZip": "",
        "To": to,
        "ToCity": "",
        "ToCountry": "US",
        "ToState": "NY",
        "ToZip": "",
    }


def progress_fields(sequence: int, duration_s: float | None = None) -> Form:
    """What a status callback adds; the duration only at the end: seconds, and minutes as billed."""
    fields = {
        "SequenceNumber": str(sequence),
        "Timestamp": format_datetime(datetime.now(UTC)),
        "CallbackSource": "call-progress-events",
    }
    if duration_s is not None:
        fields["CallDuration"] = str(round(duration_s))
        fields["Duration"] = str(max(math.ceil(duration_s / 60), 1))
        fields["SipResponseCode"] = "200"
    return fields


def stream_event_fields(event: str, error: str = "") -> Form:
    """What a stream status callback tells; its time is ISO 8601, unlike a call's."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields = {"StreamEvent": event, "Timestamp": now}
    return {**fields, "StreamError": error} if error else fields


def recording_fields(account_sid: str, duration_s: float) -> Form:
    """Where a recording is, and how long: whole seconds, at least one."""
    sid = new_sid("RE")
    return {
        "RecordingSid": sid,
        "RecordingUrl": f"https://api.twilio.com/2010-04-01/Accounts/{account_sid}/Recordings/{sid}",
        "RecordingDuration": str(max(round(duration_s), 1)),
    }


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
