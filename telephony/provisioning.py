"""A tenant's agent, and its numbers at every carrier that it has some of, set up. A second run changes nothing."""

from uuid import UUID

from agents.audio import MULAW_8K, AudioFormat
from agents.providers import PROVIDERS
from agents.provisioning_log import Log
from telephony.carriers.registry import CARRIERS
from telephony.dialplan import provider_of
from telephony.models import PhoneNumber
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tenants.vendor_http import VendorError


def provision_numbers(tenant_id: UUID, log: Log) -> None:
    """Raises VendorError. Asks nobody while a transaction is open."""
    carriers = _carriers_of(tenant_id)
    if not carriers:
        raise VendorError(
            "This business has no active phone number.",
            fix="Add one under Phone numbers, then run this again.",
        )
    for carrier, adapter in CARRIERS.items():
        if carrier in carriers:
            adapter.provision(tenant_id, log)


def provision_agent(tenant: Tenant, log: Log) -> None:
    """At the provider that it has chosen. Raises AgentNotConfigured or VendorError. Asks nobody in a transaction."""
    provision = PROVIDERS[provider_of(tenant)].provision
    if provision is None:
        log.add("unchanged", "agent", "this business's provider keeps none; calls bring everything")
    else:
        provision(tenant.pk, log, agent_format(tenant.pk))


def agent_format(tenant_id: UUID) -> AudioFormat:
    """What the business's agent should speak: an agent has one format, and carriers differ."""
    formats = {CARRIERS[carrier].agent_format for carrier in _carriers_of(tenant_id)}
    return formats.pop() if len(formats) == 1 else MULAW_8K


def _carriers_of(tenant_id: UUID) -> set[str]:
    with tenant_scope(tenant_id):
        return set(PhoneNumber.objects.filter(is_active=True).values_list("carrier", flat=True))
