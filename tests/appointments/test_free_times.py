"""The page of free times: a day at a glance, and all that stands against one exact time."""

import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from appointments.availability import Calendar
from appointments.day_sheet import DayCalendar
from appointments.models import (
    AddOn,
    Appointment,
    Closure,
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
)
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.appointments.test_admin import (
    MONDAY,
    NEW_YORK,
    Desk,
    FormReader,
    errors_of,
    static_files_need_no_collecting,
)

__all__ = ["static_files_need_no_collecting"]
PAGE = "/admin/appointments/appointment/free-times/"
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def desk(salon: Tenant) -> Desk:
    with tenant_scope(salon):
        Service.objects.update(booking_window_days=1800)
    return Desk(salon)


def ask(desk: Desk, client: Client | None = None, page: str = PAGE, **asked: Any) -> Any:
    question = {"service": str(desk.services["Haircut"].pk), "date": str(MONDAY), **asked}
    return (client or desk.client).get(page, question)


def sheet(desk: Desk, **asked: Any) -> dict[str, list[list[str]]]:
    """Time -> for each employee what stands against it."""
    with tenant_scope(desk.tenant):
        calendar = DayCalendar(desk.tenant, Service.objects.get(name="Haircut"), **asked)
        rows = calendar.sheet(MONDAY, calendar.performers)
    return {
        f"{row[0].start.astimezone(NEW_YORK):%H:%M}": [
            [each.code for each in cell.objections] for cell in row
        ]
        for row in rows
    }


# --- The day -------------------------------------------------------------------------------------


def test_the_day_is_a_sheet_of_employees_by_time(desk):
    desk.add("10:00")
    text = ask(desk).text
    assert "Monday, 4 March 2030" in text
    assert "Ana has an appointment from 10:00 to 11:00." in text
    assert sheet(desk)["10:00"] == [["BUSY"], []]
    assert list(sheet(desk))[0] == "09:00"


def complicate(salon: Tenant) -> None:
    """A bit of everything that can stand against a time."""
    haircut, styling = (Service.objects.get(name=name) for name in ("Haircut", "Styling"))
    Service.objects.filter(pk=haircut.pk).update(buffer_before_minutes=10, seats=2, slot_step_minutes=15)
    ana, ben = Employee.objects.order_by("name")
    chair = Resource.objects.create(tenant=salon, name="Chair")
    for service in (haircut, styling):
        ServiceResource.objects.create(tenant=salon, service=service, resource=chair)
    EmployeeService.objects.filter(employee=ben, service=haircut).update(duration_minutes=40)
    OpeningHours.objects.create(
        tenant=salon, employee=ben, weekday=0, opens=datetime.time(10), closes=datetime.time(15)
    )
    noon = datetime.datetime(2030, 3, 4, 12, tzinfo=NEW_YORK)
    Closure.objects.create(tenant=salon, starts_at=noon, ends_at=noon + 30 * MINUTE)
    TimeOff.objects.create(
        tenant=salon, employee=ana, starts_at=noon - 180 * MINUTE, ends_at=noon - 150 * MINUTE
    )
    starts_at = noon + 120 * MINUTE
    blocked = {"blocked_from": starts_at - 10 * MINUTE, "blocked_until": starts_at + 70 * MINUTE}
    Hold.objects.create(
        tenant=salon,
        employee=ben,
        service=styling,
        starts_at=starts_at,
        ends_at=starts_at + 60 * MINUTE,
        **blocked,
        holder="a call",
        expires_at=noon,
    )


def test_what_the_sheet_says_is_what_the_calendar_says(desk):
    with tenant_scope(desk.tenant):
        complicate(desk.tenant)
    desk.add("10:00", employee="Ben")
    desk.add("15:00")
    with tenant_scope(desk.tenant):
        haircut = Service.objects.get(name="Haircut")
        calendar = DayCalendar(desk.tenant, haircut)
        rows = calendar.sheet(MONDAY, calendar.performers)
        plain = Calendar(desk.tenant, haircut, now=calendar.now)
        seen = set()
        for cell in (cell for row in rows for cell in row):
            assert list(cell.objections) == plain.why_not(cell.employee, cell.start)
            seen |= {each.code for each in cell.objections}
        free = {(cell.employee.pk, cell.start) for row in rows for cell in row if cell.is_free}
        assert free == {(slot.employee.pk, slot.start) for slot in plain.free_slots(MONDAY)}
    assert len(rows) == 32
    assert seen >= {"OUTSIDE_HOURS", "CLOSED", "NOT_WORKING", "TIME_OFF", "BUSY", "RESOURCE_FULL", "HELD"}


