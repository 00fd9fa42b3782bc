"""The simulated carrier signs as the real one would."""

from django.conf import settings

from telephony.management.commands.simulate_call import _token_of
from tenants.credentials import set_secret
from tenants.models import Credential
from tenants.scoping import tenant_scope
from tonris import demo


def test_a_call_to_a_tenant_with_an_account_of_its_own_is_signed_with_that_accounts_token(salon, garage):
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.TWILIO_AUTH_TOKEN, "salons-own-token")
    assert _token_of(demo.SALON.number) == "salons-own-token"
    assert _token_of(demo.GARAGE.number) == settings.TWILIO_AUTH_TOKEN
    assert _token_of("+15550000000") == settings.TWILIO_AUTH_TOKEN
