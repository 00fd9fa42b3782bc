from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appointments.intervals import Interval, as_utc, contains, intersect, merge, overlaps, subtract

NINE = datetime(2026, 3, 9, 9, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


def at(first, last):
    """[first, last) in minutes after nine."""
    return Interval(NINE + timedelta(minutes=first), NINE + timedelta(minutes=last))


def minutes(intervals):
    """Each minute after nine as often as it is held."""
    for interval in intervals:
        first, last = ((instant - NINE) // timedelta(minutes=1) for instant in (interval.start, interval.end))
        yield from range(first, last)


def is_merged(intervals):
    return all(one.end < other.start for one, other in pairwise(intervals))


pairs = st.tuples(st.integers(0, 60), st.integers(1, 20))
any_intervals = st.lists(pairs.map(lambda pair: at(pair[0], sum(pair))), max_size=8)
merged_intervals = any_intervals.map(merge)
quick = settings(deadline=None, database=None, max_examples=150)


def test_touching_and_overlapping_intervals_become_one():
    assert merge([at(30, 60), at(0, 30), at(10, 20), at(70, 80)]) == (at(0, 60), at(70, 80))


def test_a_hole_cuts_an_interval_in_two():
    assert subtract((at(0, 60),), (at(20, 30),)) == (at(0, 20), at(30, 60))


def test_intervals_that_only_touch_share_nothing():
    assert intersect((at(0, 30),), (at(30, 60),)) == ()
    assert not overlaps((at(0, 30),), at(30, 60))
    assert not overlaps((at(30, 60),), at(0, 30))


def test_an_interval_contains_itself():
    assert contains((at(0, 30),), at(0, 30))
    assert not contains((at(0, 30),), at(0, 31))


@pytest.mark.parametrize("last", [0, -1])
def test_an_interval_that_holds_nothing_is_refused(last):
    with pytest.raises(ValueError, match="must end after it starts"):
        at(0, last)


def test_a_naive_datetime_is_refused():
    with pytest.raises(ValueError, match="names no instant"):
        Interval(datetime(2026, 3, 9, 9), NINE)


def test_the_two_passes_of_a_repeated_hour_are_not_the_same_interval():
    first, second = (datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=fold) for fold in (0, 1))
    end = datetime(2026, 11, 1, 3, tzinfo=NEW_YORK)
    assert first == second, "as Python has it"
    assert Interval(first, end) != Interval(second, end)
    assert Interval(first, second).end - Interval(first, second).start == timedelta(hours=1)


def test_any_zone_becomes_utc():
    assert as_utc(datetime(2026, 3, 9, 9, tzinfo=NEW_YORK)).isoformat() == "2026-03-09T13:00:00+00:00"
    assert at(0, 30) == Interval(
        NINE.astimezone(NEW_YORK), (NINE + timedelta(minutes=30)).astimezone(NEW_YORK)
    )


def test_widening_moves_both_ends_outwards():
    assert at(10, 20).widened(timedelta(minutes=5), timedelta(minutes=7)) == at(5, 27)


@quick
@given(any_intervals)
def test_merging_keeps_every_minute_once(intervals):
    merged = merge(intervals)
    assert is_merged(merged)
    assert list(minutes(merged)) == sorted(set(minutes(intervals)))


@quick
@given(merged_intervals, merged_intervals)
def test_subtract_and_intersect_agree_with_sets_of_minutes(ours, theirs):
    less, both = subtract(ours, theirs), intersect(ours, theirs)
    assert is_merged(less)
    assert is_merged(both)
    assert list(minutes(less)) == sorted(set(minutes(ours)) - set(minutes(theirs)))
    assert list(minutes(both)) == sorted(set(minutes(ours)) & set(minutes(theirs)))


@quick
@given(merged_intervals, pairs)
def test_overlaps_and_contains_agree_with_sets_of_minutes(intervals, pair):
    interval = at(pair[0], sum(pair))
    held, asked = set(minutes(intervals)), set(minutes([interval]))
    assert overlaps(intervals, interval) == bool(held & asked)
    assert contains(intervals, interval) == (asked <= held)
