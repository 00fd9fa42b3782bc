"""A call that we are to place: to whom, why, until when, and what became of it. Each attempt is a `Call`."""

from django.db import models
from django.db.models import Q

from appointments.models import Appointment, Customer
from tenants.isolation import TenantForeignKey
from tenants.models import TenantOwned


class OutboundCall(TenantOwned):
    """Made by `outbound.orders`; moved on by `placing`, `course` and `hanging_up`."""

    class State(models.TextChoices):
        WAITING = "waiting"
        PLACING = "placing"
        UNDER_WAY = "under-way", "under way"
        COMPLETED = "completed"
        MACHINE = "machine", "answering machine"
        BUSY = "busy"
        NO_ANSWER = "no-answer", "no answer"
        FAILED = "failed"
        CANCELED = "canceled"

    class Origin(models.TextChoices):
        API = "api", "API"
        STAFF = "staff"
        REMINDER = "reminder"

    OPEN = ("waiting", "placing", "under-way")

    to_e164 = models.CharField("to", max_length=16)
    number = TenantForeignKey(
        "telephony.PhoneNumber",
        on_delete=models.PROTECT,
        related_name="outbound_calls",
        help_text="Called from.",
    )
    provider = models.CharField(max_length=24, blank=True, help_text="Empty: as the business has chosen.")
    purpose = models.CharField(max_length=500, blank=True, help_text="The agent is told.")
    appointment = TenantForeignKey(
        Appointment, on_delete=models.CASCADE, related_name="outbound_calls", null=True, blank=True
    )
    customer = TenantForeignKey(
        Customer, on_delete=models.CASCADE, related_name="outbound_calls", null=True, blank=True
    )
    notification = TenantForeignKey(
        "telephony.Notification",
        on_delete=models.CASCADE,
        related_name="outbound_calls",
        null=True,
        blank=True,
    )
    starts_at = models.DateTimeField(
        null=True, blank=True, help_text="Of a reminder: moved to another time, it is not told any more."
    )
    origin = models.CharField(max_length=12, choices=Origin.choices)
    actor = models.CharField(max_length=160, blank=True, help_text="Who ordered it.")
    consent = models.CharField(max_length=16, help_text="Why we may call: given, customer, or assumed.")
    idempotency_key = models.CharField(max_length=200, blank=True)
    request_hash = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField()
    not_after = models.DateTimeField(help_text="Later nobody is called.")
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=1)
    call = TenantForeignKey(
        "telephony.Call",
        on_delete=models.SET_NULL,
        related_name="orders",
        null=True,
        blank=True,
        help_text="The last attempt.",
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(
        max_length=24, blank=True, help_text="As the carrier has heard: human, machine, fax, unknown."
    )
    canceled_at = models.DateTimeField(null=True, blank=True, help_text="When somebody wanted it ended.")
    error_code = models.CharField(max_length=40, blank=True)
    error = models.CharField(max_length=240, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        verbose_name = "outbound call"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="outbound_call_once",
            ),
            models.UniqueConstraint(
                fields=["tenant", "notification"],
                condition=Q(notification__isnull=False),
                name="outbound_call_of_notification_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "due_at", "id"], condition=Q(state="waiting"), name="outbound_call_due"
            ),
            models.Index(
                fields=["tenant", "claimed_at"],
                condition=Q(state__in=["placing", "under-way"]),
                name="outbound_call_open",
            ),
            models.Index(fields=["tenant", "-created_at"], name="outbound_call_by_time"),
            models.Index(fields=["tenant", "to_e164", "created_at"], name="outbound_call_by_number"),
            models.Index(fields=["tenant", "appointment"], name="outbound_call_by_appointment"),
            models.Index(fields=["tenant", "call"], name="outbound_call_by_call"),
        ]

    def __str__(self) -> str:
        return f"Call to {self.to_e164}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN
