"""The REST API of one account: paths, keys, pages, and the shape of every answer."""

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from agents.simulators.asgi import Receive, Scope, Send, read_body
from telephony.simulators.infobip.account import Account, Json
from telephony.simulators.infobip.actions import Actions, Answer
from telephony.simulators.infobip.bodies import HANG_UP, RECORDING
from telephony.simulators.infobip.call import InfobipCall
from telephony.simulators.infobip.faults import Faults
from telephony.simulators.infobip.outbound import wanted_call
from telephony.simulators.infobip.people import People
from telephony.simulators.infobip.refusals import Refused, anything, require, text, whole

CALLS = "/calls/1/calls/"
DIALOGS = "/calls/1/dialogs"
CONNECT = "/calls/1/connect"


class RestApi:
    def __init__(
        self,
        account: Account,
        faults: Faults,
        actions: Actions,
        people: People,
        find: Callable[[str], InfobipCall | None],
    ) -> None:
        self._people = people
        self._account, self._faults, self._actions, self._find = account, faults, actions, find
        self.recordings: dict[str, bytes] = {}
        """By file id, as WAV."""
        self._legs: Callable[[str], InfobipCall | None] = lambda _leg_id: None
        self._dial: Callable[[Json], InfobipCall] | None = None
        self.requests: list[tuple[str, str, Any, int]] = []
        """Method, path, body, and the status that was answered."""
        self.held = 0
        """Requests that had to wait."""

    def places_calls(
        self, dial: Callable[[Json], InfobipCall], with_leg: Callable[[str], InfobipCall | None]
    ) -> None:
        self._dial, self._legs = dial, with_leg

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path, _, _ in self.requests if method != "GET"]

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = await read_body(receive)
        if (held := self._faults.rest_held) is not None and not held.is_set():
            self.held += 1
            await held.wait()
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        method, path = scope["method"], scope["path"]
        body: Any = None
        try:
            self._authenticate(headers)
            body = _json(method, headers, raw)
            if file := re.fullmatch("/calls/1/recordings/files/([^/]+)", path):
                await self._send_recording(send, file[1])
                return
            status, told = self._answer(method, path, dict(parse_qsl(scope["query_string"].decode())), body)
        except Refused as refused:
            status, told = refused.status, refused.body
        except ConnectionError:  # a promise of more than comes: the server breaks the connection
            await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"9")]})
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
            return
        self.requests.append((method, path, body, status))
        await respond(send, status, told)

    async def _send_recording(self, send: Send, file_id: str) -> None:
        audio = self.recordings.get(file_id)
        if audio is None:
            raise Refused(404, "Recording file not found")
        self.requests.append(("GET", f"recordings/{file_id}", None, 200))
        head = [(b"content-type", b"audio/wav"), (b"content-length", b"%d" % len(audio))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": audio})

    def _authenticate(self, headers: dict[str, str]) -> None:
        if headers.get("authorization") != f"App {self._account.api_key}":
            raise Refused(401, "Invalid login details")

    def _answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        for index, (part, status) in enumerate(self._faults.rest):
            if part in path:
                del self._faults.rest[index]
                raise Refused(status, "As you wished")
        if path.startswith(CALLS):
            return self._call(method, path, body)
        if path == CALLS.rstrip("/") and isinstance(body, dict) and "parentCallId" in body:
            _only(method, "POST")
            return self._ring(body)
        if path == CALLS.rstrip("/"):
            _only(method, "POST")
            return self._place(body)
        if joined := re.fullmatch(f"{DIALOGS}/parent-call/([^/]+)/child-call/([^/]+)", path):
            _only(method, "POST")
            joins = partial(self._people.join, self._known(joined[1]), joined[2])
            return self._noted("join", self._known(joined[1]), body, lambda _call, told: joins(told))
        if path == CONNECT:
            _only(method, "POST")
            body = require(body, callIds=(True, _two_calls), conferenceRequest=(False, anything))
            caller, person = body["callIds"]
            return self._noted(
                "connect", self._known(caller), body, lambda call, _: self._people.connect(call, person)
            )
        if path == DIALOGS:
            _only(method, "POST")
            body = require(
                body,
                parentCallId=(True, text(128)),
                childCallRequest=(True, anything),
                maxDuration=(False, whole(1, 28_800)),
                recording=(False, RECORDING),
                propagationOptions=(False, anything),
            )
            return self._noted(
                "dialogs", self._known(body["parentCallId"]), body, self._actions.create_dialog
            )
        return self._set_up(method, path, query, body)

    def _place(self, body: Any) -> Answer:
        body = wanted_call(self._account, body)
        fault = self._fault_of_a_call()
        if self._dial is None:
            raise ConnectionError
        call = self._dial(body)
        if fault == "lost":
            raise ConnectionError
        return 201, call.leg.to_json()

    def _ring(self, body: Any) -> Answer:
        """A person, for a caller."""
        fault = self._fault_of_a_call()
        answer = self._noted("calls", self._known(body["parentCallId"]), body, self._people.call)
        if fault == "lost":
            raise ConnectionError
        return answer

    def _fault_of_a_call(self) -> str:
        fault = self._faults.create_call.pop(0) if self._faults.create_call else ""
        if fault == "drop":
            raise ConnectionError
        return fault

    def _call(self, method: str, path: str, body: Any) -> Answer:
        call_id, _, action = path.removeprefix(CALLS).partition("/")
        person = self._people.by_id.get(call_id)
        if person is not None and action:
            _only(method, "POST")
            self._noted(f"person/{action}", person.call, body, lambda _call, _body: (200, {}))
            return self._people.act(person, action, body)
        other = self._legs(call_id)
        if other is not None and action == "hangup":
            _only(method, "POST")
            require(body, **HANG_UP)
            other.actions.append(("hangup-leg", body))
            told = other.dialogs[-1].child.to_json()
            other.dialogs[-1].end("API")
            return 200, told
        call = self._known(call_id)
        if not action:
            _only(method, "GET")
            return 200, call.leg.to_json()
        plays = {"play": self._people.play, "stop-play": self._people.stop_play}
        if action in plays:
            _only(method, "POST")
            return self._noted(action, call, body, plays[action])
        if action not in self._actions.by_name:
            raise Refused(404, f"{path} was not found")
        _only(method, "POST")
        return self._noted(action, call, body, self._actions.by_name[action])

    def _noted(
        self, name: str, call: InfobipCall, body: Any, act: Callable[[InfobipCall, Any], Answer]
    ) -> Answer:
        call.actions.append((name, body))
        return act(call, body)

    def _known(self, call_id: Any) -> InfobipCall:
        if not isinstance(call_id, str):
            raise Refused(400, "Bad request", {"parentCallId": ["must be a string"]})
        call = self._find(call_id)
        if call is None or call.leg.is_over:
            raise Refused(404, "Call not found")
        return call

    def _set_up(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        account = self._account
        match path.strip("/").split("/"):
            case ["calls", "1", "configurations"]:
                _only(method, "POST")
                return 201, account.create_configuration(body)
            case ["calls", "1", "configurations", one]:
                return self._one(method, account.configurations, one)
            case ["calls", "1", "media-stream-configs"]:
                if method == "POST":
                    return 201, account.create_media_config(body)
                return 200, _page(list(account.media_configs.values()), query)
            case ["calls", "1", "media-stream-configs", one]:
                if method == "PUT" and one in account.media_configs:
                    return 200, account.update_media_config(one, body)
                return self._one(method, account.media_configs, one)
            case ["subscriptions", "1", "profiles"]:
                _only(method, "POST")
                return 201, account.save_profile(body, is_new=True)
            case ["subscriptions", "1", "profiles", one]:
                if method == "PUT":
                    return 200, account.save_profile(body, is_new=False, profile_id=one)
                status, told = self._one(method, account.profiles, one)
                return status, _without_password(told)
            case ["subscriptions", "1", "subscription", "VOICE_VIDEO"]:
                if method == "POST":
                    return 201, account.save_subscription(body, is_new=True)
                return 200, _page(list(account.subscriptions.values()), query)
            case ["subscriptions", "1", "subscription", "VOICE_VIDEO", one]:
                _only(method, "PUT")
                return 200, account.save_subscription(body, is_new=False, subscription_id=one)
        raise Refused(404, f"{path} was not found")

    def _one(self, method: str, rows: dict[str, Json], row_id: str) -> Answer:
        if row_id not in rows:
            raise Refused(404, f"{row_id} was not found")
        _only(method, "GET", "DELETE")
        return 200, rows.pop(row_id) if method == "DELETE" else rows[row_id]


def _json(method: str, headers: dict[str, str], raw: bytes) -> Any:
    if method in {"GET", "DELETE"}:
        return None
    if headers.get("content-type", "").partition(";")[0] != "application/json":
        raise Refused(415, "Content type must be application/json")
    try:
        return json.loads(raw)
    except ValueError:
        raise Refused(400, "Malformed request body") from None


def _only(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise Refused(405, "Method not allowed")


def _two_calls(value: Any) -> str:
    good = isinstance(value, list) and len(value) == 2 and all(isinstance(one, str) for one in value)
    return "" if good else "must be the ids of two calls"


def _page(rows: list[Json], query: dict[str, str]) -> Json:
    asked = query.get("page", "0"), query.get("size", "20")
    page, size = (int(one) if one.isdecimal() else -1 for one in asked)
    if page < 0:
        raise Refused(400, "Bad request", {"page": ["must be a number from 0"]})
    if not 1 <= size <= 100:
        raise Refused(400, "Bad request", {"size": ["must be between 1 and 100"]})
    total = {"page": page, "size": size, "totalPages": -(-len(rows) // size), "totalResults": len(rows)}
    return {"results": rows[page * size : (page + 1) * size], "paging": total}


def _without_password(profile: Json) -> Json:
    """What was given once is not told again."""
    security = {name: one for name, one in profile.get("security", {}).items() if name != "credentials"}
    return {**profile, **({"security": security} if security else {})}


async def respond(send: Send, status: int, told: Any) -> None:
    content = json.dumps(told).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    if status == 429:
        head.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": content})


def is_control(path: str) -> re.Match[str] | None:
    return re.fullmatch(r"/simulator/calls(?:/([0-9a-f-]+))?", path)
