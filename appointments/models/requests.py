"""Requests that were answered, and what others are to be told."""

from django.db import models

from appointments.models.calendar import Appointment
from tenants.isolation import TenantForeignKey
from tenants.models import TenantOwned


class IdempotencyRecord(TenantOwned):
    """The stored answer to a request that may be repeated; claimed and filled in the booking's transaction."""

    scope = models.CharField(max_length=40, help_text="What kind of request the key belongs to.")
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "scope", "key"], name="idempotency_key_once")
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_by_age")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class OutboxMessage(TenantOwned):
    """Something that others are to be told, written in the transaction that it tells of."""

    kind = models.CharField(max_length=24, help_text="booked, moved, cancelled, …")
    appointment = TenantForeignKey(Appointment, on_delete=models.CASCADE, related_name="outbox")
    body = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    handled_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        ordering = ["created_at"]
        indexes = [
            models.Index(fields=["created_at"], condition=models.Q(handled_at=None), name="outbox_waiting")
        ]

    def __str__(self) -> str:
        return self.kind
