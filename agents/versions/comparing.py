"""Two versions side by side. Pure."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agents.versions.facts import TITLES

MOST_COMPARED = 250_000
"""Words of one text times words of the other: finding what stayed takes time that grows faster than that."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of a text: `kind` is "same", "gone" or "new"."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    title: str
    pieces: list[Piece]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    return [
        Difference(title, list(_pieces(spoken(before.get(name)), spoken(after.get(name)))))
        for name, title in TITLES.items()
        if before.get(name) != after.get(name)
    ]


def spoken(value: Any) -> str:
    """As the page writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _pieces(before: str, after: str) -> Iterator[Piece]:
    """Word by word, with the white space that follows each; of very long texts the whole."""
    old, new = _words(before), _words(after)
    if len(old) * len(new) > MOST_COMPARED:
        yield from (Piece("gone", before), Piece("new", after))
        return
    for kind, since, until, begins, ends in difflib.SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if kind == "equal":
            yield Piece("same", "".join(old[since:until]))
            continue
        if since < until:
            yield Piece("gone", "".join(old[since:until]))
        if begins < ends:
            yield Piece("new", "".join(new[begins:ends]))


def _words(text: str) -> list[str]:
    return [f"{word} " for word in text.split(" ")] if text else []
