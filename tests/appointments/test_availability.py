"""The reader of the calendar, on real rows: each rule in what is free, and in what staff are told."""

import datetime
import uuid
from contextlib import contextmanager
from datetime import date, time, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appointments.availability import Calendar, UnknownAddOn, free_slots
from appointments.holidays_calendar import public_holidays
from appointments.models import (
    AddOn,
    Appointment,
    Closure,
    Customer,
    Employee,
    EmployeeService,
    Hold,
    OpeningHours,
    Resource,
    ResourceUse,
    Service,
    ServiceResource,
    SpecialHours,
    TimeOff,
    buffered,
)
from appointments.slots import Reason
from appointments.statements import read
from appointments.wallclock import resolve, wall_time
from tenants import scoping
from tenants.models import Tenant
from tenants.scoping import ScopeConflict, ScopeRequired, tenant_scope

NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)  # a Friday, 07:00 in New York
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)
THANKSGIVING = date(2026, 11, 26)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ALL_DAY = [f"{hour:02}:{minute}" for hour in range(9, 16) for minute in ("00", "30")] + ["16:00"]


@pytest.fixture(autouse=True)
def scoped(salon):
    """The salon: Ana and Ben, 09:00 to 17:00 on weekdays, haircuts of an hour every half hour."""
    with tenant_scope(salon):
        yield


@pytest.fixture
def haircut(salon) -> Service:
    return Service.objects.get(name="Haircut")


@pytest.fixture
def ana(salon) -> Employee:
    return Employee.objects.get(name="Ana")


@pytest.fixture
def ben(salon) -> Employee:
    return Employee.objects.get(name="Ben")


def at(text: str, day: date = MONDAY, tenant: Tenant | None = None) -> datetime.datetime:
    """A wall time of the tenant's, New York's when none is named, in UTC."""
    zone = (tenant or Tenant.objects.get(slug="salon")).zone
    return resolve(datetime.datetime.combine(day, time.fromisoformat(text)), zone)


def starts(service: Service, day: date = MONDAY, employee: Employee | None = None, **calendar) -> list[str]:
    """The free wall times, as "09:00"; of everybody when no employee is named."""
    tenant = service.tenant
    slots = Calendar(tenant, service, now=calendar.pop("now", NOW), **calendar).free_slots(day, employee)
    return [f"{wall_time(slot.start, tenant.zone):%H:%M}" for slot in slots]


def change(row, **fields):
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    return row


def appointment(
    service: Service, employee: Employee, start: datetime.datetime, *, length: timedelta = HOUR, **fields
) -> Appointment:
    customer, _ = Customer.objects.get_or_create(
        tenant=service.tenant, name="Zebulon", phone_e164="+15550000001"
    )
    return Appointment.objects.create(
        tenant=service.tenant,
        service=service,
        employee=employee,
        customer=customer,
        starts_at=start,
        ends_at=start + length,
        price=service.price,
        currency=service.currency,
        **{**buffered(service, start, start + length), **fields},
    )


def held(service: Service, employee: Employee, start: datetime.datetime, **fields) -> Hold:
    end = start + HOUR
    given_or_usual = {"holder": "call-1", "expires_at": NOW + MINUTE, **fields}
    return Hold.objects.create(
        tenant=service.tenant,
        service=service,
        employee=employee,
        starts_at=start,
        ends_at=end,
        **buffered(service, start, end),
        **given_or_usual,
    )


def uses(appointment: Appointment, resource: Resource, unit: int = 1, **fields) -> ResourceUse:
    return ResourceUse.objects.create(
        tenant=appointment.tenant,
        appointment=appointment,
        resource=resource,
        unit=unit,
        blocked_from=appointment.blocked_from,
        blocked_until=appointment.blocked_until,
        **fields,
    )


def needs(service: Service, name: str = "Chair", capacity: int = 1) -> Resource:
    resource = Resource.objects.create(tenant=service.tenant, name=name, capacity=capacity)
    ServiceResource.objects.create(tenant=service.tenant, service=service, resource=resource)
    return resource


def reasons(service: Service, employee: Employee, start: datetime.datetime, **calendar) -> list[str]:
    """The codes, once it is certain that all ways to ask agree."""
    asked = Calendar(service.tenant, service, now=calendar.pop("now", NOW), **calendar)
    told = asked.why_not(employee, start)
    assert asked.objections(employee, start) == list(dict.fromkeys(each.reason for each in told))
    return [each.code for each in told]


def sentence(service: Service, employee: Employee, start: datetime.datetime, **calendar) -> str:
    (only,) = Calendar(service.tenant, service, now=NOW, **calendar).why_not(employee, start)
    return only.sentence


# Hours


