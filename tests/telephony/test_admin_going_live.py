"""Going live and being examined from the admin."""

from typing import Any

import pytest
from django.test import Client

from tenants import round_trip
from tenants.models import Member, Tenant, User
from tenants.scoping import in_thread, platform_scope
from tests.vendors import change_settings, settings_of, vendors

pytestmark = pytest.mark.django_db(transaction=True)


def login(site: str, tenant: Tenant, role: Member.Role | None) -> Client:
    with platform_scope():
        user = User.objects.create_user(f"{site}-{role}", password="x", is_superuser=role is None)
        if role is not None:
            Member.objects.create(tenant=tenant, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


def act(site: str, tenant: Tenant, action: str, role: Member.Role | None = None) -> Any:
    client = login(site, tenant, role)
    chosen = {"action": action, "_selected_action": [str(tenant.pk)]}
    return client.post(f"/{site}/tenants/tenant/", chosen, follow=True)


@pytest.fixture
def newcomer(salon, settings):
    change_settings(salon, elevenLabsAgentId=None)
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    return salon


async def test_an_operator_makes_a_business_go_live_and_sees_each_step(newcomer):
    async with vendors() as world:
        page = await in_thread(act, "ops", newcomer, "go_live")
        assert world.agent
    text = page.content.decode()
    assert "Test Salon is ready for calls." in text
    assert "number +1…67" in text
    assert (await in_thread(settings_of, newcomer))["elevenLabsAgentId"] == world.agent["agent_id"]


async def test_what_went_wrong_is_told_with_what_to_do(newcomer):
    async with vendors() as world:
        world.carrier.numbers.clear()
        page = await in_thread(act, "ops", newcomer, "go_live")
    assert "Buy it there, or correct it under Phone numbers." in page.content.decode()
    assert (await in_thread(settings_of, newcomer))["elevenLabsAgentId"]  # what was done is kept


@pytest.mark.parametrize("role", [Member.Role.OWNER, Member.Role.MANAGER])
async def test_owners_and_managers_have_the_business_examined(newcomer, monkeypatch, role):
    monkeypatch.setattr(round_trip, "TIMEOUT_S", 0.1)
    async with vendors():
        page = await in_thread(act, "admin", newcomer, "examine", role)
    assert "The business has no agent" in page.content.decode()


@pytest.mark.parametrize("role", [Member.Role.STAFF, Member.Role.READ_ONLY])
async def test_others_are_not_offered_it(newcomer, role):
    async with vendors() as world:
        page = await in_thread(act, "admin", newcomer, "examine", role)
        assert world.agents.rest.requests == []
    assert "has no agent" not in page.content.decode()


async def test_an_owner_cannot_go_live_alone(newcomer):
    """It spends the platform's money at the vendors."""
    async with vendors() as world:
        await in_thread(act, "admin", newcomer, "go_live", Member.Role.OWNER)
        assert world.writes == []
