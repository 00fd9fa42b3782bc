"""A visit booked in the admin: the plan that is shown is the plan that is booked, all of it or none, and once."""

import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from appointments.booking import Contact, book
from appointments.models import Appointment, Customer, Employee, EmployeeService, Service
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.appointments.invariants import broken
from tests.appointments.test_admin import MONDAY, NEW_YORK, Desk, static_files_need_no_collecting

__all__ = ["static_files_need_no_collecting"]
PAGE = "/admin/appointments/appointment/visit/"
NINE = datetime.datetime(2030, 3, 4, 14, tzinfo=datetime.UTC)  # 09:00 in New York
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def desk(salon: Tenant) -> Desk:
    with tenant_scope(salon):
        Service.objects.update(booking_window_days=1800)
        EmployeeService.objects.filter(employee__name="Ben", service__name="Coloring").delete()
        EmployeeService.objects.filter(employee__name="Ana", service__name="Haircut").delete()
    return Desk(salon)


def asked(desk: Desk, *services: str, **fields: Any) -> dict[str, Any]:
    rows = {
        f"service_{place}": str(desk.services[name].pk)
        for place, name in enumerate(services or ("Haircut", "Coloring"), 1)
    }
    return {"customer": str(desk.customer.pk), "date": str(MONDAY), "time": "", **rows, **fields}


def ask(desk: Desk, *services: str, client: Client | None = None, page: str = PAGE, **fields: Any) -> Any:
    return (client or desk.client).post(page, asked(desk, *services, **fields))


def token(answer: Any) -> str:
    return answer.text.split('name="book" value="')[1].split('"')[0]


def rows(desk: Desk) -> list[str]:
    with tenant_scope(desk.tenant):
        found = Appointment.objects.exclude(visit=None).select_related("service", "employee")
        return [
            f"{one.starts_at.astimezone(NEW_YORK):%H:%M} {one.service} {one.employee}"
            for one in found.order_by("starts_at")
        ]


def take(desk: Desk, start: datetime.datetime, service: str = "Haircut", employee: str = "Ben") -> None:
    with tenant_scope(desk.tenant):
        jane = Contact("Jane Roe", "+15551110000")
        book(desk.tenant, desk.services[service], start, jane, employee=desk.employees[employee])


BOTH = ["09:00 Haircut Ben", "10:00 Coloring Ana"]


def test_the_list_of_appointments_leads_to_it(desk):
    assert f'href="{PAGE}"' in desk.client.get("/admin/appointments/appointment/").text
    assert "Service 8" in desk.client.get(PAGE).text


def test_the_plan_says_who_and_when_and_books_nothing(desk):
    text = ask(desk).text
    assert "<strong>Mon 4 Mar 2030, 09:00–10:00 EST</strong>: Haircut with Ben" in text
    assert "<strong>Mon 4 Mar 2030, 10:00–12:00 EST</strong>: Coloring with Ana" in text
    assert "Book it: Mon 4 Mar 2030, 09:00 EST" in text
    assert desk.appointments() == []


def test_the_plan_that_was_shown_is_booked(desk):
    answer = ask(desk, book=token(ask(desk)))
    assert rows(desk) == BOTH
    assert "The visit of Kim Low is booked." in answer.text
    with tenant_scope(desk.tenant):
        made = Appointment.objects.all()
        assert len({one.visit for one in made}) == 1
        assert {(one.customer_id, one.source, one.history.get().actor) for one in made} == {
            (desk.customer.pk, "staff", desk.user.username)
        }
        assert LogEntry.objects.filter(object_id__in=[str(one.pk) for one in made]).count() == 2
        assert broken() == {}


def test_a_double_submit_books_once(desk):
    shown = token(ask(desk))
    ask(desk, book=shown)
    assert "had been booked before" in ask(desk, book=shown).text
    assert rows(desk) == BOTH


def test_somebody_new_is_written_down(desk):
    new: dict[str, Any] = {"customer": "", "new_name": "Zoe Hill", "new_phone": "(555) 234-5678"}
    ask(desk, **new, book=token(ask(desk, **new)))
    with tenant_scope(desk.tenant):
        (zoe,) = Customer.objects.filter(name="Zoe Hill")
        assert zoe.phone_e164 == "+15552345678"
        assert zoe.appointments.count() == 2


@pytest.mark.parametrize(
    ("who", "problem"),
    [
        ({"customer": ""}, "Who is it for?"),
        ({"customer": "", "new_name": "Zoe"}, "Who is it for?"),
        ({"customer": "", "new_phone": "+15552345678"}, "Who is it for?"),
        ({"new_name": "Zoe"}, "not both"),
        ({"customer": "", "new_name": "Zoe", "new_phone": "soon"}, "This is not a telephone number"),
    ],
)
def test_it_must_be_for_somebody_but_a_plan_need_not(desk, who, problem):
    looked = ask(desk, **who)
    assert problem not in looked.text
    answer = ask(desk, **who, book=token(looked))
    assert problem in answer.text
    assert token(answer) == token(looked), "the plan is still there"
    assert rows(desk) == []


def test_a_time_that_does_not_fit_is_told_with_starts_that_do(desk):
    take(desk, NINE + HOUR, "Coloring", "Ana")  # until 12:00
    text = ask(desk, time="09:00").text
    assert "Not at Mon 4 Mar 2030, 09:00 EST" in text
    assert "Coloring: taken." in text
    assert 'name="book"' not in text
    at = text.split('name="at" value="')[1].split('"')[0]
    assert datetime.datetime.fromisoformat(at) == NINE + 2 * HOUR
    chosen = ask(desk, time="09:00", at=at)
    assert "Book it: Mon 4 Mar 2030, 11:00 EST" in chosen.text
    ask(desk, time="09:00", book=token(chosen))
    assert rows(desk) == ["11:00 Haircut Ben", "12:00 Coloring Ana"]


