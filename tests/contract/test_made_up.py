"""A carrier and a provider that nobody has heard of: a folder and a line each, and the whole product knows them."""

import io
import sys
from typing import Any

import pytest
from django.core.management import call_command

from agents.audio import MULAW_8K, PCM16_8K
from agents.models import Conversation
from agents.provisioning_log import Log
from telephony import doctor, texts
from telephony.dialplan import Agent, second_agent
from telephony.models import Call, PhoneNumber
from telephony.notifications.carriers import sender_of
from telephony.outbound.orders import number_to_call_from
from telephony.provisioning import agent_format, provision_agent, provision_numbers
from telephony.simulators.twilio import Script
from tenants.credentials import set_secret
from tenants.models import Tenant
from tenants.scoping import in_tenant, in_thread, tenant_scope
from tests.contract.members import made_up
from tests.contract.parrot.provider import GREETING, KEY, sessions
from tests.contract.tincan.carrier import CARRIER, STRING, asked
from tests.exchange import CALLER, open_exchange
from tests.vendors import change_settings
from tonris import demo, server
from tonris.desk.setup import addresses_of

__all__ = ["made_up"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("made_up")]


@pytest.fixture
def tin(salon: Tenant) -> Tenant:
    """The salon, with its only number at two cans and a string."""
    asked.clear()
    with tenant_scope(salon):
        PhoneNumber.objects.update(carrier="tincan")
        set_secret(salon, STRING, "hemp")
    return salon


def test_a_text_message_goes_through_the_can(tin):
    with tenant_scope(tin):
        assert texts.send(tin.pk, CALLER, "Your code is 123456")
    assert asked == [("send", demo.SALON.number, CALLER, "Your code is 123456")]


def test_a_business_with_another_number_prefers_carriers_as_they_are_listed(tin):
    with tenant_scope(tin):
        PhoneNumber.objects.create(tenant=tin, e164="+15550009999", carrier="infobip")
        sender = sender_of(tin.pk)
        assert sender is not None
        assert (sender.e164, number_to_call_from(tin).carrier) == ("+15550009999", "infobip")


def test_it_is_set_up_examined_and_shown(tin):
    log = Log()
    provision_numbers(tin.pk, log)
    assert [str(step).split()[-2:] for step in log.steps] == [["pulled", "tight"]]
    assert agent_format(tin.pk) == PCM16_8K
    with tenant_scope(tin):
        set_secret(tin, STRING, "")
        assert [one.where for one in addresses_of(tin)][:1] == ["Tin can, string: other end"]
    assert "TINCAN_WITHOUT_STRING" in {found.code for found in doctor.examine(tin.pk)}


def test_staff_can_choose_it(tin):
    field: Any = PhoneNumber._meta.get_field("carrier").formfield()
    assert ("tincan", "Tin can") in list(field.choices)


def test_its_secret_is_set_by_the_command(tin, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("silk\n"))
    call_command("set_secret", "salon", STRING)
    with tenant_scope(tin):
        assert CARRIER.dialer.missing(tin.pk) == ""


async def test_a_call_is_answered_by_the_parrot(salon):
    """Over a real carrier's wire: the agent says again what the caller said, and the call is kept."""
    sessions.clear()
    await in_thread(change_settings, salon, agentProvider="parrot")
    await in_tenant(salon.pk, set_secret, salon, KEY, "sunflower")
    script = Script.saying("One two three four five", patience_ms=200, hang_up_after_s=4.0)
    async with open_exchange() as exchange:
        call = await exchange.call(script)
        await exchange.settled(call)
    [session] = sessions
    spoken = script.lines[0].audio
    assert session.input_format == MULAW_8K
    assert spoken in bytes(session.heard)
    assert spoken in bytes(call.stream.audio_received)
    assert call.warnings == []

    def kept() -> tuple[str, str, list[str]]:
        conversation = Conversation.objects.get()
        return (
            conversation.provider,
            Call.objects.get().outcome,
            [one.text for one in conversation.turns.all()],
        )

    assert await in_tenant(salon.pk, kept) == ("parrot", "caller_hung_up", [GREETING])


def test_a_server_has_read_every_folder_before_it_takes_calls(monkeypatch):
    """Or the first caller would wait for it."""
    folders = ("tests.contract.parrot.provider", "tests.contract.tincan.carrier")
    for folder in folders:
        monkeypatch.delitem(sys.modules, folder)
    server._settle()
    assert sys.modules.keys() >= set(folders)


def test_it_can_take_over_from_another(salon, settings):
    settings.SECOND_PROVIDER = ""
    with tenant_scope(salon):
        set_secret(salon, KEY, "sunflower")
        tenant = Tenant.objects.get(pk=salon.pk)
        tenant.settings["secondProvider"] = "parrot"
        assert second_agent(tenant, "twilio", instead_of="elevenlabs") == Agent("parrot", "polly")


def test_a_provider_that_keeps_no_agents_has_none_made(salon):
    change_settings(salon, agentProvider="parrot")
    log = Log()
    with tenant_scope(salon):
        tenant = Tenant.objects.get(pk=salon.pk)
    provision_agent(tenant, log)
    assert [step.done for step in log.steps] == ["unchanged"]
