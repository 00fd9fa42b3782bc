"""What vendors are still to delete: a row each, until they have."""

from django.db import models
from django.db.models import Q

from tenants.models import TenantOwned


class VendorErasure(TenantOwned):
    """One thing that a vendor keeps, by the vendor's own id."""

    class Kind(models.TextChoices):
        CONVERSATION = "conversation"
        RECORDING = "recording"
        MESSAGE = "message", "text message"
        CALL = "call", "record of a call"

    class State(models.TextChoices):
        WAITING = "waiting", "is asked for"
        DONE = "done", "deleted"
        FAILED = "failed", "given up: delete it at the vendor's"

    vendor = models.CharField(max_length=16)
    kind = models.CharField("what", max_length=16, choices=Kind.choices)
    external_id = models.CharField("the vendor's id", max_length=200)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    error = models.CharField("what the vendor said last", max_length=240, blank=True)
    created_at = models.DateTimeField("asked for", auto_now_add=True)
    settled_at = models.DateTimeField("settled", null=True, blank=True)

    class Meta(TenantOwned.Meta):
        verbose_name = "deletion at a vendor"
        verbose_name_plural = "deletions at vendors"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "vendor", "kind", "external_id"], name="vendor_erasure_once"
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "due_at"], condition=Q(state="waiting"), name="vendor_erasure_due")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.external_id}".capitalize()
