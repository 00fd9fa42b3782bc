"""Which option a key or a few words mean. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from telephony.keypad.words import FILLERS, NAMED, NUMBERS, OPTIONS

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
        if len(counted := _without_nouns(words - FILLERS, language)) == 1:  # "one"; not "one o'clock"
            numbered = [one for one in options if one.key in _numbers(counted, language)]
            if len(numbered) == 1:
                return numbered[0]
        called = [one for one in options if one.what and _words(one.what) <= words]
        if len(called) == 1:
            return called[0]
        known = _known(language)
        offered = {one.name: one for one in options}
        return next(
            (offered[name] for name, meant in known.items() if name in offered and words & meant), None
        )


def name_in(words: str, language: str) -> str:
    """The name alone, of `my name is Ada Lovelace`; "" if nothing was said."""
    name = words.replace("\u2019", "'").strip(" .,!?")
    for lead in NAMED.get(_primary(language), NAMED["en"]):
        if name.casefold().startswith(f"{lead.casefold()} "):
            return name[len(lead) :].strip(" .,!?")
    return name


def _without_nouns(words: frozenset[str], language: str) -> frozenset[str]:
    """`the second one` is the second: the word for 1 stands for what is counted there."""
    nth = {word for said in _spelt(language) for word in said.split()[1:]}
    return words - set(_spelt(language)[0].split()[:1]) if words & nth else words


def _numbers(words: frozenset[str], language: str) -> set[str]:
    return {str(n) for n, said in enumerate(_spelt(language), 1) if words & ({str(n)} | set(said.split()))}


def _spelt(language: str) -> Sequence[str]:
    return NUMBERS.get(_primary(language), NUMBERS["en"])


def _known(language: str) -> dict[str, frozenset[str]]:
    return dict(OPTIONS.get(_primary(language), OPTIONS["en"]))


def _primary(language: str) -> str:
    return language.strip().lower().replace("_", "-").split("-")[0]


def _words(text: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return frozenset(re.findall(r"[\w'-]+", plain.replace("\u2019", "'")))
