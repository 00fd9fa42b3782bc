"""One answer of the caller in, what comes next out: the menu, whichever carrier speaks for it."""

import datetime
from dataclasses import dataclass, replace

from django.utils import timezone

from appointments import holds
from telephony import calls, limits, rungs
from telephony.keypad.heard import Heard
from telephony.keypad.place import Place
from telephony.keypad.steps import STEPS, Answers, Leave, Next, Question, Visit
from telephony.models import Call
from telephony.people import directory
from tenants.scoping import tenant_scope

SILENT_ROUNDS = 2
MOST_TURNS = 60


@dataclass(frozen=True, slots=True)
class Ask:
    """Say the sentences, and bring the answer back to this place."""

    place: Place
    sentences: tuple[str, ...]
    answers: Answers


@dataclass(frozen=True, slots=True)
class Person:
    """The menu is left: ring the tenant's people."""

    announcement: str


@dataclass(frozen=True, slots=True)
class Record:
    """The menu is left: voicemail. `prompt` announces the tone; "": as always."""

    prompt: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """The menu is left, with these words."""

    words: str


Turn = Ask | Person | Record | End


def enter(call: Call, *said: str, nobody: bool = False) -> Ask:
    """The menu's first question, after what is said first; `nobody`: a person was rung in vain."""
    return _ask(_visit(call), Place(nobody=nobody), list(said))


def answer(call: Call, place: Place, heard: Heard) -> Turn:
    """What the caller pressed or said there; the place is one of the menu's."""
    visit = _visit(call)
    if place.turns >= MOST_TURNS or _is_too_long(call, visit.now):
        return End(visit.speech.time_is_up)
    place = replace(place, turns=place.turns + 1)
    question = STEPS[place.step][0](visit, place)
    if _wants_repeat(question, heard, visit.language):
        return _ask(visit, replace(place, silent=0), [])
    return _take(visit, place, question, heard)


def _wants_repeat(question: Question, heard: Heard, language: str) -> bool:
    """What is free to say may hold any word, and what is keyed in any digit but the star."""
    if question.answers is Answers.CHOICE:
        return heard.repeat(language)
    return heard.keys == "*"


def _take(visit: Visit, place: Place, question: Question, heard: Heard) -> Turn:
    option = heard.choice(question.options, visit.language)
    taken = STEPS[place.step][1](visit, place, heard, option)
    match taken:
        case Next(then, said) if then == place:  # asked again: the same as not understood, in other words
            return _again(visit, place, said)
        case Next(then, said):
            return _ask(visit, then, said)
        case Leave.PERSON:
            return Person(visit.speech.transferring)
        case Leave.RECORD:
            return Record(visit.speech.message_after_tone)
    return _again(visit, place, [] if heard.nothing else [visit.speech.key_not_understood])


def _again(visit: Visit, place: Place, said: list[str]) -> Turn:
    place = replace(place, silent=place.silent + 1)
    if place.silent < SILENT_ROUNDS:
        return _ask(visit, place, said)
    return _give_up(visit, place)


def _give_up(visit: Visit, place: Place) -> Turn:
    """Nobody answers, or nothing that was meant for us: a person, voicemail, or goodbye."""
    if not place.served and not place.nobody and directory.is_anybody_there(visit.tenant):
        return Person(visit.speech.transferring)
    if not place.served and rungs.has_voicemail(visit.tenant):
        return Record()
    return End(visit.speech.goodbye)


def _ask(visit: Visit, place: Place, said: list[str]) -> Ask:
    question = STEPS[place.step][0](visit, place)
    with tenant_scope(visit.tenant):
        calls.add_event(
            visit.tenant.pk, visit.call.pk, "menu", dedupe_key=f"menu:{place.turns}", step=place.step
        )
    return Ask(place, (*said, *question.sentences), question.answers)


def _visit(call: Call) -> Visit:
    with tenant_scope(call.tenant_id):
        conversation = calls.attend(call)
        holds.refresh(call.tenant, str(conversation.pk))
    return Visit(call, conversation, timezone.now())


def _is_too_long(call: Call, now: datetime.datetime) -> bool:
    longest = limits.longest_call_seconds(call.tenant)
    return bool(longest) and (now - call.created_at).total_seconds() > longest
