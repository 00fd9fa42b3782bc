"""Called number to tenant and agent."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from agents.assignments import api_key_for
from agents.providers import PROVIDERS, chosen_by
from telephony.carriers.registry import CARRIERS, DEFAULT
from telephony.errors import AgentNotChosen, AgentNotConfigured, NumberNotInService
from telephony.models import PhoneNumber
from tenants.models import Tenant
from tenants.scoping import platform_scope, tenant_scope

ANYBODY = "auto"


@dataclass(frozen=True, slots=True)
class Destination:
    """Whose number it is."""

    tenant_id: UUID
    number_id: UUID | None
    """None: nobody dialled it, as in a test call before there is a number."""
    in_service: bool


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent of a tenant's, at one of the providers."""

    provider: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class Route:
    """Where a call goes."""

    destination: Destination
    business_name: str
    language: str
    provider: str
    agent_id: str

    @property
    def tenant_id(self) -> UUID:
        return self.destination.tenant_id


def find_destination(called_e164: str) -> Destination | None:
    """Which tenant a number belongs to: asked before any tenant is known, and of nobody but the platform."""
    with platform_scope():
        number = (
            PhoneNumber.objects.select_related("tenant").filter(e164=called_e164, is_active=True).first()
            if called_e164
            else None
        )
        if number is None:
            return None
        return Destination(number.tenant_id, number.pk, in_service=number.tenant.is_active)


def route(destination: Destination | None, carrier: str = DEFAULT, provider: str = "") -> Route:
    """The tenant's agent for calls over this carrier; of this `provider`, whatever the tenant has chosen.

    Raises NumberNotInService, AgentNotConfigured or AgentNotChosen.
    """
    if destination is None or not destination.in_service:
        raise NumberNotInService
    with tenant_scope(destination.tenant_id):
        tenant = Tenant.objects.get(pk=destination.tenant_id)
        if provider:
            tenant.settings["agentProvider"] = provider  # for this one call: nobody saves it
        provider = provider_of(tenant)
        if not api_key_for(tenant.pk, provider):
            raise AgentNotConfigured
        agent_id = agent_of(tenant, carrier)
        if not agent_id:
            raise AgentNotChosen
        return Route(destination, tenant.name, tenant.language, provider, agent_id)


def provider_of(tenant: Tenant) -> str:
    """Raises AgentNotConfigured for a provider that this installation does not have."""
    provider = chosen_by(tenant)
    if provider not in PROVIDERS:
        raise AgentNotConfigured
    return provider


def agent_of(tenant: Tenant, carrier: str = DEFAULT) -> str:
    """The tenant's agent at its provider, or "". Raises AgentNotConfigured.

    Where an agent speaks one audio format, and carriers differ, calls over one may have an agent of their own.
    """
    return _agent_at(provider_of(tenant), tenant, carrier)


def second_agent(tenant: Tenant, carrier: str, *, instead_of: str) -> Agent | None:
    """Who goes on when the agent at that provider fails: the business's own, its second, or any with credentials.

    `settings.secondProvider` and SECOND_PROVIDER name one, or "none". Needs the tenant's scope.
    """
    installations = settings.SECOND_PROVIDER.strip().lower() or ANYBODY
    wanted = _setting(tenant, "secondProvider").strip().lower() or installations
    # Any other word, such as "off", means nobody too: what was said would go to a provider that was not asked for.
    if not {wanted, installations} <= {ANYBODY, *PROVIDERS}:
        return None
    others = [wanted] if wanted in PROVIDERS else list(PROVIDERS)
    for provider in [chosen_by(tenant), *others]:
        if provider == instead_of or provider not in PROVIDERS or not api_key_for(tenant.pk, provider):
            continue
        if agent_id := _agent_at(provider, tenant, carrier):
            return Agent(provider, agent_id)
    return None


def _agent_at(name: str, tenant: Tenant, carrier: str) -> str:
    provider = PROVIDERS[name]
    adapter = CARRIERS.get(carrier)
    if provider.formats_are_agents and adapter and (own := _setting(tenant, adapter.agent_setting)):
        return own
    return provider.agent_of(tenant)


def _setting(tenant: Tenant, name: str) -> str:
    value: Any = tenant.settings.get(name)
    return value if isinstance(value, str) else ""
