"""The pair that shares no format by default: Infobip's 16 kHz and OpenAI's 24 kHz, converted both ways."""

import pytest

from agents.models import Turn
from agents.simulators.scenarios import BOOKING
from appointments.models import Appointment
from telephony.models import Call
from telephony.simulators.twilio import Script
from tenants.models import Tenant
from tenants.scoping import in_tenant, in_thread
from tests.exchange import open_infobip_exchange
from tests.vendors import change_settings

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_call_over_infobip_books_through_openai(salon: Tenant) -> None:
    await in_thread(change_settings, salon, agentProvider="openai")
    async with open_infobip_exchange(salon) as exchange:
        call = await exchange.call(Script.of(BOOKING))
        await exchange.settled(call)
        session = exchange.openai.sessions[0]
        await session.wait_ended()
        assert exchange.vendor.sessions == []
    told = session.updates[0]["audio"]
    assert told["input"]["format"] == told["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
    assert session.errors == []

    def check() -> None:
        assert Call.objects.get().outcome == "agent_ended"
        assert Appointment.objects.get().customer.name == "Alex Taylor"

    await in_tenant(salon.pk, check)


async def test_who_interrupts_over_infobip_is_heard_and_the_model_knows_what_was(salon: Tenant) -> None:
    await in_thread(change_settings, salon, agentProvider="openai", aiGreeting="Welcome " * 30)
    script = Script.saying("Wait please", interrupt_after_ms=2000, hang_up_after_s=6.0)
    async with open_infobip_exchange(salon) as exchange:
        call = await exchange.call(script)
        await exchange.settled(call)
        session = exchange.openai.sessions[0]
    [(_, heard_ms)] = session.truncations
    assert 1500 < heard_ms < 3500, "about as long as the agent could be heard before"
    assert session.errors == []
    corrected = await in_tenant(salon.pk, lambda: Turn.objects.exclude(heard_text=None).get())
    assert corrected.heard_text
    assert len(corrected.heard_text) < len(corrected.text)
