"""What is booked, what is held, and what became of it. Written by the booking modules alone."""

import datetime
import secrets
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value

from appointments.models.catalog import AddOn, Resource, Service
from appointments.models.clock import told
from appointments.models.people import Customer, Employee
from tenants.isolation import TenantForeignKey
from tenants.models import TenantOwned


def _blocked_time() -> Func:
    """`[blocked_from, blocked_until)`."""
    bounds = (F("blocked_from"), F("blocked_until"), RangeBoundary())
    return Func(*bounds, function="TSTZRANGE", output_field=DateTimeRangeField())


def _same(field: str) -> Func:
    """A range of one UUID stands in for `field WITH =`, which would need the btree_gist extension.

    `uuidrange` is a type of our own, made by the first migration.
    """
    return Func(F(field), F(field), Value("[]"), function="uuidrange")


CODE_LETTERS = "23456789CDFGHJKLMNPQRTVWXY"
"""What sounds and looks like something else is left out, and with the vowels every word."""


def booking_code() -> str:
    """Six letters that a caller can read out. A quarter of a billion of them: guessing is cut short elsewhere."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(6))


class Series(TenantOwned):
    """The same appointment again every so many weeks, at the same time of the tenant's clock."""

    employee = TenantForeignKey(Employee, on_delete=models.PROTECT, related_name="series")
    service = TenantForeignKey(Service, on_delete=models.PROTECT, related_name="series")
    customer = TenantForeignKey(Customer, on_delete=models.PROTECT, related_name="series")
    first_local = models.DateTimeField(help_text="The first occurrence.")
    interval_weeks = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(52)]
    )
    occurrences = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(200)])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        verbose_name_plural = "series"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"every {self.interval_weeks} weeks, {self.occurrences} times"


class Appointment(TenantOwned):
    """One customer, one service, one employee, one time. Written by `appointments.booking` alone."""

    class Status(models.TextChoices):
        SCHEDULED = "scheduled"
        CONFIRMED = "confirmed"
        COMPLETED = "completed"
        CANCELLED = "cancelled"
        NO_SHOW = "no_show", "no-show"

    class Source(models.TextChoices):
        AGENT = "agent", "voice agent"
        API = "api", "API"
        STAFF = "staff"

    employee = TenantForeignKey(
        Employee, on_delete=models.PROTECT, related_name="appointments", db_index=False
    )
    service = TenantForeignKey(Service, on_delete=models.PROTECT, related_name="appointments")
    customer = TenantForeignKey(
        Customer, on_delete=models.PROTECT, related_name="appointments", db_index=False
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    blocked_from = models.DateTimeField(editable=False, help_text="Start, less the buffer before.")
    blocked_until = models.DateTimeField(editable=False, help_text="End, plus the buffer after.")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.SCHEDULED)
    seat = models.PositiveSmallIntegerField(
        default=1,
        editable=False,
        help_text="Of a group: the place taken. The first keeps the employee's time for all of them.",
    )
    visit = models.UUIDField(
        null=True,
        blank=True,
        editable=False,
        db_index=True,
        help_text="Services booked together, back to back.",
    )
    series = TenantForeignKey(
        Series, on_delete=models.SET_NULL, null=True, blank=True, related_name="appointments"
    )
    price = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3)
    code = models.CharField(
        "booking code",
        max_length=8,
        db_default="",
        default=booking_code,
        editable=False,
        help_text="What a caller tells the agent when their number is not known to us.",
    )
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.STAFF)
    notes = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        ordering = ["starts_at"]
        indexes = [
            models.Index(fields=["tenant", "employee", "starts_at"], name="appointment_by_employee"),
            models.Index(fields=["tenant", "customer", "starts_at"], name="appointment_by_customer"),
            models.Index(fields=["tenant", "starts_at"], name="appointment_by_start"),
            models.Index(fields=["tenant", "code"], condition=~Q(code=""), name="appointment_by_code"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "employee", "service", "starts_at", "seat"],
                condition=~Q(status="cancelled"),
                name="appointment_seat_once",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at"))
                & Q(blocked_from__lte=F("starts_at"))
                & Q(blocked_until__gte=F("ends_at")),
                name="appointment_times_in_order",
            ),
            # The last word against double booking. A range of one UUID stands in for `employee WITH =`,
            # which would need the btree_gist extension; `uuidrange` is a type of our own (first migration).
            ExclusionConstraint(
                name="appointment_no_double_booking",
                expressions=[
                    (
                        Func(F("employee"), F("employee"), Value("[]"), function="uuidrange"),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        _blocked_time(),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=~Q(status="cancelled") & Q(seat=1),
                violation_error_message="The employee has another appointment at that time (buffers included).",
            ),
        ]

    def __str__(self) -> str:
        return told(self, self.starts_at)

    def clean(self) -> None:
        starts_at: datetime.datetime | None = self.starts_at  # None where a form could not read it
        ends_at: datetime.datetime | None = self.ends_at
        if starts_at is not None and ends_at is not None and starts_at >= ends_at:
            raise ValidationError({"ends_at": "An appointment ends after it starts."})


class AppointmentAddOn(TenantOwned):
    """An add-on as it was booked: its minutes and price then."""

    appointment = TenantForeignKey(Appointment, on_delete=models.CASCADE, related_name="add_ons")
    add_on = TenantForeignKey(AddOn, on_delete=models.PROTECT, related_name="+")
    minutes = models.PositiveSmallIntegerField()
    price = models.DecimalField(max_digits=10, decimal_places=2)

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "appointment", "add_on"], name="appointment_has_add_on_once"
            )
        ]

    def __str__(self) -> str:
        return str(self.add_on)


