"""The kinds of words that there are, in every language the same."""

from dataclasses import dataclass
from enum import StrEnum, auto
from string import ascii_letters
from typing import Any


class Kind(StrEnum):
    """What a word is, in any language. Each is one letter, so that a grammar can be written as patterns."""

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[str]) -> str:
        return ascii_letters[count]

    # days
    RELATIVE = auto()  # today: the number of days from it
    WEEKDAY = auto()
    MONTH = auto()
    YEAR = auto()
    DATE = auto()  # a DateSaid
    DAY = auto()
    WEEK = auto()
    WEEKEND = auto()
    MONTHS = auto()  # the word "month"
    THIS = auto()
    NEXT = auto()  # the one of the next week: the number of weeks, or months, ahead
    COMING = auto()  # the first one after today
    START = auto()
    MIDDLE = auto()
    END = auto()
    # times
    CLOCK = auto()  # a Clock
    HOUR = auto()  # o'clock, and hours too
    MINUTE = auto()
    PART = auto()  # half and quarter, in minutes
    INTO = auto()  # halb: so many minutes into the hour that ends at the number
    PAST = auto()
    TO = auto()
    PLUS = auto()  # las tres y media
    MINUS = auto()  # las tres menos cuarto
    MERIDIEM = auto()  # am, pm: 0, 12
    DAYPART = auto()  # a Window
    OF_DAY = auto()  # a Window that stands only after a time: "de la tarde"
    EVENT = auto()  # work, lunch: a Window
    # numbers and the small words between
    NUMBER = auto()
    ORDINAL = auto()
    AT = auto()
    AROUND = auto()
    AFTER = auto()
    BEFORE = auto()
    BETWEEN = auto()
    FROM = auto()
    UNTIL = auto()
    THROUGH = auto()  # only between two: "2 to 4"
    DASH = auto()  # the same in digits: 2-4
    AND = auto()
    OR = auto()
    IN = auto()
    OF = auto()
    THE = auto()  # kept before a number only, which it makes a date
    PAUSE = auto()  # a comma, or "on": what follows is another matter
    FILLER = auto()  # never leaves the lexer


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    value: Any
    text: str


@dataclass(frozen=True, slots=True)
class DateSaid:
    day: int
    month: int
    year: int | None = None
    iso: bool = False
