"""Whom the suites are held against: all who stand in the registries, and one of each that we have made up.

The made-up ones live in folders of their own, tincan/ and parrot/, and are registered by one line each: if they pass,
nothing else was needed.
"""

import pytest

from agents.providers import PROVIDERS
from agents.providers.facts import Provider
from telephony.carriers.facts import Adapter
from telephony.carriers.registry import CARRIERS
from telephony.models import PhoneNumber
from tenants import vendor_http
from tenants.models import Tenant
from tenants.scoping import tenant_scope

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CARRIERS.folders, "tincan", "tests.contract.tincan")
    monkeypatch.setitem(PROVIDERS.folders, "parrot", "tests.contract.parrot")


@pytest.fixture
def penniless(monkeypatch: pytest.MonkeyPatch, settings) -> None:
    """Nobody has an account, no vendor answers, and nobody waits for that."""
    for secret in (*(one.api_key for one in PROVIDERS.values()), *_secrets()):
        setattr(settings, secret.upper(), "")
    for name in (*CARRIERS, *PROVIDERS):
        setattr(settings, f"{name.upper()}_BASE_URL", NOBODY)
    monkeypatch.setattr(vendor_http, "pause", lambda seconds: None)


def _secrets() -> list[str]:
    return [secret for one in CARRIERS.values() for secret in one.secrets]


@pytest.fixture(params=[*CARRIERS, "tincan"])
def carrier(request, made_up: None, salon: Tenant) -> Adapter:
    """The salon's only number is there."""
    with tenant_scope(salon):
        PhoneNumber.objects.update(carrier=request.param)
    return CARRIERS[request.param]


@pytest.fixture(params=[*PROVIDERS, "parrot"])
def provider(request, made_up: None, salon: Tenant) -> Provider:
    """Whom the salon has chosen."""
    with tenant_scope(salon):
        row = Tenant.objects.get(pk=salon.pk)
        row.settings["agentProvider"] = request.param
        row.save(update_fields=["settings"])
    return PROVIDERS[request.param]
