"""The demo businesses: as documented, and the same after a second run."""

from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations.executor import MigrationExecutor

from appointments.models import Employee, OpeningHours, Service
from telephony.models import PhoneNumber
from tenants.models import Tenant, User
from tenants.scoping import platform_scope, tenant_scope


def seed() -> str:
    told = StringIO()
    call_command("seed_demo", stdout=told)
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
