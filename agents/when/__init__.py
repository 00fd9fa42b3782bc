"""What a caller's time words mean. Pure: words and the tenant's wall clock in, dates and times out.

    >>> resolve_when("next tuesday after three", now_local=datetime(2026, 11, 18, 10, 30), language="en")
    When(first=2026-11-24, last=2026-11-24, not_before=15:00, not_after=None, at=None)

    kinds.py           the kinds of words that there are, the same in every language
    language.py        text -> tokens, each of a kind
    en es de fr .py    the words, as tables
    day_rules.py time_rules.py    one rule per turn of phrase
    grammar.py         tokens -> what was heard: the longest match wins
    heard.py           what was heard -> When: everything that was said must agree
    clock.py days.py   which hour, which days
    values.py          When, Window, UnclearWhen

Whoever guesses books the wrong day, so every word must be known and find its place; else UnclearWhen is raised,
with the words that were not understood, and the caller is asked. The rules where people differ:

- A plain weekday is the next such day, never today. "This Tuesday" may be today. "Next Tuesday" and "nächsten
  Dienstag" are the one in the next calendar week, Monday to Sunday; "coming", "kommenden", "próximo", "que viene"
  and "prochain" mean the first one after today. A weekday beside a date or a week ("Tuesday the 24th", "Tuesday
  next week") must fit it.
- A date without a year is the first one that is not past; "the 24th" likewise. What is past is unclear, save for
  an ISO date.
- Without am, pm or a part of the day, 1 to 6 are in the afternoon, 7 to 11 in the morning and 12 is noon: business
  hours. A part of the day decides otherwise ("seven in the evening"), and so does a 24-hour time (15, 0, 09:30).
- Only a time ("at three", "in the afternoon"): today while it can still be, else tomorrow.
- "In two weeks" is that day, two weeks on. "In acht Tagen" and "quinze jours" count today or do not: both days.
- "A week from Tuesday" and "Tuesday week" are seven days after a plain Tuesday.
- A month's beginning, middle and end are its thirds; a week's are Monday and Tuesday, Tuesday to Thursday, and
  Thursday to Saturday.
- "3/4" is a day of a month in every language but plain English, which has two readings of it: unclear. An offset
  in an ISO time is ignored, as models append Z to local times.
"""

from datetime import datetime

from agents.when.grammar import listen
from agents.when.kinds import Kind
from agents.when.language import Language, UnknownWord
from agents.when.languages import ENGLISH, language_for
from agents.when.values import UnclearWhen, When, Window

__all__ = ["MAX_CHARACTERS", "UnclearWhen", "When", "Window", "leaves_open", "resolve_when"]

MAX_CHARACTERS = 200


def resolve_when(text: str, *, now_local: datetime, language: str = "en") -> When:
    """`now_local`: naive wall time of the tenant; `language`: a tag such as `de-AT`. UnclearWhen if in doubt.

    English is understood beside each language: models translate what callers say.
    """
    if len(text) > MAX_CHARACTERS:
        raise UnclearWhen(text[:MAX_CHARACTERS])
    spoken = language_for(language)
    try:
        return _resolve(text, now_local, spoken)
    except UnknownWord:
        if spoken.is_english:
            raise
        try:
            return _resolve(text, now_local, ENGLISH)
        except UnclearWhen:
            pass
        raise


def leaves_open(text: str, *, language: str = "en") -> bool:
    """Whether it names no time at all: "any time", "as soon as possible"."""
    for spoken in (language_for(language), ENGLISH):
        try:
            return all(token.kind is Kind.PAUSE for token in spoken.tokens(text[:MAX_CHARACTERS]))
        except (ValueError, OverflowError, UnclearWhen):
            continue
    return False


def _resolve(text: str, now_local: datetime, language: Language) -> When:
    try:
        return listen(language.tokens(text), now_local).meaning()
    except (ValueError, OverflowError):  # there is no such date, or no such time
        raise UnclearWhen(text.strip()) from None
