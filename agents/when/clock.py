"""Which hour is meant: callers leave out am and pm."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from agents.when.values import UnclearWhen, Window

NOON = 12


@dataclass(frozen=True, slots=True)
class Clock:
    """A time as it was said. `half` is 0 after am, 12 after pm, None if nothing was said."""

    hour: int
    minute: int = 0
    half: int | None = None
    exact: bool = False
    """Said on a 24-hour clock."""
    said: str = ""

    def readings(self) -> list[time]:
        """The times that it can be, the likeliest first."""
        if self.half is not None:
            return [time(self._in_half(self.half), self.minute)]
        likely = time(self.hour, self.minute)
        if self.exact or not 1 <= self.hour <= NOON:
            return [likely]
        other = time((self.hour + NOON) % 24, self.minute)
        return [other, likely] if self.hour <= 6 else [likely, other]

    def _in_half(self, half: int) -> int:
        if not self.exact and 1 <= self.hour <= NOON:
            return self.hour % NOON + half
        if self.hour // NOON * NOON != half:  # 14 am
            raise UnclearWhen(self.said)
        return self.hour


def choose(clock: Clock, daypart: Window | None) -> time:
    """The likeliest reading that lies in the part of the day that was said."""
    for reading in clock.readings():
        if daypart is None or daypart.has(reading):
            return reading
    raise UnclearWhen(clock.said)


def choose_pair(one: Clock, two: Clock, daypart: Window | None) -> Window:
    """From one to the other: "8 to 10 pm" are both pm, "10 to 2 pm" are not; "5 to 7" ends in the evening."""
    for start in _starts(one, two):
        for end in two.readings():
            if start < end and (daypart is None or (daypart.has(start) and daypart.has(end))):
                return Window(start, end)
    raise UnclearWhen(f"{one.said} {two.said}")


def _starts(one: Clock, two: Clock) -> Sequence[time]:
    likely = one.readings()
    if two.half is None or len(likely) == 1:
        return likely
    return sorted(likely, key=lambda reading: reading.hour // NOON * NOON != two.half)


def shifted(moment: time, minutes: int) -> time:
    """Within the day: 00:10 less half an hour is 00:00."""
    day = datetime(2000, 1, 1)
    there = datetime.combine(day, moment) + timedelta(minutes=minutes)
    return min(max(there, day), day + timedelta(hours=23, minutes=59)).time()
