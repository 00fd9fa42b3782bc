"""Text messages at the carrier: taken or refused, listed, and told of as they get on.

Source: Twilio, "Messages", "Test credentials" (the numbers that are always refused), "Track delivery status".

Faults, each for the next message: a status to refuse it with (429, 500, ...), or
    "slow"     answered late          "drop"   the connection breaks, nothing was taken
    "lost"     the connection breaks after the message was taken
    "error"    500 after it was taken
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2

from telephony.simulators.twilio.webhooks import Webhooks, new_sid

Json = dict[str, Any]
Fault = int | str

REFUSED_NUMBERS = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
_KNOWN = frozenset({"From", "To", "Body", "StatusCallback"})
SLOW_SECONDS = 1.0


class NotTaken(Exception):
    """Refused, as Twilio refuses: status, code and message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Dropped(Exception):
    """The connection breaks before an answer."""


class MessageDesk:
    """`outcomes` tells by receiver how delivery ends: ("undelivered", "30005"); by default it is delivered."""

    def __init__(self, account_sid: str, auth_token: str, owns: Callable[[str], bool]) -> None:
        self.sent: list[Json] = []
        self.faults: list[Fault] = []
        self.outcomes: dict[str, tuple[str, str]] = {}
        self.callbacks: list[tuple[str, str, int]] = []
        """Of each callback: message, status, and what we were answered."""
        self._account_sid, self._auth_token, self._owns = account_sid, auth_token, owns
        self._telling: set[asyncio.Task[None]] = set()

    async def create(self, fields: Mapping[str, str]) -> Json:
        """Raises NotTaken or Dropped."""
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, int):
            raise NotTaken(fault, 20429 if fault == 429 else 20500, "Simulated fault")
        if fault == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        if fault == "drop":
            raise Dropped
        self._check(fields)
        message = self._take(fields)
        if fields.get("StatusCallback"):
            task = asyncio.create_task(self._tell(message, fields["StatusCallback"]))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)
        if fault == "lost":
            raise Dropped
        if fault == "error":
            raise NotTaken(500, 20500, "Simulated fault")
        return message

    def listed(self, query: Mapping[str, str]) -> Json:
        """The newest first."""
        wanted = {name.lower(): query[name] for name in ("From", "To") if name in query}
        found = [one for one in reversed(self.sent) if all(one[name] == wanted[name] for name in wanted)]
        size = min(int(query.get("PageSize", "50")), 1000)
        return {"messages": found[:size], "page": 0, "page_size": size, "next_page_uri": None}

    async def close(self) -> None:
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)

    def _check(self, fields: Mapping[str, str]) -> None:
        """Twilio passes over parameters that it does not know; here they are refused, to find what is misspelt."""
        if unknown := fields.keys() - _KNOWN:
            raise NotTaken(400, 20001, f"Unknown parameter {min(unknown)}")
        to, body, url = fields.get("To", ""), fields.get("Body", ""), fields.get("StatusCallback", "")
        if not re.fullmatch(r"\+[1-9]\d{6,14}", to):
            raise NotTaken(400, 21211, "The 'To' number is not a valid phone number")
        if to in REFUSED_NUMBERS:
            raise NotTaken(400, REFUSED_NUMBERS[to], "The 'To' number cannot be written to")
        if not self._owns(fields.get("From", "")):
            raise NotTaken(400, 21606, "The 'From' phone number is not a valid, SMS-capable number of yours")
        if not 0 < len(body) <= 1600:
            raise NotTaken(400, 21617 if body else 21602, "A message has 1 to 1600 characters")
        if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc):
            raise NotTaken(400, 21609, "The 'StatusCallback' URL is not a valid URL")

    def _take(self, fields: Mapping[str, str]) -> Json:
        message = {
            "sid": new_sid("SM"),
            "account_sid": self._account_sid,
            "status": "queued",
            "from": fields["From"],
            "to": fields["To"],
            "body": fields["Body"],
            "date_created": format_datetime(datetime.now(UTC)),
            "date_sent": None,
            "direction": "outbound-api",
            "error_code": None,
        }
        self.sent.append(message)
        return message

    async def _tell(self, message: Json, url: str) -> None:
        last, error = self.outcomes.get(message["to"], ("delivered", ""))
        async with httpx2.AsyncClient(trust_env=False) as http:
            webhooks = Webhooks(self._auth_token, http)
            for status in ("sent", last):
                message["status"] = status
                form = {
                    "AccountSid": self._account_sid,
                    "ApiVersion": "2010-04-01",
                    "From": message["from"],
                    "To": message["to"],
                    "MessageSid": message["sid"],
                    "SmsSid": message["sid"],
                    "MessageStatus": status,
                    "SmsStatus": status,
                    **({"ErrorCode": error} if error and status == last else {}),
                }
                told = await webhooks.send(url, form)
                self.callbacks.append((message["sid"], status, told.status))


def incoming_form(account_sid: str, to: str, from_: str, body: str, **more: str) -> dict[str, str]:
    """What Twilio posts when a text comes in."""
    sid = new_sid("SM")
    return {
        "AccountSid": account_sid,
        "ApiVersion": "2010-04-01",
        "Body": body,
        "From": from_,
        "FromCountry": "US",
        "MessageSid": sid,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsMessageSid": sid,
        "SmsSid": sid,
        "SmsStatus": "received",
        "To": to,
        "ToCountry": "US",
        **more,
    }
