"""When: the weeks, dates and stretches of time in which the business and its employees are there."""

import datetime

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from appointments.models.clock import told
from appointments.models.people import Employee
from tenants.isolation import TenantForeignKey
from tenants.models import TenantOwned

WITHOUT_ZONE = "%Y-%m-%d %H:%M"


class OpeningHours(TenantOwned):
    """One interval of one weekday, in the tenant's wall time; several a day make breaks."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0
        TUESDAY = 1
        WEDNESDAY = 2
        THURSDAY = 3
        FRIDAY = 4
        SATURDAY = 5
        SUNDAY = 6

    employee = TenantForeignKey(
        Employee,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="hours",
        help_text="Empty: the business's own hours. An employee without hours works whenever the business is open.",
    )
    weekday = models.PositiveSmallIntegerField(
        choices=Weekday.choices, help_text="The day on which this interval opens, every week."
    )
    opens = models.TimeField(
        help_text="On the clock of the business. Several intervals on a day make breaks between them."
    )
    closes = models.TimeField(
        help_text="A closing time at or before the opening time is on the next day; 00:00 is midnight."
    )

    class Meta(TenantOwned.Meta):
        ordering = ["weekday", "opens"]
        verbose_name_plural = "opening hours"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "employee", "weekday", "opens"],
                name="opening_hours_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}-{self.closes:%H:%M}"


class SpecialHours(TenantOwned):
    """Opening hours of one date, in place of its weekday's. Several rows make breaks; one without times closes."""

    date = models.DateField(help_text="The one day that is different; its usual hours do not count.")
    opens = models.TimeField(
        null=True, blank=True, help_text="Empty, with closes empty too: closed on this date."
    )
    closes = models.TimeField(null=True, blank=True, help_text="At or before opens: on the next day.")
    note = models.CharField(max_length=120, blank=True, help_text="Why, for the team: Christmas Eve.")

    class Meta(TenantOwned.Meta):
        ordering = ["date", "opens"]
        verbose_name_plural = "special hours"
        constraints = [
            models.CheckConstraint(
                condition=Q(opens__isnull=True, closes__isnull=True)
                | Q(opens__isnull=False, closes__isnull=False),
                name="special_hours_both_or_neither",
                violation_error_message="Give both times, or neither to be closed.",
            ),
            models.UniqueConstraint(
                fields=["tenant", "date", "opens"], name="special_hours_once", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        hours = f"{self.opens:%H:%M}-{self.closes:%H:%M}" if self.opens and self.closes else "closed"
        return f"{self.date} {hours}"


class Stretch(TenantOwned):
    """Some real time, from an instant to another."""

    starts_at = models.DateTimeField("from", help_text="On the clock of the business.")
    ends_at = models.DateTimeField(
        "until",
        help_text="From this moment on things go their usual way again; it may be days or weeks later.",
    )
    note = models.CharField(max_length=120, blank=True, help_text="Why, for the team; callers never hear it.")

    class Meta(TenantOwned.Meta):
        abstract = True
        ordering = ["starts_at"]

    def __str__(self) -> str:
        return f"{told(self, self.starts_at, WITHOUT_ZONE)} to {told(self, self.ends_at)}"

    def clean(self) -> None:
        starts_at: datetime.datetime | None = self.starts_at  # None where a form could not read it
        ends_at: datetime.datetime | None = self.ends_at
        if starts_at is not None and ends_at is not None and starts_at >= ends_at:
            raise ValidationError({"ends_at": "It must end after it starts."})


class Closure(Stretch):
    """The whole business is closed: a holiday week, a power cut."""

    class Meta(Stretch.Meta):
        abstract = False
        constraints = [
            models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="closure_in_order")
        ]
        indexes = [models.Index(fields=["tenant", "ends_at"], name="closure_by_end")]


class TimeOff(Stretch):
    """An employee is away, for an hour or for weeks."""

    employee = TenantForeignKey(
        Employee,
        on_delete=models.CASCADE,
        related_name="time_off",
        help_text="Who is away. Nobody is booked with them then; what is booked already stays.",
    )

    class Meta(Stretch.Meta):
        abstract = False
        verbose_name_plural = "time off"
        constraints = [
            models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="time_off_in_order")
        ]
        indexes = [models.Index(fields=["tenant", "employee", "ends_at"], name="time_off_by_end")]