def test_a_day_is_told_in_order_of_time_and_then_of_names(salon, haircut):
    slots = free_slots(salon, haircut, MONDAY, now=NOW)
    assert [(slot.start, slot.employee.name) for slot in slots] == sorted(
        (slot.start, slot.employee.name) for slot in slots
    )
    assert len(slots) == 30
    employee, start, end = slots[0]
    assert (employee.name, start, end) == ("Ana", at("09:00"), at("10:00"))
    assert start.tzinfo is datetime.UTC


def test_special_hours_take_the_place_of_a_dates_hours(salon, haircut, ana):
    SpecialHours.objects.create(tenant=salon, date=MONDAY, opens=time(10, 15), closes=time(12))
    SpecialHours.objects.create(tenant=salon, date=MONDAY, opens=time(14), closes=time(15))
    assert starts(haircut, MONDAY, ana) == ["10:15", "10:45", "14:00"]
    assert starts(haircut, TUESDAY, ana) == ALL_DAY


def test_special_hours_may_open_a_weekend_and_a_row_without_times_closes(salon, haircut, ana):
    SpecialHours.objects.create(tenant=salon, date=MONDAY, note="Stocktaking")
    SpecialHours.objects.create(tenant=salon, date=MONDAY - DAY, opens=time(9), closes=time(10))
    assert starts(haircut, MONDAY) == []
    assert starts(haircut, MONDAY - DAY, ana) == ["09:00"]
    assert reasons(haircut, ana, at("09:00")) == ["OUTSIDE_HOURS", "OFF_GRID"]
    told = Calendar(salon, haircut, now=NOW).why_not(ana, at("09:00"))
    assert told[0].sentence == "The business does not open on 2026-11-23 (Stocktaking)."


def test_public_holidays_close_the_businesses_that_ask_for_it(salon, haircut, ana):
    assert starts(haircut, THANKSGIVING, ana) == ALL_DAY
    change(salon, holiday_region="US-NY")
    haircut.refresh_from_db()
    assert starts(haircut, THANKSGIVING) == []
    assert starts(haircut, THANKSGIVING + DAY, ana) == ALL_DAY
    told = Calendar(salon, haircut, now=NOW).why_not(ana, at("09:00", THANKSGIVING))
    assert "Thanksgiving" in told[0].sentence


def test_a_region_has_holidays_of_its_own_and_an_unknown_one_has_none():
    womens_day = date(2027, 3, 8)
    days = [womens_day, date(2027, 10, 3), date(2026, 12, 31), date(2027, 1, 1)]
    assert list(public_holidays("DE", days)) == [date(2027, 10, 3), date(2027, 1, 1)]
    assert womens_day in public_holidays("DE-BE", days)
    assert public_holidays("", days) == public_holidays("ATLANTIS", days) == {}


def test_special_hours_of_a_holiday_go_before_it(salon, haircut, ana):
    change(salon, holiday_region="US")
    haircut.refresh_from_db()
    SpecialHours.objects.create(tenant=salon, date=THANKSGIVING, opens=time(9), closes=time(11))
    assert starts(haircut, THANKSGIVING, ana) == ["09:00", "09:30", "10:00"]


def test_a_holiday_closes_what_opens_on_it_and_not_the_night_before(salon, haircut, ana):
    OpeningHours.objects.all().delete()
    for weekday in range(7):
        OpeningHours.objects.create(tenant=salon, weekday=weekday, opens=time(22), closes=time(2))
    change(salon, holiday_region="US")
    haircut.refresh_from_db()
    assert starts(haircut, THANKSGIVING, ana) == ["00:00", "00:30", "01:00"]
    assert starts(haircut, THANKSGIVING + DAY, ana) == ["22:00", "22:30", "23:00", "23:30"]


def test_a_closure_closes_the_stretch_for_everybody(salon, haircut, ana):
    Closure.objects.create(tenant=salon, starts_at=at("10:00"), ends_at=at("15:00"))
    assert starts(haircut, MONDAY, ana) == ["09:00", "15:00", "15:30", "16:00"]
    assert reasons(haircut, ana, at("14:30")) == ["CLOSED"]
    assert sentence(haircut, ana, at("14:30")) == "The business is closed from 10:00 to 15:00."


def test_time_off_is_the_employees_own(salon, haircut, ana, ben):
    TimeOff.objects.create(tenant=salon, employee=ana, starts_at=at("00:00"), ends_at=at("15:30"))
    assert starts(haircut, MONDAY, ana) == ["15:30", "16:00"]
    assert starts(haircut, MONDAY, ben) == ALL_DAY
    assert reasons(haircut, ana, at("15:00")) == ["TIME_OFF"]


def test_an_employee_with_hours_works_in_those_that_the_business_is_open(salon, haircut, ana, ben):
    OpeningHours.objects.create(tenant=salon, employee=ana, weekday=0, opens=time(7), closes=time(11))
    assert starts(haircut, MONDAY, ana) == ["09:00", "09:30", "10:00"]
    assert starts(haircut, TUESDAY, ana) == []
    assert starts(haircut, TUESDAY, ben) == ALL_DAY
    assert reasons(haircut, ana, at("10:30")) == ["NOT_WORKING"]


