"""Which option a key or a few words mean. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from telephony.keypad.words import FILLERS, LAST, NAMED, NUMBERED, NUMBERS, OPTIONS, OTHERWISE, SMALL

REPEAT_KEYS = frozenset({"*", "9"})


@dataclass(frozen=True, slots=True)
class Option:
    """One of a few that a step offers; `name` is what it does, `what` the words for it that only it has."""

    key: str
    name: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    keys: str = ""
    words: str = ""

    @property
    def nothing(self) -> bool:
        return not self.keys and not self.words

    def repeat(self, language: str) -> bool:
        if self.keys:
            return self.keys in REPEAT_KEYS
        return bool(_words(self.words) & _known(language)["repeat"])

    def choice(self, options: Sequence[Option], language: str) -> Option | None:
        if self.keys:
            return next((one for one in options if one.key == self.keys), None)
        return self._said(options, language) if self.words else None

    def _said(self, options: Sequence[Option], language: str) -> Option | None:
        """By its number, by what it is called, or by words that mean it; in doubt, none."""
        words = _words(self.words)
        return (
            _counted(words, options, language) or _called(words, options) or _meant(words, options, language)
        )


def name_in(words: str, language: str) -> str:
    """The name alone, of `my name is Ada Lovelace`; "" if nothing was said."""
    name = words.replace("\u2019", "'").strip(" .,!?")
    for lead in NAMED[_spoken(language)]:
        if name.casefold().startswith(f"{lead.casefold()} "):
            return name[len(lead) :].strip(" .,!?")
    return name


def _counted(words: frozenset[str], options: Sequence[Option], language: str) -> Option | None:
    """`two`, `the first one`, `cancel the last appointment`; not `one o'clock`, nor `the first of May`."""
    bare, known = _without_nouns(words - FILLERS, language), _known(language)
    chosen = [one for one in options if len(bare) == 1 and one.key in _numbers(bare, language)]
    things = [one for one in options if one.name not in known]
    if not chosen and len(bare := bare - SMALL[_spoken(language)]) == 1:
        if bare <= _nths(language) or words & NUMBERED:
            chosen = [one for one in things if one.key in _numbers(bare, language)]
        if bare <= LAST[_spoken(language)]:
            chosen = things[-1:]
    return chosen[0] if len(chosen) == 1 else None


def _called(words: frozenset[str], options: Sequence[Option]) -> Option | None:
    called = [one for one in options if one.what and _words(one.what) <= words]
    return called[0] if len(called) == 1 else None


def _meant(words: frozenset[str], options: Sequence[Option], language: str) -> Option | None:
    """Where there is no `no`, it is said to what was offered: whatever leads on to something else is meant."""
    offered = {one.name: one for one in options}
    otherwise = next((offered[name] for name in OTHERWISE if name in offered), None)
    for name, meant in _known(language).items():
        option = offered.get(name) or (otherwise if name == "no" else None)
        if option is not None and words & meant:
            return option
    return None


def _without_nouns(words: frozenset[str], language: str) -> frozenset[str]:
    """`the second one` is the second: the word for 1 stands for what is counted there."""
    nth = _nths(language) | LAST[_spoken(language)]
    return words - set(_spelt(language)[0].split()[:1]) if words & nth else words


def _nths(language: str) -> frozenset[str]:
    return frozenset(word for said in _spelt(language) for word in said.split()[1:])


def _numbers(words: frozenset[str], language: str) -> set[str]:
    return {str(n) for n, said in enumerate(_spelt(language), 1) if words & ({str(n)} | set(said.split()))}


def _spelt(language: str) -> Sequence[str]:
    return NUMBERS[_spoken(language)]


def _known(language: str) -> dict[str, frozenset[str]]:
    return dict(OPTIONS[_spoken(language)])


def _spoken(language: str) -> str:
    """English where there are no words for it."""
    primary = language.strip().lower().replace("_", "-").split("-")[0]
    return primary if primary in OPTIONS else "en"


def _words(text: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return frozenset(re.findall(r"[\w'-]+", plain.replace("\u2019", "'")))
