"""Calls made over REST: asked for as strictly as Twilio asks, then rung, answered and told of like real ones.

Source: Twilio, "Call resource", "Answering machine detection", "Making calls".
"""

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx2

from telephony.simulators.twilio.call import SimulatedCall
from telephony.simulators.twilio.callees import Callee
from telephony.simulators.twilio.course import Course, Place
from telephony.simulators.twilio.flow import CallFlow
from telephony.simulators.twilio.line import Line
from telephony.simulators.twilio.progress import Progress
from telephony.simulators.twilio.webhooks import MAX_REDIRECTS, TOTAL_S, Webhooks, voice_form

Json = dict[str, Any]
Form = dict[str, list[str]]

_URLS = ("Url", "FallbackUrl", "StatusCallback", "AsyncAmdStatusCallback")
_METHODS = ("Method", "FallbackMethod", "StatusCallbackMethod", "AsyncAmdStatusCallbackMethod")
_NUMBERS = {"Timeout": (1, 600), "TimeLimit": (1, 86_400), "MachineDetectionTimeout": (3, 59)}
_CHOICES = {
    "MachineDetection": ("Enable", "DetectMessageEnd"),
    "AsyncAmd": ("true", "false"),
    "Record": ("true", "false"),
}
_EVENTS = {
    "initiated": "initiated",
    "ringing": "ringing",
    "answered": "in-progress",
    "completed": "completed",
}
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_MAGIC = {
    "+15005550001": (21217, "is not a valid phone number"),
    "+15005550002": (21214, "cannot be reached"),
    "+15005550003": (21215, "is not allowed by your geo permissions"),
    "+15005550004": (21216, "is blocked for this account"),
}
LONGEST_TWIML = 4000


class NotTaken(Exception):
    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class OutboundCall(SimulatedCall):
    """A call of ours, from the callee's end. Its times begin when it is made."""

    def __init__(self, form: Form, callee: Callee) -> None:
        super().__init__(_one(form, "To"), _one(form, "From"), callee.script)
        self.form, self.callee = form, callee
        self.direction = "outbound-api"
        self.status = "queued"
        self.answered_by = ""
        self.next_place: Place | None = None
        """Where a REST update sends the call."""


