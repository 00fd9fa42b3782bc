"""The menu over Infobip: a question is one capture of keys that plays its words, the answer one event.

Infobip takes down no words here: a caller whose name is not known books by their number, and a message is recorded.
Where a caller is in the menu stands in the call's last `keypad` event.
"""

from dataclasses import dataclass

from agents.speech import speech_for
from telephony import calls
from telephony.keypad import place as places
from telephony.keypad import turns
from telephony.keypad.heard import Heard
from telephony.keypad.place import Place
from telephony.keypad.steps import STEPS, Answers
from telephony.keypad.turns import Ask, Record, Turn
from telephony.models import Call
from tenants.scoping import tenant_scope

ASKED = "keypad"
WAIT_SECONDS = 8.0
"""For a key, once all is said."""
CHARACTERS_PER_SECOND = 10.0
"""A slow voice: whether Infobip's waiting begins with its words or after them is not told."""
MOST_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Capture:
    """What Infobip is asked for."""

    text: str
    most_keys: int
    terminator: str
    timeout_ms: int


def enter(call: Call, *, nobody: bool = False) -> Turn:
    return _keyed(call, turns.enter(call, nobody=nobody))


def answer(call: Call, keys: str) -> Turn:
    """Of a caller who is in the menu; no keys: silence."""
    place = _place_of(call)
    if place is None or place.step not in STEPS:
        return enter(call)
    return _keyed(call, turns.answer(call, place, Heard(keys=keys.removesuffix("#"))))


def capture_of(call: Call, asked: Ask) -> Capture:
    """To be asked for; where the caller is then is written down."""
    with tenant_scope(call.tenant_id):
        told = places.encode(asked.place, call.carrier_call_id)
        calls.add_event(call.tenant_id, call.pk, ASKED, place=told)
    text, is_number = " ".join(asked.sentences), asked.answers is Answers.NUMBER
    return Capture(
        text=text,
        most_keys=MOST_DIGITS if is_number else 1,
        terminator="#" if is_number else "",
        timeout_ms=round(1000 * (WAIT_SECONDS + len(text) / CHARACTERS_PER_SECOND)),
    )


def _keyed(call: Call, turn: Turn) -> Turn:
    """Past what only words could answer."""
    while isinstance(turn, Ask) and turn.answers is Answers.WORDS:
        if turn.place.step == "message":
            return Record(speech_for(call.tenant.language).message_after_tone)
        turn = turns.answer(call, turn.place, Heard())
    return turn


def _place_of(call: Call) -> Place | None:
    with tenant_scope(call.tenant_id):
        last = call.events.filter(kind=ASKED).order_by("-occurred_at").first()
    return places.decode(str(last.detail.get("place", "")), call.carrier_call_id) if last else None