# Terms


def test_an_employee_who_takes_another_time_has_other_ends(salon, haircut, ana, ben):
    EmployeeService.objects.filter(employee=ana, service=haircut).update(duration_minutes=90)
    by_name = {slot.employee.name: slot for slot in reversed(free_slots(salon, haircut, MONDAY, now=NOW))}
    assert by_name["Ana"].end - by_name["Ana"].start == 90 * MINUTE
    assert by_name["Ben"].end - by_name["Ben"].start == HOUR
    assert starts(haircut, MONDAY, ana)[-1] == "15:30"
    assert reasons(haircut, ana, at("16:00")) == ["OUTSIDE_HOURS"]
    assert reasons(haircut, ben, at("16:00")) == []


def test_add_ons_make_an_appointment_longer_whether_rows_or_ids(salon, haircut, ana):
    wash, mask = (
        AddOn.objects.create(tenant=salon, service=haircut, name=name, minutes=minutes)
        for name, minutes in (("Wash", 30), ("Mask", 45))
    )
    for given_as in ([wash, mask], [wash.pk, str(mask.pk)], [wash.pk, mask, wash]):
        slots = free_slots(salon, haircut, MONDAY, ana, given_as, NOW)
        assert {slot.end - slot.start for slot in slots} == {135 * MINUTE}
        assert slots[-1].end == at("16:45")
    EmployeeService.objects.filter(employee=ana).update(duration_minutes=20)
    assert free_slots(salon, haircut, MONDAY, ana, [wash], NOW)[0].end == at("09:50")


def test_an_add_on_of_another_service_or_that_is_not_offered_is_unknown(salon, haircut):
    other = AddOn.objects.create(
        tenant=salon, service=Service.objects.get(name="Styling"), name="X", minutes=5
    )
    gone = AddOn.objects.create(tenant=salon, service=haircut, name="Y", minutes=5, is_active=False)
    for unknown in (other.pk, gone.pk, uuid.uuid4()):
        with pytest.raises(UnknownAddOn):
            free_slots(salon, haircut, MONDAY, add_ons=[unknown], now=NOW)


def test_the_step_is_the_services(haircut, ana):
    change(haircut, slot_step_minutes=120)
    assert starts(haircut, MONDAY, ana) == ["09:00", "11:00", "13:00", "15:00"]
    assert sentence(haircut, ana, at("10:00")) == "Haircut starts every 2 hours, counted from opening time."


def test_notice_and_window_are_the_services(haircut, ana):
    change(haircut, minimum_notice_minutes=90, booking_window_days=3)
    now = at("08:30")
    assert starts(haircut, MONDAY, ana, now=now)[0] == "10:00"
    assert reasons(haircut, ana, at("09:30"), now=now) == ["TOO_SOON"]
    assert reasons(haircut, ana, at("10:00"), now=now) == []
    assert starts(haircut, MONDAY + 3 * DAY, ana, now=now) == ALL_DAY
    assert starts(haircut, MONDAY + 4 * DAY, ana, now=now) == []
    assert reasons(haircut, ana, at("10:00", MONDAY + 4 * DAY), now=now) == ["TOO_FAR"]
    assert reasons(haircut, ana, at("10:00"), now=at("10:30")) == ["IN_THE_PAST"]


@pytest.mark.parametrize("day", [date.min, date(2020, 1, 1), date(9999, 12, 31)])
def test_a_day_long_gone_or_absurd_has_nothing_free(haircut, day):
    assert starts(haircut, day) == []


def test_an_inactive_service_is_not_offered(haircut, ana):
    change(haircut, is_active=False)
    assert starts(haircut) == []
    assert reasons(haircut, ana, at("09:00")) == ["INACTIVE"]
    assert sentence(haircut, ana, at("09:00")) == "Haircut is not active."


def test_an_inactive_employee_is_not_offered(haircut, ana, ben):
    change(ana, is_active=False)
    assert starts(haircut, MONDAY) == starts(haircut, MONDAY, ben)
    assert starts(haircut, MONDAY, ana) == []
    assert reasons(haircut, ana, at("09:00")) == ["INACTIVE"]


def test_who_does_not_perform_a_service_is_not_offered_for_it(haircut, ana):
    EmployeeService.objects.filter(employee=ana, service=haircut).delete()
    assert starts(haircut, MONDAY, ana) == []
    assert reasons(haircut, ana, at("09:00")) == ["NOT_PERFORMED"]
    assert sentence(haircut, ana, at("09:00")) == "Ana does not perform Haircut."


# What is taken


def test_appointments_of_any_service_block_their_employee_alone(salon, haircut, ana, ben):
    appointment(Service.objects.get(name="Styling"), ana, at("11:00"))
    assert [text for text in ALL_DAY if text not in starts(haircut, MONDAY, ana)] == [
        "10:30",
        "11:00",
        "11:30",
    ]
    assert starts(haircut, MONDAY, ben) == ALL_DAY