class ResourceUse(TenantOwned):
    """One unit of a resource, kept by an appointment for as long as it blocks its time."""

    appointment = TenantForeignKey(Appointment, on_delete=models.CASCADE, related_name="uses")
    resource = TenantForeignKey(Resource, on_delete=models.PROTECT, related_name="uses")
    unit = models.PositiveSmallIntegerField(help_text="Which of the resource's units, from 1.")
    blocked_from = models.DateTimeField()
    blocked_until = models.DateTimeField()
    is_active = models.BooleanField(default=True, help_text="Not while the appointment is cancelled.")

    class Meta(TenantOwned.Meta):
        indexes = [models.Index(fields=["tenant", "resource", "blocked_from"], name="resource_use_by_start")]
        constraints = [
            ExclusionConstraint(
                name="resource_unit_used_once",
                expressions=[
                    (_same("resource"), RangeOperators.OVERLAPS),
                    (Func(F("unit"), F("unit"), Value("[]"), function="int4range"), RangeOperators.OVERLAPS),
                    (_blocked_time(), RangeOperators.OVERLAPS),
                ],
                condition=Q(is_active=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.resource} {self.unit}"


class Hold(TenantOwned):
    """A slot kept for a live call while the caller makes up their mind. Free exactly at `expires_at`."""

    employee = TenantForeignKey(Employee, on_delete=models.CASCADE, related_name="holds")
    service = TenantForeignKey(Service, on_delete=models.CASCADE, related_name="holds")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    blocked_from = models.DateTimeField()
    blocked_until = models.DateTimeField()
    holder = models.CharField(max_length=64, help_text="The call or offer that it is kept for.")
    caller_e164 = models.CharField(max_length=16, blank=True)
    expires_at = models.DateTimeField()

    class Meta(TenantOwned.Meta):
        ordering = ["starts_at"]
        indexes = [
            models.Index(fields=["tenant", "employee", "expires_at"], name="hold_by_employee"),
            models.Index(fields=["tenant", "holder"], name="hold_by_holder"),
        ]

    def __str__(self) -> str:
        return f"{told(self, self.starts_at)} until {told(self, self.expires_at, '%H:%M:%S')}"


class AppointmentChange(TenantOwned):
    """One entry of an appointment's history: who did what, and what it was before and after."""

    appointment = TenantForeignKey(Appointment, on_delete=models.CASCADE, related_name="history")
    kind = models.CharField(max_length=16, help_text="booked, moved, cancelled, …")
    actor = models.CharField(max_length=120, help_text="The call, the person or the key that did it.")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.CharField(max_length=240, blank=True)
    changed_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        ordering = ["changed_at"]
        indexes = [models.Index(fields=["tenant", "appointment", "changed_at"], name="change_by_appointment")]

    def __str__(self) -> str:
        return self.kind


class WaitlistEntry(TenantOwned):
    """A customer who would come if something became free."""

    class State(models.TextChoices):
        WAITING = "waiting"
        OFFERED = "offered"
        BOOKED = "booked"
        LEFT = "left"

    customer = TenantForeignKey(Customer, on_delete=models.CASCADE, related_name="waiting")
    service = TenantForeignKey(Service, on_delete=models.CASCADE, related_name="waitlist")
    employee = TenantForeignKey(
        Employee, on_delete=models.CASCADE, related_name="waitlist", null=True, blank=True
    )
    earliest = models.DateTimeField()
    latest = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    hold = TenantForeignKey(
        Hold, on_delete=models.SET_NULL, related_name="+", null=True, blank=True, help_text="What is offered."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        ordering = ["created_at"]
        verbose_name_plural = "waitlist entries"
        indexes = [
            models.Index(fields=["tenant", "service", "state", "created_at"], name="waitlist_in_order")
        ]

    def __str__(self) -> str:
        return f"{self.customer} for {self.service}"


def buffered(service: Service, starts_at: datetime.datetime, ends_at: datetime.datetime) -> dict[str, Any]:
    """The time that an appointment keeps other appointments out of, as model fields."""
    return {
        "blocked_from": starts_at - datetime.timedelta(minutes=service.buffer_before_minutes),
        "blocked_until": ends_at + datetime.timedelta(minutes=service.buffer_after_minutes),
    }
