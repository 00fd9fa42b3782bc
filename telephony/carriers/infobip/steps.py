"""A caller without an agent goes down the ladder over REST: one action, then the event that says how it went.

    answer -> CALL_ESTABLISHED -> say -> SAY_FINISHED -> the rung itself
    a person    people.py: one after the other, then the agent again, or the next rung
    the menu    a capture of keys that plays its question -> DTMF_CAPTURED: the next question, or a way out
    voicemail   a recording, until a key, or two minutes: DTMF_CAPTURED; or until the caller hangs up
    the end     hang up

Where a caller stands is the call's last `rung` event. Each step is taken once a call, whoever asks for it again.
"""

import logging
from enum import StrEnum
from typing import Any

from agents.speech import speech_for
from telephony import calls, ladder, rungs
from telephony.carriers.infobip import keypad, people
from telephony.carriers.infobip.account import account_of
from telephony.carriers.infobip.agent_leg import spoken_language
from telephony.carriers.infobip.people import Then
from telephony.carriers.infobip.rest import InfobipRest
from telephony.keypad.turns import Ask, End, Person, Record, Turn
from telephony.ladder import Rung
from telephony.models import Call
from telephony.people import transfers
from telephony.people.models import Transfer
from telephony.rungs import words_of_apology
from tenants.scoping import tenant_scope
from tenants.vendor_http import VendorError

logger = logging.getLogger(__name__)

LONGEST_MESSAGE_MS = 120_000


class Stage(StrEnum):
    ANSWERING = "answering"
    SAYING = "saying"
    AT_IT = "at_it"


def begin(call: Call, rung: Rung, words: str = "") -> None:
    """Go to this rung; `words` are said first. Blocks: an errand's work. Needs no scope."""
    words = words or _words(call, rung)
    if not words:
        _climb(call, rung)
    elif calls.RANK[call.state] < calls.RANK[calls.State.IN_PROGRESS]:
        if _takes(call, rung, Stage.ANSWERING, words) and not _ask(call, "answer"):
            logger.warning("Call %s could not be answered", call.carrier_call_id)
    else:
        _say(call, rung, words)


def established(call: Call) -> None:
    """The caller's leg was answered: say what waits to be said."""
    rung, stage, words = where(call)
    if rung is not None and stage == Stage.ANSWERING:
        _say(call, rung, words)


def said(call: Call) -> None:
    """What was to be said has been, or could not be."""
    rung, stage, _ = where(call)
    if rung is not None and stage == Stage.SAYING:
        _climb(call, rung)


def after_people(call: Call, then: Then) -> None:
    """People were rung: one has talked to the caller, or nobody came."""
    if then is Then.HANG_UP:
        begin(call, Rung.HANG_UP)
    elif then is Then.GOODBYE:
        begin(call, Rung.HANG_UP, speech_for(call.tenant.language).goodbye)
    elif then is Then.LADDER:
        begin(call, _after_nobody(call))


def captured(call: Call, *, keys: str) -> None:
    """Keys were pressed, or the time for them is over: in the menu, or after a message."""
    match where(call)[:2]:
        case (Rung.MENU, Stage.AT_IT):
            _follow(call, keypad.answer(call, keys))
        case (Rung.VOICEMAIL, Stage.AT_IT):
            begin(call, Rung.HANG_UP, speech_for(call.tenant.language).we_call_back)


def not_captured(call: Call) -> None:
    """Infobip could not listen for keys: the menu is of no use then, and a message is as long as it is."""
    if where(call)[:2] == (Rung.MENU, Stage.AT_IT):
        begin(call, ladder.without_person(call.tenant))
    else:
        captured(call, keys="")


def where(call: Call) -> tuple[Rung | None, str, str]:
    """Rung, stage and words of the last step."""
    with tenant_scope(call.tenant_id):
        last = call.events.filter(kind="rung").order_by("-occurred_at").first()
    if last is None:
        return None, "", ""
    detail: dict[str, Any] = last.detail
    return Rung(detail["rung"]), str(detail["stage"]), str(detail.get("words", ""))


