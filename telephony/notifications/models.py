"""What is told to customers, what they answer, who wants no texts, and a business's own words."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from agents.models import Message
from appointments.models import Appointment, WaitlistEntry
from telephony.notifications import rendering
from tenants.isolation import TenantForeignKey
from tenants.models import TenantOwned


class Kind(models.TextChoices):
    BOOKED = "booked", "confirmation"
    MOVED = "moved", "new time"
    CANCELLED = "cancelled", "cancellation"
    OFFERED = "offered", "waiting list offer"
    REMINDER = "reminder"
    ALERT = "alert", "message for the team"
    RECEIPT = "receipt", "receipt of a message"


TO_CUSTOMERS = [(kind.value, kind.label) for kind in Kind if kind not in {Kind.ALERT, Kind.RECEIPT}]
"""Of an appointment: a business may have its own words for these."""


class Channel(models.TextChoices):
    SMS = "sms", "text message"
    EMAIL = "email", "e-mail"
    CALL = "call", "phone call"


class Notification(TenantOwned):
    """One thing told to one customer. Made by the planner; moved on by the dispatcher and by receipts."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        UNKNOWN = "unknown", "being looked up"
        SENT = "sent"
        DELIVERED = "delivered"
        UNDELIVERED = "undelivered", "not delivered"
        FAILED = "failed"
        GIVEN_UP = "given_up", "not known whether it was sent"
        SUPERSEDED = "superseded", "overtaken by a change"
        EXPIRED = "expired", "too late to be of use"
        SKIPPED = "skipped", "not sent"

    appointment = TenantForeignKey(
        Appointment, on_delete=models.CASCADE, related_name="notifications", null=True, blank=True
    )
    waitlist_entry = TenantForeignKey(
        WaitlistEntry, on_delete=models.CASCADE, related_name="notifications", null=True, blank=True
    )
    message = TenantForeignKey(
        Message, on_delete=models.CASCADE, related_name="notifications", null=True, blank=True
    )
    kind = models.CharField(max_length=12, choices=Kind.choices)
    version = models.CharField(max_length=40, help_text="Of a reminder, the start; else the change told of.")
    hours_before = models.PositiveSmallIntegerField(default=0, help_text="Of a reminder.")
    starts_at = models.DateTimeField(help_text="The start that it tells of.")
    channel = models.CharField(max_length=8, choices=Channel.choices)
    due_at = models.DateTimeField()
    not_after = models.DateTimeField(help_text="Later it would be of no use.")
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True, blank=True)
    from_address = models.CharField("from", max_length=254, blank=True)
    to_address = models.CharField("to", max_length=254, blank=True)
    text = models.TextField(blank=True)
    segments = models.PositiveSmallIntegerField(null=True, blank=True, help_text="What a carrier bills.")
    carrier = models.CharField(max_length=12, blank=True)
    carrier_message_id = models.CharField(
        max_length=200, blank=True, help_text="The carrier's own id of the message."
    )
    error_code = models.CharField(max_length=40, blank=True)
    error = models.CharField(max_length=240, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True, help_text="The last word on its delivery.")

    class Meta(TenantOwned.Meta):
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "appointment", "kind", "version", "hours_before"],
                name="notification_once",
                nulls_distinct=False,
            ),
        ]
        indexes = [
            # With the id: of a thousand that are due at the same minute the next one is found without sorting them.
            models.Index(
                fields=["tenant", "due_at", "id"], condition=Q(state="waiting"), name="notification_due"
            ),
            models.Index(
                fields=["tenant", "claimed_at"],
                condition=Q(state__in=["sending", "unknown"]),
                name="notification_unanswered",
            ),
            models.Index(fields=["tenant", "to_address", "-sent_at"], name="notification_by_address"),
            models.Index(fields=["tenant", "appointment"], name="notification_by_appointment"),
            models.Index(
                fields=["carrier_message_id"],
                condition=~Q(carrier_message_id=""),
                name="notification_by_carrier_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{Kind(self.kind).label} by {Channel(self.channel).label}"


class InboundText(TenantOwned):
    """A text message that came in, and what we answered: the same message again gets the same answer."""

    carrier_message_id = models.CharField(max_length=64)
    from_e164 = models.CharField("from", max_length=16)
    to_e164 = models.CharField("to", max_length=16)
    text = models.TextField(blank=True)
    understood = models.CharField(max_length=16, blank=True, help_text="What it was taken for.")
    appointment = TenantForeignKey(
        Appointment, on_delete=models.SET_NULL, related_name="texts", null=True, blank=True
    )
    choices = models.JSONField(default=list, blank=True, help_text="What we asked to choose from, by id.")
    answer = models.TextField(blank=True)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        verbose_name = "incoming text"
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "carrier_message_id"], name="inbound_text_once")
        ]
        indexes = [models.Index(fields=["tenant", "from_e164", "-received_at"], name="inbound_text_by_phone")]

    def __str__(self) -> str:
        return f"Text of {self.from_e164}"


class OptOut(TenantOwned):
    """A phone that wants no texts from this business: it said STOP, and has not said START since."""

    e164 = models.CharField("number", max_length=16)
    since = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        verbose_name = "opt-out"
        ordering = ["-since"]
        constraints = [models.UniqueConstraint(fields=["tenant", "e164"], name="opt_out_once")]

    def __str__(self) -> str:
        return self.e164


class MessageTemplate(TenantOwned):
    """A business's own words, in place of ours."""

    kind = models.CharField(max_length=12, choices=TO_CUSTOMERS)
    text = models.TextField()

    class Meta(TenantOwned.Meta):
        ordering = ["kind"]
        constraints = [models.UniqueConstraint(fields=["tenant", "kind"], name="message_template_once")]

    def __str__(self) -> str:
        return str(Kind(self.kind).label) if self.kind in Kind.values else self.kind

    def clean(self) -> None:
        problems = list(rendering.problems(self.kind, self.text or ""))
        if problems:
            raise ValidationError({"text": problems})
