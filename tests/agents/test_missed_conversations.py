"""What the vendor's webhook never told us is fetched at night, once."""

from typing import Any
from uuid import UUID

import pytest
from celery.schedules import crontab
from django.conf import settings as django_settings
from django.utils import timezone

from agents import tasks
from agents.conversations import Opened, adding_sessions, open_conversation
from agents.events_inbox import process
from agents.models import Conversation, ProviderEvent
from agents.providers.elevenlabs import missed_conversations
from agents.simulators.elevenlabs import Session
from agents.simulators.elevenlabs.session import Turn
from tenants import vendor_http
from tenants.models import Tenant
from tenants.scoping import in_tenant, in_thread
from tests.statements import write_down
from tests.vendors import Vendors, change_settings, vendors
from tonris import demo

pytestmark = pytest.mark.django_db(transaction=True)

AGENT = "agent_demo_salon"


def spoke(world: Vendors, agent_id: str = AGENT, *, hours_ago: float = 2.0, ended: bool = True) -> str:
    """A conversation that the vendor carried, and told nobody of."""
    session = Session(agent_id, 0, {}, {}, ("127.0.0.1", 1))
    session.started_unix -= hours_ago * 3600
    session.turns.append(Turn("user", "Hello?", 1.0))
    session.initiation = {}
    if ended:
        session.ended.set()
    world.agents.sessions.append(session)
    return session.conversation_id


async def fetch(tenant: Tenant, default_agent_id: str = "") -> int:
    return await in_thread(missed_conversations.fetch_missed, tenant.pk, default_agent_id=default_agent_id)


def stored() -> list[tuple[str, str]]:
    return list(ProviderEvent.objects.order_by("received_at").values_list("kind", "external_id"))


async def events(tenant: Tenant) -> list[tuple[str, str]]:
    return await in_tenant(tenant.pk, stored)


@pytest.fixture(autouse=True)
def short_calls(monkeypatch):
    """The simulator counts a call's seconds up to now: here calls have lasted a minute."""
    monkeypatch.setattr(Session, "elapsed_s", property(lambda session: 60.0))
    monkeypatch.setattr(vendor_http, "pause", lambda seconds: None)


async def test_a_missed_conversation_comes_in_as_its_webhook_would_have(salon, settings):
    async with vendors(agents=None) as world:
        conversation_id = spoke(world)

        def carried() -> None:
            conversation = open_conversation(
                tenant_id=salon.pk, provider="elevenlabs", agent_id=AGENT, caller_e164="",
                called_e164="", carrier_call_id="",
            )  # fmt: skip
            names = ("elevenlabs", conversation_id, AGENT, "ulaw_8000", "ulaw_8000")
            write_down(adding_sessions([Opened(salon.pk, conversation.pk, *names, timezone.now())]))

        await in_tenant(salon.pk, carried)
        assert await fetch(salon) == 1

    def understood() -> Conversation:
        process(ProviderEvent.objects.get().pk)
        return Conversation.objects.get()

    conversation = await in_tenant(salon.pk, understood)
    assert conversation.summary == "The caller said: Hello?"
    assert conversation.duration_seconds == 60


async def test_one_that_cannot_be_read_keeps_no_other_from_coming_in(salon):
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"deeper": deep}
    async with vendors(agents=None) as world:
        ids = [spoke(world) for _ in range(3)]
        world.agents.sessions[1].variables = deep
        assert await fetch(salon) == 2
    assert sorted(await events(salon)) == sorted((missed_conversations.KIND, ids[at]) for at in (0, 2))


async def test_it_comes_in_once(salon, settings):
    async with vendors(agents=None) as world:
        conversation_id = spoke(world)
        assert [await fetch(salon), await fetch(salon)] == [1, 0]
    assert await events(salon) == [("post_call_transcription", conversation_id)]


