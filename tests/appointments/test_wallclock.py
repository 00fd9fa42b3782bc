from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appointments.intervals import Interval
from appointments.wallclock import (
    NonexistentTime,
    WallInterval,
    instants_between,
    instants_of,
    resolve,
    wall_time,
)
from tests.appointments import oracle

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
ZONES = sorted(available_timezones() - {"localtime", "Factory"})

zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2035, 12, 30)).map(
    lambda moment: moment.replace(second=0, microsecond=0)
)
wall_intervals = st.builds(WallInterval, *2 * [st.times().map(lambda t: t.replace(second=0, microsecond=0))])


@st.composite
def clocks(draw):
    """A zone and a UTC minute, more often than not close to a change of its clock."""
    zone = draw(zones)
    changes = oracle.clock_changes(zone)
    if not changes or draw(st.integers(0, 3)) == 0:
        return zone, draw(moments).replace(tzinfo=UTC)
    return zone, draw(st.sampled_from(changes)) + draw(st.integers(-180, 180)) * MINUTE


def utc(text):
    return datetime.fromisoformat(text + "+00:00")


def hours(opens, closes):
    return WallInterval(time.fromisoformat(opens), time.fromisoformat(closes))


def spans(intervals):
    return [f"{interval.start:%dT%H:%M}/{interval.end:%dT%H:%M}" for interval in intervals]


def test_an_ordinary_wall_time_is_one_instant():
    assert instants_of(datetime(2026, 7, 1, 9), NEW_YORK) == (utc("2026-07-01T13:00"),)


def test_a_skipped_wall_time_is_no_instant():
    assert instants_of(datetime(2026, 3, 8, 2, 30), NEW_YORK) == ()


def test_a_repeated_wall_time_is_two_instants_earliest_first():
    expected = (utc("2026-11-01T05:30"), utc("2026-11-01T06:30"))
    assert instants_of(datetime(2026, 11, 1, 1, 30), NEW_YORK) == expected
    assert instants_of(datetime(2026, 11, 1, 1, 30, fold=1), NEW_YORK) == expected


def test_lord_howe_repeats_and_skips_half_an_hour():
    assert len(instants_of(datetime(2026, 4, 5, 1, 29), LORD_HOWE)) == 1
    assert len(instants_of(datetime(2026, 4, 5, 1, 30), LORD_HOWE)) == 2
    assert len(instants_of(datetime(2026, 4, 5, 2, 0), LORD_HOWE)) == 1
    assert instants_of(datetime(2026, 10, 4, 2, 15), LORD_HOWE) == ()
    assert len(instants_of(datetime(2026, 10, 4, 2, 30), LORD_HOWE)) == 1


def test_kathmandu_is_five_hours_and_three_quarters_ahead():
    assert instants_of(datetime(2028, 2, 29, 9), KATHMANDU) == (utc("2028-02-29T03:15"),)


def test_a_repeated_time_means_the_first_pass():
    assert resolve(datetime(2026, 11, 1, 1, 30), NEW_YORK) == utc("2026-11-01T05:30")