def _words(call: Call, rung: Rung) -> str:
    speech = speech_for(call.tenant.language)
    match rung:
        case Rung.PERSON:
            return ladder.announcement(call)
        case Rung.MENU:
            return "" if call.outcome in ladder.TOLD else speech.assistant_unavailable
        case Rung.VOICEMAIL:
            return speech.voicemail
        case Rung.TIME_UP:
            return speech.time_is_up
        case Rung.NOBODY_SPEAKS:
            return speech.nobody_speaks
        case Rung.APOLOGY:
            return words_of_apology(call)
    return ""


def _after_nobody(call: Call) -> Rung:
    """A person was rung in vain: the menu, unless the caller comes from there."""
    if rungs.has_menu(call.tenant) and not _was_at(call, Rung.MENU):
        return Rung.MENU
    return ladder.without_person(call.tenant)


def _purpose(call: Call) -> Transfer.Purpose:
    return Transfer.Purpose.CHOSEN if _was_at(call, Rung.MENU) else ladder.purpose_of(call)


def _was_at(call: Call, rung: Rung) -> bool:
    with tenant_scope(call.tenant_id):
        return call.events.filter(kind="rung", detail__rung=str(rung)).exists()


def _follow(call: Call, turn: Turn) -> None:
    """Where the menu leads."""
    match turn:
        case Ask():
            wanted = keypad.capture_of(call, turn)
            keys = (wanted.most_keys, wanted.terminator, wanted.timeout_ms)
            language = spoken_language(call.tenant.language)
            if not _ask(call, "ask_for_keys", wanted.text, language, *keys):
                begin(call, ladder.without_person(call.tenant))
        case Person(announcement):
            begin(call, Rung.PERSON, announcement)
        case Record(prompt):
            begin(call, Rung.VOICEMAIL, prompt)
        case End(words):
            begin(call, Rung.HANG_UP, words)


def _say(call: Call, rung: Rung, words: str) -> None:
    if not _takes(call, rung, Stage.SAYING, words):
        return
    if not _ask(call, "say", words, spoken_language(call.tenant.language)):
        _climb(call, rung)


def _climb(call: Call, rung: Rung) -> None:
    if not _takes(call, rung, Stage.AT_IT):
        return
    match rung:
        case Rung.PERSON:
            people.begin(call, _purpose(call), after_people)
        case Rung.MENU:
            _follow(call, keypad.enter(call, nobody=_was_at(call, Rung.PERSON)))
        case Rung.VOICEMAIL:
            if not (_ask(call, "start_recording") and _ask(call, "capture_key", LONGEST_MESSAGE_MS)):
                begin(call, Rung.APOLOGY)
        case _:
            answered = calls.RANK[call.state] >= calls.RANK[calls.State.IN_PROGRESS]
            _ask(call, "hang_up", "" if answered else "REJECTED")


def _takes(call: Call, rung: Rung, stage: Stage, words: str = "") -> bool:
    """Take a step, once a call: repeated events, and two that mean the same, lead nowhere."""
    key = f"rung:{rung}:{stage}"
    if rung is Rung.PERSON:  # an agent that has come back may want another
        key = f"{key}:{transfers.count(call)}"
    detail = {"rung": str(rung), "stage": str(stage), **({"words": words} if words else {})}
    with tenant_scope(call.tenant_id):
        return calls.add_event(call.tenant_id, call.pk, "rung", dedupe_key=key, **detail)


def _ask(call: Call, action: str, *details: Any) -> bool:
    """Whether Infobip accepted it."""
    try:
        with InfobipRest(account_of(call.tenant_id).api_key) as api:
            getattr(api, action)(call.carrier_call_id, *details)
    except VendorError as error:
        _note_failure(call, action, error)
        return False
    return True


def _note_failure(call: Call, action: str, error: VendorError) -> None:
    logger.warning("Infobip would not %s call %s: %s", action, call.carrier_call_id, error.message)
    with tenant_scope(call.tenant_id):
        calls.add_event(call.tenant_id, call.pk, "carrier_refused", action=action, reason=error.message[:240])
