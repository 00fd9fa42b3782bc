"""Repeating an appointment in the admin: what can be booked is told one by one, and booked once."""

import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from appointments.booking import Contact, book
from appointments.models import (
    AddOn,
    Appointment,
    AppointmentAddOn,
    Customer,
    EmployeeService,
    OpeningHours,
    Series,
    Service,
)
from appointments.series import book_series, plan_series
from appointments.slots import Reason
from appointments.wallclock import resolve
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.appointments.invariants import broken
from tests.appointments.test_admin import NEW_YORK, Desk, page_of, static_files_need_no_collecting

__all__ = ["static_files_need_no_collecting"]
WEEK = datetime.timedelta(weeks=1)
TEN = datetime.datetime(2030, 3, 18, 14, tzinfo=datetime.UTC)  # 10:00 in New York, a Monday


@pytest.fixture
def desk(salon: Tenant) -> Desk:
    return Desk(salon)


@pytest.fixture
def first(desk: Desk) -> Appointment:
    desk.add("10:00", starts_at_0="2030-03-18")
    (made,) = desk.appointments()
    return made


def address(pk: Any, site: str = "admin") -> str:
    return f"/{site}/appointments/appointment/{pk}/repeat/"


def ask(
    desk: Desk, row: Appointment, *, client: Client | None = None, site: str = "admin", **fields: str
) -> Any:
    asked = {"every_weeks": "1", "count": "3", "until": "", **fields}
    return (client or desk.client).post(address(row.pk, site), asked)


def take(desk: Desk, start: datetime.datetime, employee: str = "Ana") -> None:
    with tenant_scope(desk.tenant):
        Service.objects.update(booking_window_days=1800)
        jane = Contact("Jane Roe", "+15551110000")
        haircut = Service.objects.get(name="Haircut")
        book(desk.tenant, haircut, start, jane, employee=desk.employees[employee])
        Service.objects.update(booking_window_days=90)


def walls(desk: Desk, **which: Any) -> list[str]:
    with tenant_scope(desk.tenant):
        rows = Appointment.objects.filter(series__isnull=False, **which).order_by("starts_at")
        return [f"{one.starts_at.astimezone(NEW_YORK):%m-%d %H:%M}" for one in rows]


def test_the_page_of_an_appointment_leads_to_it(desk, first):
    assert address(first.pk) in desk.client.get(page_of(first)).text
    assert "Kim Low: Haircut with Ana" in desk.client.get(address(first.pk)).text


def test_a_look_books_nothing_and_tells_each(desk, first):
    take(desk, TEN + 2 * WEEK)
    answer = ask(desk, first)
    assert walls(desk) == []
    assert "<strong>Mon 25 Mar 2030, 10:00 EDT</strong>: free." in answer.text
    conflict = answer.text.split("Mon 1 Apr 2030, 10:00")[1].split('<div class="verdict')[0]
    assert "cannot be booked. Taken." in conflict
    assert "Mon 1 Apr 2030, 11:00 EDT" in conflict
    assert f"customer={first.customer_id}" in conflict
    assert "Book 2 appointments" in answer.text


def test_it_is_booked_beginning_so_many_weeks_after(desk, first):
    take(desk, TEN + 4 * WEEK)
    answer = ask(desk, first, every_weeks="2", book="1")
    assert walls(desk) == ["04-01 10:00", "04-29 10:00"]
    assert "2 of 3 are booked." in answer.text
    assert "Mon 15 Apr 2030, 10:00</strong>: not booked. Taken." in answer.text
    with tenant_scope(desk.tenant):
        rows = Appointment.objects.exclude(series=None)
        assert {(one.customer_id, one.employee_id, one.service_id, one.source) for one in rows} == {
            (first.customer_id, first.employee_id, first.service_id, "staff")
        }
        assert {one.history.get().actor for one in rows} == {desk.user.username}
        assert LogEntry.objects.filter(object_id__in=[str(one.pk) for one in rows]).count() == 2
        assert broken() == {}


def test_until_a_date(desk, first):
    ask(desk, first, count="", until="2030-04-08", book="1")
    assert walls(desk) == ["03-25 10:00", "04-01 10:00", "04-08 10:00"]


def test_all_or_nothing_books_nothing_when_one_fails(desk, first):
    take(desk, TEN + 2 * WEEK)
    look = ask(desk, first, all_or_nothing="on")
    assert 'name="book"' not in look.text
    answer = ask(desk, first, all_or_nothing="on", book="1")
    assert walls(desk) == []
    assert "Nothing was booked." in answer.text
    assert "Mon 1 Apr 2030, 10:00</strong>: not booked. Taken." in answer.text


def test_a_double_submit_books_once(desk, first):
    take(desk, TEN + 2 * WEEK)
    ask(desk, first, book="1")
    again = ask(desk, first, book="1")
    assert walls(desk) == ["03-25 10:00", "04-08 10:00"]
    assert "had been booked before" in again.text
    assert "Mon 1 Apr 2030, 10:00</strong>: not booked. Taken." in again.text
    with tenant_scope(desk.tenant):
        assert Series.objects.count() == 1


