"""Whole calls without any agent: the server of the agents is switched off, and callers book with keys or words."""

import contextlib
import datetime
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.conf import settings as installed
from django.utils import timezone

from agents.models import Conversation, Message
from appointments.models import Appointment, Hold, Service
from telephony.models import Call, CallEvent
from telephony.simulators.twilio import FarEnd, Script, SimulatedCall, TwilioSimulator
from tenants.models import Tenant
from tenants.scoping import in_tenant, in_thread, platform_scope
from tests.exchange import CALLER, Exchange, open_exchange
from tonris import demo
from tonris.embedded.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def changeable(settings) -> None:
    """What is set during a test is undone after it, from here on."""
    settings.APP_BASE_URL = settings.APP_BASE_URL


@contextlib.asynccontextmanager
async def without_agents(**line: Any) -> AsyncIterator[Exchange]:
    """Nobody listens where the agents' server should be; carriers speak fast."""
    async with open_exchange() as exchange:
        installed.ELEVENLABS_BASE_URL = f"http://127.0.0.1:{free_port()}"
        account = (installed.TWILIO_ACCOUNT_SID, installed.TWILIO_AUTH_TOKEN)
        quick = {"say_chars_per_second": 5000.0, "silence_s": 0.05, "record_s": 0.05, **line}
        async with TwilioSimulator(exchange.base_url, *account, **quick) as carrier:
            exchange.carrier = carrier
            yield exchange


def told(tenant: Tenant, **settings: Any) -> None:
    tenant.settings = {"elevenLabsAgentId": "agent_demo_salon", "keypadMenu": True, **settings}
    tenant.save()


async def answered(exchange: Exchange, *answers: str, **dialled: Any) -> SimulatedCall:
    return await exchange.call(Script(answers=answers), **dialled)


def the_call(sid: str) -> Call:
    with platform_scope():
        return Call.objects.select_related("conversation").get(carrier_call_id=sid)


def heard(call: SimulatedCall) -> str:
    return "\n".join(call.timeline.says)


async def test_a_caller_books_hears_and_cancels_by_keys_in_english(salon, settings):
    await in_tenant(salon.pk, told, salon)
    async with without_agents() as exchange:
        call = await answered(exchange, "1", "*", "2", "1", "1", "Grace Hopper.")
        await exchange.settled(call)

        def check() -> Appointment:
            made = Appointment.objects.select_related("service", "customer").get()
            assert (made.service.name, made.source) == ("Haircut", Appointment.Source.AGENT)
            assert (made.customer.name, made.customer.phone_e164) == ("Grace Hopper", CALLER)
            assert not Hold.objects.exists()
            kinds = list(CallEvent.objects.filter(kind="menu").values_list("detail__step", flat=True))
            assert kinds == ["main", "service", "service", "times", "confirm", "name", "main", "main"]
            return made

        made = await in_tenant(salon.pk, check)
        record = await in_thread(the_call, call.sid)
        assert (record.outcome, record.state) == ("agent_unreachable", Call.State.COMPLETED)
        assert record.conversation.ended_at is not None
        said = call.timeline.says
        assert said[0] == "Our AI assistant is temporarily unavailable."
        assert "To book an appointment, press 1." in said
        assert said.count("For Haircut, press 2.") == 2  # star repeats
        assert any(one.startswith("You're booked for Haircut with ") for one in said)
        assert said[-1] == "Thank you for calling. Goodbye!"
        assert call.warnings == []

        again = await answered(exchange, "2", "1", "1")
        await exchange.settled(again)
        assert "You have one appointment: Haircut with " in heard(again)
        assert "Shall I cancel your appointment for Haircut with " in heard(again)
        assert " is cancelled." in heard(again)
        status = await in_tenant(salon.pk, lambda: Appointment.objects.get(pk=made.pk).status)
        assert status == Appointment.Status.CANCELLED


async def test_a_caller_books_in_their_own_words_in_german(garage, settings):
    def one_service() -> str:
        garage.settings = {"elevenLabsAgentId": "agent_demo_garage", "keypadMenu": True}
        garage.save()
        return Service.objects.filter(is_active=True).first().name

    service = await in_tenant(garage.pk, one_service)
    tomorrow = timezone.localdate(timezone=garage.zone).weekday() + 1
    weekday, day = (1, "Dienstag") if tomorrow not in (1, 2) else (3, "Donnerstag")  # not at too short notice
    words = ("einen Termin buchen", service, f"am {day} um zehn Uhr", "ja genau", "Erika Mustermann")
    async with without_agents() as exchange:
        call = await answered(exchange, *words, to=demo.GARAGE.number)
        await exchange.settled(call)

    def check() -> None:
        made = Appointment.objects.select_related("service", "customer").get()
        local = made.starts_at.astimezone(garage.zone)
        assert (local.weekday(), local.time()) == (weekday, datetime.time(10))
        assert (made.service.name, made.customer.name) == (service, "Erika Mustermann")

    assert heard(call).startswith("Unser KI-Assistent ist vorübergehend nicht erreichbar.")
    assert "Ihr Termin ist gebucht: " in heard(call)
    await in_tenant(garage.pk, check)
    documents = [one.body.decode() for one in call.exchanges if "/menu" in one.url]
    assert documents
    assert all('language="de-DE"' in one and "en-US" not in one for one in documents)
    assert call.warnings == []


