"""The Calendar page's questions and verbs: what is shown, who may do what, and that nothing is done twice."""

import datetime
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments import booking, lifecycle
from appointments.customers import Contact
from appointments.models import (
    AddOn,
    Appointment,
    AppointmentChange,
    Closure,
    Customer,
    Employee,
    EmployeeService,
    Hold,
    OutboxMessage,
    Service,
    SpecialHours,
    TimeOff,
)
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.appointments.test_admin import (
    MONDAY,
    NEW_YORK,
    Desk,
    static_files_need_no_collecting,
    wall,
)

__all__ = ["static_files_need_no_collecting"]
PAGE = "/admin/calendar/"
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def desk(salon: Tenant) -> Desk:
    with tenant_scope(salon):
        Service.objects.update(booking_window_days=1800)
    return Desk(salon)


def at(clock: str, day: datetime.date = MONDAY) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time.fromisoformat(clock), NEW_YORK)


def minutes(clock: str, day: datetime.date = MONDAY) -> int:
    return int(at(clock, day).timestamp() // 60)


def booked(desk: Desk, clock: str = "10:00", employee: str = "Ana", service: str = "Haircut") -> Appointment:
    with tenant_scope(desk.tenant):
        return booking.book(
            desk.tenant,
            desk.services[service],
            at(clock),
            Contact.of(desk.customer),
            employee=desk.employees[employee],
        ).appointment


def days(desk: Desk, client: Client | None = None, **asked: Any) -> dict[str, Any]:
    answer = (client or desk.client).get(f"{PAGE}days/", {"first": str(MONDAY), "days": 1, **asked})
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def say(desk: Desk, route: str, client: Client | None = None, query: str = "", **body: Any) -> Any:
    body.setdefault("key", uuid4().hex)
    return (client or desk.client).post(
        f"{PAGE}appointments/{route}{query}", json.dumps(body), content_type="application/json"
    )


def move(desk: Desk, row: Appointment, **body: Any) -> Any:
    body.setdefault("seen", row.updated_at.isoformat())
    return say(desk, f"{row.pk}/move/", **body)


def become(desk: Desk, row: Appointment, status: str, **body: Any) -> Any:
    body.setdefault("seen", row.updated_at.isoformat())
    return say(desk, f"{row.pk}/status/", status=status, **body)


def fresh(desk: Desk, row: Appointment) -> Appointment:
    with tenant_scope(desk.tenant):
        return Appointment.objects.select_related("tenant").get(pk=row.pk)


def wish(desk: Desk, **more: Any) -> dict[str, Any]:
    return {
        "service": str(desk.services["Haircut"].pk),
        "employee": str(desk.employees["Ana"].pk),
        "start": minutes("10:00"),
        "customer": str(desk.customer.pk),
        **more,
    }


# --- What is shown -------------------------------------------------------------------------------


def test_a_day_has_what_is_booked_held_closed_and_off(desk):
    row = booked(desk)
    with tenant_scope(desk.tenant):
        ana, ben = desk.employees["Ana"], desk.employees["Ben"]
        Closure.objects.create(
            tenant=desk.tenant, starts_at=at("12:00"), ends_at=at("13:00"), note="Power cut"
        )
        TimeOff.objects.create(
            tenant=desk.tenant, employee=ben, starts_at=at("09:00"), ends_at=at("10:00"), note="Dentist"
        )
        SpecialHours.objects.create(
            tenant=desk.tenant,
            date=MONDAY,
            opens=datetime.time(10),
            closes=datetime.time(16),
            note="Late start",
        )
        hold(desk, "14:00", holder="a call")
        hold(desk, "15:00", holder="waitlist:x")
    shown = days(desk)
    (one,) = shown["appointments"]
    assert (one["id"], one["employee"], one["customer"]) == (str(row.pk), str(ana.pk), "Kim Low")
    assert (one["start"], one["end"]) == (minutes("10:00"), minutes("11:00"))
    assert [each["why"] for each in shown["holds"]] == [
        "being booked on the phone",
        "offered to somebody who waits",
    ]
    assert shown["closures"][0]["note"] == "Power cut"
    assert shown["timeOff"][0]["employee"] == str(ben.pk)
    assert shown["days"][0]["note"] == "Late start"
    assert shown["open"]["business"] == [[minutes("10:00"), minutes("16:00")]]
    assert [each["name"] for each in shown["employees"]] == ["Ana", "Ben"]
    assert shown["timezone"] == "America/New_York"


def hold(desk: Desk, clock: str, holder: str) -> Hold:
    start = at(clock)
    return Hold.objects.create(
        tenant=desk.tenant,
        employee=desk.employees["Ana"],
        service=desk.services["Haircut"],
        starts_at=start,
        ends_at=start + HOUR,
        blocked_from=start,
        blocked_until=start + HOUR,
        holder=holder,
        expires_at=at("23:00"),
    )


def test_a_week_of_fifty_employees_takes_as_many_statements_as_a_day_of_two(desk):
    booked(desk)
    days(desk)
    with CaptureQueriesContext(
        connection,
    ) as few:
        days(desk)
    with tenant_scope(desk.tenant):
        haircut = desk.services["Haircut"]
        crowd = [Employee.objects.create(tenant=desk.tenant, name=f"Employee {count}") for count in range(48)]
        for one in crowd:
            EmployeeService.objects.create(tenant=desk.tenant, employee=one, service=haircut)
            for day in range(5):
                start = at("10:00", MONDAY + datetime.timedelta(days=day))
                Appointment.objects.create(
                    tenant=desk.tenant, employee=one, service=haircut, customer=desk.customer,
                    starts_at=start, ends_at=start + HOUR, blocked_from=start, blocked_until=start + HOUR,
                    price=1, currency="USD",
                )  # fmt: skip
    with CaptureQueriesContext(connection) as many:
        shown = days(desk, days=7)
    assert len(shown["appointments"]) == 241
    assert len(shown["employees"]) == 50
    assert len(many) == len(few)


def test_what_changes_is_noticed_by_one_statement(desk):
    row = booked(desk)
    versions = [days(desk)["version"]]

    def version() -> str:
        answer = desk.client.get(f"{PAGE}version/", {"first": str(MONDAY), "days": 1})
        return str(answer.json()["data"]["version"])

    assert version() == versions[0]
    with CaptureQueriesContext(connection) as asked:
        version()
    prepared = [each for each in asked if each["sql"] is None]  # Django cannot read those back
    assert (len(prepared), [each for each in asked if "appointments_" in (each["sql"] or "")]) == (1, [])

    def noticed(change: Callable[[], object]) -> None:
        with tenant_scope(desk.tenant):
            change()
        now = version()
        assert now not in versions
        versions.append(now)

    ben = desk.employees["Ben"]
    off = {"tenant": desk.tenant, "employee": ben, "starts_at": at("09:00"), "ends_at": at("10:00")}
    noticed(lambda: lifecycle.confirm(desk.tenant, row.pk))
    noticed(lambda: hold(desk, "14:00", holder="a call"))
    with tenant_scope(desk.tenant):
        Hold.objects.update(expires_at=timezone.now())
    assert version() == versions[1]
    noticed(lambda: TimeOff.objects.create(**off))
    noticed(lambda: Employee.objects.filter(pk=ben.pk).update(name="Benno"))
    names = ("starts_at", "ends_at", "blocked_from", "blocked_until")
    elsewhere = {name: getattr(row, name) - 96 * HOUR for name in names}
    noticed(lambda: Appointment.objects.filter(pk=row.pk).update(**elsewhere))


def test_the_day_on_which_the_clock_goes_back_has_25_hours(desk):
    shown = days(desk, first="2030-11-03")
    assert shown["axis"]["minutes"] == 1500
    assert sum(end - start for start, end, *_ in shown["days"][0]["pieces"]) == 25 * 60


# --- Moving --------------------------------------------------------------------------------------


def test_a_drag_moves_it_and_leaves_a_trace(desk):
    row = booked(desk)
    answer = move(desk, row, start=minutes("13:05"), employee=str(desk.employees["Ben"].pk))
    assert answer.status_code == 200, answer.content
    told = answer.json()["data"]["appointment"]
    moved = fresh(desk, row)
    assert (wall(moved)[1:3], moved.employee_id) == (["13:05", "14:05"], desk.employees["Ben"].pk)
    assert (told["start"], told["version"]) == (minutes("13:05"), moved.updated_at.isoformat())
    with tenant_scope(desk.tenant):
        change = AppointmentChange.objects.get(kind="moved")
        assert change.actor == str(desk.user)
        assert OutboxMessage.objects.filter(kind="moved").count() == 1


def test_what_was_sent_twice_is_done_once(desk):
    row = booked(desk)
    body = {"start": minutes("13:00"), "key": "a-gesture"}
    first, second = move(desk, row, **body), move(desk, row, **body)
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.json()["data"]["repeated"]
    with tenant_scope(desk.tenant):
        assert AppointmentChange.objects.filter(kind="moved").count() == 1
    other = move(desk, row, **{**body, "start": minutes("14:00")})
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_CONFLICT")


def test_a_refused_move_names_the_times_that_only_its_own_old_one_keeps(desk):
    moving = booked(desk, "10:00")
    booked(desk, "11:30")
    told = move(desk, moving, start=minutes("11:00")).json()
    starts = [each["start"] for each in told["nearest"]]
    assert minutes("10:30") in starts
    assert minutes("10:00") not in starts


def test_a_time_that_is_taken_is_refused_with_every_reason_and_the_nearest_times(desk):
    row = booked(desk)
    booked(desk, "13:00")
    answer = move(desk, row, start=minutes("12:30"))
    told = answer.json()
    assert (answer.status_code, told["code"], told["mayGoOn"]) == (409, "OPPOSED", False)
    assert [each["code"] for each in told["objections"]] == ["BUSY"]
    assert "Ana has an appointment from 13:00 to 14:00." in told["error"]
    assert minutes("12:00") in [each["start"] for each in told["nearest"]]
    assert wall(fresh(desk, row))[1] == "10:00"
    despite = move(desk, row, start=minutes("12:30"), despite=["BUSY"])
    assert despite.status_code == 409
    assert wall(fresh(desk, row))[1] == "10:00"


def test_what_does_not_bind_staff_is_said_once_and_may_be_waved_aside(desk):
    row = booked(desk)
    answer = move(desk, row, start=minutes("16:30"))
    told = answer.json()
    assert ([each["code"] for each in told["objections"]], told["mayGoOn"]) == (["OUTSIDE_HOURS"], True)
    assert move(desk, row, start=minutes("16:30"), despite=["CLOSED"]).status_code == 409
    assert move(desk, row, start=minutes("16:30"), despite=["OUTSIDE_HOURS"]).status_code == 200
    assert wall(fresh(desk, row))[1:3] == ["16:30", "17:30"]


def test_what_a_call_holds_is_said_before_staff_take_it(desk):
    row = booked(desk)
    with tenant_scope(desk.tenant):
        hold(desk, "14:00", holder="a call")
    answer = move(desk, row, start=minutes("14:00"))
    assert [each["code"] for each in answer.json()["objections"]] == ["HELD"]
    assert answer.json()["mayGoOn"]


def test_who_does_not_perform_the_service_is_no_place_for_it(desk):
    row = booked(desk)
    with tenant_scope(desk.tenant):
        EmployeeService.objects.filter(
            employee=desk.employees["Ben"], service=desk.services["Haircut"]
        ).delete()
    answer = move(desk, row, start=minutes("12:00"), employee=str(desk.employees["Ben"].pk))
    assert "Ben does not perform Haircut." in answer.json()["error"]
    assert not answer.json()["mayGoOn"]


def test_another_employee_brings_their_length_and_price(desk):
    row = booked(desk)
    with tenant_scope(desk.tenant):
        theirs = EmployeeService.objects.filter(
            employee=desk.employees["Ben"], service=desk.services["Haircut"]
        )
        theirs.update(duration_minutes=40, price=35)
    move(desk, row, start=minutes("12:00"), employee=str(desk.employees["Ben"].pk))
    moved = fresh(desk, row)
    assert (wall(moved)[1:3], moved.price) == (["12:00", "12:40"], Decimal(35))


def test_a_longer_end_is_kept_where_it_is_free(desk):
    row = booked(desk)
    booked(desk, "12:00")
    assert move(desk, row, start=minutes("10:00"), end=minutes("11:45")).status_code == 200
    row = fresh(desk, row)
    assert wall(row)[1:3] == ["10:00", "11:45"]
    assert move(desk, row, start=minutes("10:00"), end=minutes("12:15")).json()["code"] == "OPPOSED"
    answer = move(desk, row, start=minutes("10:00"), end=minutes("09:45"))
    assert (answer.status_code, answer.json()["field"]) == (400, "end")


def test_the_second_of_two_who_drag_the_same_one_is_told_how_it_stands(desk):
    row = booked(desk)
    assert move(desk, row, start=minutes("13:00")).status_code == 200
    answer = move(desk, row, start=minutes("15:00"))
    told = answer.json()
    assert (answer.status_code, told["code"]) == (409, "CHANGED_MEANWHILE")
    assert f"by {desk.user}" in told["error"]
    assert told["appointment"]["start"] == minutes("13:00")
    for status in ("cancelled", "confirmed", "completed"):
        assert become(desk, row, status).json()["code"] == "CHANGED_MEANWHILE"
    assert say(desk, f"{row.pk}/notes/", notes="x", seen=row.updated_at.isoformat()).status_code == 409
    assert fresh(desk, row).status == "scheduled"


def test_a_date_and_a_time_mean_the_clock_of_the_business(desk):
    row = booked(desk)
    assert move(desk, row, date="2030-03-05", time="14:20", until="15:00").status_code == 200
    assert wall(fresh(desk, row))[1:3] == ["14:20", "15:00"]
    row = fresh(desk, row)
    answer = move(desk, row, date="2030-03-10", time="02:30")
    assert (answer.status_code, answer.json()["field"]) == (400, "time")
    assert "goes on at 03:00" in answer.json()["error"]


# --- Booking -------------------------------------------------------------------------------------


def test_staff_book_any_free_minute_with_add_ons_for_somebody_new(desk):
    with tenant_scope(desk.tenant):
        wash = AddOn.objects.create(
            tenant=desk.tenant, service=desk.services["Haircut"], name="Wash", minutes=15, price=5
        )
    new = {"customer": "", "name": "New Nora", "phone": "(212) 555-0123", "notes": "Allergic"}
    answer = say(desk, "", **wish(desk, start=minutes("10:07"), addOns=[str(wash.pk)], **new))
    assert answer.status_code == 200, answer.content
    (made,) = desk.appointments()
    assert (made.ends_at - made.starts_at, made.price, made.notes) == (75 * HOUR / 60, 55, "Allergic")
    assert (made.source, answer.json()["data"]["appointment"]["addOns"]) == ("staff", ["Wash"])
    with tenant_scope(desk.tenant):
        assert Customer.objects.get(name="New Nora").phone_e164 == "+12125550123"
        assert AppointmentChange.objects.get().kind == "booked"


def test_a_double_click_books_once_and_a_refusal_can_be_tried_again(desk):
    booked(desk)
    body = wish(desk, key="one-dialog")
    refused = say(desk, "", **body)
    assert (refused.status_code, refused.json()["code"]) == (409, "OPPOSED")
    body["start"] = minutes("12:00")
    assert say(desk, "", **body).status_code == 200
    assert say(desk, "", **body).json()["data"]["repeated"]
    assert len(desk.appointments()) == 2


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("name", {"customer": "", "phone": "+12125550123"}),
        ("phone", {"customer": "", "name": "Nora"}),
        ("phone", {"customer": "", "name": "Nora", "phone": "12"}),
        ("customer", {"customer": "nonsense"}),
        ("service", {"service": None}),
        ("start", {"start": "soon"}),
        ("start", {"start": 10**12}),
        ("start", {"start": float(-1)}),
        ("notes", {"notes": ["x"]}),
        ("addOns", {"addOns": [1]}),
        ("addOns", {"addOns": ["00000000-0000-0000-0000-000000000000"] * 21}),
        ("despite", {"despite": {"a": 1}}),
        ("date", {"start": "", "date": "2030-02-31", "time": "10:00"}),
        ("time", {"start": "", "date": "2030-03-04", "time": "25:00"}),
        ("key", {"key": ""}),
        ("key", {"key": "k" * 65}),
    ],
)
def test_nonsense_names_its_field(desk, field, said):
    answer = say(desk, "", **wish(desk, **said))
    assert (answer.status_code, answer.json().get("field")) == (400, field)
    assert desk.appointments() == []


