"""The menu of keys over Infobip: where there is no agent, and by star."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.conf import settings as installed

from appointments.models import Appointment
from telephony.carriers.infobip import errands
from telephony.models import Call, CallEvent
from telephony.simulators.infobip import Faults
from telephony.simulators.twilio import FarEnd, Script
from tenants.models import Tenant
from tenants.scoping import in_tenant, in_thread
from tests.exchange import CALLER, Exchange, open_infobip_exchange
from tonris.embedded.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)

UNAVAILABLE = "Our AI assistant is temporarily unavailable."
MAIN = "To book an appointment, press 1."


def has_menu(tenant: Tenant, **settings: Any) -> None:
    tenant.settings = {"elevenLabsAgentId": "agent_demo_salon", "keypadMenu": True, **settings}
    tenant.save()


@contextlib.asynccontextmanager
async def exchange_of(tenant: Tenant, *, agents: bool = False, **line: Any) -> AsyncIterator[Exchange]:
    async with open_infobip_exchange(tenant, **line) as exchange:
        exchange.infobip.say_chars_per_second = 5000.0
        if not agents:
            installed.ELEVENLABS_BASE_URL = f"http://127.0.0.1:{free_port()}"
        yield exchange


async def over(exchange: Exchange, script: Script) -> Any:
    call = await exchange.call(script)
    await in_thread(errands.finish)
    return call


def said(call: Any) -> str:
    return "\n".join(call.timeline.says)


async def test_without_an_agent_a_caller_books_by_keys(salon, settings):
    await in_tenant(salon.pk, has_menu, salon)
    async with exchange_of(salon) as exchange:
        call = await over(exchange, Script(answers=("1", "*", "2", "1", "1")))

    def check() -> None:
        made = Appointment.objects.select_related("service", "customer").get()
        assert (made.service.name, made.customer.phone_e164) == ("Haircut", CALLER)
        assert made.customer.name == f"Caller …{CALLER[-4:]}", "Infobip takes down no words"
        steps = list(CallEvent.objects.filter(kind="menu").values_list("detail__step", flat=True))
        assert steps[:4] == ["main", "service", "service", "times"]
        record = Call.objects.get()
        assert (record.outcome, record.state) == ("agent_unreachable", Call.State.COMPLETED)

    await in_tenant(salon.pk, check)
    assert call.timeline.says[0] == UNAVAILABLE
    assert MAIN in said(call)
    assert said(call).count("For Haircut, press 2.") == 2, "star repeats"
    assert "You're booked for Haircut with " in said(call)
    assert call.timeline.says[-1] == "Thank you for calling. Goodbye!"
    asked = [body for action, body in call.actions if action == "capture/dtmf"]
    assert all((one["maxLength"], one["playContent"]["language"]) == (1, "en") for one in asked)
    assert all("terminator" not in one and one["timeout"] >= 8000 for one in asked)
    assert [event for event, status in call.events if status != 200] == []


async def test_star_leads_from_the_agent_to_the_menu(salon, settings):
    await in_tenant(salon.pk, has_menu, salon)
    async with exchange_of(salon, agents=True) as exchange:
        call = await over(exchange, Script(digits="*", answers=("2",)))
        outcome = await in_tenant(salon.pk, lambda: Call.objects.get().outcome)
    assert outcome == "menu"
    assert UNAVAILABLE not in said(call)
    assert MAIN in said(call)
    assert "I can't find an upcoming appointment" in said(call)


async def test_a_person_is_rung_from_the_menu_and_when_nobody_comes_a_message_is_taken(salon, settings):
    await in_tenant(salon.pk, lambda: has_menu(salon, transferNumber="+15550001111", voicemail=True))
    async with exchange_of(salon, agents=True, far_end=FarEnd(outcome="no-answer", rings_s=0.1)) as exchange:
        call = await over(exchange, Script(digits="*", answers=("0",)))
    assert "I'll connect you with a colleague." in said(call)
    assert "Please leave a message after the tone." in said(call)
    assert said(call).count(MAIN) == 1, "who comes from the menu is not sent back there"
    assert call.timeline.says[-1] == "Thank you. We will call you back. Goodbye."


async def test_when_nobody_comes_the_menu_offers_no_person_again(salon, settings):
    await in_tenant(salon.pk, lambda: has_menu(salon, transferNumber="+15550001111"))
    async with exchange_of(salon, far_end=FarEnd(outcome="busy", rings_s=0.1)) as exchange:
        call = await over(exchange, Script(answers=("2",)))
    assert "I'm connecting you with someone." in call.timeline.says[0]
    assert MAIN in said(call)
    assert "To speak with someone" not in said(call)


async def test_a_message_is_recorded(salon, settings):
    await in_tenant(salon.pk, has_menu, salon)
    async with exchange_of(salon) as exchange:
        call = await over(exchange, Script(answers=("3",)))
        kinds = await in_tenant(salon.pk, lambda: list(CallEvent.objects.values_list("kind", flat=True)))
    assert "Please leave your message after the tone." in said(call)
    assert call.has_recording
    assert "voicemail" in kinds


async def test_a_withheld_number_keys_in_its_own(salon, settings):
    await in_tenant(salon.pk, has_menu, salon)
    async with exchange_of(salon) as exchange:
        answers = ("1", "2", "1", "1", "15559876000#")
        call = await exchange.call(Script(answers=answers), from_="")
        await in_thread(errands.finish)
        booked = await in_tenant(salon.pk, lambda: Appointment.objects.get().customer.phone_e164)
    assert booked == "+15559876000"
    [asked] = [body for action, body in call.actions if "terminator" in body]
    assert (asked["terminator"], asked["maxLength"]) == ("#", 16)


async def test_events_that_come_three_times_are_one_key(salon, settings):
    await in_tenant(salon.pk, has_menu, salon)
    async with exchange_of(salon, faults=Faults(event_copies=3)) as exchange:
        call = await over(exchange, Script(answers=("1", "2", "1", "1")))
        booked = await in_tenant(salon.pk, Appointment.objects.count)
        steps = await in_tenant(
            salon.pk,
            lambda: list(CallEvent.objects.filter(kind="menu").values_list("detail__step", flat=True)),
        )
    assert booked == 1
    assert steps[:4] == ["main", "service", "times", "confirm"]
    assert call.timeline.says.count(UNAVAILABLE) == 1


async def test_where_keys_cannot_be_listened_for_the_ladder_goes_on(salon, settings):
    await in_tenant(salon.pk, has_menu, salon)
    async with exchange_of(salon, faults=Faults(rest=[("capture/dtmf", 500)])) as exchange:
        call = await over(exchange, Script())
    assert call.timeline.says[-1] == "We encountered an error. Please try again later."
