"""The carrier's REST API: one account and its numbers.  Source: Twilio, "IncomingPhoneNumbers", "Error dictionary".

`async with TwilioRestSimulator(...) as api:`; `TWILIO_BASE_URL` is `api.base_url`.
"""

import base64
import json
import re
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, urlsplit

from agents.simulators.asgi import LoopServer, Receive, Scope, Send, read_body
from telephony.simulators.twilio.messages import Dropped, MessageDesk, NotTaken
from telephony.simulators.twilio.switchboard import NotTaken as CallNotTaken
from telephony.simulators.twilio.switchboard import Switchboard
from telephony.simulators.twilio.webhooks import new_sid

Json = dict[str, Any]
Answer = tuple[int, Json]

_URLS = ("VoiceUrl", "VoiceFallbackUrl", "StatusCallback", "SmsUrl", "SmsFallbackUrl")
_METHODS = (
    "VoiceMethod", "VoiceFallbackMethod", "StatusCallbackMethod", "SmsMethod", "SmsFallbackMethod",
)  # fmt: skip
_SIDS = {"VoiceApplicationSid": "AP", "SmsApplicationSid": "AP", "TrunkSid": "TK"}
_TEXTS = ("FriendlyName",)


class Refused(Exception):
    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.answer: Answer = (
            status,
            {
                "code": code,
                "message": message,
                "more_info": f"https://www.twilio.com/docs/errors/{code}",
                "status": status,
            },
        )


def _form(headers: dict[str, str], body: bytes) -> dict[str, str]:
    return {name: values[-1] for name, values in _lists(headers, body).items()}


def _lists(headers: dict[str, str], body: bytes) -> dict[str, list[str]]:
    if headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise Refused(400, 20001, "The body must be a form")
    return parse_qs(body.decode(), keep_blank_values=True)


