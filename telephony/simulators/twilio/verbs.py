"""The verbs that need no media stream, as the carrier runs them."""

from collections.abc import Awaitable, Callable
from urllib.parse import urljoin

from telephony.simulators.twilio.course import Course, Elsewhere, HangUp, Place
from telephony.simulators.twilio.dial import Dialler
from telephony.simulators.twilio.gather import Gatherer
from telephony.simulators.twilio.twiml import Verb
from telephony.simulators.twilio.webhooks import recording_fields

Run = Callable[[Verb], Awaitable[None]]


class Verbs:
    def __init__(self, course: Course) -> None:
        self._course, self._call = course, course.call
        self.by_name: dict[str, Run] = {
            "Dial": Dialler(course).dial,
            "Gather": Gatherer(course, {"Say": self._say, "Play": self._play, "Pause": self._pause}).gather,
            "Hangup": self._hangup,
            "Pause": self._pause,
            "Play": self._play,
            "Record": self._record,
            "Redirect": self._redirect,
            "Reject": self._reject,
            "Say": self._say,
        }

    async def _say(self, verb: Verb) -> None:
        for _ in range(max(round(_number(verb.get("loop"), 1)), 1)):
            await self._course.speak(verb.text)

    async def _play(self, verb: Verb) -> None:
        exchange = await self._course.request(urljoin(self._course.here, verb.text), {}, "GET")
        if not exchange.ok or not (exchange.content_type or "").startswith("audio/"):
            self._call.warn(
                12300, f"{verb.text} cannot be played: {exchange.failure} {exchange.content_type}"
            )
            return
        self._call.timeline.now_hears("play", verb.text)
        await self._course.pass_time(1.0)
        self._call.timeline.now_hears("silence")

    async def _pause(self, verb: Verb) -> None:
        self._call.timeline.now_hears("silence")
        await self._course.pass_time(_number(verb.get("length"), 1.0))

    async def _hangup(self, _verb: Verb) -> None:
        self._course.end("server")
        raise HangUp

    async def _reject(self, verb: Verb) -> None:
        self._call.set_status("busy" if verb.get("reason") == "busy" else "no-answer")
        self._call.timeline.now_hears("busy", verb.get("reason", "rejected"))
        self._course.end("server")
        raise HangUp

    async def _redirect(self, verb: Verb) -> None:
        raise Elsewhere(Place(urljoin(self._course.here, verb.text), verb.get("method", "POST"), {}))

    async def _record(self, verb: Verb) -> None:
        self._call.timeline.now_hears("record", "beep")
        line = self._call.caller.next_line()
        spoken_s = len(line.audio) / 8000 if line else self._course.line.record_s
        if line:
            self._call.line_begins(line.text)
        duration_s = min(spoken_s, _number(verb.get("maxLength"), 3600.0))
        try:
            await self._course.pass_time(duration_s)
        finally:
            self._call.line_ends()
        if not duration_s:
            return  # silence: on to the next verb
        account_sid = self._course.line.account_sid
        recorded = recording_fields(account_sid, duration_s)
        if callback := verb.get("recordingStatusCallback"):
            ids = {"AccountSid": account_sid, "CallSid": self._call.sid, "RecordingStatus": "completed"}
            self._course.call_back(callback, {**recorded, **ids})
        self._course.after(verb, {**recorded, "Digits": ""}, default_here=True)


def _number(value: str, otherwise: float) -> float:
    try:
        return float(value) if value else otherwise
    except ValueError:
        return otherwise
