"""The waiting list in the admin: staff put customers on it, and say what becomes of an offer."""

import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments import waitlist
from appointments.booking import Contact, book
from appointments.lifecycle import cancel
from appointments.models import Appointment, Customer, EmployeeService, Hold, Service, WaitlistEntry
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.appointments.invariants import broken
from tests.appointments.test_admin import MONDAY, Desk, errors_of, static_files_need_no_collecting

__all__ = ["static_files_need_no_collecting"]
LIST = "/admin/appointments/waitlistentry/"
NINE = datetime.datetime(2030, 3, 4, 14, tzinfo=datetime.UTC)  # 09:00 in New York
FIVE = datetime.datetime(2030, 3, 4, 22, tzinfo=datetime.UTC)
State = WaitlistEntry.State


@pytest.fixture
def desk(salon: Tenant) -> Desk:
    with tenant_scope(salon):
        Service.objects.update(booking_window_days=1800)
    return Desk(salon)


def form(desk: Desk, **fields: str) -> dict[str, str]:
    return {
        "customer": str(desk.customer.pk),
        "service": str(desk.services["Haircut"].pk),
        "employee": "",
        "earliest_0": str(MONDAY),
        "earliest_1": "09:00",
        "latest_0": str(MONDAY),
        "latest_1": "17:00",
        **fields,
    }


def add(desk: Desk, client: Client | None = None, page: str = LIST, **fields: str) -> Any:
    return (client or desk.client).post(f"{page}add/", form(desk, **fields), follow=True)


def act(desk: Desk, action: str, *entries: Any, client: Client | None = None, page: str = LIST) -> Any:
    sent = {"action": action, "_selected_action": [str(getattr(one, "pk", one)) for one in entries]}
    return (client or desk.client).post(page, sent, follow=True)


def entries(desk: Desk) -> list[WaitlistEntry]:
    with tenant_scope(desk.tenant):
        return list(WaitlistEntry.objects.order_by("created_at"))


def states(desk: Desk) -> list[str]:
    return [one.state for one in entries(desk)]


def offered(desk: Desk, waiting: int = 2) -> list[WaitlistEntry]:
    """Some wait for a haircut with Ana at nine, and that is offered to the first of them."""
    with tenant_scope(desk.tenant):
        haircut, ana = desk.services["Haircut"], desk.employees["Ana"]
        jane = Contact("Jane Roe", "+15551110000")
        taken = book(desk.tenant, haircut, NINE, jane, employee=ana).appointment
        for index in range(waiting):
            guest = Contact(f"Guest {index}", f"+1555400{index:04d}")
            waitlist.join(desk.tenant, haircut, guest, earliest=NINE, latest=NINE, employee=ana)
        cancel(desk.tenant, taken.pk)
    assert states(desk) == [State.OFFERED, *[State.WAITING] * (waiting - 1)]
    return entries(desk)


# --- Joining -------------------------------------------------------------------------------------


def test_staff_put_a_customer_on_the_list(desk):
    answer = add(desk, employee=str(desk.employees["Ana"].pk))
    (entry,) = entries(desk)
    assert (entry.customer_id, entry.employee_id) == (desk.customer.pk, desk.employees["Ana"].pk)
    assert (entry.earliest, entry.latest, entry.state) == (NINE, FIVE, State.WAITING)
    assert "Number 1 in line for Haircut." in answer.text
    shown = desk.client.get(f"{LIST}{entry.pk}/change/").text
    assert "Mon" not in shown or "_save" not in shown


def test_a_double_submit_waits_once(desk):
    add(desk)
    assert "waiting for that already, as number 1" in add(desk).text
    assert len(entries(desk)) == 1


def test_a_customer_without_a_number_can_wait(desk):
    with tenant_scope(desk.tenant):
        Customer.objects.filter(pk=desk.customer.pk).update(phone_e164="")
    add(desk)
    assert entries(desk)[0].customer_id == desk.customer.pk


@pytest.mark.parametrize(
    ("fields", "field", "problem"),
    [
        ({"latest_1": "08:00"}, "latest", "Must not be before from."),
        ({"earliest_0": "2020-03-02", "latest_0": "2020-03-02"}, "latest", "Has passed."),
        ({"earliest_0": "2030-03-10", "earliest_1": "02:30"}, "earliest", "skips it and goes on at 03:00"),
        ({"latest_0": "9999-12-31"}, "latest", "That is too far away."),
        ({"service": ""}, "service", "This field is required."),
        ({"customer": str(uuid4())}, "customer", "Select a valid choice"),
    ],
)
def test_what_makes_no_sense_is_refused(desk, fields, field, problem):
    assert problem in errors_of(add(desk, **fields))[field][0]
    assert entries(desk) == []


def test_who_does_not_perform_it_cannot_be_waited_for(desk):
    with tenant_scope(desk.tenant):
        EmployeeService.objects.filter(employee=desk.employees["Ana"]).delete()
    errors = errors_of(add(desk, employee=str(desk.employees["Ana"].pk)))
    assert errors["__all__"] == ["Ana does not perform this service."]


