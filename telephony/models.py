"""The line: numbers, calls, and what happened to them."""

from django.db import models
from django.utils import timezone

from agents.models import Conversation
from telephony.carriers.registry import DEFAULT, Carrier, of_calls, with_numbers
from tenants.isolation import TenantForeignKey, TenantOneToOneField
from tenants.models import TenantOwned


class PhoneNumber(TenantOwned):
    """A number that callers dial; it decides the tenant."""

    e164 = models.CharField("number", max_length=16, unique=True, help_text="E.164, such as +15551234567.")
    carrier = models.CharField(max_length=12, choices=with_numbers, default=DEFAULT)
    carrier_number_id = models.CharField(
        max_length=64, blank=True, help_text="The carrier's own id of the number."
    )
    is_active = models.BooleanField(default=True)

    class Meta(TenantOwned.Meta):
        ordering = ["e164"]

    def __str__(self) -> str:
        return self.e164


class BlockedNumber(TenantOwned):
    """A number that the business takes no calls from."""

    e164 = models.CharField("number", max_length=16)
    reason = models.CharField(max_length=200, blank=True, help_text="For the team.")
    since = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        ordering = ["-since"]
        constraints = [models.UniqueConstraint(fields=["tenant", "e164"], name="blocked_number_once")]

    def __str__(self) -> str:
        return self.e164


class Call(TenantOwned):
    """One phone call. Written by `telephony.calls` alone."""

    sealed_columns = ("handover", "session_url")

    class Direction(models.TextChoices):
        INBOUND = "inbound"
        OUTBOUND = "outbound"

    class State(models.TextChoices):
        QUEUED = "queued"
        RINGING = "ringing"
        IN_PROGRESS = "in-progress", "in progress"
        COMPLETED = "completed"
        BUSY = "busy"
        NO_ANSWER = "no-answer", "no answer"
        CANCELED = "canceled"
        FAILED = "failed"

    carrier = models.CharField(max_length=12, choices=of_calls, default=DEFAULT)
    carrier_call_id = models.CharField(max_length=128, help_text="The carrier's own id of the call.")
    carrier_account_id = models.CharField(max_length=128, blank=True)
    direction = models.CharField(max_length=8, choices=Direction.choices, default=Direction.INBOUND)
    state = models.CharField(max_length=12, choices=State.choices, default=State.RINGING)
    outcome = models.CharField(
        max_length=64, blank=True, help_text="Why it ended, or what stood in for the agent."
    )
    from_e164 = models.CharField(max_length=16, blank=True, help_text="Empty when the caller ID is withheld.")
    to_e164 = models.CharField(max_length=16)
    number = TenantForeignKey(
        PhoneNumber, on_delete=models.PROTECT, related_name="calls", null=True, blank=True
    )
    conversation = TenantOneToOneField(
        Conversation, on_delete=models.PROTECT, related_name="call", null=True, blank=True
    )
    stream_id = models.CharField(max_length=64, blank=True, help_text="The carrier's own id of the stream.")
    stream_token_hash = models.CharField(max_length=64, blank=True, editable=False)
    stream_token_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    handover = models.TextField(
        blank=True, editable=False, help_text="For whoever carries the call; encrypted, and gone once read."
    )
    session_url = models.TextField(
        blank=True, editable=False, help_text="Where the agent waits for the call; as the handover."
    )
    stream_started_at = models.DateTimeField(null=True, blank=True)
    stream_ended_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="The last sign of life of whoever carries the call."
    )
    first_agent_audio_ms = models.PositiveIntegerField(
        null=True, blank=True, help_text="From the start of the stream to the first agent audio sent."
    )
    feel = models.JSONField(
        default=dict,
        blank=True,
        help_text="How the call felt, in milliseconds; what each figure means is documented.",
    )
    duration_seconds = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["carrier", "carrier_call_id"], name="carrier_call_once"),
            models.UniqueConstraint(
                fields=["stream_token_hash"],
                condition=~models.Q(stream_token_hash=""),
                name="stream_token_once",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at"], name="call_by_time"),
            models.Index(fields=["created_at"], condition=models.Q(ended_at=None), name="call_still_open"),
            models.Index(
                fields=["stream_started_at"],
                condition=models.Q(stream_started_at__isnull=False, stream_ended_at=None),
                name="stream_still_open",
            ),
        ]

    def __str__(self) -> str:
        return self.carrier_call_id

    @property
    def is_outbound(self) -> bool:
        return self.direction == self.Direction.OUTBOUND

    @property
    def our_e164(self) -> str:
        """The business's own number."""
        return self.from_e164 if self.is_outbound else self.to_e164

    @property
    def their_e164(self) -> str:
        """The customer's; "" when it is withheld."""
        return self.to_e164 if self.is_outbound else self.from_e164


class CallEvent(TenantOwned):
    """One thing that happened to a call: a status callback, a stream's start, a fault."""

    call = TenantForeignKey(Call, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=48)
    detail = models.JSONField(default=dict, blank=True)
    dedupe_key = models.CharField(
        max_length=200, blank=True, help_text="The same key again is the same event."
    )
    occurred_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantOwned.Meta):
        ordering = ["occurred_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "call", "dedupe_key"],
                condition=~models.Q(dedupe_key=""),
                name="call_event_once",
            )
        ]
        indexes = [models.Index(fields=["tenant", "call", "occurred_at"], name="call_event_by_time")]

    def __str__(self) -> str:
        return self.kind


# Packages of their own; here, where Django looks for models.
from telephony.examination import Examination  # noqa: E402
from telephony.forgetting.models import VendorErasure  # noqa: E402
from telephony.notifications.models import (  # noqa: E402
    InboundText,
    MessageTemplate,
    Notification,
    OptOut,
)
from telephony.outbound.models import OutboundCall  # noqa: E402
from telephony.people.models import (  # noqa: E402
    RingGroup,
    RingHours,
    RingPerson,
    Transfer,
    TransferLeg,
)
from telephony.spend.models import BudgetAlarm, Meter  # noqa: E402

__all__ = [
    "BlockedNumber",
    "BudgetAlarm",
    "Call",
    "CallEvent",
    "Carrier",
    "Examination",
    "InboundText",
    "MessageTemplate",
    "Meter",
    "Notification",
    "OptOut",
    "OutboundCall",
    "PhoneNumber",
    "RingGroup",
    "RingHours",
    "RingPerson",
    "Transfer",
    "TransferLeg",
    "VendorErasure",
]
