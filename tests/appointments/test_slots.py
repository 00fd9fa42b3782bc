from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appointments.intervals import Interval
from appointments.slots import (
    BookingWindow,
    BusinessHours,
    Diary,
    Group,
    Offer,
    Pool,
    Reason,
    Terms,
    Use,
    WeeklyHours,
    free_slots,
    why_not,
    worked_instants,
)
from appointments.wallclock import WallInterval, resolve, wall_time
from tests.appointments import oracle

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ZONES = sorted(available_timezones() - {"localtime", "Factory"})
NEW_YORK = ZoneInfo("America/New_York")
MONDAY, FRIDAY, SATURDAY = date(2026, 7, 6), date(2026, 7, 10), date(2026, 7, 11)
EVERY_DAY = range(7)


def wall(text):
    """ "09:00-17:00"; a close of 00:00 is the end of the date."""
    return WallInterval(*map(time.fromisoformat, text.split("-")))


def weekly(*texts, weekdays=EVERY_DAY):
    return [WeeklyHours(weekday, wall(text)) for weekday in weekdays for text in texts]


def business(*texts, zone=NEW_YORK, weekdays=EVERY_DAY, exceptions=None, closures=()):
    by_date = {day: [wall(text) for text in each] for day, each in (exceptions or {}).items()}
    return BusinessHours(zone, weekly(*texts, weekdays=weekdays), by_date, closures)


def terms(minutes=60, *, before=0, after=0, step=60):
    return Terms(*(count * MINUTE for count in (minutes, before, after, step)))


def local(text, zone=NEW_YORK):
    return resolve(datetime.fromisoformat(text), zone)


def between(start, end, zone=NEW_YORK):
    return Interval(local(start, zone), local(end, zone))


def diary(offer, *, worked=None, **employee):
    """`worked` are weekly hours."""
    weekly_hours = None if worked is None else worked_instants(worked, offer.dates, offer.hours.zone)
    return Diary.opened(offer.terms, worked=weekly_hours, **employee)


def starts(offer, **employee):
    """The wall times of the free slots, as "09:00"."""
    free = free_slots(offer, diary(offer, **employee))
    return [f"{wall_time(slot.start, offer.hours.zone):%H:%M}" for slot in free]


def reasons(offer, at, **employee):
    return why_not(offer, diary(offer, **employee), local(at, offer.hours.zone))


# Opening hours


def test_slots_fill_the_opening_hours_and_the_last_ends_at_closing():
    assert starts(Offer(MONDAY, business("09:00-12:00"), terms())) == ["09:00", "10:00", "11:00"]


def test_a_slot_is_the_appointment_in_utc_without_its_buffers():
    offer = Offer(MONDAY, business("09:00-10:00"), terms(45, before=10, after=20))
    assert offer.slots == (
        Interval(datetime(2026, 7, 6, 13, tzinfo=UTC), datetime(2026, 7, 6, 13, 45, tzinfo=UTC)),
    )


def test_a_slot_does_not_reach_into_a_break():
    offer = Offer(MONDAY, business("09:00-11:30", "12:00-14:00"), terms())
    assert starts(offer) == ["09:00", "10:00", "12:00", "13:00"]


def test_a_slot_may_run_on_into_an_adjacent_interval():
    offer = Offer(MONDAY, business("09:00-10:30", "10:30-12:00"), terms(step=30))
    assert starts(offer) == ["09:00", "09:30", "10:00", "10:30", "11:00"]


def test_each_interval_counts_its_own_grid():
    offer = Offer(MONDAY, business("09:00-10:00", "10:15-11:30"), terms(30, step=30))
    assert starts(offer) == ["09:00", "09:30", "10:15", "10:45"]


def test_where_intervals_overlap_either_grid_will_do_and_no_start_stands_twice():
    offer = Offer(MONDAY, business("09:00-10:30", "10:00-11:00"), terms(30, step=20))
    assert starts(offer) == ["09:00", "09:20", "09:40", "10:00", "10:20"]
    offer = Offer(MONDAY, business("09:00-10:00", "09:30-12:00"), terms(30, step=60))
    assert starts(offer) == ["09:00", "09:30", "10:30", "11:30"], "10:00 lies in the second alone"


