"""Secrets of tenants and of the platform: a tenant's own comes first."""

from uuid import UUID

from django.conf import settings

from tenants.models import Credential, Tenant

_PLATFORM = {
    Credential.Name.WEBHOOK_SECRET: "ELEVENLABS_WEBHOOK_SECRET",
    Credential.Name.ELEVENLABS_API_KEY: "ELEVENLABS_API_KEY",
    Credential.Name.OPENAI_API_KEY: "OPENAI_API_KEY",
    Credential.Name.TWILIO_ACCOUNT_SID: "TWILIO_ACCOUNT_SID",
    Credential.Name.TWILIO_AUTH_TOKEN: "TWILIO_AUTH_TOKEN",
    Credential.Name.INFOBIP_API_KEY: "INFOBIP_API_KEY",
    Credential.Name.INFOBIP_WEBHOOK_SECRET: "INFOBIP_WEBHOOK_SECRET",
}


def own_secret(tenant_id: UUID, name: Credential.Name) -> str | None:
    """The tenant's own secret, None where it has none, "" where no key opens it any more.

    Needs the tenant's scope or the platform's.
    """
    row = Credential.objects.for_tenant(tenant_id).filter(name=name).first()
    return (row.value or "") if row else None


def platform_secret(name: Credential.Name) -> str:
    """What the environment configures, or ""."""
    return str(getattr(settings, _PLATFORM[name], "")) if name in _PLATFORM else ""


def secret(tenant_id: UUID, name: Credential.Name) -> str:
    """The tenant's own secret, else the platform's, else ""."""
    own = own_secret(tenant_id, name)
    return platform_secret(name) if own is None else own


def set_secret(tenant: Tenant, name: Credential.Name, value: str) -> None:
    """Keep a secret, encrypted; an empty value forgets it."""
    if not value:
        Credential.objects.for_tenant(tenant).filter(name=name).delete()
        return
    Credential.objects.update_or_create(tenant=tenant, name=name, defaults={"value": value})
