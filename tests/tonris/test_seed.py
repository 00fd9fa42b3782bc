"""The demo businesses: as documented, and the same after a second run."""

import datetime
import re
from collections import Counter
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from appointments.availability import Calendar
from appointments.booking import Contact, book
from appointments.models import (
    Appointment,
    Closure,
    Customer,
    Employee,
    EmployeeService,
    OpeningHours,
    OutboxMessage,
    Resource,
    Series,
    Service,
    SpecialHours,
    TimeOff,
    WaitlistEntry,
)
from appointments.slots import Reason
from appointments.wallclock import DAY, wall_time
from telephony.models import PhoneNumber
from tenants.models import Tenant, User
from tenants.scoping import platform_scope, tenant_scope
from tests.appointments.invariants import broken
from tonris import demo
from tonris.demo import busy
from tonris.demo.ordinary import fill_day
from tonris.demo.scene import Scene

NOON = datetime.datetime(2026, 11, 19, 17, tzinfo=datetime.UTC)
"""Of a Thursday in New York."""
MONDAY, CHRISTMAS = datetime.date(2026, 11, 23), datetime.date(2026, 12, 25)
HOUR = datetime.timedelta(hours=1)
SOMEBODY = Contact("Kim Low", "+15552223333")


class Undone(Exception):
    pass


def seed(*options: str) -> str:
    told = StringIO()
    call_command("seed_demo", *options, stdout=told)
    return told.getvalue()


def counts() -> dict[str, int]:
    with platform_scope():
        return {model.__name__: models.QuerySet(model).count() for model in apps.get_models()}


def test_a_second_seed_changes_nothing(db):
    seed()
    before = counts()
    seed()
    assert counts() == before


def test_what_staff_have_changed_stays_changed(db):
    seed()
    with platform_scope():
        Tenant.objects.filter(slug="salon").update(name="Salon Renamed", settings={})
    seed()
    with platform_scope():
        assert Tenant.objects.get(slug="salon").name == "Salon Renamed"


def test_a_second_migration_has_nothing_to_do(db):
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []


def test_the_salon_is_as_documented(db):
    seed()
    with platform_scope():
        salon = Tenant.objects.get(pk="de535df4-ccee-11f0-a2aa-12736706c408")
    with tenant_scope(salon):
        assert (salon.name, salon.timezone) == ("Test Salon", "America/New_York")
        assert salon.settings["elevenLabsAgentId"] == "agent_demo_salon"
        assert PhoneNumber.objects.get().e164 == "+15551234567"
        assert set(Employee.objects.values_list("name", flat=True)) == {"Ana", "Ben"}
        haircut = Service.objects.get(pk="87654321-4321-4321-4321-210987654321")
        assert (haircut.duration_minutes, haircut.price, haircut.currency, haircut.category) == (
            60,
            50,
            "USD",
            "hair",
        )
        assert haircut.slot_step_minutes == 30
        assert OpeningHours.objects.count() == 5


@pytest.mark.parametrize("debug", [True, False])
def test_passwords_are_fixed_only_with_debug(db, settings, debug):
    settings.DEBUG = debug
    told = seed()
    assert ("operator / operator" in told) == debug
    assert User.objects.get(username="operator").check_password("operator") == debug
    settings.DEBUG = False
    if debug:  # what a development run left does not stand open in a public one
        assert "operator / operator" not in seed()
        assert not User.objects.get(username="operator").check_password("operator")


# --- A plain seed ---------------------------------------------------------------------------------


def test_a_seed_takes_few_statements(db, django_assert_max_num_queries):
    with django_assert_max_num_queries(62):
        for business in demo.BUSINESSES:
            demo.seed(business)
    with django_assert_max_num_queries(26):
        for business in demo.BUSINESSES:
            demo.seed(business)


def test_a_plain_seed_makes_no_appointments(db):
    seed()
    with platform_scope():
        assert not Appointment.objects.exists()
        assert not Customer.objects.exists()