async def test_who_says_nothing_is_put_through_or_may_leave_a_message(salon, settings):
    await in_tenant(salon.pk, lambda: told(salon, voicemail=True))
    async with without_agents() as exchange:
        call = await answered(exchange, "", "")
        await exchange.settled(call)
    assert call.timeline.all_of("record")
    assert call.timeline.says[-1] == "Thank you. We will call you back. Goodbye."


async def test_without_person_and_voicemail_a_silent_caller_hears_goodbye(salon, settings):
    await in_tenant(salon.pk, told, salon)
    async with without_agents() as exchange:
        call = await answered(exchange, "", "")
    assert call.timeline.says[-1] == "Thank you for calling. Goodbye!"
    assert call.ended_by == "server"


async def test_when_the_person_does_not_answer_a_key_leads_to_the_menu(salon, settings):
    await in_tenant(salon.pk, lambda: told(salon, transferNumber="+15550001111", voicemail=True))
    async with without_agents(far_end=FarEnd("no-answer")) as exchange:
        booked = await answered(exchange, "1", "1", "2", "4", "2", "1", "Ada Lovelace")
        left = await answered(exchange)
        await exchange.settled(booked, left)
    assert "I'm connecting you with someone" in heard(booked)
    assert "To speak with someone" not in heard(booked)  # nobody came
    assert "You're booked for Haircut with " in heard(booked)
    assert left.timeline.says[-1] == "Thank you. We will call you back. Goodbye."


async def test_a_number_without_an_agent_rings_its_people_and_offers_the_menu(salon, settings):
    await in_tenant(salon.pk, lambda: told(salon, transferNumber="+15550001111", voicemail=True))
    async with without_agents(voice_path="/api/webhooks/twilio/voice") as exchange:
        talked = await answered(exchange)
        booked = await answered(exchange, "1", "1", "2", "1", "1", "Ada Lovelace")
    assert talked.timeline.says[0] == "Hello! Welcome to Test Salon."
    assert talked.timeline.all_of("dial")
    assert "You're booked for Haircut with " in heard(booked)
    assert not booked.timeline.all_of("dial")
    record = await in_thread(the_call, booked.sid)
    assert (record.outcome, record.conversation.provider) == ("without_agent", "keypad")
    assert record.conversation.ended_at is not None


async def test_a_message_in_words_is_kept_where_there_is_no_voicemail(salon, settings):
    await in_tenant(salon.pk, told, salon)
    async with without_agents() as exchange:
        call = await answered(exchange, "3", "Please call me about my hair")
        await exchange.settled(call)
    assert "I have noted your message" in heard(call)
    kept = await in_tenant(salon.pk, lambda: list(Message.objects.values_list("text", "callback_e164")))
    assert kept == [("Please call me about my hair", CALLER)]


async def test_who_withholds_their_number_keys_one_in(salon, settings):
    await in_tenant(salon.pk, told, salon)
    async with without_agents() as exchange:
        call = await answered(exchange, "1", "1", "1", "1", "12#", "2125550123#", from_="anonymous")
        await exchange.settled(call)

    def check() -> None:
        customer = Appointment.objects.select_related("customer").get().customer
        assert (customer.phone_e164, customer.name) == ("+12125550123", "Caller …0123")

    assert call.timeline.says.count("Please key in your phone number, and then press the hash key.") == 2
    await in_tenant(salon.pk, check)


async def test_the_appointments_of_others_are_not_told(salon, settings):
    await in_tenant(salon.pk, told, salon)
    async with without_agents() as exchange:
        await answered(exchange, "1", "2", "1", "1", "Grace Hopper")
        stranger = await answered(exchange, "2", from_="+15550004242")
        anonymous = await answered(exchange, "2", from_="anonymous")
    for call in (stranger, anonymous):
        assert "I can't find an upcoming appointment with those details." in heard(call)
        assert "Haircut with" not in heard(call)


async def test_a_missing_key_is_said_and_then_there_is_the_menu(salon, settings):
    settings.ELEVENLABS_API_KEY = ""
    await in_tenant(salon.pk, told, salon)
    async with without_agents() as exchange:
        call = await answered(exchange, "1", "2", "1", "1", "Grace Hopper")
    assert call.timeline.says[0] == "Our AI assistant is temporarily unavailable."
    assert "You're booked for Haircut with " in heard(call)
    opened = await in_tenant(salon.pk, Conversation.objects.get)
    assert (opened.provider, opened.caller_vouched_for) == ("keypad", True)
