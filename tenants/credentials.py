"""Secrets of tenants and of the platform: a tenant's own comes first."""

from uuid import UUID

from django.conf import settings

from tenants.models import Credential, Tenant

_SETTINGS = {Credential.Name.WEBHOOK_SECRET.value: "ELEVENLABS_WEBHOOK_SECRET"}
"""Where a platform's secret is not called as a tenant's is."""


def own_secret(tenant_id: UUID, name: str) -> str | None:
    """The tenant's own secret, None where it has none, "" where no key opens it any more.

    Needs the tenant's scope or the platform's.
    """
    row = Credential.objects.for_tenant(tenant_id).filter(name=name).first()
    return (row.value or "") if row else None


def platform_secret(name: str) -> str:
    """What the environment configures, or ""."""
    return str(getattr(settings, _SETTINGS.get(name, name.upper()), ""))


def secret(tenant_id: UUID, name: str) -> str:
    """The tenant's own secret, else the platform's, else ""."""
    own = own_secret(tenant_id, name)
    return platform_secret(name) if own is None else own


def set_secret(tenant: Tenant, name: str, value: str) -> None:
    """Keep a secret, encrypted; an empty value forgets it."""
    if not value:
        Credential.objects.for_tenant(tenant).filter(name=name).delete()
        return
    Credential.objects.update_or_create(tenant=tenant, name=name, defaults={"value": value})
