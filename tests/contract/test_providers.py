"""What the product promises itself of every agent provider, whoever it is; no vendor answers here.

How sessions speak, listen and break is held against the same providers in tests/agents/test_session_contract.py.
"""

import json
from decimal import Decimal

import pytest
from django.core.checks import CheckMessage

from agents.assignments import assignment_for
from agents.audio import MULAW_8K, PCM16_16K
from agents.conversations import open_conversation
from agents.providers import PROVIDERS, session_for
from agents.providers.facts import Provider
from agents.providers.registry import pcm_of, rates_hz
from agents.provisioning_log import Log
from agents.simulators.facts import SimulatedProvider, simulated
from agents.tools.registry import TOOLS
from telephony.audio.resampling import RATES_HZ
from telephony.dialplan import find_destination, route
from telephony.errors import AgentNotConfigured
from tenants.credentials import set_secret
from tenants.findings import Severity
from tenants.models import Tenant, secret_choices
from tenants.scoping import in_tenant, tenant_scope
from tenants.vendor_http import VendorError
from tests.contract.members import made_up, penniless, provider
from tonris import demo
from tonris.desk.figures import in_unit

__all__ = ["made_up", "penniless", "provider"]

pytestmark = pytest.mark.django_db


def test_its_key_can_be_set(provider: Provider):
    assert PROVIDERS[provider.name] is provider
    assert provider.api_key in dict(secret_choices())


def test_calls_of_a_business_that_has_chosen_it_are_its_own(provider: Provider, salon: Tenant, penniless):
    with pytest.raises(AgentNotConfigured):
        route(find_destination(demo.SALON.number))
    with tenant_scope(salon):
        set_secret(salon, provider.api_key, "key")
    taken = route(find_destination(demo.SALON.number))
    assert (taken.provider, bool(taken.agent_id)) == (provider.name, True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("spoken", [MULAW_8K, PCM16_16K], ids=str)
async def test_a_session_is_made_of_what_was_loaded_and_can_be_closed_unopened(provider, salon, spoken):
    def load():
        set_secret(salon, provider.api_key, "key")
        conversation = open_conversation(
            tenant_id=salon.pk,
            provider=provider.name,
            agent_id="agent",
            caller_e164="+15559876543",
            called_e164=demo.SALON.number,
            carrier_call_id="c1",
        )
        return assignment_for(conversation.pk, spoken), provider.initiation(salon, conversation, spoken)

    assignment, initiation = await in_tenant(salon.pk, load)
    assert json.loads(assignment.initiation_json) == initiation
    session = session_for(assignment, spoken)
    assert (session.provider, session.agent_id, session.name) == (provider.name, "agent", provider.label)
    assert session.closing is None
    await session.close()


def test_it_is_told_of_our_tools(provider: Provider):
    told = json.dumps(provider.tools(TOOLS))
    assert all(f'"{name}"' in told for name in ("check_availability", "book_appointment"))


def test_what_it_speaks_best_can_be_carried(provider: Provider):
    assert pcm_of(provider.name) == provider.pcm
    assert provider.pcm.rate_hz in RATES_HZ & set(rates_hz())


def test_what_it_counts_is_told_in_its_own_unit(provider: Provider):
    assert in_unit(provider.name, Decimal("1204.50")).endswith(f" {provider.cost_unit}")


@pytest.mark.django_db(transaction=True)
def test_the_doctor_is_told_of_a_missing_key(provider: Provider, salon: Tenant, penniless):
    findings = list(provider.examine(salon.pk, MULAW_8K))
    assert Severity.BROKEN in {found.severity for found in findings}
    assert all(found.code.isupper() and found.what and found.fix.endswith(".") for found in findings)


@pytest.mark.django_db(transaction=True)
def test_provisioning_says_what_is_missing(provider: Provider, salon: Tenant, penniless):
    if provider.provision is None:
        return
    with pytest.raises(VendorError) as refused:
        provider.provision(salon.pk, Log(dry_run=True), MULAW_8K)
    assert refused.value.fix.endswith(".")


def test_a_head_start_at_nobody_is_none(provider: Provider, penniless):
    if provider.head_start is not None:
        assert provider.head_start("key", "agent") == ""


def test_what_is_to_be_entered_by_hand_leads_to_us(provider: Provider, settings):
    assert all(url.startswith(settings.APP_BASE_URL) for url in provider.addresses().values())
    assert all(isinstance(one, CheckMessage) and one.id for one in provider.deploy_checks())


def test_it_can_be_simulated(provider: Provider):
    assert isinstance(simulated(provider.name), SimulatedProvider)
    assert isinstance(provider.is_simulated(), bool)
