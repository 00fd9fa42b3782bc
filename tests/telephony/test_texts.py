"""Text messages leave from the tenant's own number, and a carrier that refuses them costs nobody a call."""

import logging
from uuid import UUID

import pytest
from celery import current_app

from agents.models import OneTimeCode
from telephony import tasks, texts
from telephony.models import PhoneNumber
from telephony.simulators.twilio import TwilioRestSimulator
from tenants.credentials import set_secret
from tenants.models import Credential
from tenants.scoping import in_thread, tenant_scope
from tests.agents.toolbox import Call, appointment_of, next_monday
from tests.conftest import CALLER

pytestmark = pytest.mark.django_db(transaction=True)
ACCOUNT, TOKEN = "AC" + "1" * 32, "token"


@pytest.fixture
def account(salon):
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.TWILIO_ACCOUNT_SID, ACCOUNT)
        set_secret(salon, Credential.Name.TWILIO_AUTH_TOKEN, TOKEN)
        return PhoneNumber.objects.get().e164


@pytest.fixture
async def carrier(account, settings):
    async with TwilioRestSimulator(ACCOUNT, TOKEN, numbers=(account,)) as simulator:
        settings.TWILIO_BASE_URL = simulator.base_url
        yield simulator


async def send(salon, to: str, text: str) -> bool:
    def now() -> bool:
        with tenant_scope(salon):
            return texts.send(salon.pk, to, text)

    return await in_thread(now)


async def test_a_text_leaves_from_the_tenants_own_number(salon, carrier, account):
    assert await send(salon, CALLER, "See you at ten")
    [sent] = carrier.messages
    assert (sent["from"], sent["to"], sent["body"]) == (account, CALLER, "See you at ten")


async def test_a_refusal_is_logged_without_the_number_or_the_text(salon, carrier, caplog):
    carrier.failures.append(400)
    with caplog.at_level(logging.WARNING):
        assert not await send(salon, CALLER, "Your code is 123456")
    assert "was not sent" in caplog.text
    assert CALLER not in caplog.text
    assert "123456" not in caplog.text


async def test_what_the_carrier_may_have_sent_is_not_sent_twice(salon, carrier):
    carrier.failures += [500, 500]
    assert not await send(salon, CALLER, "Hello")
    assert len(carrier.writes) == 1


async def test_a_tenant_without_a_number_sends_nothing(salon, carrier):
    await in_thread(_without_number, salon)
    assert not await send(salon, CALLER, "Hello")
    assert carrier.messages == []


def _without_number(salon) -> None:
    with tenant_scope(salon):
        PhoneNumber.objects.update(is_active=False)


async def test_the_code_that_arrives_is_the_one_that_opens(salon, carrier, monkeypatch):
    """From the tool to the phone and back, with the worker's part done here."""
    queued: list[list[str]] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: queued.append(args))

    def ask() -> Call:
        appointment_of(salon, next_monday(salon), "+15553332211", "Mary")
        call = Call(salon)
        call.data("send_code", customerPhone="+15553332211")
        return call

    call = await in_thread(ask)
    assert await in_thread(tasks.send_code, *queued[0])
    assert not await in_thread(tasks.send_code, *queued[0]), "a task that comes again texts nobody"
    [text] = carrier.messages
    assert text["to"] == "+15553332211"
    code = "".join(char for char in text["body"] if char.isdecimal())[-6:]
    assert (await in_thread(call.data, "verify_identity", code=code))["verified"] is True
    assert (await in_thread(call.data, "find_appointment"))["total"] == 1


async def test_of_a_code_ids_alone_are_queued_and_whoever_is_forgotten_is_not_texted(
    salon, carrier, monkeypatch
):
    queued: list[list[str]] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: queued.append(args))

    def ask_and_forget() -> None:
        appointment_of(salon, next_monday(salon), "+15553332211", "Mary")
        Call(salon).data("send_code", customerPhone="+15553332211")
        with tenant_scope(salon):
            OneTimeCode.objects.get().delete()

    await in_thread(ask_and_forget)
    [args] = queued
    assert [str(UUID(one)) for one in args] == args
    assert not await in_thread(tasks.send_code, *args)
    assert carrier.messages == []
