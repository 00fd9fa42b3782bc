"""What comes out."""

import datetime
from dataclasses import dataclass


class UnclearWhen(Exception):
    """`heard`: the words that were not understood, or that contradict each other; "" when there were none."""

    def __init__(self, heard: str) -> None:
        super().__init__(f"unclear: {heard!r}")
        self.heard = heard


@dataclass(frozen=True, slots=True)
class When:
    """Any day from `first` to `last`, at any time from `not_before` to `not_after`, all inclusive.

    `at` is the start that was named; alone, it is exact; with bounds ("around ten") they tell how far off will do.
    """

    first: datetime.date
    last: datetime.date
    not_before: datetime.time | None = None
    not_after: datetime.time | None = None
    at: datetime.time | None = None
    days: frozenset[datetime.date] = frozenset()
    """Those that were named, where others lie between them: from `first` to `last` as well."""

    def allows(self, local: datetime.datetime) -> bool:
        """Whether an appointment that starts then is what was asked for. Seconds do not count."""
        start = local.time().replace(second=0, microsecond=0)
        if not self.first <= local.date() <= self.last or (self.days and local.date() not in self.days):
            return False
        if self.at is not None and self.not_before is None and self.not_after is None:
            return start == self.at
        return Window(self.not_before, self.not_after).has(start)


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the day, to the minute, both ends inclusive. None: as early, or as late, as you like."""

    first: datetime.time | None = None
    last: datetime.time | None = None

    def has(self, moment: datetime.time) -> bool:
        return (self.first is None or self.first <= moment) and (self.last is None or moment <= self.last)

    def narrowed(self, other: "Window") -> "Window":
        firsts = [one for one in (self.first, other.first) if one is not None]
        lasts = [one for one in (self.last, other.last) if one is not None]
        return Window(max(firsts, default=None), min(lasts, default=None))


def window(first: str, last: str) -> Window:
    """`window("12:00", "17:59")`"""
    return Window(datetime.time.fromisoformat(first), datetime.time.fromisoformat(last))