@pytest.mark.parametrize(
    ("zone", "skipped", "before", "after"),
    [
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T01:59", "2026-03-08T03:00"),
        ("America/New_York", "2026-03-08T02:00", "2026-03-08T01:59", "2026-03-08T03:00"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-04T01:59", "2026-10-04T02:30"),
        ("America/Santiago", "2026-09-06T00:00", "2026-09-05T23:59", "2026-09-06T01:00"),
        ("Africa/Cairo", "2026-04-24T00:30", "2026-04-23T23:59", "2026-04-24T01:00"),
        ("Asia/Beirut", "2026-03-29T00:00", "2026-03-28T23:59", "2026-03-29T01:00"),
    ],
)
def test_a_skipped_time_is_refused_with_the_nearest_that_exist(zone, skipped, before, after):
    clock = ZoneInfo(zone)
    with pytest.raises(NonexistentTime, match="does not exist in") as refusal:
        resolve(datetime.fromisoformat(skipped), clock)
    assert wall_time(refusal.value.before, clock) == datetime.fromisoformat(before)
    assert wall_time(refusal.value.after, clock) == datetime.fromisoformat(after)


def test_an_aware_datetime_is_no_wall_time():
    with pytest.raises(ValueError, match="naive"):
        instants_of(utc("2026-07-01T13:00"), NEW_YORK)


def test_an_interval_that_closes_at_or_before_it_opens_closes_on_the_next_date():
    saturday = datetime(2026, 7, 4)
    assert hours("22:00", "02:00").on(date(2026, 7, 3))[1] == saturday + 2 * HOUR
    assert hours("09:00", "00:00").on(date(2026, 7, 3))[1] == saturday
    assert hours("00:00", "00:00").on(date(2026, 7, 3)) == (datetime(2026, 7, 3), saturday)


@pytest.mark.parametrize(
    ("zone", "day", "opens", "closes", "expected"),
    [
        ("America/New_York", "2026-03-08", "00:00", "00:00", ["08T05:00/09T04:00"]),  # 23 hours
        ("America/New_York", "2026-03-08", "01:00", "04:00", ["08T06:00/08T08:00"]),
        ("America/New_York", "2026-03-08", "02:00", "03:00", []),
        ("America/New_York", "2026-03-08", "02:30", "03:30", ["08T07:00/08T07:30"]),
        ("America/New_York", "2026-03-07", "22:00", "02:30", ["08T03:00/08T07:00"]),
        ("America/New_York", "2026-11-01", "00:00", "00:00", ["01T04:00/02T05:00"]),  # 25 hours
        ("America/New_York", "2026-11-01", "01:00", "02:00", ["01T05:00/01T07:00"]),
        ("America/New_York", "2026-11-01", "01:30", "02:00", ["01T05:30/01T06:00", "01T06:30/01T07:00"]),
        ("America/New_York", "2026-11-01", "00:00", "01:30", ["01T04:00/01T05:30", "01T06:00/01T06:30"]),
        ("America/New_York", "2026-10-31", "22:00", "02:00", ["01T02:00/01T07:00"]),  # 5 hours
        ("Australia/Lord_Howe", "2026-04-05", "01:00", "02:00", ["04T14:00/04T15:30"]),
        ("America/Santiago", "2026-09-05", "22:00", "02:00", ["06T02:00/06T05:00"]),
        ("America/Santiago", "2026-09-05", "22:00", "00:00", ["06T02:00/06T04:00"]),
        ("America/Santiago", "2026-09-06", "00:00", "09:00", ["06T04:00/06T12:00"]),
        ("Africa/Cairo", "2026-04-24", "00:00", "01:30", ["23T22:00/23T22:30"]),
        ("Asia/Beirut", "2026-03-28", "23:00", "00:30", ["28T21:00/28T22:00"]),
        (
            "Asia/Beirut",
            "2026-10-24",
            "23:00",
            "00:00",
            ["24T20:00/24T22:00"],
        ),  # the repeated hour ends a date
        ("Asia/Kathmandu", "2028-02-29", "22:00", "02:00", ["29T16:15/29T20:15"]),
    ],
)
def test_a_wall_interval_is_real_time(zone, day, opens, closes, expected):
    instants = hours(opens, closes).instants_on(date.fromisoformat(day), ZoneInfo(zone))
    assert spans(instants) == expected


def test_every_change_of_every_clock_until_2035_is_told_from_an_ordinary_minute():
    for zone in map(ZoneInfo, ZONES):
        for change in oracle.clock_changes(zone):
            last, first = oracle.shown(change - MINUTE, zone) + MINUTE, oracle.shown(change, zone)
            if first > last:
                with pytest.raises(NonexistentTime) as refusal:
                    resolve(last, zone)
                assert (refusal.value.before, refusal.value.after) == (change - MINUTE, change)
            else:
                assert instants_of(first, zone) == (change - (last - first), change)
                assert resolve(first, zone) == change - (last - first)


@settings(deadline=None, database=None, max_examples=300)
@given(clocks())
def test_an_instant_is_among_those_of_the_time_it_shows(clock):
    zone, instant = clock
    instants = instants_of(wall_time(instant, zone), zone)
    assert instant in instants
    assert list(instants) == sorted(set(instants))
    assert {wall_time(each, zone) for each in instants} == {wall_time(instant, zone)}


@settings(deadline=None, database=None, max_examples=60)
@given(clocks(), wall_intervals)
def test_a_wall_interval_is_every_minute_that_shows_it(clock, interval):
    zone, instant = clock
    day = wall_time(instant, zone).date()
    opens, closes = oracle.bounds(interval, day)
    minutes = [m for d in (day, day + oracle.DAY) for m in oracle.minutes_of(d, zone)]
    expected = [minute for minute in minutes if opens <= oracle.shown(minute, zone) < closes]
    pieces = interval.instants_on(day, zone)
    assert [minute for piece in pieces for minute in oracle.span(piece.start, piece.end)] == expected


def test_a_wall_interval_of_many_days_crosses_many_changes():
    year = instants_between(datetime(2026, 1, 1), datetime(2027, 1, 1), NEW_YORK)
    assert year == (Interval(utc("2026-01-01T05:00"), utc("2027-01-01T05:00")),)
