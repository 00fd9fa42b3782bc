"""Which agent answers, and who goes on for it."""

import pytest

from telephony.dialplan import second_agent
from tenants.models import Tenant
from tenants.scoping import tenant_scope


def second_of(salon: Tenant, **changes: str) -> str:
    with tenant_scope(salon):
        tenant = Tenant.objects.get(pk=salon.pk)
        tenant.settings |= changes
        agent = second_agent(tenant, "twilio", instead_of="elevenlabs")
    return agent.provider if agent else "nobody"


@pytest.mark.parametrize("said", ["", "auto", "Auto ", "openai", "OpenAI"])
def test_another_provider_goes_on_unless_somebody_objects(salon, settings, said):
    settings.SECOND_PROVIDER = said
    assert second_of(salon) == "openai"
    assert second_of(salon, secondProvider=said) == "openai"


@pytest.mark.parametrize("said", ["none", "None", "off", "elevenlab"])
def test_what_was_said_goes_to_nobody_else_where_the_name_is_none_that_is_known(salon, settings, said):
    settings.SECOND_PROVIDER = said
    assert second_of(salon) == second_of(salon, secondProvider="openai") == "nobody"
    settings.SECOND_PROVIDER = "auto"
    assert second_of(salon, secondProvider=said) == "nobody"