def test_what_is_cancelled_blocks_nothing_and_what_is_over_does(haircut, ana):
    appointment(haircut, ana, at("09:00"), status=Appointment.Status.CANCELLED)
    appointment(haircut, ana, at("16:00"), status=Appointment.Status.COMPLETED)
    assert starts(haircut, MONDAY, ana) == ALL_DAY[:-2]


@pytest.mark.parametrize("days", [0, 1, 30])
def test_an_appointment_may_last_for_weeks(haircut, ana, days):
    appointment(haircut, ana, at("12:00") - days * DAY, length=days * DAY + 11 * HOUR)
    assert starts(haircut, MONDAY, ana) == ALL_DAY[: ALL_DAY.index("11:30")] * (not days)
    assert starts(haircut, TUESDAY, ana) == ALL_DAY
    assert reasons(haircut, ana, at("13:00")) == ["BUSY"]


def test_an_appointment_that_moves_does_not_stand_in_its_own_way(salon, haircut, ana):
    chair = needs(haircut)
    moving = appointment(haircut, ana, at("11:00"))
    uses(moving, chair)
    calendar = Calendar(salon, haircut, now=NOW)
    assert calendar.objections(ana, at("11:30")) == [Reason.BUSY, Reason.RESOURCE_FULL]
    assert calendar.objections(ana, at("11:30"), ignoring=moving) == []
    assert calendar.why_not(ana, at("11:30"), ignoring=moving) == []


def test_staff_are_told_what_collides_and_never_who(salon, haircut, ana):
    appointment(haircut, ana, at("11:00"))
    assert sentence(haircut, ana, at("11:30")) == "Ana has an appointment from 11:00 to 12:00."
    assert "Zebulon" not in sentence(haircut, ana, at("11:30"))


def test_staff_are_told_whose_buffer_collides(salon, haircut, ana):
    change(haircut, buffer_before_minutes=10, buffer_after_minutes=20)
    appointment(haircut, ana, at("11:00"))
    assert sentence(haircut, ana, at("10:00")) == (
        "Ana: only 0 minutes are left before an appointment from 11:00 to 12:00; this one needs 20 minutes after it"
        " and that one needs 10 minutes before it (buffers)."
    )
    assert sentence(haircut, ana, at("12:00")) == (
        "Ana: only 0 minutes have passed since an appointment from 11:00 to 12:00; this one needs 10 minutes before"
        " it and that one needs 20 minutes after it (buffers)."
    )
    styling = change(Service.objects.get(name="Styling"), duration_minutes=55)
    assert sentence(styling, ana, at("10:00")) == (
        "Ana: only 5 minutes are left before an appointment from 11:00 to 12:00; that one needs 10 minutes before"
        " it (buffers)."
    )


def test_a_long_buffer_reaches_into_the_next_date(salon, haircut, ana):
    OpeningHours.objects.all().delete()
    OpeningHours.objects.create(tenant=salon, weekday=0, opens=time(22), closes=time(0))
    change(haircut, buffer_after_minutes=120)
    appointment(Service.objects.get(name="Styling"), ana, at("01:30", TUESDAY))
    assert starts(haircut, MONDAY, ana) == ["22:00", "22:30"]
    assert reasons(haircut, ana, at("23:00")) == ["BUSY"]


def test_two_neighbours_are_two_objections(haircut, ana):
    appointment(haircut, ana, at("10:00"))
    appointment(haircut, ana, at("11:00"))
    assert reasons(haircut, ana, at("10:30")) == ["BUSY", "BUSY"]


# Holds


def test_a_hold_of_another_blocks_until_the_instant_at_which_it_expires(haircut, ana, ben):
    hold = held(haircut, ana, at("09:00"))
    assert starts(haircut, MONDAY, ana) == ALL_DAY[2:]
    assert starts(haircut, MONDAY, ben) == ALL_DAY
    assert reasons(haircut, ana, at("09:30")) == ["HELD"]
    assert "held for somebody" in sentence(haircut, ana, at("09:30"))
    almost = hold.expires_at - timedelta(microseconds=1)
    assert reasons(haircut, ana, at("09:30"), now=almost) == ["HELD"]
    assert reasons(haircut, ana, at("09:30"), now=hold.expires_at) == []
    assert starts(haircut, MONDAY, ana, now=hold.expires_at) == ALL_DAY


def test_ones_own_holds_block_nothing(haircut, ana):
    held(haircut, ana, at("09:00"), holder="mine")
    assert starts(haircut, MONDAY, ana, holder="mine") == ALL_DAY
    assert starts(haircut, MONDAY, ana, holder="another") == ALL_DAY[2:]
    assert reasons(haircut, ana, at("09:00"), holder="mine") == []
    assert reasons(haircut, ana, at("09:00"), holder="another") == ["HELD"]