def test_a_question_stays_one(desk):
    answer = say(desk, "", **wish(desk, customer="", phone="+12125550123"))
    assert answer.json()["error"] == "Who is it for?"


@pytest.mark.parametrize("body", ["", "[]", "nonsense", '"x"', '{"key": "\\ud800"}'])
def test_a_body_that_is_no_object_is_refused_in_words(desk, body):
    answer = desk.client.post(f"{PAGE}appointments/", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_everything_that_stands_against_a_time_is_said(desk):
    booked(desk)
    with tenant_scope(desk.tenant):
        Service.objects.update(booking_window_days=10)
        Closure.objects.create(tenant=desk.tenant, starts_at=at("10:30"), ends_at=at("12:00"))
    asked = {"service": str(desk.services["Haircut"].pk), "employee": str(desk.employees["Ana"].pk)}
    told = desk.client.get(f"{PAGE}why/", {**asked, "start": minutes("10:10")}).json()["data"]
    assert [each["code"] for each in told["objections"]] == ["TOO_FAR", "CLOSED", "BUSY", "OFF_GRID"]
    assert [each["binds"] for each in told["objections"]] == [False, False, True, False]
    assert not told["mayGoOn"]
    typed = desk.client.get(f"{PAGE}why/", {**asked, "start": minutes("09:00"), "end": minutes("09:30")})
    assert [each["code"] for each in typed.json()["data"]["objections"]] == ["TOO_FAR"]


def test_customers_are_found_by_name_number_and_address(desk):
    with tenant_scope(desk.tenant):
        Customer.objects.create(tenant=desk.tenant, name="Lee", email="lee@example.com")

    def found(typed: str) -> list[str]:
        answer = desk.client.get(f"{PAGE}customers/", {"q": typed})
        return [one["name"] for one in answer.json()["data"]["customers"]]

    assert [found(typed) for typed in ("kim", "k\0im", "222-3333", "lee@", "", "zzz")] == [
        ["Kim Low"],
        ["Kim Low"],
        ["Kim Low"],
        ["Lee"],
        [],
        [],
    ]


# --- What becomes of it --------------------------------------------------------------------------


def test_statuses_move_by_the_verbs_that_everybody_uses(desk):
    row = booked(desk)
    assert become(desk, row, "confirmed").json()["data"]["appointment"]["status"] == "confirmed"
    early = become(desk, fresh(desk, row), "no_show")
    assert (early.status_code, early.json()["code"]) == (409, "NOT_ALLOWED")
    assert become(desk, fresh(desk, row), "cancelled", reason="ill").status_code == 200
    with tenant_scope(desk.tenant):
        assert AppointmentChange.objects.get(kind="cancelled").reason == "ill"
    assert move(desk, fresh(desk, row), start=minutes("12:00")).json()["code"] == "NOT_ALLOWED"
    assert become(desk, fresh(desk, row), "scheduled").status_code == 200
    assert become(desk, fresh(desk, row), "nonsense").status_code == 400


def test_notes_are_kept_and_leave_a_trace(desk):
    row = booked(desk)
    answer = say(desk, f"{row.pk}/notes/", notes="Prefers tea", seen=row.updated_at.isoformat())
    assert answer.json()["data"]["appointment"]["notes"] == "Prefers tea"
    with tenant_scope(desk.tenant):
        assert AppointmentChange.objects.filter(kind="edited", actor=str(desk.user)).count() == 1


# --- Who may -------------------------------------------------------------------------------------


def test_who_may_only_look_changes_nothing(desk):
    row = booked(desk)
    reader = Desk(desk.tenant, "read_only")
    assert len(days(desk, reader.client)["appointments"]) == 1
    refused = [
        move(desk, row, client=reader.client, start=minutes("13:00")),
        become(desk, row, "cancelled", client=reader.client),
        say(desk, f"{row.pk}/notes/", client=reader.client, notes="x", seen=row.updated_at.isoformat()),
        say(desk, "", client=reader.client, **wish(desk, start=minutes("13:00"))),
    ]
    assert {(one.status_code, one.json()["code"]) for one in refused} == {(403, "FORBIDDEN")}
    assert fresh(desk, row).updated_at == row.updated_at
    assert '"mayChange": false' in reader.client.get(PAGE).text


def test_another_tenants_ids_are_refused_like_missing_ones(desk, garage):
    stranger = Desk(garage, "owner")
    row = booked(desk)
    seen = {"seen": row.updated_at.isoformat()}
    theirs = {name: str(rows.pk) for name, rows in (
        ("service", desk.services["Haircut"]), ("employee", desk.employees["Ana"]), ("customer", desk.customer)
    )}  # fmt: skip
    own: dict[str, Any] = {
        "service": str(next(iter(stranger.services.values())).pk),
        "employee": str(next(iter(stranger.employees.values())).pk),
        "customer": str(stranger.customer.pk),
    }
    bodies: dict[str, dict[str, Any]] = {
        "move": {"start": minutes("12:00"), **seen},
        "status": {"status": "cancelled", **seen},
        "notes": {"notes": "x", **seen},
    }
    for route, body in bodies.items():
        there, nowhere = (say(stranger, f"{pk}/{route}/", **body) for pk in (row.pk, uuid4()))
        assert (there.status_code, there.json()) == (404, nowhere.json())
    for name, pk in theirs.items():
        there, nowhere = (
            say(stranger, "", start=minutes("12:00"), **{**own, name: one}) for one in (pk, str(uuid4()))
        )
        assert (there.status_code, there.json()) == (404, nowhere.json())
    there = stranger.client.get(f"{PAGE}days/", {"first": str(MONDAY), "tenant": str(desk.tenant.pk)})
    nowhere = stranger.client.get(f"{PAGE}days/", {"first": str(MONDAY), "tenant": str(uuid4())})
    assert (there.status_code, there.json()) == (404, nowhere.json())
    assert days(stranger)["appointments"] == []
    assert fresh(desk, row).updated_at == row.updated_at


def test_an_operator_says_whose_calendar_it_is(desk, garage):
    row = booked(desk)
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    assert "Choose a business" in client.get(PAGE).text
    assert client.get(f"{PAGE}days/", {"first": str(MONDAY)}).status_code == 404
    for page in (PAGE, "/ops/calendar/"):
        assert desk.tenant.timezone in client.get(page, {"tenant": str(desk.tenant.pk)}).text
        answer = client.get(f"{page}days/", {"first": str(MONDAY), "tenant": str(desk.tenant.pk)})
        assert len(answer.json()["data"]["appointments"]) == 1
        answer = client.get(f"{page}days/", {"first": str(MONDAY), "tenant": str(garage.pk)})
        assert answer.json()["data"]["appointments"] == []
    body = {"start": minutes("13:00"), "seen": row.updated_at.isoformat()}
    for tenant, status in ((garage, 404), (desk.tenant, 200)):
        answer = say(desk, f"{row.pk}/move/", client=client, query=f"?tenant={tenant.pk}", **body)
        assert answer.status_code == status


def test_who_is_logged_out_and_what_was_forged_is_told_in_json(desk):
    row = booked(desk)
    assert Client().get(f"{PAGE}version/", {"first": str(MONDAY)}).json()["code"] == "LOGGED_OUT"
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(desk.user)
    forged = move(desk, row, client=careful, start=minutes("13:00"))
    assert (forged.status_code, forged.json()["code"]) == (403, "FORGED")
    assert desk.client.get(f"{PAGE}appointments/").json()["code"] == "METHOD_NOT_ALLOWED"
    assert wall(fresh(desk, row))[1] == "10:00"


def test_the_page_tells_what_is_sold_and_whose_clock_it_is(desk):
    text = desk.client.get(PAGE).text
    assert "America/New_York" in text
    assert "Haircut" in text
    assert 'href="/admin/calendar/"' in text
    assert '<script type="module"' in text
