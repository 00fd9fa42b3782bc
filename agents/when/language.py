"""Text to tokens. A language is a table of words; what is written in digits is nearly the same in all."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from functools import cached_property
from typing import Any

from agents.when.clock import Clock
from agents.when.kinds import DateSaid, Kind, Token
from agents.when.values import UnclearWhen


class UnknownWord(UnclearWhen):
    """A word that is not in the language's table."""


Entry = str | Sequence[str] | Mapping[Any, str]
"""Phrases, "one | another". A sequence gives each the value of its place, a mapping that of its key."""

_PIECE = re.compile(
    r"""
      (?P<iso>    (?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})
                  (?:[t\ ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})
                     (?::[0-9]{2}(?:\.[0-9]+)?)?\ ?(?:z|[+-][0-9]{2}:?[0-9]{2})?)?(?!\w))
    | (?P<date>   [0-9]{1,2}(?P<mark>[/.-])[0-9]{1,2}(?P=mark)(?:[0-9]{4}|[0-9]{2})(?![0-9])
                | [0-9]{1,2}/[0-9]{1,2}(?![0-9/])
                | [0-9]{1,2}\.[0-9]{1,2}\.(?![0-9]))
    | (?P<clock>  [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?![0-9:]))
    | (?P<dotted> [0-9]{1,2}\.[0-9]{2}(?![0-9.]))
    | (?P<nth>    [0-9]{1,2}(?:st|nd|rd|th|er|ere|eme|e|te|ten|ter|o)\b)
    | (?P<point>  [0-9]{1,2}\.(?![0-9]))
    | (?P<number> [0-9]{1,4}(?![0-9]))
    | (?P<dash>   (?:(?<=[0-9])|(?<=[ap]m)|(?<=h)|(?<=uhr))\s*[-–—]\s*(?=[0-9]))
    | (?P<word>   [a-z]+)
    | (?P<comma>  \s*,\s*)
    | (?P<ignore> [\s;.!?¿¡'’"-]+)
    | (?P<odd>    .)
    """,
    re.VERBOSE | re.DOTALL,
)
_ABBREVIATED = re.compile(r"\b([ap])\. ?m\b\.?")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