def test_a_hold_keeps_its_buffers_clear(haircut, ana):
    change(haircut, buffer_after_minutes=30)
    held(haircut, ana, at("11:00"))
    assert reasons(haircut, ana, at("12:00")) == ["HELD"]
    assert reasons(haircut, ana, at("12:30")) == []


# Resources


def test_a_service_needs_a_unit_of_its_resource_whoever_serves(salon, haircut, ana, ben):
    chair = needs(haircut)
    uses(appointment(haircut, ana, at("11:00")), chair)
    assert [text for text in ALL_DAY if text not in starts(haircut, MONDAY, ben)] == [
        "10:30",
        "11:00",
        "11:30",
    ]
    assert reasons(haircut, ben, at("11:30")) == ["RESOURCE_FULL"]
    assert sentence(haircut, ben, at("11:30")).startswith("Chair: ")
    assert reasons(haircut, ana, at("11:30")) == ["BUSY", "RESOURCE_FULL"]
    assert starts(Service.objects.get(name="Coloring"), MONDAY, ben)[:5] == ALL_DAY[:5], "which needs none"


def test_with_a_second_unit_there_is_room(haircut, ana, ben):
    chair = needs(haircut, capacity=2)
    uses(appointment(haircut, ana, at("11:00")), chair, unit=1)
    assert starts(haircut, MONDAY, ben) == ALL_DAY


def test_a_slot_needs_one_unit_for_all_of_its_time_not_bits_of_two(salon, haircut, ana, ben):
    chair = needs(haircut, capacity=2)
    styling = Service.objects.get(name="Styling")
    uses(appointment(styling, ana, at("10:00"), length=30 * MINUTE), chair, unit=1)
    uses(appointment(styling, ana, at("10:30"), length=30 * MINUTE), chair, unit=2)
    assert reasons(haircut, ben, at("10:00")) == ["RESOURCE_FULL"]
    assert reasons(haircut, ben, at("10:30")) == []
    assert reasons(haircut, ben, at("09:30")) == []


def test_every_resource_is_needed_and_the_full_ones_are_named(salon, haircut, ana, ben):
    chair, basin, spare = needs(haircut), needs(haircut, "Basin"), needs(haircut, "Lamp")
    booked = appointment(haircut, ana, at("11:00"))
    uses(booked, chair)
    uses(booked, basin)
    told = Calendar(salon, haircut, now=NOW).why_not(ben, at("11:00"))
    assert [each.sentence.split(":")[0] for each in told] == ["Basin", "Chair"]
    assert spare.name not in str(told)


def test_a_use_that_is_not_active_takes_nothing(haircut, ana, ben):
    uses(appointment(haircut, ana, at("11:00"), status="cancelled"), needs(haircut), is_active=False)
    assert starts(haircut, MONDAY, ben) == ALL_DAY


def test_buffers_need_the_resource_too(haircut, ana, ben):
    change(haircut, buffer_after_minutes=30)
    uses(appointment(haircut, ana, at("11:00")), needs(haircut))
    assert reasons(haircut, ben, at("12:00")) == ["RESOURCE_FULL"]
    assert reasons(haircut, ben, at("12:30")) == []
    assert reasons(haircut, ben, at("10:00")) == ["RESOURCE_FULL"]


def test_a_use_may_last_for_weeks(haircut, ana, ben):
    chair = needs(haircut)
    uses(appointment(haircut, ana, at("12:00") - 20 * DAY, length=20 * DAY), chair)
    assert starts(haircut, MONDAY, ben) == ALL_DAY[ALL_DAY.index("12:00") :]


def test_a_held_slot_keeps_a_unit_as_well(haircut, ana, ben):
    chair = needs(haircut, capacity=2)
    held(haircut, ana, at("11:00"))
    assert reasons(haircut, ben, at("11:00")) == []
    change(chair, capacity=1)
    assert reasons(haircut, ben, at("11:00")) == ["RESOURCE_FULL"]
    assert reasons(haircut, ben, at("11:00"), holder="call-1") == []


# Groups


@pytest.fixture
def course(haircut) -> Service:
    return change(haircut, seats=3)


def seated(course: Service, employee: Employee, start: datetime.datetime, *seats: int) -> list[Appointment]:
    return [appointment(course, employee, start, seat=seat) for seat in seats]


def test_a_group_can_be_joined_at_its_own_start_while_it_has_seats(course, ana):
    first, _ = seated(course, ana, at("11:00"), 1, 2)
    without = [text for text in ALL_DAY if text not in {"10:30", "11:30"}]
    assert starts(course, MONDAY, ana) == without
    assert reasons(course, ana, at("11:00")) == []
    assert reasons(course, ana, at("11:30")) == ["BUSY"]
    seated(course, ana, at("11:00"), 3)
    assert starts(course, MONDAY, ana) == [text for text in without if text != "11:00"]
    assert reasons(course, ana, at("11:00")) == ["BUSY"]
    assert sentence(course, ana, at("11:00")) == "Ana: all 3 seats of that group are taken."
    change(first, status=Appointment.Status.CANCELLED)
    assert starts(course, MONDAY, ana) == without


