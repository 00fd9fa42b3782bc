"""Tenant (a business), its members and its secrets, and the base of everything that a tenant owns."""

import uuid
import zoneinfo
from typing import Self, TypeVar

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models

from tenants import secret_names
from tenants.encryption import EncryptedTextField
from tenants.scoping import ScopeConflict, active_scope

M = TypeVar("M", bound=models.Model)


class TenantQuerySet(models.QuerySet[M]):
    """Rows of one tenant."""

    def for_tenant(self, tenant: "Tenant | uuid.UUID") -> Self:
        """Rows of this tenant, which must be the one whose scope is active."""
        tenant_id = tenant if isinstance(tenant, uuid.UUID) else tenant.pk
        if active_scope().tenant_id not in {None, tenant_id}:
            raise ScopeConflict("A scope of another tenant is active")
        return self.filter(tenant_id=tenant_id)


class TenantManager(models.Manager.from_queryset(TenantQuerySet)[M]):  # type: ignore[misc]
    """The first wall: raises without a scope, filters by it otherwise."""

    tenant_column = "tenant_id"

    def get_queryset(self) -> TenantQuerySet[M]:
        scope = active_scope()
        rows: TenantQuerySet[M] = super().get_queryset()
        return rows if scope.is_platform else rows.filter(**{self.tenant_column: scope.tenant_id})


class TenantDirectory(TenantManager):
    """The tenants themselves: inside a tenant's scope there is one."""

    tenant_column = "pk"


def validate_timezone(name: str) -> None:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationError(
            "%(name)s is not an IANA time zone such as Europe/Berlin", params={"name": name}
        ) from None


def validate_holiday_region(name: str) -> None:
    """ISO 3166-1 alpha-2, or with `-` and a subdivision."""
    import holidays  # takes a third of a second to import, and few tenants need it

    country, _, region = name.partition("-")
    known = holidays.list_supported_countries()
    if country not in known or (region and region not in known[country]):
        raise ValidationError(
            "%(name)s is not a known country or region, such as US or DE-BE", params={"name": name}
        )


class Tenant(models.Model):
    """A business that lets TONRIS answer its phone."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, help_text="As callers know the business; the agent says it.")
    slug = models.SlugField(unique=True, help_text="Short name for commands and addresses.")
    status = models.CharField(
        max_length=12,
        choices=Status.choices,
        default=Status.ACTIVE,
        help_text="A suspended tenant's numbers say that they are not in service.",
    )
    timezone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[validate_timezone],
        help_text="IANA name, such as America/New_York. Opening hours are wall times of this zone.",
    )
    language = models.CharField(
        max_length=8, default="en", help_text="What the agent speaks: en, es, de, fr."
    )
    holiday_region = models.CharField(
        max_length=12,
        blank=True,
        validators=[validate_holiday_region],
        help_text=(
            "Closed on the public holidays of this country or region, such as US, US-NY or DE-BE; "
            "empty: open on holidays. Special hours of a date go before."
        ),
    )
    currency = models.CharField(max_length=3, default="USD", help_text="ISO 4217 code of the prices.")
    phone = models.CharField(
        max_length=32, blank=True, help_text="The number that the agent gives to callers."
    )
    address = models.CharField(max_length=240, blank=True)
    settings = models.JSONField(
        default=dict,
        blank=True,
        help_text=(
            "elevenLabsAgentId, aiGreeting, aiTone, aiInstructions, sendOverrides, transferNumber, voicemail, "
            "confirmChanges, requiredTrust, holdSeconds, keepHeldMinutes, holdsPerCaller, waitlistOfferMinutes."
        ),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantDirectory()

    class Meta:
        ordering = ["name"]
        base_manager_name = "objects"

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.timezone)

    @property
    def is_active(self) -> bool:
        return self.status == self.Status.ACTIVE

    def clean(self) -> None:
        if not isinstance(self.settings, dict):
            raise ValidationError({"settings": "Settings are a JSON object."})


class TenantOwned(models.Model):
    """Base of every row that belongs to a tenant."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No index of its own: `UNIQUE (tenant_id, id)` on every table begins with it.
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"  # related rows are reached through this one: the wall stands there too


class User(AbstractUser):
    """A person who logs in. Superusers are the platform's operators; everyone else acts as a Member."""


class Member(TenantOwned):
    """A person's role in one tenant."""

    class Role(models.TextChoices):
        OWNER = "owner"
        MANAGER = "manager"
        STAFF = "staff"
        READ_ONLY = "read_only", "read-only"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.STAFF)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="member_once_per_tenant")]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class Invitation(TenantOwned):
    """Somebody is asked to become a Member. Gone once they have joined; the link itself is not kept."""

    email = models.EmailField(help_text="Of the person; the link is yours to send.")
    role = models.CharField(max_length=12, choices=Member.Role.choices, default=Member.Role.STAFF)
    digest = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the link, in hex.")
    invited_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(editable=False)

    class Meta(TenantOwned.Meta):
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "email"], name="invitation_once_per_tenant"),
            models.UniqueConstraint(fields=["tenant", "digest"], name="invitation_by_link"),
        ]
        indexes = [models.Index(fields=["digest"], name="invitation_by_digest")]

    def __str__(self) -> str:
        return f"{self.email} ({self.role})"


def secret_choices() -> list[tuple[str, str]]:
    """A callable, so that another vendor's secrets are no migration."""
    others = dict.fromkeys(name for name in secret_names.declared() if name not in Credential.Name.values)
    return [*Credential.Name.choices, *((name, name) for name in others)]


class Credential(TenantOwned):
    """One secret of a tenant, encrypted; it takes the place of the platform's of the same name."""

    class Name(models.TextChoices):
        WEBHOOK_SECRET = "webhook_secret"  # noqa: S105 - the name of a secret
        ELEVENLABS_API_KEY = "elevenlabs_api_key"
        TWILIO_ACCOUNT_SID = "twilio_account_sid"
        TWILIO_AUTH_TOKEN = "twilio_auth_token"  # noqa: S105 - the name of a secret
        OPENAI_API_KEY = "openai_api_key"
        INFOBIP_API_KEY = "infobip_api_key"
        INFOBIP_WEBHOOK_SECRET = "infobip_webhook_secret"  # noqa: S105 - the name of a secret

    name = models.CharField(max_length=32, choices=secret_choices)
    value = EncryptedTextField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="credential_once_per_tenant")]

    def __str__(self) -> str:
        return self.name


class ApiKey(TenantOwned):
    """What an integrator's program shows to act for one tenant. The key itself is not kept."""

    name = models.CharField(max_length=120, help_text="Whose it is and what for: the website's booking page.")
    prefix = models.CharField(max_length=16, editable=False, help_text="The visible beginning of the key.")
    digest = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the key, in hex.")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(TenantOwned.Meta):
        verbose_name = "API key"
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["tenant", "digest"], name="api_key_once")]
        indexes = [models.Index(fields=["prefix"], name="api_key_by_prefix")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


# A package of its own; here, where Django looks for models.
from tenants.audit.models import AuditDetail, AuditEntry  # noqa: E402

__all__ = [
    "ApiKey",
    "AuditDetail",
    "AuditEntry",
    "Credential",
    "Invitation",
    "Member",
    "Tenant",
    "TenantDirectory",
    "TenantManager",
    "TenantOwned",
    "TenantQuerySet",
    "User",
]
