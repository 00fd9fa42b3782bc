"""Times, days, prices and lists, as a voice says them: what sentences are made of.

Each language fills in the tables and the few turns that its grammar asks for. `local` is always wall time in
the tenant's zone, aware or naive; `today` is the date there.
"""

import datetime
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import ClassVar, TypeVar

MAX_OPTIONS = 4
"""A listener keeps three or four options in mind."""

Hours = Sequence[tuple[datetime.time, datetime.time]]
"""One day's opening intervals, earliest first. One that closes at 00:00 is open until midnight."""

Week = Sequence[Hours]
"""Seven days' hours, Monday first."""

Clock = datetime.time | datetime.datetime
"""Of a datetime, its time of day."""

_Item = TypeVar("_Item")


class Words(ABC):
    weekdays: ClassVar[Sequence[str]]
    """Monday first."""
    months: ClassVar[Sequence[str]]
    today: ClassVar[str]
    tomorrow: ClassVar[str]
    conjunction: ClassVar[str]
    """and"""
    alternative: ClassVar[str]
    """or"""
    currencies: ClassVar[Mapping[str, tuple[str, str]]]
    """By ISO 4217 code: one of it, many of it. Others are said by their code."""
    units: ClassVar[Mapping[str, tuple[str, str]]]
    """minute, hour and day: one, many."""
    decimal_point: ClassVar[str] = ","

    passes: ClassVar[tuple[str, str]]
    """In the hour that comes twice: the first time, before the clock is put back; and the second, after it."""

    @abstractmethod
    def time_of_day(self, moment: Clock) -> str:
        """To the minute, different for each of them: `2:15 PM`, `14:15 Uhr`, `14 h 15`."""

    def clock(self, moment: Clock) -> str:
        """A time of day; an aware one that comes twice, with which it is: `1:30 AM before the clocks go back`."""
        said = self.time_of_day(moment)
        return f"{said} {self.passes[moment.fold]}" if _comes_twice(moment) else said

    @abstractmethod
    def at(self, moment: Clock) -> str:
        """`at 2:15 PM`, `um 14:15 Uhr`, `a las 2:15 de la tarde`."""

    @abstractmethod
    def on(self, day: datetime.date, today: datetime.date) -> str:
        """When something happens: `tomorrow`, `on Tuesday, November 24`, `am Dienstag, dem 24. November`."""

    @abstractmethod
    def full_date(self, day: datetime.date) -> str:
        """With its weekday, without its year: `Tuesday, November 24`."""

    @abstractmethod
    def with_year(self, said: str, year: int) -> str:
        """A full date, and the year of it."""

    @abstractmethod
    def days(self, days: Sequence[int]) -> str:
        """Neighbouring weekdays by number, for opening hours: `Monday`, `Monday through Friday`."""

    @abstractmethod
    def opening(self, opens: datetime.time, closes: datetime.time) -> str:
        """`from 09:00 to 17:00`."""

    @abstractmethod
    def open_on(self, hours: str) -> str:
        """`We're open … .`"""

    @property
    @abstractmethod
    def never_open(self) -> str:
        """There are no regular opening hours."""

    def date(self, day: datetime.date, today: datetime.date) -> str:
        """`today`, `tomorrow`, `Tuesday, November 24`; the year only when it is another one."""
        if day == today:
            return self.today
        if day == today + datetime.timedelta(days=1):
            return self.tomorrow
        said = self.full_date(day)
        return said if day.year == today.year else self.with_year(said, day.year)

    def is_near(self, day: datetime.date, today: datetime.date) -> bool:
        """Today or tomorrow: these have a word of their own, which takes no preposition."""
        return day - today in {datetime.timedelta(0), datetime.timedelta(days=1)}

    def moment(self, local: datetime.datetime, today: datetime.date) -> str:
        """`tomorrow at 9 AM`, `on Tuesday, November 24 at 9 AM`."""
        return f"{self.on(local.date(), today)} {self.at(local)}"

    def moments(self, times: Sequence[datetime.datetime], today: datetime.date) -> list[str]:
        """The first MAX_OPTIONS of them."""
        return [self.moment(one, today) for one in times[:MAX_OPTIONS]]

    def join(self, words: Sequence[str], last: str = "") -> str:
        """`a`, `a and b`, `a, b and c`; `last` is the word before the last one."""
        if len(words) < 2:
            return "".join(words)
        return f"{', '.join(words[:-1])} {last or self.conjunction} {words[-1]}"

    def choice(self, words: Sequence[str]) -> str:
        """`a`, `a or b`, `a, b or c`."""
        return self.join(words, self.alternative)

    def hours_summary(self, week: Week) -> str:
        """Runs of days with the same hours are said together; days without hours are closed and not named."""
        groups = [
            (hours, [day for day, _ in run])
            for hours, run in groupby(enumerate(week), key=lambda item: tuple(item[1]))
            if hours
        ]
        if not groups:
            return self.never_open
        said = (
            f"{self.days(days)} {self.join([self.opening(opens, closes) for opens, closes in hours])}"
            for hours, days in groups
        )
        return self.open_on(self.join(list(said)))

    def price(self, amount: Decimal, currency: str) -> str:
        """`50 dollars`, `1 dollar`, `12.50 euros`, `900 JPY`."""
        whole = amount == amount.to_integral_value()
        number = f"{amount:.0f}" if whole else f"{amount:.2f}".replace(".", self.decimal_point)
        one, many = self.currencies.get(currency, (currency, currency))
        return f"{number} {one if self.is_singular(amount) else many}"

    def is_singular(self, amount: Decimal) -> bool:
        return amount == 1

    def duration(self, minutes: int) -> str:
        """`45 minutes`, `1 hour and 30 minutes`, `2 days`."""
        days, rest = divmod(minutes, 24 * 60)
        hours, rest = divmod(rest, 60)
        counted = {"day": days, "hour": hours, "minute": rest}
        said = [self.count(number, unit) for unit, number in counted.items() if number]
        return self.join(said) or self.count(0, "minute")

    def count(self, number: int, unit: str) -> str:
        """`1 day`, `3 days`."""
        one, many = self.units[unit]
        return f"{number} {one if number == 1 else many}"


def _comes_twice(moment: Clock) -> bool:
    """Never without a zone. In a gap it is the other way round: the first offset is the smaller one."""
    first, second = (moment.replace(fold=fold).utcoffset() for fold in (0, 1))
    return first is not None and second is not None and first > second


def spread(items: Sequence[_Item], most: int = MAX_OPTIONS) -> Sequence[_Item]:
    """At most so many, from the first to the last: a morning of quarter hours tells a caller little."""
    if len(items) <= most:
        return items
    step = (len(items) - 1) / (most - 1)
    return [items[round(index * step)] for index in range(most)]


def spelt(digits: str) -> str:
    """`4 1`, so that a voice says "four one" and not "forty-one"."""
    return " ".join(digits)


def sentence(text: str) -> str:
    """Somebody else's text, with a full stop at its end if it has none."""
    text = text.strip()
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
