"""What the caller has heard of what was sent: agents that must be told (Speech with an `item`) ask for it.

A carrier that says what it has played has a playback of its own; one that says nothing is believed to play in real
time. All of them know chunks in the order in which they were sent, and forget those that were played.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

MOST_CHUNKS = 10_000
"""Minutes of speech in small pieces; beyond that a peer floods us, and the oldest counts as heard."""


MARK = "heard-"
SLACK_MS = 20.0
"""A frame: what lacks less than that has been heard."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Of an item that was cut short."""

    item: str
    ms: int


class Playback(Protocol):
    def sent(self, item: str, duration_ms: float) -> str:
        """Audio of this item was sent. The name of a mark to send after it, "" where none is wanted."""
        ...

    def played(self, mark: str) -> None:
        """The carrier echoes a mark; one that is not known says nothing."""
        ...

    def cleared(self) -> list[Heard]:
        """All that is not heard yet never will be: what of each unfinished item was heard, the one that played
        first. Empty where nothing was playing."""
        ...


@dataclass(slots=True)
class _Chunk:
    item: str
    duration_ms: float
    sent_at: float
    mark: str = ""


class ClockPlayback:
    """Without a word from the carrier: it plays as it receives, one chunk after the other."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._chunks: list[_Chunk] = []
        self._heard: dict[str, float] = {}
        """Milliseconds of the chunks that were played, of items that may go on."""
        self._free_at = 0.0
        """When the first waiting chunk could begin: the ones before it are played."""

    def sent(self, item: str, duration_ms: float) -> str:
        self._advance()
        if not self._chunks:
            self._heard = {known: ms for known, ms in self._heard.items() if known == item}
        self._chunks.append(_Chunk(item, duration_ms, self._clock(), self._mark()))
        del self._chunks[:-MOST_CHUNKS]
        return self._chunks[-1].mark

    def played(self, mark: str) -> None:
        pass

    def cleared(self) -> list[Heard]:
        self._advance()
        if not self._chunks:
            return []
        first = self._chunks[0]
        heard = dict.fromkeys((chunk.item for chunk in self._chunks), 0.0)
        for item in heard:
            heard[item] = self._heard.get(item, 0.0)
        heard[first.item] += min(self._since_begin(first), first.duration_ms)
        self._chunks.clear()
        self._heard.clear()
        self._free_at = self._clock()
        return [Heard(item, round(ms)) for item, ms in heard.items()]

    def _mark(self) -> str:
        return ""

    def _since_begin(self, chunk: _Chunk) -> float:
        return max(0.0, self._clock() - max(chunk.sent_at, self._free_at)) * 1000

    def _advance(self) -> None:
        """Put away what the clock says is over."""
        while self._chunks and self._since_begin(self._chunks[0]) >= self._chunks[0].duration_ms:
            chunk = self._chunks[0]
            self._put_away(max(chunk.sent_at, self._free_at) + chunk.duration_ms / 1000)

    def _put_away(self, ended_at: float) -> None:
        chunk = self._chunks.pop(0)
        self._heard[chunk.item] = self._heard.get(chunk.item, 0.0) + chunk.duration_ms
        self._free_at = ended_at


class MarkedPlayback(ClockPlayback):
    """The carrier echoes a mark when what was sent before it has been played (Twilio).

    Until the first one has come back the clock counts: a carrier that echoes none would have played nothing.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._marks = 0
        self._echoes = False

    def played(self, mark: str) -> None:
        self._echoes = self._echoes or mark.startswith(MARK)
        if not any(chunk.mark == mark for chunk in self._chunks):
            return  # of what was cleared, or is known to be over
        while self._chunks:
            done = self._chunks[0].mark == mark
            self._put_away(self._clock())
            if done:
                return

    def _mark(self) -> str:
        self._marks += 1
        return f"{MARK}{self._marks}"

    def _advance(self) -> None:
        if not self._echoes:
            super()._advance()


class PacedPlayback:
    """We ourselves send at the pace of speech, and know how much of all that was sent has been played (Infobip)."""

    def __init__(self, played_seconds: Callable[[], float]) -> None:
        """`played_seconds`: of the agent's speech, since the beginning."""
        self._played_seconds = played_seconds
        self._chunks: list[tuple[str, float]] = []
        """Items and milliseconds."""
        self._ends_at_ms = 0.0
        """Of the last chunk, in milliseconds of all speech."""
        self._before: dict[str, float] = {}
        """What was heard of an item before the first of the chunks."""

    def sent(self, item: str, duration_ms: float) -> str:
        played_ms = self._played_seconds() * 1000
        if (
            played_ms > self._ends_at_ms - SLACK_MS
        ):  # all of it, and the silence that filled up its last frame
            self._before = {item: self._total_of(item)}
            self._chunks.clear()
            self._ends_at_ms = played_ms
        self._chunks.append((item, duration_ms))
        del self._chunks[:-MOST_CHUNKS]
        self._ends_at_ms += duration_ms
        return ""

    def played(self, mark: str) -> None:
        pass

    def cleared(self) -> list[Heard]:
        played_ms = self._played_seconds() * 1000
        at_ms = self._ends_at_ms - sum(duration_ms for _, duration_ms in self._chunks)
        heard = dict(self._before)
        unfinished: dict[str, None] = {}
        for item, duration_ms in self._chunks:
            heard[item] = heard.get(item, 0.0) + min(max(played_ms - at_ms, 0.0), duration_ms)
            at_ms += duration_ms
            if played_ms < at_ms - SLACK_MS:
                unfinished[item] = None
        self._chunks.clear()
        self._before, self._ends_at_ms = {}, played_ms
        return [Heard(item, round(heard[item])) for item in unfinished]

    def _total_of(self, item: str) -> float:
        return self._before.get(item, 0.0) + sum(ms for known, ms in self._chunks if known == item)
