"""Days of the Calendar page as one axis of the wall clock, those on which it is changed included."""

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from appointments.calendar.axis import Axis, axis_of

NEW_YORK = ZoneInfo("America/New_York")


def shown(axis: Axis, day: date) -> list[tuple[str, str, int, int, str]]:
    return [
        (
            f"{one.times.start:%d %H:%M}",
            f"{one.times.end:%d %H:%M}",
            one.axis_minute,
            one.wall_minute,
            one.zone,
        )
        for one in axis.pieces[day]
    ]


def test_an_ordinary_day_is_one_piece_of_24_hours():
    axis = axis_of([date(2030, 3, 4)], NEW_YORK)
    assert shown(axis, date(2030, 3, 4)) == [("04 05:00", "05 05:00", 0, 0, "EST")]
    assert axis.minutes == 1440
    assert [tick.label for tick in axis.ticks][:3] == ["00:00", "01:00", "02:00"]


def test_a_day_that_skips_an_hour_has_none_of_it():
    day = date(2027, 3, 14)
    assert shown(axis_of([day], NEW_YORK), day) == [
        ("14 05:00", "14 07:00", 0, 0, "EST"),
        ("14 07:00", "15 04:00", 180, 180, "EDT"),
    ]


def test_an_hour_that_comes_twice_has_room_for_both_on_every_day_of_the_week():
    days = [date(2027, 11, 6), date(2027, 11, 7)]
    axis = axis_of(days, NEW_YORK)
    assert axis.minutes == 1500
    assert [(tick.axis_minute, tick.label) for tick in axis.ticks][1:4] == [
        (60, "01:00"),
        (120, "01:00 again"),
        (180, "02:00"),
    ]
    assert shown(axis, days[0]) == [
        ("06 04:00", "06 06:00", 0, 0, "EDT"),
        ("06 06:00", "07 04:00", 180, 120, "EDT"),
    ]
    assert shown(axis, days[1]) == [
        ("07 04:00", "07 06:00", 0, 0, "EDT"),
        ("07 06:00", "08 05:00", 120, 60, "EST"),
    ]


@pytest.mark.parametrize(
    ("zone", "day", "pieces"),
    [
        ("Asia/Beirut", date(2022, 3, 27), [("26 22:00", "27 21:00", 60, 60, "EEST")]),
        (
            "Australia/Lord_Howe",
            date(2027, 4, 4),
            [("03 13:00", "03 15:00", 0, 0, "+11"), ("03 15:00", "04 13:30", 120, 90, "+1030")],
        ),
        (
            "America/Asuncion",
            date(2023, 3, 25),
            [("25 03:00", "26 03:00", 0, 0, "-03"), ("26 03:00", "26 04:00", 1440, 1380, "-04")],
        ),
        ("Pacific/Apia", date(2011, 12, 30), []),
    ],
)
def test_zones_that_change_at_midnight_by_half_an_hour_or_by_a_day(zone, day, pieces):
    assert shown(axis_of([day], ZoneInfo(zone)), day) == pieces


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo"])
def test_every_minute_of_a_year_lies_somewhere_once(zone):
    for day in (date.fromordinal(date(2027, 1, 1).toordinal() + count) for count in range(365)):
        pieces = axis_of([day], ZoneInfo(zone)).pieces[day]
        real = sum((one.times.end - one.times.start).total_seconds() for one in pieces)
        following = date.fromordinal(day.toordinal() + 1)
        start, end = (
            datetime(each.year, each.month, each.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
            for each in (day, following)
        )
        assert real == (end - start).total_seconds()
        for one, other in pairwise(pieces):
            assert one.times.end == other.times.start
            length = (one.times.end - one.times.start).total_seconds() / 60
            assert other.axis_minute >= one.axis_minute + length
