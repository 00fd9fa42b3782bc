"""Visits: several services back to back, all of them or none."""

import datetime
from functools import partial
from typing import Any

import pytest

from appointments import booking, chains
from appointments.booking import Contact, book
from appointments.chains import Stop, book_visit, first_start, plan
from appointments.errors import IdempotencyConflict, Invalid, NotBookable, SlotTaken
from appointments.models import (
    Appointment,
    Customer,
    Employee,
    EmployeeService,
    OutboxMessage,
    Resource,
    Service,
    ServiceResource,
)
from appointments.slots import Reason
from tenants.scoping import tenant_scope
from tests.appointments.invariants import at_once, broken

NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
MONDAY = datetime.date(2026, 11, 23)
NINE = datetime.datetime(2026, 11, 23, 14, tzinfo=datetime.UTC)  # 09:00 in New York
MINUTE = datetime.timedelta(minutes=1)
HOUR = 60 * MINUTE
JOHN = Contact("John Doe", "+15559876543")
JANE = Contact("Jane Roe", "+15551110000")


def service(name: str) -> Service:
    return Service.objects.get(name=name)


def employee(name: str) -> Employee:
    return Employee.objects.get(name=name)


def both() -> list[Service]:
    return [service("Coloring"), service("Haircut")]


def test_the_same_employee_goes_on_where_possible(salon):
    with tenant_scope(salon):
        found = plan(salon, both(), NINE, now=NOW)
        assert found.fits
        assert len({leg.employee.pk for leg in found.legs}) == 1
        assert [(leg.start, leg.end) for leg in found.legs] == [
            (NINE, NINE + 2 * HOUR),
            (NINE + 2 * HOUR, NINE + 3 * HOUR),
        ]


def test_a_colleague_takes_over_where_the_first_is_busy(salon):
    with tenant_scope(salon):
        ana, ben = employee("Ana"), employee("Ben")
        book(salon, service("Haircut"), NINE + 2 * HOUR, JANE, employee=ana, now=NOW)
        book(salon, service("Haircut"), NINE, JANE, employee=ben, now=NOW)
        found = plan(salon, both(), NINE, now=NOW)
        assert [leg.employee for leg in found.legs] == [ana, ben]


def test_each_service_can_have_its_own_employee(salon):
    with tenant_scope(salon):
        ana, ben = employee("Ana"), employee("Ben")
        stops = [Stop(service("Coloring"), ben), Stop(service("Haircut"), ana)]
        assert [leg.employee for leg in plan(salon, stops, NINE, now=NOW).legs] == [ben, ana]


def test_the_second_service_begins_off_the_grid_if_it_must(salon):
    with tenant_scope(salon):
        found = plan(salon, [service("Styling"), service("Haircut")], NINE, now=NOW)
        assert found.legs[1].start == NINE + 45 * MINUTE


def test_buffers_are_kept_when_the_same_employee_goes_on(salon):
    with tenant_scope(salon):
        Service.objects.filter(name="Coloring").update(buffer_after_minutes=10)
        Service.objects.filter(name="Haircut").update(buffer_before_minutes=5)
        ana, ben = employee("Ana"), employee("Ben")
        alone = [Stop(one, ana) for one in both()]
        assert plan(salon, alone, NINE, now=NOW).legs[1].start == NINE + 2 * HOUR + 15 * MINUTE
        shared = [Stop(both()[0], ana), Stop(both()[1], ben)]
        assert plan(salon, shared, NINE, now=NOW).legs[1].start == NINE + 2 * HOUR
        book_visit(salon, alone, NINE, JOHN, now=NOW)
        assert broken() == {}


def test_buffers_are_kept_when_the_same_chair_is_needed(salon):
    with tenant_scope(salon):
        Service.objects.filter(name="Coloring").update(buffer_after_minutes=10)
        chair = Resource.objects.create(tenant=salon, name="Chair", capacity=1)
        for one in both():
            ServiceResource.objects.create(tenant=salon, service=one, resource=chair)
        stops = [Stop(both()[0], employee("Ana")), Stop(both()[1], employee("Ben"))]
        visit = book_visit(salon, stops, NINE, JOHN, now=NOW)
        assert visit.appointments[1].starts_at == NINE + 2 * HOUR + 10 * MINUTE
        assert broken() == {}


def test_a_plan_that_does_not_fit_says_why(salon):
    with tenant_scope(salon):
        found = plan(salon, both(), NINE + 6 * HOUR, now=NOW)  # 15:00, and closing at 17:00
        assert not found.fits
        assert len(found.legs) == 1
        assert found.objections == (Reason.OUTSIDE_HOURS,)