def test_a_longer_day_takes_no_more_queries(desk):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            sheet(desk)
        return len(asked)

    short = queries()
    with tenant_scope(desk.tenant):
        Service.objects.update(slot_step_minutes=5)
    for hour in range(9, 15):
        desk.add(f"{hour}:00")
    assert queries() == short


def test_a_day_on_which_nothing_opens_says_why(desk):
    with tenant_scope(desk.tenant):
        SpecialHours.objects.create(tenant=desk.tenant, date=MONDAY, note="Carnival")
    text = ask(desk).text
    assert "The business does not open on 2030-03-04 (Carnival)." in text
    assert "Fri 1 Mar 2030" not in text
    assert "Tue 5 Mar 2030, 09:00 EST" in text


def test_who_performs_nothing_and_what_nobody_performs_is_told(desk):
    with tenant_scope(desk.tenant):
        zoe = Employee.objects.create(tenant=desk.tenant, name="Zoe")
        shave = Service.objects.create(tenant=desk.tenant, name="Shave", duration_minutes=20, price=10)
    assert "Zoe does not perform Haircut." in ask(desk, employee=str(zoe.pk)).text
    assert "Nobody who is active performs Shave." in ask(desk, service=str(shave.pk)).text


# --- One exact time ------------------------------------------------------------------------------


def test_an_exact_time_is_answered_with_every_reason(desk):
    desk.add("10:00")
    with tenant_scope(desk.tenant):
        ten = datetime.datetime(2030, 3, 4, 10, tzinfo=NEW_YORK)
        TimeOff.objects.create(
            tenant=desk.tenant, employee=desk.employees["Ana"], starts_at=ten, ends_at=ten + 60 * MINUTE
        )
    answer = ask(desk, time="10:20", employee=str(desk.employees["Ana"].pk))
    verdict = answer.text.split('class="verdict')[1].split("</div>")[0]
    for sentence in (
        "Ana is away for some or all of 10:20 to 11:20.",
        "Ana has an appointment from 10:00 to 11:00.",
        "Haircut starts every 30 minutes, counted from opening time.",
    ):
        assert sentence in verdict
    nearest = answer.text.split("Nearest free times")[1].split("</ul>")[0]
    assert "Mon 4 Mar 2030, 11:00 EST" in nearest


def test_of_anybody_everybody_is_told_of(desk):
    desk.add("10:00")
    text = ask(desk, time="10:00").text
    assert text.count('class="verdict') == 2
    assert "Ben</strong>:" in text
    assert "free. <a" in text


def test_a_time_that_the_clock_skips_is_told(desk):
    text = ask(desk, date="2030-03-10", time="02:30").text
    assert "The clock is put forward then: 02:30 does not come." in text


@pytest.mark.parametrize(
    "asked",
    [
        {"date": "yesterday"},
        {"date": "9999-12-31"},
        {"date": "0001-01-01"},
        {"time": "25:00"},
        {"service": "nonsense"},
        {"employee": "nonsense"},
        {"add_ons": "nonsense"},
    ],
)
def test_nonsense_is_told_beside_its_field(desk, asked):
    answer = ask(desk, **asked)
    assert answer.status_code == 200
    assert ("errorlist" in answer.text) == ("add_ons" not in asked)


# --- Links ---------------------------------------------------------------------------------------


def linked(text: str, words: str = ">Free<") -> str:
    return (
        text.split(words, maxsplit=1)[0]
        .rsplit('href="', 1)[1]
        .split('"', maxsplit=1)[0]
        .replace("&amp;", "&")
    )


