"""The calendar: what is sold, by whom, when, and to whom."""

import datetime
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower

from tenants.isolation import TenantForeignKey
from tenants.models import TenantOwned


class Service(TenantOwned):
    """Something that the business sells by appointment."""

    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    category = models.CharField(max_length=60, blank=True)
    duration_minutes = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(1440)],
        help_text="Real minutes, buffers not included.",
    )
    price = models.DecimalField(max_digits=10, decimal_places=2, validators=[MinValueValidator(0)])
    currency = models.CharField(max_length=3, default="USD", help_text="ISO 4217 code, such as USD or EUR.")
    buffer_before_minutes = models.PositiveSmallIntegerField(
        default=0, help_text="Keeps other appointments of the employee away before this one, to prepare."
    )
    buffer_after_minutes = models.PositiveSmallIntegerField(
        default=0, help_text="Keeps other appointments of the employee away after this one, to tidy up."
    )
    slot_step_minutes = models.PositiveSmallIntegerField(
        default=15,
        validators=[MinValueValidator(1), MaxValueValidator(1440)],
        help_text="Callers are offered times this far apart, counted from opening time.",
    )
    minimum_notice_minutes = models.PositiveIntegerField(
        default=0, help_text="How long before its start an appointment must be booked."
    )
    booking_window_days = models.PositiveSmallIntegerField(
        default=90, help_text="How many days ahead callers may book; the last day counts."
    )
    is_active = models.BooleanField(
        default=True, help_text="Inactive services are neither offered nor booked."
    )

    class Meta(TenantOwned.Meta):
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("tenant", Lower("name"), name="service_name_once_per_tenant"),
            models.CheckConstraint(condition=Q(duration_minutes__gt=0), name="service_duration_positive"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def duration(self) -> datetime.timedelta:
        return datetime.timedelta(minutes=self.duration_minutes)


class Employee(TenantOwned):
    """Somebody whose calendar is booked."""

    name = models.CharField(max_length=120)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    services: "models.ManyToManyField[Service, EmployeeService]" = models.ManyToManyField(
        Service, through="EmployeeService", related_name="employees", blank=True
    )

    class Meta(TenantOwned.Meta):
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class EmployeeService(TenantOwned):
    """This employee performs this service."""

    employee = TenantForeignKey(Employee, on_delete=models.CASCADE, related_name="performs")
    service = TenantForeignKey(Service, on_delete=models.CASCADE, related_name="performed_by")

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "employee", "service"], name="employee_performs_service_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.employee} performs {self.service}"


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
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    opens = models.TimeField()
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


class Customer(TenantOwned):
    """Somebody who books. Known by phone number and name: a family may share a phone."""

    name = models.CharField(max_length=120)
    phone_e164 = models.CharField(max_length=16, blank=True)
    email = models.EmailField(blank=True)
    notes = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "tenant", "phone_e164", Lower("email"), Lower("name"), name="customer_once"
            )
        ]
        indexes = [models.Index(fields=["tenant", "phone_e164"], name="customer_by_phone")]

    def __str__(self) -> str:
        return self.name


class _BlockedTime(Func):
    """`[blocked_from, blocked_until)` as a range."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


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
    price = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3)
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
        ]
        constraints = [
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
                        _BlockedTime("blocked_from", "blocked_until", RangeBoundary()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=~Q(status="cancelled"),
                violation_error_message="The employee has another appointment at that time (buffers included).",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M} UTC"

    def clean(self) -> None:
        starts_at: datetime.datetime | None = self.starts_at  # None where a form could not read it
        ends_at: datetime.datetime | None = self.ends_at
        if starts_at is not None and ends_at is not None and starts_at >= ends_at:
            raise ValidationError({"ends_at": "An appointment ends after it starts."})


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


def buffered(service: Service, starts_at: datetime.datetime, ends_at: datetime.datetime) -> dict[str, Any]:
    """The time that an appointment keeps other appointments out of, as model fields."""
    return {
        "blocked_from": starts_at - datetime.timedelta(minutes=service.buffer_before_minutes),
        "blocked_until": ends_at + datetime.timedelta(minutes=service.buffer_after_minutes),
    }