def test_a_seat_that_is_held_for_another_is_taken(course, ana):
    seated(course, ana, at("11:00"), 1, 2)
    held(course, ana, at("11:00"))
    assert reasons(course, ana, at("11:00")) == ["BUSY"]
    assert reasons(course, ana, at("11:00"), holder="call-1") == []


def test_a_held_seat_keeps_the_employees_time_for_its_group(course, ana):
    held(course, ana, at("11:00"))
    assert reasons(course, ana, at("11:00")) == []
    assert reasons(course, ana, at("11:30")) == ["BUSY"]
    assert sentence(course, ana, at("11:30")).endswith(
        "has a time that is held for somebody from 11:00 to 12:00."
    )


def test_a_group_is_nobody_elses_and_no_other_services(salon, course, ana, ben):
    seated(course, ana, at("11:00"), 1)
    assert "11:00" not in starts(Service.objects.get(name="Styling"), MONDAY, ana)
    appointment(Service.objects.get(name="Styling"), ben, at("11:00"))
    assert "11:00" not in starts(course, MONDAY, ben)


def test_who_joins_a_group_needs_the_rest_of_their_time_free(salon, course, ana):
    wash = AddOn.objects.create(tenant=salon, service=course, name="Wash", minutes=30)
    seated(course, ana, at("11:00"), 1)
    appointment(Service.objects.get(name="Styling"), ana, at("12:00"))
    assert reasons(course, ana, at("11:00")) == []
    assert reasons(course, ana, at("11:00"), add_ons=[wash]) == ["BUSY"]


def test_who_joins_a_group_shares_its_room(course, ana, ben):
    (first,) = seated(course, ana, at("11:00"), 1)
    uses(first, needs(course, "Room"))
    assert reasons(course, ana, at("11:00")) == []
    assert "11:00" in starts(course, MONDAY, ana)
    assert reasons(course, ben, at("11:00")) == ["RESOURCE_FULL"]
    assert "11:00" not in starts(course, MONDAY, ben)


def test_without_seats_two_customers_do_not_share_a_time(haircut, ana):
    appointment(haircut, ana, at("11:00"))
    assert reasons(haircut, ana, at("11:00")) == ["BUSY"]


# The clock is changed


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2027, 3, 14), ["00:00", "01:00", "03:00", "04:00"]),
        (date(2026, 11, 1), ["00:00", "01:00", "01:00", "02:00", "03:00", "04:00"]),
    ],
)
def test_a_skipped_hour_is_never_offered_and_a_repeated_one_twice(salon, haircut, ana, day, expected):
    OpeningHours.objects.create(tenant=salon, weekday=6, opens=time(0), closes=time(5))
    change(haircut, slot_step_minutes=60)
    now = datetime.datetime.combine(day - 5 * DAY, time(12), tzinfo=datetime.UTC)
    assert starts(haircut, day, ana, now=now) == expected
    booked = appointment(haircut, ana, at("01:00", day))
    left = starts(haircut, day, ana, now=now)
    assert left.count("01:00") == expected.count("01:00") - 1
    assert booked.starts_at not in {slot.start for slot in free_slots(salon, haircut, day, ana, now=now)}


def test_a_time_that_the_clock_skips_does_not_exist(salon, haircut, ana):
    skipped = datetime.datetime(2027, 3, 14, 2, 30)
    for start in (skipped, skipped.replace(tzinfo=salon.zone)):
        assert reasons(haircut, ana, start, now=NOW + 100 * DAY) == ["NONEXISTENT"]
    told = Calendar(salon, haircut, now=NOW).why_not(ana, skipped)
    assert told[0].sentence.endswith("The nearest times are 01:59 and 03:00.")


def test_a_naive_start_is_local_time(salon, haircut, ana):
    assert reasons(haircut, ana, datetime.datetime(2026, 11, 23, 9)) == []
    assert (
        reasons(haircut, ana, datetime.datetime(2026, 11, 23, 9, tzinfo=datetime.UTC))[0] == "OUTSIDE_HOURS"
    )


# Searching, and the cost of it


def test_a_search_gives_the_days_with_anything_free_in_order(salon, haircut, ana):
    TimeOff.objects.create(tenant=salon, employee=ana, starts_at=at("00:00"), ends_at=at("00:00", TUESDAY))
    calendar = Calendar(salon, haircut, now=NOW)
    days = [day for day, _ in calendar.search(NOW.date(), 7, ana)]
    assert days == [NOW.date(), TUESDAY, TUESDAY + DAY, THANKSGIVING]
    assert calendar.first_free_day(MONDAY, ana) == (TUESDAY, calendar.free_slots(TUESDAY, ana))