def plain(text: str) -> str:
    """Lower case, without accents: transcripts have them or not."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return _ABBREVIATED.sub(r"\1m", "".join(one for one in apart if not unicodedata.combining(one)))


@dataclass(frozen=True)
class Language:
    words: Mapping[Kind, Entry]
    rewrites: Sequence[tuple[str, str]] = ()
    """Patterns over the plain text, for words whose meaning depends on their neighbours."""
    day_first: bool | None = True
    """What 3/4 is; None: it is unclear."""
    dotted_dates: bool = False
    """`24.` is the 24th, and `24.11` can be a date."""
    cardinal_dates: bool = False
    """`martes 24` is a date."""
    is_english: bool = False
    _rewrites: list[tuple[re.Pattern[str], str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        compiled = [(re.compile(pattern), instead) for pattern, instead in self.rewrites]
        object.__setattr__(self, "_rewrites", compiled)

    @cached_property
    def lexicon(self) -> Mapping[tuple[str, ...], tuple[Kind, Any]]:
        """By the words of a phrase. ValueError if one phrase has two meanings."""
        found: dict[tuple[str, ...], tuple[Kind, Any]] = {}
        for kind, entry in self.words.items():
            for value, phrases in _entries(entry):
                for phrase in phrases.split("|"):
                    for words in self._spellings(phrase):
                        if found.setdefault(words, (kind, value)) != (kind, value):
                            raise ValueError(f"{phrase.strip()!r} has two meanings")
        return found

    @cached_property
    def longest(self) -> int:
        return max(map(len, self.lexicon))

    def tokens(self, text: str) -> list[Token]:
        """All of it, fillers left out. UnclearWhen names what cannot be read."""
        said = self._rewritten(text)
        read: list[Token] = []
        words: list[str] = []
        for piece in _PIECE.finditer(said):
            kind = str(piece.lastgroup)
            if kind == "word":
                words.append(piece.group())
            elif kind == "odd":
                raise UnclearWhen(piece.group())
            elif kind != "ignore":
                read += self._phrases(words)
                words = []
                read += self._digits(kind, piece, said, read)
        read += self._phrases(words)
        return list(self._articled(read))

    def _rewritten(self, text: str) -> str:
        said = plain(text)
        for pattern, instead in self._rewrites:
            said = pattern.sub(instead, said)
        return said

    def _spellings(self, phrase: str) -> set[tuple[str, ...]]:
        """With and without its accents; ä is also ae."""
        spelt = (phrase, phrase.translate(_UMLAUTS))
        return {tuple(re.findall("[a-z]+", self._rewritten(one))) for one in spelt}

    def _phrases(self, words: Sequence[str]) -> Iterator[Token]:
        """The longest phrases that the words make, from left to right."""
        at = 0
        while at < len(words):
            for length in range(min(self.longest, len(words) - at), 0, -1):
                phrase = tuple(words[at : at + length])
                if meaning := self.lexicon.get(phrase):
                    yield Token(*meaning, " ".join(phrase))
                    at += length
                    break
            else:
                raise UnknownWord(words[at])

    def _digits(self, kind: str, piece: re.Match[str], said: str, before: Sequence[Token]) -> Iterator[Token]:
        text = piece.group()
        numbers = [int(number) for number in re.findall("[0-9]+", text)]
        match kind:
            case "iso":
                yield from _iso(piece)
            case "date":
                yield Token(Kind.DATE, self._date(text, *numbers), text)
            case "clock":
                yield _clock(text, *numbers[:2])
            case "dotted":
                yield self._dotted(
                    text, *numbers, uhr=said[piece.end() :].lstrip().startswith("uhr"), before=before
                )
            case "nth":
                yield Token(Kind.ORDINAL, numbers[0], text)
            case "point":
                yield Token(Kind.ORDINAL if self.dotted_dates else Kind.NUMBER, numbers[0], text)
            case "dash":
                yield Token(Kind.DASH, None, text.strip())
            case "comma":
                yield Token(Kind.PAUSE, None, text.strip())
            case _:
                yield _number(text)

    def _date(self, text: str, one: int, two: int, year: int | None = None) -> DateSaid:
        if year is not None and year < 100:
            year += 2000
        if one > 12 or one == two:
            return DateSaid(one, two, year)
        if two > 12:
            return DateSaid(two, one, year)
        if self.day_first is None:
            raise UnclearWhen(text)
        return DateSaid(one, two, year) if self.day_first else DateSaid(two, one, year)

    def _dotted(self, text: str, one: int, two: int, *, uhr: bool, before: Sequence[Token]) -> Token:
        """`14.30` is a time, `24.11` a date; `10.12` is both, unless Uhr or um is said."""
        timely = uhr or (bool(before) and before[-1].kind is Kind.AT)
        if not self.dotted_dates or timely or two > 12:
            return _clock(text, one, two)
        if one < 24:
            raise UnclearWhen(text)
        return Token(Kind.DATE, DateSaid(one, two), text)

    def _articled(self, read: Sequence[Token]) -> Iterator[Token]:
        """Without fillers, and with THE only before a number."""
        said = [token for token in read if token.kind is not Kind.FILLER]
        for token, following in zip(said, [*said, None][1:], strict=True):
            numbered = following is not None and following.kind is Kind.NUMBER
            if token.kind is not Kind.THE or numbered:
                yield token
            if self.cardinal_dates and numbered and token.kind is Kind.WEEKDAY:
                yield Token(Kind.THE, None, "")


def _entries(entry: Entry) -> Iterable[tuple[Any, str]]:
    if isinstance(entry, str):
        return [(None, entry)]
    return entry.items() if isinstance(entry, Mapping) else enumerate(entry)


def _iso(piece: re.Match[str]) -> Iterator[Token]:
    day = date(*(int(piece[part]) for part in ("year", "month", "day")))
    yield Token(Kind.DATE, DateSaid(day.day, day.month, day.year, iso=True), piece.group())
    if piece["hour"]:
        hour, minute = int(piece["hour"]), int(piece["minute"])
        yield Token(Kind.CLOCK, Clock(hour, minute, exact=True, said=piece.group()), piece.group())


def _clock(text: str, hour: int, minute: int) -> Token:
    time(hour, minute)  # ValueError if there is none
    return Token(Kind.CLOCK, Clock(hour, minute, exact=text.startswith("0"), said=text), text)


def _number(text: str) -> Token:
    if len(text) < 4:
        return Token(Kind.NUMBER, int(text), text)
    if not 1900 <= int(text) < 2200:
        raise UnclearWhen(text)
    return Token(Kind.YEAR, int(text), text)