class Switchboard:
    """`callees` by number; whoever is not there is `usual`. `faults` are for the next calls: a status, or what follows.

    "drop": neither call nor answer. "lost": the call is made, and the answer lost.
    "slow": the answer comes after the callee's.
    `update_faults` are the statuses with which the next updates of a call are refused.
    """

    def __init__(self, account_sid: str, auth_token: str, owns: Callable[[str], bool]) -> None:
        self._account_sid, self._owns = account_sid, owns
        self.usual = Callee()
        self.callees: dict[str, Callee] = {}
        self.faults: list[int | str] = []
        self.update_faults: list[int] = []
        self.calls: list[OutboundCall] = []
        self.incoming: Sequence[SimulatedCall] = ()
        """Calls that somebody else carries, and that can be ended here."""
        self.updates: list[tuple[str, dict[str, str]]] = []
        self.say_chars_per_second = 40.0
        self.lost_callbacks = False
        self._http = httpx2.AsyncClient(
            trust_env=False,
            follow_redirects=True,
            max_redirects=MAX_REDIRECTS,
            timeout=httpx2.Timeout(TOTAL_S),
        )
        self._webhooks = Webhooks(auth_token, self._http)
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for call in self.calls:
            call.hang_up()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    def find(self, sid: str) -> SimulatedCall | None:
        return next((call for call in (*self.calls, *self.incoming) if call.sid == sid), None)

    async def placed(self, count: int = 1, timeout_s: float = 20.0) -> OutboundCall:
        """The last of so many calls, once they have been made."""
        async with asyncio.timeout(timeout_s):
            while len(self.calls) < count:  # noqa: ASYNC110 - made by another process's request
                await asyncio.sleep(0.02)
        return self.calls[count - 1]

    def listed(self, query: dict[str, str]) -> Json:
        found = [call for call in self.calls if query.get("To", call.to) == call.to]
        found = [call for call in found if query.get("Status", call.status) == call.status]
        return {
            "calls": [call.to_json(self._account_sid) for call in reversed(found)],
            "page": 0,
            "page_size": 50,
        }

    # --- REST ---

    async def create(self, form: Form) -> Json:
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, int):
            raise NotTaken(fault, 20429 if fault == 429 else 20500, "As you wished")
        if fault == "drop":
            raise ConnectionError
        self._check(form)
        callee = self.callees.get(_one(form, "To"), self.usual)
        call = OutboundCall(form, callee)
        self.calls.append(call)
        told = call.to_json(self._account_sid)
        self._spawn(self._carry(call), call.sid)
        if fault == "slow":
            await asyncio.sleep(callee.rings_s + 0.5)
        if fault == "lost":
            raise ConnectionError
        return told

    def _check(self, form: Form) -> None:
        """Twilio passes over parameters that it does not know; here they are refused, to find what is misspelt."""
        known = {*_URLS, *_METHODS, *_NUMBERS, *_CHOICES, "To", "From", "Twiml", "StatusCallbackEvent"}
        for name, values in form.items():
            if name not in known:
                raise NotTaken(400, 20001, f"Unknown parameter {name}")
            if len(values) > 1 and name != "StatusCallbackEvent":
                raise NotTaken(400, 20001, f"{name} is given twice")
        to, sender = _one(form, "To"), _one(form, "From")
        if not to:
            raise NotTaken(400, 21201, "No 'To' number is specified")
        if not sender:
            raise NotTaken(400, 21213, "'From' phone number is required to create a call")
        if not _E164.fullmatch(to):
            raise NotTaken(400, 21211, f"The phone number you are attempting to call, {to}, is not valid.")
        if to in _MAGIC:
            code, what = _MAGIC[to]
            raise NotTaken(400, code, f"{to} {what}")
        if not _E164.fullmatch(sender):
            raise NotTaken(400, 21212, f"The 'From' number {sender} is not a valid phone number")
        if not self._owns(sender):
            raise NotTaken(400, 21210, f"{sender} is not yet verified or not owned by your account")
        self._check_options(form)

    def _check_options(self, form: Form) -> None:
        if not _one(form, "Url") and not _one(form, "Twiml"):
            raise NotTaken(400, 21205, "Url parameter is required.")
        if len(_one(form, "Twiml")) > LONGEST_TWIML:
            raise NotTaken(400, 21218, "Twiml is too long")
        for name in _URLS:
            parts = urlsplit(_one(form, name))
            if _one(form, name) and (parts.scheme not in {"http", "https"} or not parts.netloc):
                raise NotTaken(400, 21205, f"{name} is not a valid URL: {_one(form, name)}")
        for name in _METHODS:
            if _one(form, name) not in {"", "GET", "POST"}:
                raise NotTaken(400, 21403, f"{name} is not a valid HTTP method")
        for name, (low, high) in _NUMBERS.items():
            value = _one(form, name)
            if value and not (value.isdecimal() and low <= int(value) <= high):
                raise NotTaken(400, 20001, f"{name} must be from {low} to {high}")
        for name, choices in _CHOICES.items():
            if _one(form, name) not in {"", *choices}:
                raise NotTaken(400, 20001, f"{name} is none of {', '.join(choices)}")
        odd = set(form.get("StatusCallbackEvent", [])) - _EVENTS.keys()
        if odd:
            raise NotTaken(400, 21626, f"{odd.pop()} is not a status callback event")
        if _one(form, "AsyncAmd") == "true" and not _one(form, "MachineDetection"):
            raise NotTaken(400, 20001, "AsyncAmd without MachineDetection")

    def update(self, call: SimulatedCall, form: Form) -> Json:
        fields = {name: values[0] for name, values in form.items()}
        self.updates.append((call.sid, fields))
        if self.update_faults:
            raise NotTaken(self.update_faults.pop(0), 20500, "As you wished")
        if call.ended_ms is not None:
            raise NotTaken(400, 21220, "Call is not in-progress. Cannot redirect.")
        match fields:
            case {"Status": "completed"}:
                self._leave(call, "canceled" if call.answered_ms is None else "completed")
            case {"Status": "canceled"}:
                if call.answered_ms is None:
                    self._leave(call, "canceled")
            case {"Twiml": document} if len(fields) == 1:
                self._redirect(call, Place("", "POST", {}, twiml=document))
            case {"Url": url}:
                self._redirect(call, Place(url, fields.get("Method", "POST"), {}))
            case _:
                raise NotTaken(400, 20001, "Status, Url or Twiml, and nothing else")
        return call.to_json(self._account_sid)

    def _leave(self, call: SimulatedCall, status: str) -> None:
        call.ended_by = call.ended_by or "server"
        if status == "canceled":
            call.status = "canceled"
        call.hung_up.set()

    def _redirect(self, call: SimulatedCall, place: Place) -> None:
        """What the call is at ends: a stream is stopped."""
        if call.answered_ms is None:
            raise NotTaken(400, 21220, "Call is not in-progress. Cannot redirect.")
        if not isinstance(call, OutboundCall):
            raise NotTaken(400, 20001, "Incoming calls are not redirected here")
        call.next_place = place
        call.hung_up.set()

    # --- The call ---

    async def _carry(self, call: OutboundCall) -> None:
        callbacks: list[asyncio.Task[None]] = []

        def in_background(work: Coroutine[Any, Any, None]) -> None:
            callbacks.append(self._spawn(work, f"{call.sid}:callback"))

        form = call.form
        events = form.get("StatusCallbackEvent") or ["completed"]
        line = Line(
            account_sid=self._account_sid,
            voice_url=_one(form, "Url"),
            fallback_url=_one(form, "FallbackUrl") or None,
            status_url=None if self.lost_callbacks else _one(form, "StatusCallback") or None,
            status_events=frozenset(_EVENTS[one] for one in events),
            say_chars_per_second=self.say_chars_per_second,
        )
        Progress(call, line, self._webhooks, in_background)
        try:
            async with asyncio.timeout(float(_one(form, "TimeLimit") or 14_400)):
                await self._ring(call, Course(call, line, self._webhooks, in_background), in_background)
        except TimeoutError:
            call.ended_by = "carrier"
        finally:
            call.finish()
            await asyncio.gather(*callbacks, return_exceptions=True)
            call.over.set()

    async def _ring(
        self, call: OutboundCall, course: Course, in_background: Callable[[Coroutine[Any, Any, None]], None]
    ) -> None:
        call.set_status("initiated")
        call.set_status("ringing")
        answers = call.callee.answers
        rings_s = float(_one(call.form, "Timeout") or 60) if answers == "no-answer" else call.callee.rings_s
        if await _heard(call.hung_up, min(rings_s, call.callee.rings_s)):
            call.set_status("canceled" if call.status == "canceled" else "no-answer")
            return
        if answers not in {"human", "machine", "fax"}:
            call.set_status(answers)
            return
        call.set_status("in-progress")
        detection = _one(call.form, "MachineDetection")
        if detection and _one(call.form, "AsyncAmd") == "true":
            in_background(self._detect(call, course))
        elif detection:
            await asyncio.sleep(self._listens_s(call))
            call.answered_by = self._verdict(call)
        first = Place(
            _one(call.form, "Url"), _one(call.form, "Method") or "POST", {}, twiml=self._inline(call)
        )
        await self._walk(call, course, first)

    def _inline(self, call: OutboundCall) -> str:
        return "" if _one(call.form, "Url") else _one(call.form, "Twiml")

    async def _walk(self, call: OutboundCall, course: Course, place: Place | None) -> None:
        """Through its TwiML, and again wherever a REST update sends it."""
        while place is not None:
            await CallFlow(course).run(place)
            place, call.next_place = call.next_place, None
            if place is not None:
                call.hung_up.clear()
                call.ended_by = ""

    def _listens_s(self, call: OutboundCall) -> float:
        waits = call.callee.answers == "machine" and _one(call.form, "MachineDetection") == "DetectMessageEnd"
        return call.callee.greeting_s if waits else call.callee.detected_s

    def _verdict(self, call: OutboundCall) -> str:
        if call.callee.answers != "machine":
            return call.callee.answers
        ends = _one(call.form, "MachineDetection") == "DetectMessageEnd"
        return f"machine_end_{call.callee.tone}" if ends else "machine_start"

    async def _detect(self, call: OutboundCall, course: Course) -> None:
        await asyncio.sleep(self._listens_s(call))
        if call.ended_ms is not None:
            return
        call.answered_by = self._verdict(call)
        url = _one(call.form, "AsyncAmdStatusCallback")
        if not url:
            call.warn(21262, "AMD without a callback")
            return
        fields = voice_form(self._account_sid, call.sid, call.to, call.from_, call.status, call.direction)
        told = {
            "AccountSid": self._account_sid,
            "CallSid": call.sid,
            "AnsweredBy": call.answered_by,
            "MachineDetectionDuration": str(round(self._listens_s(call) * 1000)),
        }
        exchange = await course.request(url, {**fields, **told}, "POST")
        if not exchange.ok:
            call.warn(11200, f"{url} {exchange.failure}")

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _one(form: Form, name: str) -> str:
    return form.get(name, [""])[0]


async def _heard(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
