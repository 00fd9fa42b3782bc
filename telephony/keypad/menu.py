"""One answer of the caller in, one TwiML document out."""

import datetime
import logging
from dataclasses import replace
from urllib.parse import quote

from django.utils import timezone

from appointments import holds
from telephony import calls, limits, rungs
from telephony.carriers.twilio import people, twiml
from telephony.keypad import place as places
from telephony.keypad.heard import Heard
from telephony.keypad.place import Place
from telephony.keypad.steps import STEPS, Answers, Leave, Next, Question, Visit
from telephony.models import Call
from telephony.people.models import Transfer
from telephony.rungs import CallbackUrl
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)
security = logging.getLogger("tonris.security")

SILENT_ROUNDS = 2
MOST_TURNS = 60


def enter(call: Call, callback_url: CallbackUrl, *said: str, nobody: bool = False) -> str:
    """The menu's first question, after what is said first; `nobody`: a person was rung in vain."""
    return _ask(_visit(call), Place(nobody=nobody), list(said), callback_url)


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
    visit = _visit(call)
    if place.turns >= MOST_TURNS or _is_too_long(call, visit.now):
        return twiml.say(visit.speech.time_is_up, language=visit.language)
    place = replace(place, turns=place.turns + 1)
    question = STEPS[place.step][0](visit, place)
    if _wants_repeat(question, heard, visit.language):
        return _ask(visit, replace(place, silent=0), [], callback_url)
    return _take(visit, place, question, heard, callback_url)


def _wants_repeat(question: Question, heard: Heard, language: str) -> bool:
    """What is free to say may hold any word, and what is keyed in any digit but the star."""
    if question.answers is Answers.CHOICE:
        return heard.repeat(language)
    return heard.keys == "*"


def _take(visit: Visit, place: Place, question: Question, heard: Heard, callback_url: CallbackUrl) -> str:
    option = heard.choice(question.options, visit.language)
    taken = STEPS[place.step][1](visit, place, heard, option)
    match taken:
        case Next(then, said) if then == place:  # asked again: the same as not understood, in other words
            return _again(visit, place, said, callback_url)
        case Next(then, said):
            return _ask(visit, then, said, callback_url)
        case Leave.PERSON:
            return _person(visit, callback_url) or _nobody(visit, callback_url)
        case Leave.RECORD:
            return rungs.voicemail(visit.call, callback_url, visit.speech.message_after_tone)
    said = [] if heard.nothing else [visit.speech.key_not_understood]
    return _again(visit, place, said, callback_url)


def _again(visit: Visit, place: Place, said: list[str], callback_url: CallbackUrl) -> str:
    place = replace(place, silent=place.silent + 1)
    if place.silent < SILENT_ROUNDS:
        return _ask(visit, place, said, callback_url)
    return _give_up(visit, place, callback_url)


def _give_up(visit: Visit, place: Place, callback_url: CallbackUrl) -> str:
    """Nobody answers, or nothing that was meant for us: a person, voicemail, or goodbye."""
    if not place.served and not place.nobody and (document := _person(visit, callback_url)):
        return document
    if not place.served and rungs.has_voicemail(visit.tenant):
        return rungs.voicemail(visit.call, callback_url)
    return twiml.say(visit.speech.goodbye, language=visit.language)


def _person(visit: Visit, callback_url: CallbackUrl) -> str | None:
    chosen, words = Transfer.Purpose.CHOSEN, visit.speech.transferring
    return people.ring(visit.call, chosen, callback_url, announcement=words)


def _nobody(visit: Visit, callback_url: CallbackUrl) -> str:
    """They were there when the menu offered them."""
    return _ask(visit, Place(nobody=True), [visit.speech.no_person_now], callback_url)


def _ask(visit: Visit, place: Place, said: list[str], callback_url: CallbackUrl) -> str:
    question = STEPS[place.step][0](visit, place)
    with tenant_scope(visit.tenant):
        calls.add_event(
            visit.tenant.pk, visit.call.pk, "menu", dedupe_key=f"menu:{place.turns}", step=place.step
        )
    return twiml.ask(
        *said,
        *question.sentences,
        answer_url=_url(visit.call, place, callback_url),
        language=visit.language,
        spoken=question.answers is not Answers.NUMBER,
        whole_number=question.answers is Answers.NUMBER,
    )


def _visit(call: Call) -> Visit:
    with tenant_scope(call.tenant_id):
        conversation = calls.attend(call)
        holds.refresh(call.tenant, str(conversation.pk))
    return Visit(call, conversation, timezone.now())


def _is_too_long(call: Call, now: datetime.datetime) -> bool:
    longest = limits.longest_call_seconds(call.tenant)
    return bool(longest) and (now - call.created_at).total_seconds() > longest


def _url(call: Call, place: Place, callback_url: CallbackUrl) -> str:
    return f"{callback_url('menu')}?s={quote(places.encode(place, call.carrier_call_id), safe='')}"