class TwilioRestSimulator:
    """`failures` are statuses to answer the next requests with instead."""

    def __init__(
        self, account_sid: str, auth_token: str, numbers: tuple[str, ...] = (), *, port: int = 0
    ) -> None:
        self.account_sid, self.auth_token = account_sid, auth_token
        self.status = "active"
        self.numbers: dict[str, Json] = {}
        self.desk = MessageDesk(account_sid, auth_token, self._owns)
        self.switchboard = Switchboard(account_sid, auth_token, self._owns)
        self.failures: list[int] = []
        self.requests: list[tuple[str, str]] = []
        self.recordings: dict[str, bytes] = {}
        """By SID, as MP3."""
        for e164 in numbers:
            self.add_number(e164)
        self._server = LoopServer(self._serve, port=port)

    @property
    def messages(self) -> list[Json]:
        """Those that were taken; `desk` has faults and outcomes."""
        return self.desk.sent

    @property
    def base_url(self) -> str:
        return self._server.base_url

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [request for request in self.requests if request[0] != "GET"]

    def add_number(self, e164: str, **fields: str) -> Json:
        """As bought: pointed at the carrier's own demonstration."""
        number: Json = {
            "sid": new_sid("PN"),
            "account_sid": self.account_sid,
            "phone_number": e164,
            "friendly_name": e164,
            "voice_url": "https://demo.twilio.com/welcome/voice/",
            "voice_method": "POST",
            "voice_fallback_url": "",
            "voice_fallback_method": "POST",
            "voice_application_sid": "",
            "trunk_sid": None,
            "status_callback": "",
            "status_callback_method": "POST",
            "sms_url": "https://demo.twilio.com/welcome/sms/reply",
            "sms_method": "POST",
            "sms_fallback_url": "",
            "sms_fallback_method": "POST",
            "sms_application_sid": "",
            "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
            **fields,
        }
        self.numbers[number["sid"]] = number
        return number

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.desk.close()
        await self.switchboard.close()
        await self._server.stop()

    def _owns(self, e164: str) -> bool:
        return any(one["phone_number"] == e164 for one in self.numbers.values())

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            if recording := re.fullmatch(
                r"/2010-04-01/Accounts/(AC\w+)/Recordings/(RE\w+)\.mp3", scope["path"]
            ):
                await self._send_recording(send, headers, *recording.groups())
                return
            status, told = await self._answer(scope, headers, body)
        except Refused as refused:
            status, told = refused.answer
        except (Dropped, ConnectionError):
            # A promise of more than comes: the server breaks the connection.
            await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"9")]})
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
            return
        content = b"" if status == 204 else json.dumps(told).encode()
        head = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        if status == 429:
            head.append((b"retry-after", b"1"))
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": content})

    async def _send_recording(self, send: Send, headers: dict[str, str], account: str, sid: str) -> None:
        self.requests.append(("GET", f"Recordings/{sid}"))
        self._authenticate(headers, account)
        if sid not in self.recordings:
            raise Refused(404, 20404, f"The requested resource {sid} was not found")
        head = [(b"content-type", b"audio/mpeg"), (b"content-length", b"%d" % len(self.recordings[sid]))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": self.recordings[sid]})

    async def _answer(self, scope: Scope, headers: dict[str, str], body: bytes) -> Answer:
        method, path = scope["method"], scope["path"]
        self.requests.append((method, path))
        if self.failures:
            raise Refused(self.failures.pop(0), 20429, "Too Many Requests")
        kept = re.fullmatch(r"/2010-04-01/Accounts/(AC\w+)/(Recordings|Messages|Calls)/(\w+)\.json", path)
        if kept and method == "DELETE":
            self._authenticate(headers, kept[1])
            self._delete(kept[2], kept[3])
            return 204, {}
        if messages := re.fullmatch(r"/2010-04-01/Accounts/(AC\w+)/Messages\.json", path):
            self._authenticate(headers, messages[1])
            self._allow(method, "GET", "POST")
            if method == "GET":
                return 200, self.desk.listed(dict(parse_qsl(scope["query_string"].decode())))
            try:
                return 201, await self.desk.create(_form(headers, body))
            except NotTaken as refusal:
                raise Refused(refusal.status, refusal.code, refusal.message) from refusal
        if placed := re.fullmatch(r"/2010-04-01/Accounts/(AC\w+)/Calls(?:/(CA\w+))?\.json", path):
            self._authenticate(headers, placed[1])
            self._allow(method, "GET", "POST")
            return await self._calls(placed[2] or "", scope, headers, body)
        match = re.fullmatch(r"/2010-04-01/Accounts/(AC\w+)(/IncomingPhoneNumbers(?:/(PN\w+))?)?\.json", path)
        if match is None:
            raise Refused(404, 20404, f"The requested resource {path} was not found")
        self._authenticate(headers, match[1])
        if match[2] is None:
            self._allow(method, "GET")
            return 200, {"sid": self.account_sid, "status": self.status, "type": "Full"}
        if match[3] is None:
            self._allow(method, "GET")
            query = dict(parse_qsl(scope["query_string"].decode()))
            return 200, self._list(path, query)
        if match[3] not in self.numbers:
            raise Refused(404, 20404, f"The requested resource {path} was not found")
        self._allow(method, "GET", "POST")
        if method == "POST":
            self._update(self.numbers[match[3]], headers, body)
        return 200, self.numbers[match[3]]

    def _delete(self, kind: str, sid: str) -> None:
        """For good; what has not ended stays, and says so.  Source: Twilio, "Recording", "Message", "Call": delete."""
        if kind == "Recordings" and sid in self.recordings:
            del self.recordings[sid]
            return
        message = (
            next((one for one in self.desk.sent if one["sid"] == sid), None) if kind == "Messages" else None
        )
        if message is not None:
            if message["status"] not in {"delivered", "undelivered", "failed", "sent", "received"}:
                raise Refused(409, 20009, "Cannot delete this resource before it is complete")
            self.desk.sent.remove(message)
            return
        made = self.switchboard.calls if kind == "Calls" else []
        call = next((one for one in made if one.sid == sid), None)
        if call is None:
            raise Refused(404, 20404, f"The requested resource {sid} was not found")
        if call.status not in {"completed", "busy", "failed", "no-answer", "canceled"}:
            raise Refused(409, 20009, "Cannot delete this resource before it is complete")
        self.switchboard.calls.remove(call)

    async def _calls(self, sid: str, scope: Scope, headers: dict[str, str], body: bytes) -> Answer:
        board, reads = self.switchboard, scope["method"] == "GET"
        try:
            if not sid and reads:
                return 200, board.listed(dict(parse_qsl(scope["query_string"].decode())))
            if not sid:
                return 201, await board.create(_lists(headers, body))
            call = board.find(sid)
            if call is None:
                raise Refused(404, 20404, "The requested resource was not found")
            return 200, call.to_json(self.account_sid) if reads else board.update(call, _lists(headers, body))
        except CallNotTaken as refusal:
            raise Refused(refusal.status, refusal.code, refusal.message) from refusal

    def _authenticate(self, headers: dict[str, str], account_sid: str) -> None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        expected = base64.b64encode(f"{self.account_sid}:{self.auth_token}".encode()).decode()
        if scheme != "Basic" or given != expected:
            raise Refused(401, 20003, "Authenticate")
        if account_sid != self.account_sid:
            raise Refused(404, 20404, "The requested resource was not found")

    def _allow(self, method: str, *allowed: str) -> None:
        if method not in allowed:
            raise Refused(405, 20004, "Method not allowed")

    def _list(self, path: str, query: dict[str, str]) -> Json:
        """The filter takes parts of numbers and `*`."""
        pattern = re.escape(query.get("PhoneNumber", "")).replace(r"\*", ".*")
        found = [one for one in self.numbers.values() if re.search(pattern, one["phone_number"])]
        return {
            "incoming_phone_numbers": found[:50],
            "page": 0,
            "page_size": 50,
            "next_page_uri": None,
            "uri": path,
        }

    def _update(self, number: Json, headers: dict[str, str], body: bytes) -> None:
        fields = _form(headers, body)
        for name, value in fields.items():
            self._check(name, value)
        for name, value in fields.items():
            number[re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()] = value

    def _check(self, name: str, value: str) -> None:
        """Twilio passes over parameters that it does not know; here they are refused, to find what is misspelt."""
        if name in _URLS:
            parts = urlsplit(value)
            if value and (parts.scheme not in {"http", "https"} or not parts.netloc):
                raise Refused(400, 21402, f"{name} is not a valid URL: {value}")
        elif name in _METHODS:
            if value not in {"GET", "POST"}:
                raise Refused(400, 21403, f"{name} is not a valid HTTP method: {value}")
        elif name in _SIDS:
            if value and not value.startswith(_SIDS[name]):
                raise Refused(400, 20001, f"{name} is not a valid SID")
        elif name not in _TEXTS:
            raise Refused(400, 20001, f"Unknown parameter {name}")