def test_hours_hold_on_their_weekday_only():
    hours = business("09:00-10:00", weekdays=[MONDAY.weekday()])
    assert starts(Offer(MONDAY, hours, terms())) == ["09:00"]
    assert starts(Offer(MONDAY + DAY, hours, terms())) == []


def test_hours_may_last_to_the_end_of_the_date_and_a_slot_may_end_there():
    assert starts(Offer(MONDAY, business("22:00-00:00", weekdays=[0]), terms())) == ["22:00", "23:00"]


def test_a_business_that_never_closes_offers_every_hour_and_slots_across_midnight():
    offer = Offer(MONDAY, business("00:00-00:00"), terms(120))
    assert len(starts(offer)) == 24
    assert starts(offer)[-1] == "23:00"


def test_half_past_midnight_after_a_friday_night_is_asked_of_saturday():
    hours = business("22:00-02:00", weekdays=[FRIDAY.weekday()])
    assert starts(Offer(FRIDAY, hours, terms(30, step=30))) == ["22:00", "22:30", "23:00", "23:30"]
    assert starts(Offer(SATURDAY, hours, terms(30, step=30))) == ["00:00", "00:30", "01:00", "01:30"]


def test_the_grid_of_a_night_is_counted_from_the_evening():
    hours = business("22:10-02:00", weekdays=[FRIDAY.weekday()])
    assert starts(Offer(SATURDAY, hours, terms(30, step=30))) == ["00:10", "00:40", "01:10"]


def test_a_slot_of_many_hours_may_run_through_the_next_days():
    hours = business("00:00-00:00", exceptions={MONDAY + 4 * DAY: []})
    assert starts(Offer(MONDAY, hours, terms(72 * 60)))[-1] == "23:00"
    assert starts(Offer(MONDAY + DAY, hours, terms(72 * 60))) == ["00:00"]


def test_a_slot_of_less_than_a_day_may_end_two_dates_on_when_an_hour_is_skipped():
    offer = Offer(date(2026, 3, 7), business("00:00-00:00"), terms(23 * 60 + 30, step=15))
    assert starts(offer)[-1] == "23:45"
    assert wall_time(offer.slots[-1].end, NEW_YORK) == datetime(2026, 3, 9, 0, 15)


def test_a_date_exception_replaces_the_weekly_hours():
    hours = business("09:00-12:00", exceptions={MONDAY: ["10:30-12:00"], MONDAY + DAY: []})
    assert starts(Offer(MONDAY, hours, terms(30, step=30))) == ["10:30", "11:00", "11:30"]
    assert starts(Offer(MONDAY + DAY, hours, terms())) == []


def test_a_date_exception_takes_its_own_night_with_it_and_leaves_the_night_before():
    closed = business("22:00-02:00", exceptions={FRIDAY: []})
    assert starts(Offer(FRIDAY, closed, terms())) == ["00:00", "01:00"]
    assert starts(Offer(SATURDAY, closed, terms())) == ["22:00", "23:00"]
    later = business("22:00-02:00", exceptions={FRIDAY: ["23:00-01:00"]})
    assert starts(Offer(SATURDAY, later, terms())) == ["00:00", "22:00", "23:00"]


def test_a_closure_is_a_stretch_of_real_time():
    hours = business("09:00-14:00", closures=[between("2026-07-06T10:30", "2026-07-06T12:00")])
    assert starts(Offer(MONDAY, hours, terms())) == ["09:00", "12:00", "13:00"]


def test_the_hours_of_a_date_are_those_that_open_on_it_less_the_closures():
    hours = business("09:00-12:00", "22:00-02:00", closures=[between("2026-07-06T11:00", "2026-07-06T23:00")])
    assert hours.open_instants(MONDAY) == (
        between("2026-07-06T09:00", "2026-07-06T11:00"),
        between("2026-07-06T23:00", "2026-07-07T02:00"),
    )
    assert hours.opening_on(MONDAY) == [wall("09:00-12:00"), wall("22:00-02:00")]


# One employee