def test_the_first_free_day_is_found_to_the_end_of_the_booking_window(salon, haircut, ana):
    months = 100 * DAY
    TimeOff.objects.create(
        tenant=salon, employee=ana, starts_at=at("00:00"), ends_at=at("00:00", TUESDAY + months)
    )
    for window, found in {months.days - 10: None, months.days + 10: TUESDAY + months}.items():
        change(haircut, booking_window_days=window)
        first = Calendar(salon, haircut, now=NOW).first_free_day(MONDAY, ana)
        assert (first and first[0]) == found


def test_each_day_of_a_search_is_what_is_free_on_it(salon, haircut, ana, ben):
    change(haircut, buffer_after_minutes=15, booking_window_days=12)
    for hour, day in enumerate([MONDAY, TUESDAY, MONDAY + 9 * DAY], 9):
        appointment(haircut, ana, at(f"{hour:02}:30", day))
        held(haircut, ben, at(f"{hour + 1:02}:00", day))
    calendar = Calendar(salon, haircut, now=NOW)
    searched = dict(calendar.search(NOW.date() - 3 * DAY, 40))
    each = {NOW.date() + ahead * DAY: calendar.free_slots(NOW.date() + ahead * DAY) for ahead in range(20)}
    assert searched == {day: slots for day, slots in each.items() if slots}
    assert max(searched) == NOW.date() + 12 * DAY


def crowd(salon: Tenant, service: Service, count: int) -> None:
    people = Employee.objects.bulk_create(Employee(tenant=salon, name=f"E{n}") for n in range(count))
    EmployeeService.objects.bulk_create(
        EmployeeService(tenant=salon, employee=one, service=service) for one in people
    )


def test_fifty_employees_a_day_or_a_month_take_four_queries_at_most(salon, haircut):
    crowd(salon, haircut, 48)
    needs(haircut, capacity=60)
    change(haircut, seats=2)
    wash = AddOn.objects.create(tenant=salon, service=haircut, name="Wash", minutes=30)
    with CaptureQueriesContext(connection) as day:
        slots = free_slots(salon, haircut, MONDAY, add_ons=[wash.pk], now=NOW)
    with CaptureQueriesContext(connection) as month:
        days = list(Calendar(salon, haircut, add_ons=[wash.pk], now=NOW).search(MONDAY, 30))
    assert len({slot.employee.pk for slot in slots}) == 50
    assert len(days) == 22
    assert len(day) == len(month) == 4


def test_the_objections_of_everybody_take_as_many_queries_as_of_one(salon, haircut):
    crowd(salon, haircut, 8)
    calendar, nine = Calendar(salon, haircut, now=NOW), at("09:00")
    with CaptureQueriesContext(connection) as queries:
        answers = calendar.objections_of(calendar.performers, nine)
    assert len(queries) == 2
    assert list(answers.values()) == [[]] * 10


# Whose turn it is


def test_the_least_booked_of_the_week_is_asked_first_and_names_break_ties(salon, haircut, ana, ben):
    calendar, nine = Calendar(salon, haircut, now=NOW), at("09:00")
    assert calendar.fair_order(nine) == [ana, ben]
    appointment(haircut, ana, at("12:00", TUESDAY))
    with CaptureQueriesContext(connection) as queries:
        assert calendar.fair_order(nine) == [ben, ana]
    assert len(queries) == 1
    appointment(haircut, ben, at("12:00", TUESDAY))
    assert calendar.fair_order(nine) == [ana, ben]


def test_only_that_local_week_counts_and_nothing_that_is_cancelled(salon, haircut, ana, ben):
    sunday = MONDAY + 6 * DAY
    appointment(haircut, ana, at("23:30", sunday))  # Monday already, in UTC
    calendar = Calendar(salon, haircut, now=NOW)
    assert calendar.fair_order(at("09:00")) == [ben, ana]
    assert calendar.fair_order(at("09:00", MONDAY + 7 * DAY)) == [ana, ben]
    assert calendar.fair_order(at("09:00", MONDAY - 7 * DAY)) == [ana, ben]
    Appointment.objects.update(status=Appointment.Status.CANCELLED)
    assert calendar.fair_order(at("09:00")) == [ana, ben]


def test_a_group_is_one_time_of_its_employee(course, ana, ben):
    seated(course, ana, at("11:00"), 1, 2, 3)
    appointment(course, ben, at("09:00"))
    appointment(course, ben, at("10:00"))
    assert Calendar(course.tenant, course, now=NOW).fair_order(at("09:00")) == [ana, ben]


# Strangers


def test_another_tenants_calendar_is_not_read(salon, haircut):
    stranger = Tenant(name="Stranger", timezone="UTC")
    with pytest.raises(ScopeConflict):
        free_slots(stranger, haircut, MONDAY, now=NOW)
    with pytest.raises(ScopeConflict):
        read(stranger, "SELECT 1", {})
    with without_scope(), pytest.raises(ScopeRequired):
        read(salon, "SELECT 1", {})


