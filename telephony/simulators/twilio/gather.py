"""`<Gather>`: a key, some keys or a few words.  Source: Twilio, "TwiML Voice: <Gather>" and its debugger's warnings."""

import re
from collections.abc import Awaitable, Callable, Mapping

from telephony.simulators.twilio.course import Course
from telephony.simulators.twilio.twiml import Verb

KEYS = re.compile(r"[0-9*#]+")
CONFIDENCE = "0.9"
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*")


class Gatherer:
    def __init__(self, course: Course, prompts: Mapping[str, Callable[[Verb], Awaitable[None]]]) -> None:
        self._course, self._call, self._prompts = course, course.call, prompts

    async def gather(self, verb: Verb) -> None:
        """Ask, then go to the action with what was answered; on with the next verb if nothing was."""
        self._warn(verb)
        for child in verb.children:
            await self._prompts[child.name](child)
        kinds = set((verb.get("input") or "dtmf").split())
        answered = self._answered(verb, kinds)
        if answered is not None:
            self._course.after(verb, answered, default_here=True)
        await self._course.pass_time(min(_seconds(verb.get("timeout"), 5.0), self._course.line.silence_s))
        if verb.get("actionOnEmptyResult") == "true":
            self._course.after(verb, {"Digits": ""}, default_here=True)

    def _answered(self, verb: Verb, kinds: set[str]) -> dict[str, str] | None:
        """The form fields; None for silence, and for an answer of a kind that is not listened to."""
        said = self._call.caller.next_answer()
        if said is None:
            digits = self._typed(verb, self._call.caller.take_digits) if "dtmf" in kinds else ""
        elif KEYS.fullmatch(said):
            if "dtmf" not in kinds:
                return None
            self._call.digits += said
            digits = _ended(verb, said)
        else:
            if "speech" not in kinds or not said:
                return None
            self._call.line_begins(said)
            self._call.line_ends()
            return {
                "SpeechResult": said,
                "Confidence": CONFIDENCE,
                "Language": verb.get("language", "en-US"),
            }
        return {"Digits": digits} if digits else None

    def _typed(self, verb: Verb, take: Callable[[int | None], str]) -> str:
        digits = take(_whole(verb.get("numDigits")))
        self._call.digits += digits
        return _ended(verb, digits)

    def _warn(self, verb: Verb) -> None:
        kinds = (verb.get("input") or "dtmf").split()
        if not kinds or not set(kinds) <= {"dtmf", "speech"}:
            self._call.warn(12200, f"<Gather> has the input {verb.get('input')!r}")
        if not re.fullmatch(r"[0-9*#]?", verb.get("finishOnKey", "#")):
            self._call.warn(13310, f"<Gather> has the finishOnKey {verb.get('finishOnKey')!r}")
        if verb.get("method", "POST") not in {"GET", "POST"}:
            self._call.warn(13312, f"<Gather> has the method {verb.get('method')!r}")
        if _whole(verb.get("timeout", "5")) is None:
            self._call.warn(13313, f"<Gather> has the timeout {verb.get('timeout')!r}")
        if "numDigits" in verb.attributes and not _whole(verb.get("numDigits")):
            self._call.warn(13314, f"<Gather> has numDigits {verb.get('numDigits')!r}")
        speech_timeout = verb.get("speechTimeout", "auto")
        if speech_timeout != "auto" and not _whole(speech_timeout):
            self._call.warn(13327, f"<Gather> has the speechTimeout {speech_timeout!r}")
        if speech_timeout == "auto" and "speechTimeout" in verb.attributes and verb.get("speechModel"):
            self._call.warn(13327, "<Gather> has a speechModel, for which speechTimeout cannot be auto")
        if not LANGUAGE.fullmatch(verb.get("language", "en-US")):
            self._call.warn(12200, f"<Gather> has the language {verb.get('language')!r}")


def _ended(verb: Verb, keys: str) -> str:
    """What is posted of the keys: up to `finishOnKey`, which itself is not, and at most `numDigits`.

    The finishing key counts only after others; pressed alone it is no answer.
    """
    finish = verb.get("finishOnKey", "#")
    if finish:
        keys = keys.lstrip(finish).partition(finish)[0]
    return keys[: _whole(verb.get("numDigits")) or None]


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,5}", text) else None


def _seconds(text: str, otherwise: float) -> float:
    """Tests may be quicker than whole seconds; the debugger warns."""
    try:
        return float(text) if text else otherwise
    except ValueError:
        return otherwise