async def test_what_the_webhook_told_is_not_fetched(salon, settings):
    async with vendors(agents=None) as world:
        conversation_id = spoke(world)

        def told() -> None:
            ProviderEvent.objects.create(
                tenant=salon, provider="elevenlabs", kind="post_call_transcription",
                external_id=conversation_id, body={}, digest="webhook",
            )  # fmt: skip

        await in_tenant(salon.pk, told)
        assert await fetch(salon) == 0
        assert not any(path.endswith(conversation_id) for _, path in world.agents.rest.requests)


async def test_calls_that_go_on_fresh_ones_and_old_ones_are_left(salon, settings):
    async with vendors(agents=None) as world:
        spoke(world, ended=False)
        spoke(world, hours_ago=0.5)  # its webhook may still be tried again
        spoke(world, hours_ago=49)
        recent = spoke(world, hours_ago=47)
        assert await fetch(salon) == 1
    assert await events(salon) == [("post_call_transcription", recent)]


async def test_another_tenants_conversations_stay_away(salon, garage, settings):
    async with vendors(agents=None) as world:
        spoke(world, "agent_demo_garage")
        assert await fetch(salon) == 0
        assert await fetch(garage) == 1
    assert await events(salon) == []


async def test_of_a_shared_agent_only_our_own_calls_are_fetched(salon, garage, settings):
    await in_thread(change_settings, garage, elevenLabsAgentId=AGENT)
    async with vendors(agents=None) as world:
        ours, theirs = spoke(world), spoke(world)

        def carry(tenant_id: UUID, external_id: str) -> None:
            conversation = open_conversation(
                tenant_id=tenant_id, provider="elevenlabs", agent_id=AGENT, caller_e164="",
                called_e164="", carrier_call_id="",
            )  # fmt: skip
            names = ("elevenlabs", external_id, AGENT, "ulaw_8000", "ulaw_8000")
            write_down(adding_sessions([Opened(tenant_id, conversation.pk, *names, timezone.now())]))

        await in_tenant(salon.pk, carry, salon.pk, ours)
        await in_tenant(garage.pk, carry, garage.pk, theirs)
        assert await fetch(salon) == 1
    assert await events(salon) == [("post_call_transcription", ours)]


async def test_the_installations_agent_is_a_shared_one(salon, settings):
    await in_thread(change_settings, salon, elevenLabsAgentId=None)
    async with vendors(agents=None) as world:
        spoke(world, "agent_of_all")
        assert await fetch(salon, "agent_of_all") == 0


async def test_many_pages_are_read_and_the_number_is_bounded(salon, settings, monkeypatch):
    monkeypatch.setattr(missed_conversations, "MOST_AT_ONCE", 103)
    async with vendors(agents=None) as world:
        for _ in range(105):
            spoke(world)
        assert await fetch(salon) == 103


async def test_the_time_is_bounded(salon, settings, monkeypatch):
    monkeypatch.setattr(missed_conversations, "LONGEST_SECONDS", -1.0)
    async with vendors(agents=None) as world:
        spoke(world)
        assert await fetch(salon) == 0


async def test_a_vendor_that_refuses_ends_it_until_tomorrow(salon, settings):
    async with vendors(agents=None) as world:
        spoke(world)
        settings.ELEVENLABS_API_KEY = "wrong"
        assert await fetch(salon) == 0
        settings.ELEVENLABS_API_KEY = ""
        assert await fetch(salon) == 0


async def test_each_tenant_has_a_task_of_its_own(salon, garage, settings, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(tasks.fetch_missed_conversations_of, "delay", asked.append)
    await in_thread(change_settings, garage, agentProvider="openai")
    assert await in_thread(tasks.fetch_missed_conversations) == 1
    assert asked == [str(demo.SALON.pk)]


def test_it_is_scheduled_once_a_night():
    (schedule,) = [
        one["schedule"]
        for one in django_settings.CELERY_BEAT_SCHEDULE.values()
        if one["task"] == tasks.fetch_missed_conversations.name
    ]
    assert isinstance(schedule, crontab)
    assert schedule == crontab(hour="3", minute="20")