def test_an_employee_with_hours_works_when_the_business_is_open_as_well():
    offer = Offer(MONDAY, business("09:00-13:00"), terms())
    assert starts(offer, worked=weekly("08:00-11:00", "12:00-18:00")) == ["09:00", "10:00", "12:00"]
    assert starts(offer, worked=weekly("09:00-13:00", weekdays=[1])) == []
    assert starts(offer, worked=[]) == []


def test_the_hours_of_employees_do_not_move_the_grid():
    offer = Offer(MONDAY, business("09:00-13:00"), terms(30))
    assert starts(offer, worked=weekly("09:30-13:00")) == ["10:00", "11:00", "12:00"]


def test_an_employee_may_work_the_night_of_the_date_before():
    offer = Offer(SATURDAY, business("00:00-00:00"), terms())
    assert starts(offer, worked=weekly("22:00-02:00", weekdays=[FRIDAY.weekday()])) == ["00:00", "01:00"]


def test_nobody_is_booked_in_time_off():
    offer = Offer(MONDAY, business("09:00-13:00"), terms())
    assert starts(offer, time_off=[between("2026-07-06T09:59", "2026-07-06T11:00")]) == ["11:00", "12:00"]


def test_appointments_may_touch_and_do_not_move_the_grid():
    offer = Offer(MONDAY, business("09:00-13:00"), terms())
    assert starts(offer, busy=[between("2026-07-06T10:00", "2026-07-06T11:00")]) == [
        "09:00",
        "11:00",
        "12:00",
    ]
    assert starts(offer, busy=[between("2026-07-06T10:00", "2026-07-06T10:15")]) == [
        "09:00",
        "11:00",
        "12:00",
    ]


def test_the_buffers_of_two_appointments_add_up():
    # 11:00 to 12:00, which keeps five minutes clear ahead of it and ten after.
    busy = [between("2026-07-06T10:55", "2026-07-06T12:10")]
    offer = Offer(MONDAY, business("09:00-16:00"), terms(30, before=15, after=20, step=5))
    free = starts(offer, busy=busy)
    assert free[free.index("10:05") + 1] == "12:25", "10:05 + 30 + 20 is 10:55, and 12:25 less 15 is 12:10"


def test_a_buffer_before_and_a_buffer_after_are_not_the_same():
    busy = [between("2026-07-06T11:00", "2026-07-06T12:00")]
    preparing = Offer(MONDAY, business("09:00-16:00"), terms(before=30))
    assert starts(preparing, busy=busy) == ["09:00", "10:00", "13:00", "14:00", "15:00"]
    tidying = Offer(MONDAY, business("09:00-16:00"), terms(after=30))
    assert starts(tidying, busy=busy) == ["09:00", "12:00", "13:00", "14:00", "15:00"]


def test_a_buffer_may_reach_outside_the_hours_into_breaks_closures_and_time_off():
    closed = [between("2026-07-06T12:00", "2026-07-06T13:00")]
    offer = Offer(MONDAY, business("09:00-10:00", "11:00-14:00", closures=closed), terms(before=30, after=30))
    assert starts(offer) == ["09:00", "11:00", "13:00"]
    away = [between("2026-07-06T10:00", "2026-07-06T11:00")]
    assert starts(offer, worked=weekly("09:00-12:00"), time_off=away) == ["09:00", "11:00"]


# Groups and resources


def test_a_group_can_be_joined_at_its_own_start_and_nowhere_else():
    offer = Offer(MONDAY, business("09:00-13:00"), terms(step=30))
    time = between("2026-07-06T10:00", "2026-07-06T11:00")
    others = ["09:00", "11:00", "11:30", "12:00"]
    assert starts(offer, groups=[Group(time.start, [time], 2)], seats=3) == ["09:00", "10:00", *others[1:]]
    assert starts(offer, groups=[Group(time.start, [time], 3)], seats=3) == others


def pool(capacity, *uses, asked=None):
    return Pool.opened("Room", capacity, asked or terms(), uses)


