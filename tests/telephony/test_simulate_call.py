"""The simulated carrier signs as the real one would."""

import io
import json

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from telephony.management.commands.simulate_call import _token_of
from telephony.simulators.agent_choice import speaking_through
from tenants.credentials import set_secret
from tenants.models import Credential, Tenant
from tenants.scoping import in_thread, tenant_scope
from tests.exchange import open_exchange
from tonris import demo


def test_a_call_to_a_tenant_with_an_account_of_its_own_is_signed_with_that_accounts_token(salon, garage):
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.TWILIO_AUTH_TOKEN, "salons-own-token")
    assert _token_of(demo.SALON.number) == "salons-own-token"
    assert _token_of(demo.GARAGE.number) == settings.TWILIO_AUTH_TOKEN
    assert _token_of("+15550000000") == settings.TWILIO_AUTH_TOKEN


def test_for_one_call_a_business_speaks_through_another_provider(salon, garage):
    def provider(tenant: Tenant) -> object:
        with tenant_scope(tenant):
            return Tenant.objects.get(pk=tenant.pk).settings.get("agentProvider")

    with speaking_through("openai", demo.SALON.number):
        assert (provider(salon), provider(garage)) == ("openai", None)
    assert provider(salon) is None
    with speaking_through(None, demo.SALON.number):
        assert provider(salon) is None
    with pytest.raises(ZeroDivisionError), speaking_through("openai", demo.SALON.number):
        raise ZeroDivisionError
    assert provider(salon) is None


@pytest.mark.django_db(transaction=True)
async def test_a_call_that_openai_answers_books_an_appointment(salon, settings):
    settings.DEBUG = True
    out = io.StringIO()
    async with open_exchange() as exchange:
        await in_thread(call_command, "simulate_call", "--agent", "openai", "--json", stdout=out)
        assert exchange.openai.sessions[0].errors == []
    told = json.loads(out.getvalue())
    assert (told["ok"], told["problems"]) == (True, [])
    assert told["appointment"]["customerName"] == "Alex Taylor"


def test_outside_development_nobodys_settings_are_touched(salon):
    with pytest.raises(CommandError, match="development"):
        call_command("simulate_call", "--agent", "openai")