def test_the_salons_services_have_no_rules_of_their_own(salon):
    with tenant_scope(salon):
        services = list(Service.objects.all())
        assert {one.name for one in services} == {"Haircut", "Styling", "Coloring"}
        for service in services:
            assert service.slot_step_minutes == 30
            assert (service.buffer_before_minutes, service.buffer_after_minutes) == (0, 0)
            assert (service.minimum_notice_minutes, service.cancel_notice_minutes) == (0, 0)
            assert (service.booking_window_days, service.seats) == (90, 1)
            assert {one.name for one in service.employees.all()} == {"Ana", "Ben"}
        assert not EmployeeService.objects.exclude(duration_minutes=None, price=None).exists()
        assert not OpeningHours.objects.exclude(employee=None).exists()
        assert not Resource.objects.exists()
        assert not SpecialHours.objects.exists()
    assert (salon.holiday_region, salon.language) == ("", "en")


@pytest.mark.parametrize("service", ["Haircut", "Styling", "Coloring"])
def test_the_salon_offers_every_half_hour_from_nine_on(salon, service):
    with tenant_scope(salon):
        calendar = Calendar(salon, Service.objects.get(name=service), now=NOON)
        slots = calendar.free_slots(MONDAY)
        walls = [
            f"{wall_time(slot.start, salon.zone):%H:%M}" for slot in slots if slot.employee.name == "Ana"
        ]
    last = {"Haircut": "16:00", "Styling": "16:00", "Coloring": "15:00"}[service]
    assert (walls[:3], walls[-1]) == (["09:00", "09:30", "10:00"], last)
    assert len(slots) == 2 * len(walls)


def test_the_garage_shows_rules(garage):
    assert (garage.language, garage.holiday_region) == ("de", "DE-BE")
    with tenant_scope(garage):
        inspection = Service.objects.get(name="Inspection")
        calendar = Calendar(garage, inspection, now=NOON)
        assert [one.name for one in calendar.performers] == ["Carla"]
        walls = [f"{wall_time(slot.start, garage.zone):%H:%M}" for slot in calendar.free_slots(MONDAY)]
        # Closed from half past twelve to a quarter past one; Carla leaves at half past four.
        assert (walls[0], walls[-1]) == ("08:00", "15:00")
        assert "11:15" not in walls
        assert walls[walls.index("11:00") + 1] == "13:15"
        assert calendar.free_slots(CHRISTMAS) == []
        tyres = Service.objects.get(name="Tyre change")
        book(garage, tyres, calendar.free_slots(MONDAY)[0].start, SOMEBODY, now=NOON)
        objections = Calendar(garage, tyres, now=NOON).objections_of(
            Employee.objects.all(), calendar.free_slots(MONDAY)[0].start - HOUR
        )
        assert all(Reason.RESOURCE_FULL in reasons for reasons in objections.values())


def test_what_staff_have_renamed_is_not_made_again(db):
    seed()
    with platform_scope():
        Service.objects.filter(name="Haircut").update(name="Cut")
        Service.objects.filter(name="Styling").update(name="STYLING")
        Employee.objects.filter(name="Ana").update(name="Anna")
    before = counts()
    seed()
    assert counts() == before


def test_what_is_missing_is_made_again_with_all_that_belongs_to_it(garage):
    with tenant_scope(garage):
        Service.objects.filter(name="Tyre change").delete()
    demo.seed(demo.GARAGE)
    with tenant_scope(garage):
        tyres = Service.objects.get(name="Tyre change")
        assert {one.name for one in tyres.employees.all()} == {"Carla", "Dirk"}
        assert [one.name for one in tyres.resources.all()] == ["Lift"]
        assert Resource.objects.count() == 1


# --- A busy one -----------------------------------------------------------------------------------


@pytest.fixture
def frozen(monkeypatch) -> datetime.datetime:
    monkeypatch.setattr(timezone, "now", lambda: NOON)
    return NOON


@pytest.fixture
def short(monkeypatch, frozen) -> None:
    """Days instead of weeks."""
    monkeypatch.setattr(busy, "DAYS_BEHIND", 3)
    monkeypatch.setattr(busy, "DAYS_AHEAD", 4)


