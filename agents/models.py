"""What was said and done in a call: conversation, turns, tool calls; and the events that providers send."""

import uuid

from django.db import models

from appointments.models import Appointment
from tenants.isolation import TenantForeignKey
from tenants.models import TenantOwned


class Conversation(TenantOwned):
    """One caller's whole dialogue, through however many provider sessions it took."""

    provider = models.CharField(max_length=24)
    agent_id = models.CharField(max_length=120, blank=True, help_text="The provider's id of the agent.")
    caller_e164 = models.CharField(
        max_length=16, blank=True, help_text="Claimed by caller ID; empty if withheld."
    )
    caller_vouched_for = models.BooleanField(
        null=True,
        help_text="Whether the caller's carrier vouches for the number (STIR/SHAKEN); unknown where none is asked.",
    )
    called_e164 = models.CharField(max_length=16, blank=True)
    carrier_call_id = models.CharField(max_length=128, blank=True, db_index=True)
    is_outbound = models.BooleanField(
        default=False,
        db_default=False,
        help_text="We have called them: the caller's number is the one that we dialled.",
    )
    purpose = models.CharField(max_length=500, blank=True, db_default="", help_text="Why we called.")
    customer_name = models.CharField(
        max_length=120, blank=True, db_default="", help_text="Whom we wanted to speak with."
    )
    about = TenantForeignKey(
        Appointment,
        on_delete=models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        help_text="The appointment that we called about.",
    )
    proven_phones = models.JSONField(
        default=list, blank=True, help_text="Numbers that the caller showed to be theirs, by a one-time code."
    )
    proven_appointments = models.JSONField(
        default=list, blank=True, help_text="Appointments that the caller knew enough about to change them."
    )
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    summary = models.TextField(blank=True)
    analysis = models.JSONField(default=dict, blank=True)
    cost = models.DecimalField(
        max_digits=12,
        decimal_places=4,
        null=True,
        blank=True,
        help_text="What its own provider took, in that one's unit.",
    )
    duration_seconds = models.PositiveIntegerField(null=True, blank=True)
    failure_reason = models.CharField(
        max_length=120,
        blank=True,
        help_text="Why an outbound call did not connect, as the provider names it.",
    )
    recording = models.CharField(max_length=200, blank=True, help_text="Its name in the private storage.")

    class Meta(TenantOwned.Meta):
        ordering = ["-started_at"]
        indexes = [
            models.Index(fields=["tenant", "-started_at"], name="conversation_by_start"),
            models.Index(fields=["tenant", "caller_e164", "started_at"], name="conversation_by_caller"),
        ]

    @property
    def caller_is_known(self) -> bool:
        """A number is there, and no carrier says that it may be forged."""
        return bool(self.caller_e164) and self.caller_vouched_for is not False

    def __str__(self) -> str:
        return f"Conversation {self.started_at:%Y-%m-%d %H:%M} UTC"


class ProviderSession(TenantOwned):
    """One connection to an agent provider, known to it by `external_id` (conv_…)."""

    conversation = TenantForeignKey(Conversation, on_delete=models.CASCADE, related_name="sessions")
    provider = models.CharField(max_length=24)
    agent_id = models.CharField(max_length=120, blank=True)
    external_id = models.CharField(max_length=120)
    input_format = models.CharField(
        max_length=24, blank=True, help_text="Caller to agent, as the provider declared."
    )
    output_format = models.CharField(max_length=24, blank=True, help_text="Agent to caller, as declared.")
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    close_code = models.PositiveIntegerField(null=True, blank=True)
    close_reason = models.CharField(max_length=240, blank=True)
    usage = models.JSONField(
        default=dict, blank=True, help_text="What it used, in the provider's units, where the session tells."
    )
    cost = models.DecimalField(
        max_digits=12,
        decimal_places=4,
        null=True,
        blank=True,
        help_text="In the provider's own unit.",
    )

    class Meta(TenantOwned.Meta):
        ordering = ["started_at"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "external_id"], name="provider_session_once")
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.external_id}"


class Turn(TenantOwned):
    """One thing said. `heard_text` is what reached the caller when an interruption cut it short."""

    class Speaker(models.TextChoices):
        CALLER = "caller"
        AGENT = "agent"

    conversation = TenantForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    position = models.PositiveIntegerField()
    speaker = models.CharField(max_length=8, choices=Speaker.choices)
    text = models.TextField()
    heard_text = models.TextField(null=True, blank=True)  # noqa: DJ001 - "" means that nothing was heard
    occurred_at = models.DateTimeField()

    class Meta(TenantOwned.Meta):
        ordering = ["conversation", "position"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "conversation", "position"], name="turn_position_once")
        ]

    def __str__(self) -> str:
        return f"{self.speaker} #{self.position}"


