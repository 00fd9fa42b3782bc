"""What an agent is told that goes on with another one's call."""

import datetime

import pytest

from agents.so_far import MOST_CHARACTERS, MOST_LINES, SoFar, ToolUsed, late_answer
from agents.speech import LANGUAGES, speech_for

ENGLISH = speech_for("en")
SORRY = "I'm sorry, I lost you for a moment. Let's go on."
NOON = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)


def at(seconds: float) -> datetime.datetime:
    return NOON + datetime.timedelta(seconds=seconds)


def talk(*lines: tuple[str, str]) -> SoFar:
    """One line a second."""
    so_far = SoFar()
    for second, (speaker, words) in enumerate(lines):
        (so_far.caller_said if speaker == "caller" else so_far.agent_said)(words, at(second))
    return so_far


def used(second: float, **answer: object) -> ToolUsed:
    return ToolUsed("book_appointment", {"slotId": "s"}, answer, at(second))


def test_lines_and_tools_are_told_in_the_order_in_which_they_happened():
    so_far = talk(("agent", "Hello!"), ("caller", "A haircut."), ("agent", "Done."))
    told = so_far.resumption(ENGLISH, [used(1.5, success=True)]).history
    assert [speaker for speaker, _ in told] == ["agent", "caller", "tool", "agent"]
    assert told[2][1] == 'book_appointment was called with {"slotId": "s"} and answered {"success": true}'


def test_of_a_reply_that_was_cut_short_only_what_was_heard_is_told():
    so_far = talk(("agent", "Hello and welcome!"), ("caller", "Hi"))
    so_far.agent_was_heard("Hello and")
    assert so_far.resumption(ENGLISH).history[0] == ("agent", "Hello and")


@pytest.mark.parametrize(
    ("last", "repeats"), [("caller", "Could you say that once more, please?"), ("agent", "")]
)
def test_only_who_was_not_answered_is_asked_to_say_it_again(last, repeats):
    told = talk(("agent", "Hello!"), (last, "Well.")).resumption(ENGLISH)
    assert (told.opening, told.please_repeat) == (SORRY, repeats)


@pytest.mark.parametrize(
    "answer", [{"message": "You're booked."}, {"success": True, "data": {"message": "You're booked."}}]
)
def test_what_a_tool_had_to_say_is_said_if_nobody_has(answer):
    so_far = talk(("agent", "Hello!"), ("caller", "Book it."))
    assert so_far.resumption(ENGLISH, [used(5, **answer)]).opening == f"{SORRY} You're booked."
    so_far.agent_said("You're booked.", at(6))
    assert so_far.resumption(ENGLISH, [used(5, **answer)]).opening == SORRY


def test_a_tool_that_is_still_at_work_is_not_to_be_called_again():
    told = talk(("caller", "Book it.")).resumption(ENGLISH, pending=["book_appointment"])
    assert told.history[-1] == (
        "tool",
        "book_appointment was called and is still at work: do not call it again.",
    )
    assert told.please_repeat == ""
    assert late_answer("book_appointment", {"success": True}).endswith('now answered {"success": true}')


def test_it_never_grows_without_end():
    so_far = talk(*[("caller", "word " * 100)] * 500)
    told = so_far.resumption(ENGLISH).history
    assert len(told) <= MOST_LINES
    assert sum(len(words) for _, words in told) <= MOST_CHARACTERS


def test_every_language_has_its_words():
    openings = {code: talk().resumption(speech).opening for code, speech in LANGUAGES.items()}
    assert len(set(openings.values())) == len(LANGUAGES)
    assert openings["de"].startswith("Entschuldigung")