def test_add_ons_and_the_very_customer_come_along(desk, first):
    with tenant_scope(desk.tenant):
        twin = Customer.objects.create(
            tenant=desk.tenant, name="Kim Low", phone_e164="+15552223333", email="kim@example.com"
        )
        Appointment.objects.filter(pk=first.pk).update(customer=twin)
        wash = AddOn.objects.create(
            tenant=desk.tenant, service=desk.services["Haircut"], name="Wash", minutes=15, price=5
        )
        AppointmentAddOn.objects.create(
            tenant=desk.tenant, appointment=first, add_on=wash, minutes=15, price=5
        )
    ask(desk, first, count="1", book="1")
    with tenant_scope(desk.tenant):
        made = Appointment.objects.exclude(series=None).get()
        assert (made.customer_id, made.price) == (twin.pk, 55)
        assert made.ends_at - made.starts_at == datetime.timedelta(minutes=75)


def test_a_customer_without_a_number_can_come_again(desk, first):
    with tenant_scope(desk.tenant):
        Customer.objects.filter(pk=first.customer_id).update(phone_e164="")
    ask(desk, first, book="1")
    assert len(walls(desk, customer=first.customer_id)) == 3


def test_any_minute_that_staff_chose_can_be_repeated(desk):
    desk.add("10:07", starts_at_0="2030-03-18")
    ask(desk, desk.appointments()[0], count="2", book="1")
    assert walls(desk) == ["03-25 10:07", "04-01 10:07"]


def test_only_staff_are_free_of_the_grid_and_the_window(desk):
    with tenant_scope(desk.tenant):
        asked = (desk.tenant, desk.services["Haircut"], TEN + datetime.timedelta(minutes=7))
        assert plan_series(*asked, count=1).conflicts == ()
        (refused,) = plan_series(*asked, count=1, source="api").conflicts
        assert set(refused.reasons) == {Reason.OFF_GRID, Reason.TOO_FAR}
        john = Contact("John Doe", "+15559876543")
        assert book_series(*asked, john, count=1, source="api").booked == ()


def test_an_hour_that_the_clock_skips_is_told(desk):
    with tenant_scope(desk.tenant):
        OpeningHours.objects.create(
            tenant=desk.tenant, weekday=6, opens=datetime.time(0), closes=datetime.time(6)
        )
    desk.add("02:30", starts_at_0="2030-03-03")
    (sunday,) = desk.appointments()
    assert sunday.starts_at == resolve(datetime.datetime(2030, 3, 3, 2, 30), NEW_YORK)
    assert "the clock skips the time and goes on at 03:00" in ask(desk, sunday).text
    assert 'class="verdict yes"' in ask(desk, sunday, every_weeks="2", count="1").text


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"count": ""}, "Give either how many times or until when."),
        ({"until": "2030-06-01"}, "Give either how many times or until when."),
        ({"count": "201"}, "less than or equal to 200"),
        ({"every_weeks": "0"}, "greater than or equal to 1"),
        ({"every_weeks": "x"}, "Enter a whole number."),
        ({"count": "", "until": "2030-03-01"}, "Must make 1 to 200 appointments."),
        ({"count": "", "until": "9999-12-31"}, "Must make 1 to 200 appointments."),
    ],
)
def test_nonsense_is_told_beside_its_field(desk, first, fields, problem):
    for wish in (fields, {**fields, "book": "1"}):
        answer = ask(desk, first, **wish)
        assert answer.status_code == 200
        assert problem in answer.text
    assert walls(desk) == []


def test_who_no_longer_performs_it_is_told(desk, first):
    with tenant_scope(desk.tenant):
        EmployeeService.objects.filter(employee=desk.employees["Ana"]).delete()
    assert "Ana does not perform this service." in ask(desk, first, book="1").text
    assert walls(desk) == []


@pytest.mark.parametrize(
    ("role", "status"), [("owner", 200), ("manager", 200), ("staff", 200), ("read_only", 403)]
)
def test_the_desk_may_and_readers_may_not(desk, first, role, status):
    client = desk.client if role == "staff" else Desk(desk.tenant, role).client
    assert client.get(address(first.pk)).status_code == status
    assert ask(desk, first, client=client, book="1").status_code == status
    assert (address(first.pk) in client.get(page_of(first)).text) == (status == 200)
    assert bool(walls(desk)) == (status == 200)


def test_a_foreign_appointment_is_a_missing_one(desk, first, garage):
    theirs = Desk(garage)
    for pk in (first.pk, uuid4(), "nonsense"):
        for answer in (theirs.client.get(address(pk)), theirs.client.post(address(pk), {"book": "1"})):
            assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert Client().get(address(first.pk)).status_code == 302
    assert walls(desk) == []


@pytest.mark.parametrize("site", ["admin", "ops"])
def test_an_operator_works_in_the_clock_of_the_business(desk, first, site):
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    assert "10:00–11:00 EDT" in client.get(address(first.pk, site)).text
    answer = ask(desk, first, client=client, site=site, book="1")
    assert f"/{site}/appointments/appointment/" in answer.text
    assert walls(desk) == ["03-25 10:00", "04-01 10:00", "04-08 10:00"]


def test_a_longer_series_is_shown_with_no_more_queries_than_it_is_planned_with(desk, first):
    def queries(count: int) -> tuple[int, int]:
        with CaptureQueriesContext(connection) as page:
            ask(desk, first, count=str(count))
        with tenant_scope(desk.tenant), CaptureQueriesContext(connection) as verb:
            plan_series(
                desk.tenant, desk.services["Haircut"], TEN + WEEK, employee=desk.employees["Ana"], count=count
            )
        return len(page), len(verb)

    (short, planned), (long, planned_more) = queries(2), queries(8)
    assert long - planned_more == short - planned
