"""The audit trail. Rows are inserted by `tenants.audit.writing`; the database refuses to change or delete them."""

from django.db import models
from django.utils import timezone

from tenants.isolation import TenantOneToOneField
from tenants.models import Tenant, TenantOwned


class AuditEntry(TenantOwned):
    """One thing that was done, without anybody's name in it. Without a tenant: the platform's own chain."""

    tenant = models.ForeignKey(  # type: ignore[assignment]  # the platform has no tenant
        Tenant, on_delete=models.PROTECT, related_name="+", db_index=False, null=True, blank=True
    )
    position = models.PositiveBigIntegerField(null=True, editable=False, help_text="Its place in the chain.")
    occurred_at = models.DateTimeField(default=timezone.now, editable=False)
    actor_kind = models.CharField("by", max_length=12)
    actor_id = models.CharField("actor", max_length=64, blank=True)
    action = models.CharField(max_length=48)
    subject_kind = models.CharField("what", max_length=32, blank=True)
    subject_id = models.CharField("which", max_length=64, blank=True)
    erases = models.TextField(
        blank=True, help_text="Places whose words were erased, with commas between them."
    )
    commitment = models.CharField(
        max_length=64, help_text="SHA-256 of the salt and of what is told in clear."
    )
    previous_hash = models.CharField(max_length=64, blank=True, editable=False)
    hash = models.CharField(max_length=64, blank=True, editable=False)

    class Meta(TenantOwned.Meta):
        verbose_name_plural = "audit trail"
        ordering = ["-occurred_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "position"],
                condition=models.Q(position__isnull=False),
                nulls_distinct=False,
                name="audit_position_once",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-occurred_at"], name="audit_by_time"),
            models.Index(fields=["subject_id", "subject_kind"], name="audit_by_subject"),
        ]

    def __str__(self) -> str:
        return self.action


class AuditDetail(TenantOwned):
    """What an entry tells in clear. It can be deleted, and not be changed."""

    tenant = models.ForeignKey(  # type: ignore[assignment]  # the platform has no tenant
        Tenant, on_delete=models.PROTECT, related_name="+", db_index=False, null=True, blank=True
    )
    entry = TenantOneToOneField(AuditEntry, on_delete=models.PROTECT, related_name="detail")
    salt = models.CharField(max_length=32)
    content = models.TextField(help_text="JSON; byte for byte what the commitment is of.")
    about = models.UUIDField(null=True, blank=True, help_text="The customer whom it tells of.")

    class Meta(TenantOwned.Meta):
        indexes = [models.Index(fields=["tenant", "about"], name="audit_detail_by_person")]

    def __str__(self) -> str:
        return str(self.entry_id)