def test_a_plan_agrees_with_trying_every_way(salon):
    """The search finds a way exactly when one of the two employees can take each leg."""
    with tenant_scope(salon):
        ana, ben = employee("Ana"), employee("Ben")
        for hours, who in ((1, ana), (4, ben), (6, ana)):
            book(salon, service("Haircut"), NINE + hours * HOUR, JANE, employee=who, now=NOW)
        for half in range(16):
            start = NINE + half * 30 * MINUTE
            ways = [
                plan(salon, [Stop(both()[0], one), Stop(both()[1], other)], start, now=NOW).fits
                for one in (ana, ben)
                for other in (ana, ben)
            ]
            assert plan(salon, both(), start, now=NOW).fits == any(ways)


def test_the_first_start_of_a_day_at_which_all_fit(salon):
    with tenant_scope(salon):
        for one in ("Ana", "Ben"):
            book(salon, service("Haircut"), NINE + HOUR, JANE, employee=employee(one), now=NOW)
        found = first_start(salon, both(), MONDAY, now=NOW)
        assert found is not None
        assert found.legs[0].start == NINE + 2 * HOUR
        sunday = MONDAY - datetime.timedelta(days=1)
        assert first_start(salon, both(), sunday, now=NOW) is None


def test_a_visit_is_booked_as_one(salon):
    with tenant_scope(salon):
        visit = book_visit(salon, both(), NINE, JOHN, notes="First time", now=NOW)
        assert visit.created
        assert {one.visit for one in visit.appointments} == {visit.id}
        assert {one.customer.name for one in visit.appointments} == {"John Doe"}
        assert OutboxMessage.objects.count() == 2
        assert broken() == {}


def test_a_visit_that_does_not_fit_leaves_nothing_behind(salon):
    with tenant_scope(salon):
        for one in ("Ana", "Ben"):
            book(salon, service("Haircut"), NINE + 2 * HOUR, JANE, employee=employee(one), now=NOW)
        with pytest.raises(SlotTaken) as taken:
            book_visit(salon, both(), NINE, JOHN, now=NOW)
        assert taken.value.nearest[0].start == NINE + 3 * HOUR
        assert Appointment.objects.count() == 2
        assert not Customer.objects.filter(name="John Doe").exists()
        with pytest.raises(NotBookable):
            book_visit(salon, both(), NINE - 5 * HOUR, JOHN, now=NOW)


def test_a_leg_that_fails_takes_the_others_with_it(salon, monkeypatch):
    with tenant_scope(salon):
        calls: list[Any] = []

        def fail_at_second(*args):
            calls.append(args)
            if len(calls) == 2:
                raise SlotTaken([])
            return booking.write(*args)

        monkeypatch.setattr(chains, "write", fail_at_second)
        with pytest.raises(SlotTaken):
            book_visit(salon, both(), NINE, JOHN, now=NOW)
        assert len(calls) == 2
        assert not Appointment.objects.exists()


def test_the_same_visit_again_is_the_same_visit(salon):
    with tenant_scope(salon):
        first = book_visit(salon, both(), NINE, JOHN, now=NOW)
        again = book_visit(salon, both(), NINE, JOHN, now=NOW)
        assert (again.created, again.id, again.appointments) == (False, first.id, first.appointments)
        book_visit(salon, both(), NINE + 3 * HOUR, JOHN, idempotency_key="k", now=NOW)
        with pytest.raises(IdempotencyConflict):
            book_visit(salon, both(), NINE + 3 * HOUR, JANE, idempotency_key="k", now=NOW)


def test_a_visit_has_some_services_and_not_too_many(salon):
    with tenant_scope(salon):
        for count in (0, chains.LONGEST_CHAIN + 1):
            with pytest.raises(Invalid):
                plan(salon, [service("Haircut")] * count, NINE, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_visits_and_their_mirror_images_race_without_deadlock(salon):
    """Services in either order want the same two calendars."""
    with tenant_scope(salon):
        EmployeeService.objects.filter(service=service("Coloring"), employee=employee("Ben")).delete()
        EmployeeService.objects.filter(service=service("Haircut"), employee=employee("Ana")).delete()
        there, back = both(), both()[::-1]

    def visit(index: int):
        who = Contact(f"Caller {index}", f"+1555300{index:04d}")
        return book_visit(salon, there if index % 2 else back, NINE, who, now=NOW)

    outcomes = at_once(salon, [partial(visit, index) for index in range(12)])
    assert {type(one).__name__ for one in outcomes} == {"Visit", "SlotTaken"}
    with tenant_scope(salon):
        assert broken() == {}
        assert Appointment.objects.count() == 2 * sum(type(one) is chains.Visit for one in outcomes)
