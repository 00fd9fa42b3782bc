"""A tenant's numbers, pointed at us at every carrier it has some of. A second run changes nothing."""

from uuid import UUID

from agents.audio import MULAW_8K, PCM16_16K, AudioFormat
from agents.provisioning_log import Log
from telephony.carriers.registry import CARRIERS
from telephony.models import Carrier, PhoneNumber
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


def agent_format(tenant_id: UUID) -> AudioFormat:
    """What the business's agent should speak: an agent has one format, and carriers differ."""
    return PCM16_16K if _carriers_of(tenant_id) == {Carrier.INFOBIP} else MULAW_8K


def _carriers_of(tenant_id: UUID) -> set[str]:
    with tenant_scope(tenant_id):
        return set(PhoneNumber.objects.filter(is_active=True).values_list("carrier", flat=True))