# --- What becomes of an offer --------------------------------------------------------------------


def test_an_offer_is_shown_with_its_end(desk):
    offered(desk)
    text = desk.client.get(LIST).text
    assert "Mon 4 Mar 2030, 09:00–10:00 EST with Ana" in text


def test_accepted_it_is_booked_once(desk):
    first, _ = offered(desk)
    answer = act(desk, "accept", first)
    assert "Guest 0 for Haircut: booked" in answer.text
    assert "booked already" in act(desk, "accept", first).text
    assert states(desk) == [State.BOOKED, State.WAITING]
    with tenant_scope(desk.tenant):
        (made,) = Appointment.objects.exclude(status="cancelled")
        assert (made.starts_at, made.customer.name, made.source) == (NINE, "Guest 0", "staff")
        assert made.history.get().actor == desk.user.username
        assert broken() == {}


def test_declined_it_goes_to_the_next(desk):
    first, _ = offered(desk)
    assert "waits on" in act(desk, "decline", first).text
    assert states(desk) == [State.WAITING, State.OFFERED]


def test_taken_off_the_list_its_offer_goes_to_the_next(desk):
    first, _ = offered(desk)
    assert "taken off the list" in act(desk, "leave", first).text
    assert states(desk) == [State.LEFT, State.OFFERED]


def test_what_is_not_offered_can_be_neither_accepted_nor_declined(desk):
    _, second = offered(desk)
    for action in ("accept", "decline"):
        assert "Nothing is offered, or no longer." in act(desk, action, second).text
    assert states(desk) == [State.OFFERED, State.WAITING]


def test_an_offer_that_has_lapsed_is_not_booked(desk):
    first, _ = offered(desk)
    with tenant_scope(desk.tenant):
        Hold.objects.update(expires_at=timezone.now())
    assert "Nothing is offered, or no longer." in act(desk, "accept", first).text
    with tenant_scope(desk.tenant):
        assert not Appointment.objects.exclude(status="cancelled").exists()


def test_one_that_is_refused_keeps_no_other_from_being_done(desk):
    first, second = offered(desk)
    answer = act(desk, "accept", first, second)
    assert "Guest 0 for Haircut: booked" in answer.text
    assert "Guest 1 for Haircut: Nothing is offered" in answer.text
    assert states(desk) == [State.BOOKED, State.WAITING]


def test_who_has_booked_is_not_taken_off(desk):
    first, _ = offered(desk)
    act(desk, "accept", first)
    assert "Cancel the appointment instead" in act(desk, "leave", first).text
    assert states(desk) == [State.BOOKED, State.WAITING]


# --- Who may -------------------------------------------------------------------------------------


def test_readers_only_look(desk):
    first, second = offered(desk)
    reader = Desk(desk.tenant, "read_only").client
    assert reader.get(f"{LIST}add/").status_code == 403
    assert add(desk, reader).status_code == 403
    page = reader.get(LIST)
    assert page.status_code == 200
    assert "Take off the list" not in page.text
    for action in ("accept", "decline", "leave"):
        act(desk, action, first, second, client=reader)
    assert states(desk) == [State.OFFERED, State.WAITING]


def test_another_tenants_entries_and_rows_are_missing(desk, garage):
    first, _ = offered(desk)
    theirs = Desk(garage)
    for action in ("accept", "decline", "leave"):
        foreign, missing = (act(theirs, action, pk).text for pk in (first.pk, uuid4()))
        assert "Guest 0" not in foreign
        assert foreign.count("messagelist") == missing.count("messagelist")
    assert states(desk) == [State.OFFERED, State.WAITING]
    for name, row in (("customer", theirs.customer), ("service", theirs.services["Inspection"])):
        for pk in (row.pk, uuid4()):
            wish: dict[str, Any] = {name: str(pk)}
            assert "Select a valid choice" in errors_of(add(desk, **wish))[name][0]
    assert len(entries(desk)) == 2


def test_an_operator_adds_and_books_for_a_business(desk, garage):
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    page = LIST.replace("admin", "ops", 1)
    foreign = {"tenant": str(desk.tenant.pk), "service": str(Desk(garage).services["Inspection"].pk)}
    assert "belongs to Test Garage" in errors_of(add(desk, client, page, **foreign))["service"][0]
    add(desk, client, page, tenant=str(desk.tenant.pk))
    (entry,) = entries(desk)
    assert (entry.earliest, entry.tenant_id) == (NINE, desk.tenant.pk)
    act(desk, "leave", entry, client=client, page=page)
    assert states(desk) == [State.LEFT]


def test_a_longer_list_takes_no_more_queries(desk):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert desk.client.get(LIST).status_code == 200
        return len(asked)

    offered(desk, 2)
    few = queries()
    with tenant_scope(desk.tenant):
        for index in range(2, 9):
            guest = Contact(f"Guest {index}", f"+1555400{index:04d}")
            waitlist.join(desk.tenant, desk.services["Haircut"], guest, earliest=NINE, latest=FIVE)
    assert queries() == few
