"""The booking rules again, minute by minute and with no cleverness, to be compared with the engine.

Nothing of the engine's arithmetic is used here: a minute is asked what the clock shows, and every rule is
asked of every minute.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from appointments.slots import BookingWindow, BusinessHours, Offer, WeeklyHours
from appointments.wallclock import WallInterval

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@lru_cache(maxsize=200_000)
def shown(minute: datetime, zone: ZoneInfo) -> datetime:
    """What the clock shows at a UTC minute."""
    return minute.astimezone(zone).replace(tzinfo=None)


def minutes_of(day: date, zone: ZoneInfo) -> list[datetime]:
    """Every UTC minute at which the clock shows this date."""
    noon = datetime.combine(day, time(12), tzinfo=UTC)
    around = (noon + offset * MINUTE for offset in range(-40 * 60, 40 * 60))
    return [minute for minute in around if shown(minute, zone).date() == day]


def bounds(interval: WallInterval, day: date) -> tuple[datetime, datetime]:
    opens, closes = (datetime.combine(day, wall) for wall in (interval.opens, interval.closes))
    return (opens, closes) if closes > opens else (opens, closes + DAY)


def openings_around(wall: datetime, hours: BusinessHours) -> list[datetime]:
    """The nominal openings of the business intervals in which a wall time lies."""
    found = []
    for day in (wall.date() - DAY, wall.date()):
        weekly = [each.interval for each in hours.weekly if each.weekday == day.weekday()]
        weekly = [] if day in hours.holidays else weekly
        for interval in hours.exceptions.get(day, weekly):
            opens, closes = bounds(interval, day)
            if opens <= wall < closes:
                found.append(opens)
    return found


def works(wall: datetime, worked: list[WeeklyHours] | None) -> bool:
    if worked is None:
        return True
    for day in (wall.date() - DAY, wall.date()):
        for each in worked:
            opens, closes = bounds(each.interval, day)
            if each.weekday == day.weekday() and opens <= wall < closes:
                return True
    return False


def during(minute, intervals) -> bool:
    return any(interval.start <= minute < interval.end for interval in intervals)


def span(start: datetime, end: datetime) -> list[datetime]:
    return [start + count * MINUTE for count in range((end - start) // MINUTE)]


def bookable(
    start: datetime,
    offer: Offer,
    *,
    worked,
    time_off,
    busy,
    held=(),
    groups=(),
    seats=1,
    rooms=(),
    whose=None,
) -> bool:
    """`rooms`: for each resource, for each unit, who uses it: pairs of an interval and a group's name."""
    hours, terms = offer.hours, offer.terms
    if offer.window and not within(offer.window, start, hours.zone):
        return False
    if not on_grid(shown(start, hours.zone), hours, terms.step):
        return False
    for minute in span(start, start + terms.length):
        wall = shown(minute, hours.zone)
        if not openings_around(wall, hours) or not works(wall, worked):
            return False
        if during(minute, hours.closures) or during(minute, time_off):
            return False
    blocked = span(start - terms.before, start + terms.length + terms.after)
    joined = [group for group in groups if group.start == start and group.taken < seats]
    others = [time for group in groups if group not in joined for time in group.times]
    if any(during(minute, [*busy, *held, *others]) for minute in blocked):
        return False
    name = (whose, start) if joined else None
    return all(any(free_for(unit, blocked, name) for unit in units) for units in rooms)


def free_for(unit, minutes, name) -> bool:
    used = [interval for interval, group in unit if name is None or group != name]
    return not any(during(minute, used) for minute in minutes)


def within(window: BookingWindow, start: datetime, zone: ZoneInfo) -> bool:
    return start >= window.earliest and shown(start, zone).date() <= window.last_day


def on_grid(wall: datetime, hours: BusinessHours, step: timedelta) -> bool:
    return any((wall - opens) // MINUTE % (step // MINUTE) == 0 for opens in openings_around(wall, hours))


@lru_cache(maxsize=700)
def clock_changes(zone: ZoneInfo) -> list[datetime]:
    """Every minute, 2024 to 2035, at which the zone's offset is not what it was a minute earlier; in UTC."""
    days = stepping(datetime(2024, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC), DAY, zone)
    hours = [hour for day in days for hour in stepping(day - DAY, day, HOUR, zone)]
    return [minute for hour in hours for minute in stepping(hour - HOUR, hour, MINUTE, zone)]


def stepping(since: datetime, until: datetime, step: timedelta, zone: ZoneInfo) -> list[datetime]:
    """The steps at which the zone's offset is not what it was one step earlier."""
    steps = [since + count * step for count in range((until - since) // step + 1)]
    offsets = [each.astimezone(zone).utcoffset() for each in steps]
    return [steps[i] for i in range(1, len(steps)) if offsets[i] != offsets[i - 1]]