def test_one_unit_must_be_free_throughout():
    first, second = (
        between("2026-07-06T09:30", "2026-07-06T10:00"),
        between("2026-07-06T10:00", "2026-07-06T10:30"),
    )
    room = pool(2, Use(first, 1), Use(second, 2))
    assert starts(Offer(MONDAY, business("09:00-12:00"), terms(step=30), pools=[room])) == [
        "09:00",
        "10:00",
        "10:30",
        "11:00",
    ]
    assert reasons(
        Offer(MONDAY, business("09:00-12:00"), terms(step=30), pools=[room]), "2026-07-06T09:30"
    ) == [Reason.RESOURCE_FULL]


def test_what_is_held_takes_the_first_unit_that_is_free_for_it():
    early, late = (
        between("2026-07-06T09:00", "2026-07-06T10:00"),
        between("2026-07-06T10:00", "2026-07-06T11:00"),
    )
    assert [len(unit) for unit in pool(2, Use(early, 1), Use(early), Use(late)).units] == [1, 1]
    assert pool(2, Use(early, 1), Use(early), Use(late)).units[0] == (Interval(early.start, late.end),)
    assert pool(1, Use(early, 1), Use(early)).is_full(early)
    assert not pool(1, Use(early, 2)).is_full(early), "a unit that there is no more of"


def test_the_holds_of_a_group_share_one_unit():
    time = between("2026-07-06T09:00", "2026-07-06T10:00")
    assert not pool(2, Use(time, group="Ana"), Use(time, group="Ana")).is_full(time)
    assert pool(1, Use(time, 1, "Ana"), Use(time, group="Ana")).is_full(time)
    assert not pool(1, Use(time, 1, "Ana"), Use(time, group="Ana")).is_full(time, "Ana")


# The clock is changed


def test_a_skipped_hour_is_never_offered():
    offer = Offer(date(2026, 3, 8), business("00:00-05:00"), terms())
    assert starts(offer) == ["00:00", "01:00", "03:00", "04:00"]


def test_both_passes_of_a_repeated_hour_are_offered_each_instant_once():
    offer = Offer(date(2026, 11, 1), business("00:00-03:00"), terms(30, step=30))
    assert starts(offer) == ["00:00", "00:30", "01:00", "01:30", "01:00", "01:30", "02:00", "02:30"]
    assert [slot.start.hour for slot in offer.slots] == [4, 4, 5, 5, 6, 6, 7, 7]


def test_an_appointment_lasts_real_minutes_when_the_clock_is_changed():
    assert starts(Offer(date(2026, 3, 8), business("00:00-04:00"), terms(120))) == ["00:00", "01:00"]
    assert starts(Offer(date(2026, 11, 1), business("00:00-03:00"), terms(120))) == [
        "00:00",
        "01:00",
        "01:00",
    ]


def test_the_grid_is_counted_from_the_nominal_opening_even_when_that_is_skipped():
    offer = Offer(date(2026, 3, 8), business("02:30-05:00"), terms(20, step=20))
    assert starts(offer) == ["03:10", "03:30", "03:50", "04:10", "04:30"]


def test_a_night_across_the_change_has_three_hours_or_five():
    hours, asked = business("22:00-04:00"), terms()
    assert starts(Offer(date(2026, 3, 8), hours, asked))[:3] == ["00:00", "01:00", "03:00"]
    assert starts(Offer(date(2026, 11, 1), hours, asked))[:5] == ["00:00", "01:00", "01:00", "02:00", "03:00"]


@pytest.mark.parametrize(
    ("zone", "day"),
    [("America/Santiago", "2026-09-06"), ("Africa/Cairo", "2026-04-24"), ("Asia/Beirut", "2026-03-29")],
)
def test_a_day_that_does_not_begin_at_midnight_begins_at_one(zone, day):
    hours = business("23:00-03:00", zone=ZoneInfo(zone))
    day = date.fromisoformat(day)
    assert starts(Offer(day - DAY, hours, terms(90)))[-1] == "23:00", "and runs on past the gap"
    assert starts(Offer(day, hours, terms())) == ["01:00", "02:00", "23:00"]


def test_lord_howe_moves_its_clock_by_half_an_hour():
    hours = business("00:00-04:00", zone=ZoneInfo("Australia/Lord_Howe"))
    assert starts(Offer(date(2026, 10, 4), hours, terms(30))) == ["00:00", "01:00", "03:00"]
    repeated = ["01:00", "01:30", "01:30", "02:00"]
    assert starts(Offer(date(2026, 4, 5), hours, terms(30, step=30)))[2:6] == repeated


