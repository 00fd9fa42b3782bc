"""One story out of two tellings: what we recorded while it was said, and what the provider tells afterwards. Pure.

Lines that both tell are one. They are matched in order by their words; where the provider heard less of a reply,
because the caller spoke over it, its words are what was heard.
"""

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

SIMILAR = 0.75
COMPARED_CHARACTERS = 400
MAX_SECONDS = 7 * 24 * 3600

_NO_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Line:
    """`heard` is None where everything was heard."""

    speaker: str
    text: str
    heard: str | None
    at: datetime.datetime


@dataclass(frozen=True, slots=True)
class ToolTold:
    name: str
    arguments: dict[str, Any]
    answer: dict[str, Any]
    failed: bool
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Told:
    """An entry of the provider's transcript; `text` is "" for one that only calls tools."""

    speaker: str
    text: str
    at_seconds: int = 0
    cut_short: bool = False
    meant: str = ""
    """What a reply would have been that was cut short, where the provider says so."""
    tools: tuple[ToolTold, ...] = ()

    def said_at(self, began_at: datetime.datetime) -> datetime.datetime:
        return began_at + datetime.timedelta(seconds=min(max(self.at_seconds, 0), MAX_SECONDS))


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the story, and its places in the two tellings."""

    line: Line
    live: int | None
    told: int | None


def retold(live: Sequence[Line], told: Sequence[Told], began_at: datetime.datetime) -> list[Entry]:
    """All live lines in their order, and among them those that only the provider tells."""
    spoken = [index for index, entry in enumerate(told) if entry.text]
    pairs = [(mine, spoken[theirs]) for mine, theirs in _pairs(live, [told[index] for index in spoken])]
    story: list[Entry] = []
    mine = theirs = 0
    for next_mine, next_theirs in [*pairs, (len(live), len(told))]:
        story += _gap(live, told, range(mine, next_mine), range(theirs, next_theirs), began_at)
        if next_mine < len(live):
            story.append(Entry(_corrected(live[next_mine], told[next_theirs]), next_mine, next_theirs))
        mine, theirs = next_mine + 1, next_theirs + 1
    return story


def _gap(
    live: Sequence[Line], told: Sequence[Told], mine: range, theirs: range, began_at: datetime.datetime
) -> list[Entry]:
    """Lines between two that both tell: each telling in its own order, merged by the clock."""
    first = [Entry(live[index], index, None) for index in mine]
    second = [Entry(_new_line(told[index], began_at), None, index) for index in theirs if told[index].text]
    merged: list[Entry] = []
    while first and second:
        merged.append((first if first[0].line.at <= second[0].line.at else second).pop(0))
    return merged + first + second


def _new_line(entry: Told, began_at: datetime.datetime) -> Line:
    at = entry.said_at(began_at)
    if entry.meant and entry.meant != entry.text:
        return Line(entry.speaker, entry.meant, entry.text, at)
    return Line(entry.speaker, entry.text, None, at)


def _corrected(line: Line, entry: Told) -> Line:
    mine, theirs = _words(line.text), _words(entry.text)
    if line.speaker != "agent" or mine == theirs:
        return line
    if entry.cut_short or entry.meant or mine.startswith(theirs):
        return replace(line, heard=entry.text)
    return line


def _pairs(live: Sequence[Line], told: Sequence[Told]) -> Iterator[tuple[int, int]]:
    """Which lines are the same: (live, told), both rising."""
    keys = [(line.speaker, _words(line.text)) for line in live]
    others = [(entry.speaker, _words(entry.meant or entry.text)) for entry in told]
    matcher = SequenceMatcher(None, keys, others, autojunk=False)
    mine = theirs = 0
    for block in matcher.get_matching_blocks():
        yield from _similar(live, told, range(mine, block.a), range(theirs, block.b))
        for step in range(block.size):
            yield block.a + step, block.b + step
        mine, theirs = block.a + block.size, block.b + block.size


def _similar(
    live: Sequence[Line], told: Sequence[Told], mine: range, theirs: range
) -> Iterator[tuple[int, int]]:
    """Within a gap: in order, the lines of one speaker whose words are nearly the same."""
    at = mine.start
    for index in theirs:
        candidates = range(at, min(at + 8, mine.stop))
        found = next((one for one in candidates if _is_same(live[one], told[index])), None)
        if found is not None:
            yield found, index
            at = found + 1


def _is_same(line: Line, entry: Told) -> bool:
    if line.speaker != entry.speaker:
        return False
    mine, theirs = _words(line.text), _words(entry.text)
    heard = _words(line.heard) if line.heard is not None else None
    if theirs in {mine, heard}:
        return True
    if theirs and (mine.startswith(theirs) or theirs.startswith(mine)):
        return entry.speaker == "agent" or min(len(mine), len(theirs)) * 2 >= max(len(mine), len(theirs))
    matcher = SequenceMatcher(None, mine[:COMPARED_CHARACTERS], theirs[:COMPARED_CHARACTERS], autojunk=False)
    return matcher.quick_ratio() >= SIMILAR and matcher.ratio() >= SIMILAR


def _words(text: str) -> str:
    return _NO_WORD.sub(" ", text).strip().casefold()