def test_a_free_slot_leads_to_a_form_that_is_filled_in(desk):
    page = linked(ask(desk, employee=str(desk.employees["Ben"].pk)).text)
    shown = FormReader()
    shown.feed(desk.client.get(page).text)
    assert shown.fields["starts_at_0"] == "2030-03-04"
    assert shown.fields["starts_at_1"] == "09:00"
    assert shown.fields["employee"] == str(desk.employees["Ben"].pk)
    assert shown.fields["service"] == str(desk.services["Haircut"].pk)
    desk.client.post(page, {**shown.fields, "customer": str(desk.customer.pk)})
    (made,) = desk.appointments()
    assert (made.employee_id, made.price) == (desk.employees["Ben"].pk, 50)
    assert f"{made.starts_at.astimezone(NEW_YORK):%H:%M}" == "09:00"


def filled_in_with_a_wash(desk, minutes: int, price: int) -> dict[str, str]:
    """The form that a free time leads to, with an add-on of 15 minutes and 5, where employees take so much without."""
    with tenant_scope(desk.tenant):
        haircut = desk.services["Haircut"]
        wash = AddOn.objects.create(tenant=desk.tenant, service=haircut, name="Wash", minutes=15, price=5)
        EmployeeService.objects.filter(service=haircut).update(duration_minutes=minutes, price=price)
    page = linked(ask(desk, add_ons=str(wash.pk)).text)
    shown = FormReader()
    shown.feed(desk.client.get(page).text)
    return shown.fields


def test_add_ons_and_own_terms_come_along(desk):
    fields = filled_in_with_a_wash(desk, minutes=30, price=40)
    assert (fields["ends_at"], fields["price"]) == ("09:45", "45.00")
    assert fields["notes"] == "With Wash."


def test_add_ons_are_not_lost_where_own_terms_make_up_for_them(desk):
    """With its add-on it lasts and costs what the service does, and not what the employee takes for it."""
    fields = filled_in_with_a_wash(desk, minutes=45, price=45)
    assert (fields["ends_at"], fields["price"]) == ("10:00", "50.00")


def test_the_second_pass_of_a_repeated_hour_stays_the_second(desk):
    with tenant_scope(desk.tenant):
        OpeningHours.objects.create(
            tenant=desk.tenant, weekday=6, opens=datetime.time(0), closes=datetime.time(5)
        )
    text = ask(desk, date="2030-11-03", employee=str(desk.employees["Ana"].pk)).text
    page = linked(text.split(">01:30 EST<")[1])
    shown = FormReader()
    shown.feed(desk.client.get(page).text)
    assert shown.fields["starts_at_1"] == "01:30"
    desk.client.post(page, {**shown.fields, "customer": str(desk.customer.pk)})
    assert desk.appointments()[0].starts_at == datetime.datetime(2030, 11, 3, 6, 30, tzinfo=datetime.UTC)


def test_staff_may_do_what_only_callers_may_not(desk):
    with tenant_scope(desk.tenant):
        Service.objects.update(booking_window_days=30)
    text = ask(desk).text
    assert "Too far ahead" in text
    page = linked(text, ">Add all the same<")
    assert desk.client.get(page).status_code == 200


@pytest.mark.parametrize(
    "address", ["?starts_at=nonsense", "?starts_at=0001-01-01T00:00:00Z", "?starts_at=2030-13-45T00:00:00Z"]
)
def test_an_address_that_makes_no_sense_fills_in_nothing(desk, address):
    page = "/admin/appointments/appointment/add/"
    for more in ("", "&service=x", "&employee=x", "&customer=1", "&tenant=x"):
        assert desk.client.get(page + address + more).status_code == 200


@pytest.mark.parametrize("name", ["service", "employee"])
def test_services_and_employees_lead_to_it(desk, name):
    row = {"service": desk.services["Haircut"], "employee": desk.employees["Ana"]}[name]
    text = desk.client.get(f"/admin/appointments/{name}/{row.pk}/change/").text
    assert f"{PAGE}?{name}={row.pk}" in text
    answer = desk.client.get(PAGE, {name: str(row.pk)})
    assert f'value="{row.pk}" selected' in answer.text
    assert f'href="{PAGE}"' in desk.client.get("/admin/appointments/appointment/").text