def test_kathmandu_opens_on_its_own_hour():
    offer = Offer(date(2028, 2, 29), business("09:00-11:00", zone=ZoneInfo("Asia/Kathmandu")), terms())
    assert [f"{slot.start:%d %H:%M}" for slot in offer.slots] == ["29 03:15", "29 04:15"]


# When it may be booked


def test_notice_is_inclusive():
    hours, now = business("09:00-13:00"), local("2026-07-06T08:00")
    window = BookingWindow.at(now, NEW_YORK, notice=3 * HOUR)
    assert starts(Offer(MONDAY, hours, terms(), window)) == ["11:00", "12:00"]
    later = BookingWindow.at(now + MINUTE, NEW_YORK, notice=3 * HOUR)
    assert starts(Offer(MONDAY, hours, terms(), later)) == ["12:00"]


def test_notice_is_real_time_when_the_clock_is_changed():
    evening = datetime(2026, 3, 7, 22, tzinfo=NEW_YORK)
    window = BookingWindow.at(evening, NEW_YORK, notice=12 * HOUR)
    assert window.earliest == local("2026-03-08T11:00")


def test_the_booking_window_counts_local_dates_and_the_last_one_counts():
    late = local("2026-07-06T23:30")  # the 7th already, in UTC
    window = BookingWindow.at(late, NEW_YORK)
    assert window.last_day == MONDAY + 90 * DAY
    assert starts(Offer(window.last_day, business("22:00-00:00"), terms(), window)) == ["22:00", "23:00"]
    assert starts(Offer(window.last_day + DAY, business("22:00-00:00"), terms(), window)) == []
    assert BookingWindow.at(late, NEW_YORK, days=0).last_day == MONDAY


# Why not?


def test_a_free_slot_has_nothing_against_it():
    assert reasons(Offer(MONDAY, business("09:00-12:00"), terms()), "2026-07-06T10:00") == []


@pytest.mark.parametrize(
    ("at", "reason", "code"),
    [
        ("2026-07-06T09:00", Reason.IN_THE_PAST, "IN_THE_PAST"),
        ("2026-07-06T10:00", Reason.TOO_SOON, "TOO_SOON"),
        ("2026-07-06T11:00", Reason.CLOSED, "OUTSIDE_HOURS"),
        ("2026-07-06T12:00", Reason.NOT_WORKING, "OUTSIDE_HOURS"),
        ("2026-07-06T13:00", Reason.TIME_OFF, "OUTSIDE_HOURS"),
        ("2026-07-06T14:00", Reason.BUSY, "TIME_SLOT_CONFLICT"),
        ("2026-07-06T15:15", Reason.OFF_GRID, "OFF_GRID"),
    ],
)
def test_each_rule_says_what_is_broken(at, reason, code):
    offer = Offer(
        MONDAY,
        business("09:00-17:00", closures=[between("2026-07-06T11:00", "2026-07-06T12:00")]),
        terms(),
        BookingWindow.at(local("2026-07-06T09:30"), NEW_YORK, notice=HOUR),
    )
    employee = {
        "worked": weekly("08:00-12:00", "13:00-18:00"),
        "time_off": [between("2026-07-06T13:00", "2026-07-06T14:00")],
        "busy": [between("2026-07-06T14:00", "2026-07-06T15:00")],
    }
    assert reasons(offer, at, **employee) == [reason]
    assert reason.code == code


def test_a_start_outside_the_hours_and_one_that_runs_past_closing_are_outside_hours():
    offer = Offer(MONDAY, business("09:00-17:00"), terms(step=30))
    assert reasons(offer, "2026-07-06T16:30") == [Reason.OUTSIDE_HOURS]
    assert reasons(offer, "2026-07-06T08:00")[0] == Reason.OUTSIDE_HOURS
    assert Reason.OUTSIDE_HOURS.code == "OUTSIDE_HOURS"