def picture(tenant: Tenant) -> list[Any]:
    """The calendar without what differs from run to run: ids."""
    with tenant_scope(tenant):
        rows = Appointment.objects.order_by("starts_at", "employee__name", "customer__name")
        return list(
            rows.values_list(
                "starts_at", "service__name", "employee__name", "customer__name", "status", "price", "notes"
            )
        )


def test_a_busy_calendar_is_believable_and_leaves_room(salon, garage, frozen):
    told = seed("--busy")
    assert "Test Salon: scheduled" in told
    with platform_scope():
        assert broken() == {}
        assert not OutboxMessage.objects.filter(handled_at=None).exists()
        numbers = set(Customer.objects.values_list("phone_e164", flat=True))
    assert all(re.fullmatch(r"\+1555201\d{4}|\+493023125\d{3}", number) for number in numbers)
    with tenant_scope(garage):
        guests = Appointment.objects.filter(service__seats=6).values_list("starts_at", flat=True)
        assert sorted(Counter(guests).values()) == [2, 5]
    for tenant, business in ((salon, demo.SALON), (garage, demo.GARAGE)):
        with tenant_scope(tenant):
            appointments = list(Appointment.objects.all())
            assert 100 < len(appointments) < 300
            assert {one.status for one in appointments} == set(Appointment.Status)
            assert all(one.starts_at < NOON for one in appointments if one.status in {"completed", "no_show"})
            assert {one.status for one in appointments if one.ends_at < NOON} == {
                "completed",
                "no_show",
                "cancelled",
            }
            (series,) = Series.objects.all()
            assert series.appointments.count() == 7  # and on one of eight Tuesdays it is closed
            assert len({one.visit for one in appointments if one.visit}) == 1
            assert WaitlistEntry.objects.get().state == "waiting"
            assert Closure.objects.count() == SpecialHours.objects.count() == 1
            assert TimeOff.objects.count() == 2
            assert any(one.notes for one in appointments)
            assert Customer.objects.exclude(notes="").exists()
            main = Service.objects.get(name=business.services[0].name)
            today = wall_time(NOON, tenant.zone).date()
            free = {day for day, _ in Calendar(tenant, main, now=NOON).search(today + DAY, 28)}
            Appointment.objects.update(status="cancelled")
            assert free == {day for day, _ in Calendar(tenant, main, now=NOON).search(today + DAY, 28)}


def test_a_second_busy_seed_adds_nothing_even_on_another_day(salon, short, monkeypatch):
    first = busy.fill(salon, demo.SALON)
    assert first.made["completed"]
    before = picture(salon)
    with tenant_scope(salon):
        WaitlistEntry.objects.update(state="left")
    monkeypatch.setattr(timezone, "now", lambda: NOON + 5 * DAY)
    again = busy.fill(salon, demo.SALON)
    assert (again.made, picture(salon)) == ({}, before)
    assert "nothing new, its calendar was filled on 2026-11-19" in str(again)


def test_the_same_day_is_always_filled_the_same(salon, short):
    with pytest.raises(Undone), transaction.atomic():
        busy.fill(salon, demo.SALON)
        before = picture(salon)
        raise Undone
    assert picture(salon) == []
    busy.fill(salon, demo.SALON)
    assert picture(salon) == before


def test_a_busy_seed_that_was_cut_short_is_taken_up(salon, short, monkeypatch):
    with pytest.raises(Undone), transaction.atomic():
        whole = busy.fill(salon, demo.SALON).made
        before = picture(salon)
        raise Undone
    monkeypatch.setattr(busy, "fill_day", until_monday)
    with pytest.raises(Undone):
        busy.fill(salon, demo.SALON)
    assert 0 < len(picture(salon)) < len(before)
    monkeypatch.setattr(busy, "fill_day", fill_day)
    rest = busy.fill(salon, demo.SALON)
    assert (rest.began.date(), picture(salon)) == (NOON.date(), before)
    assert rest.made.keys() <= whole.keys()


def until_monday(scene: Scene, day: datetime.date) -> None:
    if day == MONDAY:
        raise Undone
    fill_day(scene, day)


def test_staff_who_removed_everything_get_an_empty_calendar(salon, frozen):
    with tenant_scope(salon):
        Service.objects.update(is_active=False)
    assert busy.fill(salon, demo.SALON).made == {}