# --- Who may -------------------------------------------------------------------------------------


def test_who_may_only_look_sees_the_day_without_links(desk):
    reader = Desk(desk.tenant, "read_only")
    text = ask(desk, reader.client).text
    assert ">Free<" in text
    assert "/add/?" not in text


def test_a_stranger_logs_in_first(desk):
    assert ask(desk, Client()).status_code == 302


def test_another_tenants_rows_are_no_choice(desk, garage):
    theirs = Desk(garage)
    inspection, carla = theirs.services["Inspection"], theirs.employees["Carla"]
    for name, row in (("service", inspection), ("employee", carla), ("tenant", garage)):
        text = ask(desk, None, PAGE, **{name: str(row.pk)}).text
        assert "Inspection" not in text
        assert "Carla" not in text
        assert "Test Garage" not in text
    assert "Select a valid choice" in ask(desk, service=str(inspection.pk)).text


@pytest.mark.parametrize("site", ["admin", "ops"])
def test_an_operator_chooses_the_business_first(desk, garage, site):
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    page = PAGE.replace("admin", site, 1)
    first = client.get(page).text
    assert "Choose a business" in first
    assert "Choose a service" not in first
    text = ask(desk, client, page, tenant=str(desk.tenant.pk)).text
    assert "Monday, 4 March 2030" in text
    assert "Inspection" not in text
    target = linked(text)
    assert target.startswith(f"/{site}/appointments/appointment/add/?tenant={desk.tenant.pk}")
    shown = FormReader()
    shown.feed(client.get(target).text)
    assert (shown.fields["starts_at_1"], shown.fields["tenant"]) == ("09:00", str(desk.tenant.pk))
    answer = client.post(target, {**shown.fields, "customer": str(desk.customer.pk)})
    assert answer.status_code == 302
    assert len(desk.appointments()) == 1
    assert "errorlist" in client.get(page, {"tenant": "nonsense"}).text


# --- Saving against the rules --------------------------------------------------------------------


def test_a_resource_that_is_in_use_is_told_with_whoever_uses_it(desk):
    with tenant_scope(desk.tenant):
        chair = Resource.objects.create(tenant=desk.tenant, name="Chair")
        ServiceResource.objects.create(tenant=desk.tenant, service=desk.services["Haircut"], resource=chair)
    desk.add("10:00", employee="Ben")
    with tenant_scope(desk.tenant):
        assert ResourceUse.objects.count() == 1
    errors = errors_of(desk.add("10:30"))["starts_at"]
    assert errors[0] == "Ben has Kim Low for Haircut then: Mon 4 Mar 2030, 10:00 to 11:00 EST."
    assert errors[1] == "Chair: none is free for all of that time, buffers included."
    assert "Mon 4 Mar 2030, 11:00 EST (Ana)" in errors[2]


def test_a_slot_that_is_held_for_a_caller_is_told(desk):
    ten = datetime.datetime(2030, 3, 4, 10, tzinfo=NEW_YORK)
    with tenant_scope(desk.tenant):
        Hold.objects.create(
            tenant=desk.tenant,
            employee=desk.employees["Ana"],
            service=desk.services["Haircut"],
            starts_at=ten,
            ends_at=ten + 60 * MINUTE,
            blocked_from=ten,
            blocked_until=ten + 60 * MINUTE,
            holder="a call",
            expires_at=ten,
        )
    assert "Ana has a time that is held for somebody from 10:00 to 11:00." in desk.add("10:00").text
    assert len(desk.appointments()) == 1


def test_far_ahead_and_long_ago_are_slips(desk):
    for date in ("9999-12-31", "0001-01-01", "1999-12-31"):
        assert errors_of(desk.add("10:00", starts_at_0=date))["starts_at"] == ["That is too far away."]


def test_history_knows_who_it_was(desk):
    desk.add("10:00")
    with tenant_scope(desk.tenant):
        row = Appointment.objects.get()
        assert [entry.actor for entry in row.history.all()] == [desk.user.username]
