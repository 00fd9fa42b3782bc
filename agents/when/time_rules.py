"""Turns of phrase that name times of the day."""

from datetime import timedelta

from agents.when.clock import NOON, Clock, shifted
from agents.when.heard import Heard
from agents.when.kinds import Kind
from agents.when.rules import Rules, Said
from agents.when.values import UnclearWhen, Window

TIMES = Rules()

HALF_HOUR = 30
MINUTES = "(?: PART | NUMBER MINUTE? )"
TIME = f"""(?: (?: CLOCK PLUS PART
                 | {MINUTES} (?: PAST | AFTER | BEFORE | TO ) INTO? NUMBER
                 | (?: PART | NUMBER MINUTE ) THROUGH NUMBER
                 | (?: PART | INTO ) NUMBER
                 | NUMBER HOUR? (?: PLUS | MINUS ) {MINUTES}
                 | NUMBER HOUR? NUMBER
                 | CLOCK
                 | NUMBER ) HOUR? MERIDIEM? (?! (?<= NUMBER ) OF? MONTH ) )"""


@TIMES.on(
    f"(?<! IN ) (?: AT | TO | AROUND )* (?P<one> {TIME} )",
    "(?: AT | AROUND )+ (?P<one> NUMBER THROUGH NUMBER )",
)
def at_a_time(heard: Heard, said: Said) -> None:
    heard.clock("at", read_clock(said.group("one")))
    heard.around = said.has(Kind.AROUND)


@TIMES.on(f"(?: AFTER | FROM ) AT? (?P<one> {TIME} )")
def after_a_time(heard: Heard, said: Said) -> None:
    heard.clock("after", read_clock(said.group("one")))


@TIMES.on(f"BEFORE AT? (?P<one> {TIME} )")
def before_a_time(heard: Heard, said: Said) -> None:
    heard.clock("before", read_clock(said.group("one")))


@TIMES.on(f"UNTIL AT? (?P<one> {TIME} )")
def until_a_time(heard: Heard, said: Said) -> None:
    heard.clock("until", read_clock(said.group("one")))


@TIMES.on(f"BETWEEN AT? (?P<one> {TIME} ) (?: AND | PLUS ) AT? (?P<two> {TIME} )")
@TIMES.on(f"FROM AT? (?P<one> {TIME} ) (?: UNTIL | THROUGH | DASH | AT | AND ) AT? (?P<two> {TIME} )")
@TIMES.on(f"OF (?P<one> {TIME} ) AT (?P<two> {TIME} )")
@TIMES.on(f"AT? (?P<one> {TIME} ) (?: UNTIL | THROUGH | DASH ) AT? (?P<two> {TIME} )")
def between_two_times(heard: Heard, said: Said) -> None:
    if heard.between:
        raise UnclearWhen(said.text)
    heard.between = (read_clock(said.group("one")), read_clock(said.group("two")))


@TIMES.on("(?: IN | AT | OF )? DAYPART", "OF_DAY")
def in_a_part_of_the_day(heard: Heard, said: Said) -> None:
    heard.in_daypart(said.one(Kind.DAYPART, Kind.OF_DAY))


@TIMES.on("THIS DAYPART")
def in_a_part_of_today(heard: Heard, said: Said) -> None:
    heard.day(heard.today)
    heard.in_daypart(said.one(Kind.DAYPART))


@TIMES.on("(?: AFTER | BEFORE ) (?: DAYPART | EVENT )")
def before_or_after_it(heard: Heard, said: Said) -> None:
    it: Window = said.one(Kind.DAYPART, Kind.EVENT)
    if it.first is None or it.last is None:
        raise UnclearWhen(said.text)
    after = Window(shifted(it.last, 1))
    heard.limited(after if said.has(Kind.AFTER) else Window(None, shifted(it.first, -1)))


@TIMES.on("IN (?: NUMBER | PART )? (?: HOUR | MINUTE )")
def so_many_minutes_on(heard: Heard, said: Said) -> None:
    """As a limit: whoever can be there in an hour can be there later."""
    number = said.one(Kind.NUMBER, default=1)
    minutes = said.one(Kind.PART) or (number * 60 if said.has(Kind.HOUR) else number)
    there = heard.now + timedelta(minutes=minutes)
    heard.day(there.date())
    heard.limited(Window(there.time().replace(second=0, microsecond=0)))


def read_clock(said: Said) -> Clock:
    """The time that TIME has matched. UnclearWhen: three minutes past forty."""
    written: Clock | None = said.one(Kind.CLOCK)
    if written:
        minute = written.minute + sum(said.all(Kind.PART))
        if minute > 59:
            raise UnclearWhen(said.text)
        return Clock(written.hour, minute, said.one(Kind.MERIDIEM), written.exact, said.text)
    hour, shift = _hour_and_shift(said)
    if hour > 23 or hour * 60 + shift < 0:
        raise UnclearWhen(said.text)
    there, minute = divmod(hour * 60 + shift, 60)
    if there == 0 < hour:  # a quarter to one
        there = NOON
    return Clock(there, minute, said.one(Kind.MERIDIEM), said=said.text)


def _hour_and_shift(said: Said) -> tuple[int, int]:
    """The hour that was named, and the minutes from it: half to three is 3 and -30."""
    numbers, parts = said.all(Kind.NUMBER), said.all(Kind.PART)
    minutes_first = said.has(Kind.PAST, Kind.AFTER, Kind.BEFORE, Kind.TO, Kind.THROUGH)
    joined = minutes_first or said.has(Kind.PLUS, Kind.MINUS)
    hour = numbers.pop(-1 if minutes_first else 0)
    minutes = sum(parts + numbers)
    if parts and not joined and minutes != HALF_HOUR:  # "Viertel drei" is not the same everywhere
        raise UnclearWhen(said.text)
    if numbers and not joined and not said.has(Kind.HOUR) and minutes < 10:  # "two three"
        raise UnclearWhen(said.text)
    if minutes > (HALF_HOUR if minutes_first else 59):
        raise UnclearWhen(said.text)
    if minutes_first and minutes % 5 and not said.has(Kind.MINUTE):  # "at 3, before 4" is no clock
        raise UnclearWhen(said.text)
    backwards = said.has(Kind.BEFORE, Kind.TO, Kind.THROUGH, Kind.MINUS)
    into = said.one(Kind.INTO)
    return hour, (into - 60 if into else 0) + (-minutes if backwards else minutes)
