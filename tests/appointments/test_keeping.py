"""How long the calendar keeps what: settled by a business, checked on its page, and never a reason to fail."""

import datetime
from typing import Any

import pytest
from django.test import Client

from appointments import holds, keeping, waitlist
from appointments.booking import Contact, book
from appointments.lifecycle import cancel
from appointments.models import Employee, Hold, Service
from tenants.models import Tenant, User
from tenants.scoping import platform_scope, tenant_scope
from tests.appointments.test_admin import Desk, errors_of, static_files_need_no_collecting
from tests.appointments.test_admin_rules import settings_of

__all__ = ["static_files_need_no_collecting"]
NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
NINE = datetime.datetime(2026, 11, 23, 14, tzinfo=datetime.UTC)  # 09:00 in New York
HOUR = datetime.timedelta(hours=1)
SECOND = datetime.timedelta(seconds=1)
MINUTE = datetime.timedelta(minutes=1)
JOHN = Contact("John Doe", "+15559876543")


def settled(tenant: Tenant, **settings: Any) -> Tenant:
    with tenant_scope(tenant):
        tenant.settings = {**tenant.settings, **settings}
        tenant.save()
    return tenant


def hold(
    tenant: Tenant, start: datetime.datetime = NINE, *, holder: str = "call 1", employee: str = "Ana"
) -> Hold:
    service, who = Service.objects.get(name="Haircut"), Employee.objects.get(name=employee)
    return holds.hold(tenant, service, who, start, holder=holder, caller_e164=JOHN.phone_e164, now=NOW)


def left(now: datetime.datetime = NOW) -> list[datetime.timedelta]:
    return [one.expires_at - now for one in Hold.objects.all()]


# --- The reader ----------------------------------------------------------------------------------


@pytest.mark.parametrize("one", keeping.ALL, ids=lambda one: one.key)
def test_a_number_within_its_bounds_is_taken(one):
    for value in (one.least, one.most):
        assert one.of({one.key: value}) == value
        assert one.problem({one.key: value}) == ""


@pytest.mark.parametrize("one", keeping.ALL, ids=lambda one: one.key)
@pytest.mark.parametrize("nonsense", ["30", 30.0, True, None, [30], {}, -30, 0, 10**9, float("nan")])
def test_nonsense_is_the_default_and_a_problem(one, nonsense):
    assert one.of({one.key: nonsense}) == one.default
    assert (
        one.problem({one.key: nonsense})
        == f"{one.key}: must be a whole number from {one.least} to {one.most}"
    )
    for bound in (one.least - 1, one.most + 1):
        assert one.of({one.key: bound}) == one.default


@pytest.mark.parametrize("written", [{}, None, [], "holdSeconds"])
def test_settings_that_say_nothing_mean_the_defaults(written):
    assert [one.of(written) for one in keeping.ALL] == [60, 5, 60, 2]


# --- The engine ----------------------------------------------------------------------------------


def test_a_slot_is_kept_as_long_as_the_business_says(salon):
    settled(salon, holdSeconds=120)
    with tenant_scope(salon):
        hold(salon)
        assert left() == [120 * SECOND]
        holds.refresh(salon, "call 1", now=NOW + 90 * SECOND)
        assert left() == [210 * SECOND]


def test_live_calls_of_several_businesses_keep_each_as_it_says(salon, garage):
    settled(salon, holdSeconds=120)
    with tenant_scope(salon):
        hold(salon)
    with tenant_scope(garage):
        inspection = Service.objects.get(name="Inspection")
        carla = Employee.objects.get(name="Carla")
        start = datetime.datetime(2026, 11, 23, 9, tzinfo=datetime.UTC)
        holds.hold(garage, inspection, carla, start, holder="call 2", now=NOW)
    with platform_scope():
        assert holds.refresh_live(["call 1", "call 2"], now=NOW + 30 * SECOND) == 2
        assert sorted(left(NOW + 30 * SECOND)) == [60 * SECOND, 120 * SECOND]


def test_who_was_cut_off_finds_the_slot_as_long_as_the_business_says(salon):
    settled(salon, keepHeldMinutes=20, holdSeconds=45)
    with tenant_scope(salon):
        hold(salon)
        assert holds.keep(salon, "call 1", now=NOW) == 1
        assert left() == [20 * MINUTE]
        assert holds.hand_over(salon.pk, JOHN.phone_e164, "call 2", now=NOW) == 1
        assert left() == [45 * SECOND]


@pytest.mark.parametrize(
    ("written", "kept"), [({}, 2), ({"holdsPerCaller": 1}, 1), ({"holdsPerCaller": 4}, 3)]
)
def test_a_caller_keeps_as_many_slots_as_the_business_says(salon, written, kept):
    settled(salon, **written)
    with tenant_scope(salon):
        for index in range(3):
            hold(salon, NINE + index * HOUR, holder=f"call {index}")
        assert Hold.objects.count() == kept


def test_an_offer_stands_as_long_as_the_business_says(salon):
    settled(salon, waitlistOfferMinutes=15)
    with tenant_scope(salon):
        haircut, ana = Service.objects.get(name="Haircut"), Employee.objects.get(name="Ana")
        taken = book(salon, haircut, NINE, JOHN, employee=ana, now=NOW).appointment
        waitlist.join(salon, haircut, Contact("Kim", "+15554000001"), earliest=NINE, latest=NINE, now=NOW)
        cancel(salon, taken.pk, now=NOW)
        assert left() == [15 * MINUTE]


def test_nonsense_in_the_settings_fails_no_call(salon):
    settled(salon, holdSeconds="soon", keepHeldMinutes=None, waitlistOfferMinutes=[], holdsPerCaller=0)
    with tenant_scope(salon):
        hold(salon)
        assert left() == [holds.TTL]
        holds.keep(salon, "call 1", now=NOW)
        assert left() == [5 * MINUTE]


# --- The page of the business --------------------------------------------------------------------


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    return client


def test_the_page_refuses_nonsense_by_its_fields(operator, salon):
    answer = settings_of(operator, salon, '{"holdSeconds": 14, "holdsPerCaller": "2", "keepHeldMinutes": 60}')
    assert errors_of(answer)["settings"] == [
        "holdSeconds: must be a whole number from 15 to 300",
        "holdsPerCaller: must be a whole number from 1 to 5",
    ]
    with platform_scope():
        assert "holdSeconds" not in Tenant.objects.get(pk=salon.pk).settings


def test_the_page_takes_what_makes_sense_and_shows_what_holds(operator, salon):
    assert settings_of(operator, salon, '{"holdSeconds": 90}').status_code == 302
    with platform_scope():
        assert Tenant.objects.get(pk=salon.pk).settings == {"holdSeconds": 90}
    owner = Desk(salon, "owner").client
    for client, site in ((owner, "admin"), (operator, "ops")):
        text = client.get(f"/{site}/tenants/tenant/{salon.pk}/change/").text
        assert "90 seconds a slot is kept for a caller who is on the line (holdSeconds)" in text
        assert "2 slots kept for one caller, over all of their calls (holdsPerCaller)" in text
    assert "15 to 300, by default 60" in operator.get(f"/ops/tenants/tenant/{salon.pk}/change/").text
