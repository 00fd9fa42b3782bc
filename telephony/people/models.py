"""Whom a business lets us ring, and how each attempt went."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from appointments.models import OpeningHours
from tenants.isolation import TenantForeignKey
from tenants.models import TenantOwned


class RingGroup(TenantOwned):
    """Some people of the business who take calls together."""

    class When(models.TextChoices):
        ALWAYS = "always", "at any time"
        OPENING = "opening", "while the business is open"
        OWN = "own", "at hours of its own"

    class Order(models.TextChoices):
        IN_ORDER = "in_order", "one after the other"
        AT_ONCE = "at_once", "all at once"

    name = models.CharField(max_length=60, help_text="For the team, such as Front desk.")
    position = models.PositiveSmallIntegerField(
        "place",
        default=1,
        help_text="Groups are rung in this order; the next one when nobody of this takes it.",
    )
    when = models.CharField(
        "is rung",
        max_length=8,
        choices=When.choices,
        default=When.OPENING,
        help_text="Opening hours are the business's, with its holidays and closures; hours of its own are below.",
    )
    order = models.CharField(
        "people are rung",
        max_length=8,
        choices=Order.choices,
        default=Order.IN_ORDER,
        help_text="All at once: whoever is first takes the call. At most ten then.",
    )
    rings_seconds = models.PositiveSmallIntegerField(
        "seconds",
        default=20,
        validators=[MinValueValidator(5), MaxValueValidator(60)],
        help_text="How long each is rung, 5 to 60. Voicemail of mobile phones often answers after 20 to 25.",
    )
    is_active = models.BooleanField("in use", default=True)

    class Meta(TenantOwned.Meta):
        ordering = ["position", "name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="ring_group_once")]

    def __str__(self) -> str:
        return self.name


class RingPerson(TenantOwned):
    """One telephone of a group. Nothing else is ever dialled for a caller."""

    group = TenantForeignKey(RingGroup, on_delete=models.CASCADE, related_name="people")
    name = models.CharField(max_length=60, help_text="Who answers it.")
    e164 = models.CharField("number", max_length=16, help_text="With its country, such as +15551234567.")
    position = models.PositiveSmallIntegerField("place", default=1)
    is_active = models.BooleanField("in use", default=True)
    may_cost = models.BooleanField(
        "abroad or premium",
        default=False,
        help_text="Dial it although it is in another country, or charges by the minute. Set by the platform.",
    )

    class Meta(TenantOwned.Meta):
        verbose_name = "person"
        verbose_name_plural = "people"
        ordering = ["position", "name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "group", "e164"], name="ring_person_once")]

    def __str__(self) -> str:
        return self.name


class RingHours(TenantOwned):
    """When a group with hours of its own is rung: an interval of one weekday, on the business's clock."""

    group = TenantForeignKey(RingGroup, on_delete=models.CASCADE, related_name="hours")
    weekday = models.PositiveSmallIntegerField(choices=OpeningHours.Weekday.choices)
    opens = models.TimeField("from")
    closes = models.TimeField("until", help_text="At or before the beginning: on the next day.")

    class Meta(TenantOwned.Meta):
        verbose_name = verbose_name_plural = "hours of its own"
        ordering = ["weekday", "opens"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "group", "weekday", "opens"], name="ring_hours_once")
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}-{self.closes:%H:%M}"

    def clean(self) -> None:
        if self.opens is not None and self.opens == self.closes:
            raise ValidationError({"closes": "The same time twice is no stretch of time."})


class Transfer(TenantOwned):
    """One attempt to find a person for a caller. Written by `telephony.people.transfers` alone."""

    class Purpose(models.TextChoices):
        WANTED = "wanted", "the agent put the caller through"
        INSTEAD = "instead", "the agent was not there"
        CHOSEN = "chosen", "the caller chose it, or the number has no agent"

    class State(models.TextChoices):
        RINGING = "ringing"
        JOINED = "joined", "somebody took it"
        OVER = "over", "was taken, and is over"
        NOBODY = "nobody", "nobody took it"
        RETURNED = "returned", "back with the agent"
        STOPPED = "stopped", "the caller left"

    call = TenantForeignKey("telephony.Call", on_delete=models.CASCADE, related_name="transfers")
    purpose = models.CharField(max_length=8, choices=Purpose.choices)
    is_warm = models.BooleanField("warm")
    reason = models.CharField(max_length=240, blank=True, help_text="As the agent put it.")
    episode = models.CharField(max_length=64, blank=True, help_text="The stream after which this came.")
    rounds = models.JSONField(default=list, help_text="Who is rung, round for round.")
    position = models.PositiveSmallIntegerField(default=0, help_text="The round that is being rung.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.RINGING)
    taken_by = models.CharField(max_length=60, blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    taken_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        ordering = ["started_at"]
        indexes = [models.Index(fields=["tenant", "call", "started_at"], name="transfer_by_call")]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "call"], condition=Q(state="ringing"), name="one_transfer_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"Transfer {self.started_at:%Y-%m-%d %H:%M} UTC"


class TransferLeg(TenantOwned):
    """One person rung in one round."""

    class State(models.TextChoices):
        RINGING = "ringing"
        LISTENING = "listening", "hears who calls"
        TOOK = "took", "took the call"
        DECLINED = "declined", "picked up, and did not take it"
        NO_ANSWER = "no_answer", "no answer"
        BUSY = "busy"
        FAILED = "failed", "could not be reached"
        STOPPED = "stopped"

    transfer = TenantForeignKey(Transfer, on_delete=models.CASCADE, related_name="legs")
    round = models.PositiveSmallIntegerField()
    place = models.PositiveSmallIntegerField(help_text="Within the round.")
    name = models.CharField(max_length=60)
    e164 = models.CharField("number", max_length=16)
    carrier_leg_id = models.CharField(max_length=128, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RINGING)

    class Meta(TenantOwned.Meta):
        ordering = ["round", "place"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "transfer", "round", "place"], name="transfer_leg_once")
        ]
        indexes = [
            models.Index(
                fields=["carrier_leg_id"], condition=~Q(carrier_leg_id=""), name="transfer_leg_by_carrier"
            )
        ]

    def __str__(self) -> str:
        return self.name