def test_a_day_beyond_the_window_is_too_far():
    window = BookingWindow.at(local("2026-07-01T12:00"), NEW_YORK, days=4)
    offer = Offer(MONDAY, business("09:00-17:00"), terms(), window)
    assert [reason.code for reason in reasons(offer, "2026-07-06T09:00")] == ["TOO_FAR"]


def test_what_has_passed_is_not_too_soon_as_well_and_now_has_not_passed():
    window = BookingWindow.at(local("2026-07-06T10:00"), NEW_YORK)
    offer = Offer(MONDAY, business("09:00-17:00"), terms(), window)
    assert reasons(offer, "2026-07-06T09:00") == [Reason.IN_THE_PAST]
    assert reasons(offer, "2026-07-06T10:00") == []


def test_all_that_stands_against_a_start_is_told_the_weightiest_first():
    offer = Offer(MONDAY, business("09:00-12:00"), terms())
    taken = {"busy": [between("2026-07-06T11:00", "2026-07-06T12:00")], "worked": []}
    expected = [Reason.OUTSIDE_HOURS, Reason.NOT_WORKING, Reason.BUSY, Reason.OFF_GRID]
    assert reasons(offer, "2026-07-06T11:30", **taken) == expected


def test_a_second_past_the_minute_is_off_the_grid():
    assert reasons(Offer(MONDAY, business("09:00-12:00"), terms()), "2026-07-06T10:00:01") == [
        Reason.OFF_GRID
    ]


def test_a_start_may_be_given_in_any_zone_and_in_either_pass():
    offer = Offer(date(2026, 11, 1), business("00:00-03:00"), terms())
    busy = diary(offer, busy=[Interval(*(datetime(2026, 11, 1, hour, tzinfo=UTC) for hour in (6, 7)))])
    first, second = (datetime(2026, 11, 1, 1, tzinfo=NEW_YORK, fold=fold) for fold in (0, 1))
    assert why_not(offer, busy, first) == []
    assert why_not(offer, busy, second) == [Reason.BUSY]
    assert offer.slot_at(second).end == datetime(2026, 11, 1, 7, tzinfo=UTC)


def test_a_start_on_another_day_is_not_answered():
    with pytest.raises(ValueError, match="is not on 2026-07-06"):
        reasons(Offer(MONDAY, business("09:00-12:00"), terms()), "2026-07-07T10:00")


@pytest.mark.parametrize("nonsense", [{"minutes": 0}, {"step": 0}, {"before": -1}, {"after": -1}])
def test_terms_that_make_no_sense_are_refused(nonsense):
    with pytest.raises(ValueError, match="must be positive"):
        terms(**nonsense)


# Against every minute, and every change of every clock


def test_around_every_change_of_every_clock_until_2035_each_half_hour_is_offered_as_often_as_it_comes():
    lengths = cycle([5, 45, 240])
    for change, zone in distinct_changes():
        day, hours = oracle.shown(change, zone).date(), business("00:00-00:00", zone=zone)
        offer = Offer(day, hours, terms(next(lengths), step=30))
        begun = [slot.start for slot in offer.slots]
        around = oracle.span(change - 2 * HOUR, change + 2 * HOUR)
        shown = [(minute, oracle.shown(minute, zone)) for minute in around]
        expected = [minute for minute, wall in shown if wall.date() == day and wall.minute in (0, 30)]
        assert [start for start in begun if around[0] <= start <= around[-1]] == expected
        assert begun == sorted(set(begun))
        assert {slot.end - slot.start for slot in offer.slots} == {offer.terms.length}


def distinct_changes():
    """One zone for each way in which a clock is changed: most zones share theirs with many others."""
    changes = {
        (change, oracle.shown(change - MINUTE, zone), oracle.shown(change, zone)): zone
        for zone in map(ZoneInfo, ZONES)
        for change in oracle.clock_changes(zone)
    }
    return [(change, zone) for (change, *_), zone in changes.items()]