class ToolInvocation(TenantOwned):
    """One tool call: what the agent asked and what it was answered."""

    conversation = TenantForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="tool_invocations", null=True, blank=True
    )
    position = models.PositiveIntegerField(default=0, help_text="Place among the turns of the conversation.")
    tool = models.CharField(max_length=64)
    arguments = models.JSONField(default=dict)
    answer = models.JSONField(default=dict)
    succeeded = models.BooleanField()
    duration_ms = models.PositiveIntegerField()
    appointment = TenantForeignKey(
        Appointment, on_delete=models.PROTECT, related_name="tool_invocations", null=True, blank=True
    )
    occurred_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        ordering = ["-occurred_at"]
        indexes = [
            models.Index(fields=["tenant", "conversation", "occurred_at"], name="tool_by_conversation"),
            models.Index(fields=["tenant", "tool", "occurred_at"], name="tool_by_name"),
        ]

    def __str__(self) -> str:
        return self.tool


class Message(TenantOwned):
    """What a caller asked the agent to pass on."""

    conversation = TenantForeignKey(
        Conversation, on_delete=models.SET_NULL, related_name="messages", null=True, blank=True
    )
    text = models.TextField()
    caller_name = models.CharField(max_length=120, blank=True)
    callback_e164 = models.CharField("call back", max_length=16, blank=True)
    recording = models.CharField(max_length=200, blank=True, help_text="Its name in the private storage.")
    recording_ref = models.CharField(
        max_length=140, blank=True, help_text="Carrier and id of a voicemail that is fetched from there."
    )
    recording_tries = models.PositiveSmallIntegerField(default=0)
    taken_at = models.DateTimeField(auto_now_add=True)
    handled_at = models.DateTimeField(
        null=True, blank=True, help_text="When somebody of the team had dealt with it."
    )

    class Meta(TenantOwned.Meta):
        ordering = ["-taken_at"]
        indexes = [
            models.Index(fields=["tenant", "-taken_at"], name="message_by_time"),
            models.Index(
                fields=["taken_at"],
                condition=models.Q(recording="") & ~models.Q(recording_ref=""),
                name="message_recording_waits",
            ),
        ]

    def __str__(self) -> str:
        return f"Message of {self.caller_name or self.callback_e164 or 'a caller'}"


class OneTimeCode(TenantOwned):
    """A code that was sent to a phone, for the caller of one conversation to read out or key in."""

    conversation = TenantForeignKey(Conversation, on_delete=models.CASCADE, related_name="codes")
    phone_e164 = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, help_text="Of the code and this row's id.")
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta(TenantOwned.Meta):
        ordering = ["-sent_at"]
        indexes = [models.Index(fields=["tenant", "phone_e164", "sent_at"], name="code_by_phone")]

    def __str__(self) -> str:
        return f"Code sent at {self.sent_at:%Y-%m-%d %H:%M} UTC"


class ProviderEvent(TenantOwned):
    """A provider's webhook event, stored raw before it is answered; a worker makes sense of it later."""

    provider = models.CharField(max_length=24)
    kind = models.CharField(max_length=64)
    external_id = models.CharField(max_length=120, blank=True, help_text="The provider's conversation id.")
    body = models.JSONField()
    digest = models.CharField(
        max_length=64, help_text="SHA-256 of the raw body: the same event again is no news."
    )
    received_at = models.DateTimeField(auto_now_add=True)
    processed_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often working on it failed.")
    attachment = models.CharField(
        max_length=200,
        blank=True,
        help_text="The recording that came with it: its name in the private storage.",
    )

    class Meta(TenantOwned.Meta):
        ordering = ["-received_at"]
        constraints = [models.UniqueConstraint(fields=["tenant", "digest"], name="provider_event_once")]
        indexes = [
            models.Index(
                fields=["received_at"], condition=models.Q(processed_at=None), name="provider_event_waiting"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.external_id}"


class SeenSignature(models.Model):
    """A signed request that was accepted: its twin is a replay. Belongs to no tenant and holds no data."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    digest = models.CharField(max_length=64, unique=True)
    seen_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.digest[:12]


# A package of its own; here, where Django looks for models.
from agents.versions.models import AgentVersion  # noqa: E402

__all__ = [
    "AgentVersion",
    "Conversation",
    "Message",
    "OneTimeCode",
    "ProviderEvent",
    "ProviderSession",
    "SeenSignature",
    "ToolInvocation",
    "Turn",
]
