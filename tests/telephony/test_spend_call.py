"""A call runs into its budget, on real sockets: the agent is told, the caller hears so, the meter is settled."""

import asyncio

import pytest

from telephony.closing_time import WRAP_UP
from telephony.models import Call, Meter
from telephony.simulators.twilio import Script
from telephony.spend import meters
from tenants.models import Tenant
from tenants.scoping import in_tenant, in_thread
from tests.exchange import open_exchange, open_infobip_exchange
from tests.telephony.test_limits import limited

pytestmark = pytest.mark.django_db(transaction=True)
CAP_SECONDS = 9
UNAVAILABLE = "Our AI assistant is temporarily unavailable."
TIME_IS_UP = "I'm sorry, this call has lasted as long as it may. Please call again. Goodbye."


@pytest.mark.parametrize("provider", ["elevenlabs", "openai"])
async def test_the_agent_is_told_and_the_caller_hears_that_time_is_up(salon, settings, monkeypatch, provider):
    monkeypatch.setattr(meters, "LEAST_SECONDS", 1)
    await in_thread(
        lambda: limited(
            salon, agentProvider=provider, maxMinutesPerDay=CAP_SECONDS / 60, transferNumber="+15550001111"
        )
    )
    async with open_exchange() as exchange:
        call = await exchange.call(Script(hang_up_after_s=30))
        await exchange.settled(call)
        if provider == "elevenlabs":
            told = [one.get("text") for one in exchange.vendor.sessions[0].messages]
        else:
            sent = exchange.openai.sessions[0].events
            items = [one["item"] for one in sent if one["type"] == "conversation.item.create"]
            told = [item["content"][0]["text"] for item in items if item["role"] == "system"]
    assert told.count(WRAP_UP) == 1
    assert call.timeline.says == [TIME_IS_UP]
    await budget_ended_it(salon)


async def test_over_infobip_the_agent_is_told_and_the_call_costs_no_more_than_a_call_may(
    salon, settings, monkeypatch
):
    monkeypatch.setattr(meters, "LEAST_SECONDS", 1)
    cents = CAP_SECONDS / 100
    await in_thread(lambda: limited(salon, pricePerMinute="0.60", maxSpendPerCall=f"{cents:.2f}"))
    async with open_infobip_exchange(salon) as exchange:
        call = await exchange.call(Script(hang_up_after_s=30))
        await exchange.settled(call)
        told = [one.get("text") for one in exchange.vendor.sessions[0].messages]
    assert told.count(WRAP_UP) == 1
    assert call.timeline.says == [TIME_IS_UP]
    await budget_ended_it(salon)


async def test_over_infobip_a_call_that_cannot_be_paid_for_hears_so_and_begins_no_agent(salon, settings):
    await in_thread(lambda: limited(salon, maxMinutesPerDay=1 / 3))
    async with open_infobip_exchange(salon) as exchange:
        call = await exchange.call(Script(hang_up_after_s=20))
        assert exchange.vendor.sessions == []
    assert call.timeline.says == [UNAVAILABLE]
    assert "dialogs" not in [name for name, _ in call.actions]
    assert await in_tenant(salon.pk, lambda: Call.objects.get().outcome) == "budget_spent"


async def budget_ended_it(salon: Tenant) -> None:
    """And it is settled, with no more than it was granted."""

    def records() -> tuple[str, bool, bool]:
        meter = Meter.objects.get()
        return Call.objects.get().outcome, 0 < meter.used_seconds <= CAP_SECONDS, meter.closed_at is not None

    async with asyncio.timeout(10):
        while (told_of := await in_tenant(salon.pk, records)) != ("spend_limit", True, True):
            await asyncio.sleep(0.05)
    assert told_of == ("spend_limit", True, True)