@contextmanager
def without_scope():
    token = scoping._active.set(None)
    try:
        yield
    finally:
        scoping._active.reset(token)


# Why not, in general


@st.composite
def calendars(draw):
    """A few rows of every kind around one Monday, as minutes from its midnight."""
    minute = st.integers(16, 40).map(lambda count: count * 30)
    length = st.sampled_from([30, 60, 90])
    stretch = st.tuples(minute, length)
    return {
        "busy": draw(
            st.lists(st.tuples(minute, length, st.sampled_from(["Haircut", "Styling"])), max_size=3)
        ),
        "held": draw(st.lists(st.tuples(minute, st.sampled_from(["me", "other"])), max_size=2)),
        "off": draw(st.lists(stretch, max_size=1)),
        "closed": draw(st.lists(stretch, max_size=1)),
        "own": draw(st.none() | st.tuples(st.integers(8, 12), st.integers(13, 18))),
        "special": draw(st.none() | st.tuples(st.integers(6, 10), st.integers(11, 20))),
        "override": draw(st.none() | st.sampled_from([20, 45, 75])),
        "buffers": draw(st.tuples(st.sampled_from([0, 10, 30]), st.sampled_from([0, 15]))),
        "seats": draw(st.sampled_from([1, 1, 2, 3])),
        "capacity": draw(st.sampled_from([None, 1, 2])),
        "notice": draw(st.sampled_from([0, 0, 60 * 77])),
        "active": draw(st.sampled_from([True, True, True, False])),
        "add_on": draw(st.sampled_from([0, 0, 15])),
        "step": draw(st.sampled_from([15, 30, 40])),
    }


def lay_out(salon: Tenant, haircut: Service, ana: Employee, ben: Employee, drawn) -> None:
    midnight = at("00:00")
    before, after = drawn["buffers"]
    change(
        haircut,
        buffer_before_minutes=before,
        buffer_after_minutes=after,
        seats=drawn["seats"],
        minimum_notice_minutes=drawn["notice"],
        slot_step_minutes=drawn["step"],
    )
    change(ana, is_active=drawn["active"])
    EmployeeService.objects.filter(employee=ana, service=haircut).update(duration_minutes=drawn["override"])
    chair = needs(haircut, capacity=drawn["capacity"]) if drawn["capacity"] else None
    for index, (minute, length, name) in enumerate(drawn["busy"]):
        service = Service.objects.get(name=name)
        employee = ana if index < 2 else ben
        try:
            with transaction.atomic():
                booked = appointment(
                    service, employee, midnight + minute * MINUTE, length=length * MINUTE, seat=1 + index % 2
                )
                if chair and index % 2 == 0:
                    uses(booked, chair)
        except IntegrityError:
            continue  # the database does not have two there
    for minute, holder in drawn["held"]:
        held(haircut, ana, midnight + minute * MINUTE, holder=holder)
    for minute, length in drawn["off"]:
        TimeOff.objects.create(
            tenant=salon,
            employee=ana,
            starts_at=midnight + minute * MINUTE,
            ends_at=midnight + (minute + length) * MINUTE,
        )
    for minute, length in drawn["closed"]:
        Closure.objects.create(
            tenant=salon,
            starts_at=midnight + minute * MINUTE,
            ends_at=midnight + (minute + length) * MINUTE,
        )
    if drawn["own"]:
        opens, closes = drawn["own"]
        OpeningHours.objects.create(
            tenant=salon, employee=ana, weekday=0, opens=time(opens), closes=time(closes)
        )
    if drawn["special"]:
        opens, closes = drawn["special"]
        SpecialHours.objects.create(tenant=salon, date=MONDAY, opens=time(opens), closes=time(closes))


@settings(
    deadline=None,
    database=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=calendars())
def test_a_start_is_bookable_exactly_when_nothing_stands_against_it(salon, drawn):
    haircut = Service.objects.get(name="Haircut")
    ana, ben = Employee.objects.get(name="Ana"), Employee.objects.get(name="Ben")
    with transaction.atomic():
        lay_out(salon, haircut, ana, ben, drawn)
        add_ons = (
            [AddOn.objects.create(tenant=salon, service=haircut, name="Wash", minutes=drawn["add_on"])]
            if drawn["add_on"]
            else []
        )
        calendar = Calendar(salon, haircut, add_ons=add_ons, holder="me", now=NOW)
        for employee in (ana, ben):
            free = {slot.start for slot in calendar.free_slots(MONDAY, employee)}
            for quarter in range(8 * 4, 18 * 4):
                start = at("00:00") + 15 * quarter * MINUTE
                told = calendar.why_not(employee, start)
                assert (told == []) == (start in free), (start, told)
                assert all(each.sentence for each in told)
                assert "Zebulon" not in str(told)
        transaction.set_rollback(True)