def test_what_was_taken_meanwhile_is_refused_whole(desk):
    shown = token(ask(desk))
    take(desk, NINE + HOUR, "Coloring", "Ana")
    text = ask(desk, book=shown).text
    assert "That time is already taken." in text
    assert "Mon 4 Mar 2030, 11:00 EST" in text.split("Starts that fit")[1]
    assert rows(desk) == []


def test_another_visit_than_was_shown_is_not_booked(desk):
    shown = token(ask(desk))
    for other in (
        ask(desk, "Coloring", "Haircut", book=shown),
        ask(desk, "Haircut", book=shown),
        ask(desk, book=shown.replace(str(desk.employees["Ben"].pk), str(uuid4()))),
        ask(
            desk,
            employee_1=str(desk.employees["Ana"].pk),
            service_1=str(desk.services["Styling"].pk),
            book=shown,
        ),
        ask(desk, book="nonsense"),
        ask(desk, book=""),
        ask(desk, book="0001-01-01T00:00:00+00:00 " + shown.partition(" ")[2]),
    ):
        assert other.status_code == 200
        assert "This is not the visit that was shown" in other.text
    assert rows(desk) == []


def test_gaps_between_rows_are_no_gaps_in_the_visit(desk):
    rows_of = asked(desk, "Haircut", service_7=str(desk.services["Coloring"].pk))
    assert "10:00–12:00 EST</strong>: Coloring with Ana" in desk.client.post(PAGE, rows_of).text


def test_a_chosen_employee_is_kept_to(desk):
    ana = str(desk.employees["Ana"].pk)
    assert "Ana does not perform this service." in ask(desk, employee_1=ana).text
    take(desk, NINE, "Styling", "Ana")
    text = ask(desk, "Styling", employee_1=ana).text
    assert "Book it: Mon 4 Mar 2030, 09:00 EST" not in text
    assert "Styling with Ana" in text


def test_a_day_on_which_nothing_fits_says_so(desk):
    assert "On Sunday, 3 March 2030 there is no start" in ask(desk, date="2030-03-03").text


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"date": "9999-12-31"}, "too far away"),
        ({"date": "0001-01-01"}, "too far away"),
        ({"date": "soon"}, "Enter a valid date"),
        ({"time": "25:00"}, "This is no time"),
        ({"date": "2030-03-10", "time": "02:30"}, "the clock skips it and goes on at 03:00"),
        ({"service_1": "", "service_2": ""}, "Choose at least one service."),
        ({"service_1": "nonsense"}, "Select a valid choice"),
        ({"customer": "nonsense"}, "is not a valid UUID"),
    ],
)
def test_nonsense_is_told_beside_its_field(desk, fields, problem):
    answer = ask(desk, **fields)
    assert answer.status_code == 200
    assert problem in answer.text
    assert 'name="book"' not in answer.text


def test_an_employee_without_a_service_is_told(desk):
    text = ask(desk, employee_4=str(desk.employees["Ana"].pk)).text
    assert "Choose a service for that employee." in text
    assert '<details class="whole-line" open>' in text


def test_another_tenants_rows_are_missing_rows(desk, garage):
    theirs = Desk(garage)
    for name, row in (
        ("service_1", theirs.services["Inspection"]),
        ("employee_1", theirs.employees["Carla"]),
        ("customer", theirs.customer),
    ):
        for pk in (row.pk, uuid4()):
            wish: dict[str, Any] = {name: str(pk)}
            answer = ask(desk, **wish)
            assert "Select a valid choice" in answer.text
            assert 'name="book"' not in answer.text
            assert not {"Inspection", "Carla"} & set(answer.text.split())
    assert rows(desk) == []


@pytest.mark.parametrize(
    ("role", "status"), [("owner", 200), ("manager", 200), ("staff", 200), ("read_only", 403)]
)
def test_the_desk_may_and_readers_may_not(desk, role, status):
    shown = token(ask(desk))
    client = desk.client if role == "staff" else Desk(desk.tenant, role).client
    assert client.get(PAGE).status_code == status
    assert ask(desk, client=client, book=shown).status_code == status
    assert (f'href="{PAGE}"' in client.get("/admin/appointments/appointment/").text) == (status == 200)
    assert rows(desk) == (BOTH if status == 200 else [])


def test_a_stranger_logs_in_first(desk):
    assert ask(desk, client=Client()).status_code == 302


@pytest.mark.parametrize("site", ["admin", "ops"])
def test_an_operator_chooses_the_business_first(desk, garage, site):
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    page = PAGE.replace("admin", site, 1)
    first = client.get(page).text
    assert "Choose a business" in first
    assert "Service 1" not in first
    chosen = f"{page}?tenant={desk.tenant.pk}"
    text = client.get(chosen).text
    assert "Haircut" in text
    assert "Inspection" not in text
    ask(desk, client=client, page=chosen, book=token(ask(desk, client=client, page=chosen)))
    assert rows(desk) == BOTH


def test_a_larger_business_takes_no_more_queries(desk):
    def queries() -> int:
        with CaptureQueriesContext(connection) as made:
            desk.client.get(PAGE)
        return len(made)

    few = queries()
    with tenant_scope(desk.tenant):
        for index in range(10):
            Employee.objects.create(tenant=desk.tenant, name=f"Employee {index}")
            Service.objects.create(tenant=desk.tenant, name=f"Service {index}", duration_minutes=30, price=1)
    assert queries() == few
