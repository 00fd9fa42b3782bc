"""`<Dial>`: telephones ring, somebody or something picks up, hears what `url` says first, and is joined or not.

Source: Twilio, "TwiML Voice: <Dial>", "<Number>". The first of several numbers to pick up is the one; the others are
hung up then, even if that one declines. With `answerOnBridge` the caller hears it ring until the two are joined.
"""

from dataclasses import dataclass, field
from urllib.parse import urljoin

from telephony.simulators.twilio import twiml
from telephony.simulators.twilio.course import Course, HangUp
from telephony.simulators.twilio.line import FarEnd
from telephony.simulators.twilio.twiml import TwimlError, Verb
from telephony.simulators.twilio.webhooks import Form, new_sid, voice_form

MOST_NUMBERS = 10
MOST_DOCUMENTS = 5
QUICK_S = 0.2
"""Nobody waits for a whole whisper in a test."""
EVENTS = {"in-progress": "answered"}


@dataclass
class ChildLeg:
    noun: Verb
    number: str
    far_end: FarEnd
    sid: str = field(default_factory=lambda: new_sid("CA"))
    status: str = "ringing"


class Dialler:
    def __init__(self, course: Course) -> None:
        self._course, self._call = course, course.call

    async def dial(self, verb: Verb) -> None:
        nouns = [child for child in verb.children if child.name == "Number"] or [
            Verb("Number", {}, verb.text)
        ]
        legs = [ChildLeg(noun, noun.text, self._course.line.far_end.of(noun.text)) for noun in nouns]
        self._inspect(verb, legs)
        self._call.timeline.now_hears("dial", ", ".join(leg.number for leg in legs))
        try:
            fields = await self._connect(verb, legs)
        except HangUp:
            for leg in legs:
                self._ends(leg, "completed" if leg.status == "in-progress" else "canceled")
            raise
        self._call.timeline.now_hears("silence")
        self._course.after(verb, fields)

    def _inspect(self, verb: Verb, legs: list[ChildLeg]) -> None:
        if not all(leg.number for leg in legs):
            self._call.warn(13223, "<Dial> without a number")
        if len(legs) > MOST_NUMBERS:
            self._call.warn(13215, f"<Dial> with more than {MOST_NUMBERS} numbers")
        caller_id = verb.get("callerId", self._call.from_)
        if caller_id not in {self._call.to, self._call.from_}:
            self._call.warn(13214, f"<Dial> with the callerId {caller_id}")

    async def _connect(self, verb: Verb, legs: list[ChildLeg]) -> Form:
        picked = await self._ring(legs, _number(verb.get("timeout"), 30.0))
        if picked is None:
            status = next((one.status for one in legs if one.status != "no-answer"), "no-answer")
            return {"DialCallStatus": status, "DialCallSid": legs[0].sid, "DialBridged": "false"}
        self._tell(picked, "in-progress")
        url = picked.noun.get("url")
        if url and verb.get("answerOnBridge") != "true":
            self._call.timeline.now_hears("silence")
        joined = not url or await self._screened(picked, urljoin(self._course.here, url))
        if joined:
            self._call.joined.append(picked.number)
            await self._course.pass_time(picked.far_end.talks_s)
        self._ends(picked, "completed")
        told = {"DialCallStatus": "completed", "DialCallSid": picked.sid}
        seconds = str(max(round(picked.far_end.talks_s), 1)) if joined else "1"
        return {**told, "DialBridged": "true" if joined else "false", "DialCallDuration": seconds}

    async def _ring(self, legs: list[ChildLeg], timeout_s: float) -> ChildLeg | None:
        """The first to pick up; the others are let go."""
        waiting, since = sorted(legs, key=lambda leg: leg.far_end.rings_s), 0.0
        for leg in waiting:
            after_s = min(leg.far_end.rings_s, timeout_s)
            await self._course.pass_time(after_s - since)
            since = after_s
            if leg.far_end.picks_up and leg.far_end.rings_s <= timeout_s:
                for other in legs:
                    if other is not leg:
                        self._ends(other, "no-answer")
                return leg
            outcome = "no-answer" if leg.far_end.picks_up else leg.far_end.outcome
            self._ends(leg, outcome)
        return None

    # --- Before they are joined ---

    async def _screened(self, leg: ChildLeg, url: str) -> bool:
        """Run the document on the leg's end; one that comes to its end without hanging up joins the two."""
        fields: Form = {}
        for _ in range(MOST_DOCUMENTS):
            here, document = await self._fetch(leg, url, fields)
            if document is None:
                return False
            gone_to = await self._run(leg, document)
            if isinstance(gone_to, bool):
                return gone_to
            url, fields = urljoin(here, gone_to[0]), gone_to[1]
        return False

    async def _fetch(self, leg: ChildLeg, url: str, fields: Form) -> tuple[str, twiml.Document | None]:
        exchange = await self._course.request(url, {**self._form(leg), **fields}, "POST")
        if self._call.hung_up.is_set():
            raise HangUp
        if not exchange.ok:
            self._call.warn(11200, f"{url} {exchange.failure}")
            return url, None
        try:
            document = twiml.parse(exchange.content_type, exchange.body)
        except TwimlError as error:
            self._call.warn(error.code, str(error))
            return url, None
        for warning in document.warnings:
            self._call.warn(12200, warning)
        return exchange.final_url, document

    async def _run(self, leg: ChildLeg, document: twiml.Document) -> bool | tuple[str, Form]:
        """Whether they are joined; or the next document."""
        for verb in document.verbs:
            match verb.name:
                case "Hangup":
                    return False
                case "Say" | "Play":
                    await self._hears(leg, verb)
                case "Pause":
                    await self._course.pass_time(QUICK_S)
                case "Redirect":
                    return verb.text, {}
                case "Gather":
                    for child in verb.children:
                        await self._hears(leg, child)
                    if leg.far_end.hangs_up:
                        return False
                    keys = leg.far_end.presses if leg.far_end.outcome == "answered" else ""
                    if keys:
                        return verb.get("action"), {"Digits": keys[:1]}
                    await self._course.pass_time(QUICK_S)
                case _:
                    self._call.warn(13221, f"<{verb.name}> is not allowed in the url of a <Number>")
        return True

    async def _hears(self, leg: ChildLeg, verb: Verb) -> None:
        if verb.text:
            self._call.told_to_people.append((leg.number, verb.text))
        await self._course.pass_time(QUICK_S / 4)

    # --- Callbacks ---

    def _form(self, leg: ChildLeg) -> Form:
        call = self._call
        form = voice_form(self._course.line.account_sid, leg.sid, leg.number, call.to, leg.status)
        return {**form, "Direction": "outbound-dial", "ParentCallSid": call.sid}

    def _tell(self, leg: ChildLeg, status: str) -> None:
        leg.status = status
        wanted = (leg.noun.get("statusCallbackEvent") or "completed").split()
        callback = leg.noun.get("statusCallback")
        if callback and EVENTS.get(status, "completed") in wanted:
            self._course.call_back(callback, self._form(leg))

    def _ends(self, leg: ChildLeg, status: str) -> None:
        if leg.status in {"ringing", "in-progress"}:
            self._tell(leg, status)


def _number(value: str, otherwise: float) -> float:
    try:
        return float(value) if value else otherwise
    except ValueError:
        return otherwise
