"""What a provider's webhook never told of conversations is asked for, of the providers that can be asked."""

from uuid import UUID

from agents.providers import PROVIDERS, chosen_by
from tenants.models import Tenant
from tenants.scoping import platform_scope


def tenants_to_ask_for() -> list[UUID]:
    """Active tenants whose provider keeps what it could not tell."""
    with platform_scope():
        rows = Tenant.objects.filter(status=Tenant.Status.ACTIVE)
        return [one.pk for one in rows if _keeps(chosen_by(one))]


def fetch(tenant_id: UUID) -> int:
    """How many conversations came in."""
    with platform_scope():
        tenant = Tenant.objects.filter(pk=tenant_id).first()
    provider = PROVIDERS.get(chosen_by(tenant)) if tenant else None
    return provider.fetch_missed(tenant_id) if provider and provider.fetch_missed else 0


def _keeps(name: str) -> bool:
    return name in PROVIDERS and PROVIDERS[name].fetch_missed is not None
