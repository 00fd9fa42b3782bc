"""Charts as numbers that a template draws as SVG. Pure; lengths are in the units of the drawing."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

K = TypeVar("K", bound=str)

HEIGHT = 120
BAR, GAP = 22, 8
FIRST_SHOWN, LAST_SHOWN = 8, 18
"""Hours that are drawn on the quietest day."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One colour of a bar, from the top."""

    kind: str
    y: float
    height: float
    count: int


@dataclass(frozen=True, slots=True)
class Bar:
    hour: int
    x: int
    total: int
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class HourChart:
    bars: list[Bar]
    width: int
    height: int
    highest: int


def by_hour(counts: Mapping[int, Counter[K]], kinds: Sequence[K]) -> HourChart:
    """One bar an hour, the kinds in their order from the bottom."""
    busy = [hour for hour, counted in counts.items() if counted.total()]
    hours = range(min([FIRST_SHOWN, *busy]), max([LAST_SHOWN, *busy]) + 1)
    highest = max((counted.total() for counted in counts.values()), default=0)
    bars = [
        Bar(
            hour,
            place * (BAR + GAP),
            counts.get(hour, Counter()).total(),
            list(_stacked(counts.get(hour, Counter()), kinds, highest)),
        )
        for place, hour in enumerate(hours)
    ]
    return HourChart(bars, len(hours) * (BAR + GAP) - GAP, HEIGHT, highest)


def _stacked(counted: Counter[K], kinds: Sequence[K], highest: int) -> Iterator[Piece]:
    floor = float(HEIGHT)
    for kind in kinds:
        if counted[kind]:
            height = round(HEIGHT * counted[kind] / highest, 2)
            floor = round(floor - height, 2)
            yield Piece(kind, floor, height, counted[kind])


@dataclass(frozen=True, slots=True)
class Share:
    kind: str
    count: int
    percent: int


def shares(counted: Counter[K], kinds: Sequence[K]) -> list[Share]:
    """Of the whole, rounded: they may add up to 99 or 101."""
    total = counted.total()
    return [Share(kind, counted[kind], round(100 * counted[kind] / total)) for kind in kinds if counted[kind]]
