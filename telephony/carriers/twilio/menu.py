"""The menu on Twilio: one answer of the caller in, one TwiML document out."""

import logging
from urllib.parse import quote

from agents.speech import speech_for
from telephony import calls
from telephony.carriers.twilio import last_rungs, people, twiml
from telephony.carriers.twilio.addresses import CallbackUrl
from telephony.keypad import place as places
from telephony.keypad import turns
from telephony.keypad.heard import Heard
from telephony.keypad.place import Place
from telephony.keypad.steps import STEPS, Answers
from telephony.keypad.turns import Ask, Person, Record, Turn
from telephony.models import Call
from telephony.people.models import Transfer

logger = logging.getLogger(__name__)
security = logging.getLogger("tonris.security")


def enter(call: Call, callback_url: CallbackUrl, *said: str, nobody: bool = False) -> str:
    """The menu's first question, after what is said first; `nobody`: a person was rung in vain."""
    return _document(call, turns.enter(call, *said, nobody=nobody), callback_url)


def door_url(call: Call, callback_url: CallbackUrl, *, nobody: bool = False) -> str:
    """Where a key leads into the menu, whichever it is."""
    return _url(call, Place("door", nobody=nobody), callback_url)


def answer(call: Call, state: str, heard: Heard, callback_url: CallbackUrl) -> str:
    """What the caller pressed or said at the place that `state` stands for."""
    if calls.RANK[call.state] == calls.ENDED:
        return twiml.hang_up()
    place = places.decode(state, call.carrier_call_id)
    if place is None or place.step not in STEPS:
        if state:
            security.warning(
                "Call %s came to the menu with a state that is not its own", call.carrier_call_id
            )
        return enter(call, callback_url)
    return _document(call, turns.answer(call, place, heard), callback_url)


def _document(call: Call, turn: Turn, callback_url: CallbackUrl) -> str:
    language = call.tenant.language
    match turn:
        case Ask(place, sentences, answers):
            return twiml.ask(
                *sentences,
                answer_url=_url(call, place, callback_url),
                language=language,
                spoken=answers is not Answers.NUMBER,
                whole_number=answers is Answers.NUMBER,
            )
        case Person(announcement):
            ringing = people.ring(call, Transfer.Purpose.CHOSEN, callback_url, announcement=announcement)
            # They were there when the menu offered them.
            return ringing or enter(call, callback_url, speech_for(language).no_person_now, nobody=True)
        case Record(prompt):
            return last_rungs.voicemail(call, callback_url, *([prompt] if prompt else []))
    return twiml.say(turn.words, language=language)


def _url(call: Call, place: Place, callback_url: CallbackUrl) -> str:
    return f"{callback_url('menu')}?s={quote(places.encode(place, call.carrier_call_id), safe='')}"