minutes_of_day = st.integers(0, 287).map(lambda count: time(count * 5 // 60, count * 5 % 60))
wall_intervals = st.builds(WallInterval, minutes_of_day, minutes_of_day)
long_intervals = st.builds(
    WallInterval, st.integers(0, 10).map(time), st.integers(18, 23).map(time) | st.integers(0, 5).map(time)
)
weeks = st.lists(st.builds(WeeklyHours, st.integers(0, 6), wall_intervals), max_size=6) | long_intervals.map(
    lambda interval: [WeeklyHours(weekday, interval) for weekday in EVERY_DAY]
)


@st.composite
def questions(draw):
    """A day, often one on which the clock is changed, with hours, absences and appointments around it."""
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    changes = oracle.clock_changes(zone)
    days = st.dates(date(2024, 1, 2), date(2035, 12, 29))
    if changes and draw(st.integers(0, 3)):
        days = st.builds(
            lambda change, shift: oracle.shown(change, zone).date() + shift * DAY,
            st.sampled_from(changes),
            st.integers(-1, 1),
        )
    day = draw(days)
    noon = datetime.combine(day, time(12), tzinfo=UTC)
    near = st.builds(
        lambda first, length: Interval(noon + first * MINUTE, noon + (first + length) * MINUTE),
        st.integers(-400, 400).map(lambda count: 5 * count),
        st.sampled_from([5, 30, 60, 90, 240]),
    )
    dates = st.sampled_from([day - DAY, day, day + DAY])
    hours = BusinessHours(
        zone,
        draw(weeks),
        draw(st.dictionaries(dates, st.lists(wall_intervals, max_size=2), max_size=2)),
        draw(st.lists(near, max_size=2)),
        dict.fromkeys(draw(st.lists(dates, max_size=1)), "a holiday"),
    )
    asked = terms(
        draw(st.sampled_from([5, 30, 45, 60, 240, 1440])),
        before=draw(st.sampled_from([0, 0, 5, 30])),
        after=draw(st.sampled_from([0, 0, 10, 45])),
        step=draw(st.sampled_from([5, 15, 20, 30, 45, 60, 90])),
    )
    now = noon + draw(st.integers(-1000, 400)) * MINUTE
    window = draw(
        st.none()
        | st.builds(
            lambda notice, days: BookingWindow.at(now, zone, notice=notice * MINUTE, days=days),
            st.sampled_from([0, 0, 45, 600]),
            st.sampled_from([0, 1, 2, 90]),
        )
    )
    groups = [
        Group(time.start, [time], draw(st.integers(1, 4)))
        for time in draw(st.lists(near, max_size=2, unique_by=lambda time: time.start))
    ]
    employee = {
        "worked": draw(st.none() | weeks),
        "time_off": draw(st.lists(near, max_size=2)),
        "busy": draw(st.lists(near, max_size=4)),
        "held": draw(st.lists(near, max_size=1)),
        "groups": groups,
        "seats": draw(st.integers(1, 4)),
        "whose": "Ana",
    }
    names = [None, *(("Ana", group.start) for group in groups)]
    uses = st.lists(st.tuples(near, st.sampled_from(names)), max_size=2)
    rooms = draw(st.lists(st.lists(uses, min_size=1, max_size=2), max_size=2))
    pools = [
        Pool.opened(
            "Room",
            len(units),
            asked,
            [Use(time, number, group) for number, unit in enumerate(units, 1) for time, group in unit],
        )
        for units in rooms
    ]
    return Offer(day, hours, asked, window, pools), employee, rooms


@settings(deadline=None, database=None, max_examples=80)
@given(questions())
def test_exactly_the_minutes_that_break_no_rule_are_offered(question):
    offer, employee, rooms = question
    expected = [
        start
        for start in oracle.minutes_of(offer.day, offer.hours.zone)
        if oracle.bookable(start, offer, rooms=rooms, **employee)
    ]
    assert [slot.start for slot in free_slots(offer, diary(offer, **employee))] == expected


@settings(deadline=None, database=None, max_examples=60)
@given(questions())
def test_a_start_is_offered_exactly_when_there_is_nothing_against_it(question):
    offer, employee, _ = question
    theirs = diary(offer, **employee)
    free = {slot.start for slot in free_slots(offer, theirs)}
    for start in oracle.minutes_of(offer.day, offer.hours.zone)[::5]:
        assert (why_not(offer, theirs, start) == []) == (start in free)
