"""What is sold: services, what can be added to them, and what they need."""

import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from tenants.isolation import TenantForeignKey
from tenants.models import TenantOwned

MINUTES_OF_A_DAY = 1440
LONGEST_NOTICE = 366 * MINUTES_OF_A_DAY
LONGEST_WINDOW = 1830
"""Days: five years."""
NOTICE = [MaxValueValidator(LONGEST_NOTICE, "Notice is %(limit_value)s minutes (a year) at most.")]


class Service(TenantOwned):
    """Something that the business sells by appointment."""

    name = models.CharField(max_length=120, help_text="As callers ask for it and the agent says it.")
    description = models.TextField(blank=True, help_text="What the agent says when callers ask about it.")
    category = models.CharField(
        max_length=60, blank=True, help_text="To keep a long list in order, such as hair or nails."
    )
    duration_minutes = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MINUTES_OF_A_DAY)],
        help_text="Real minutes, buffers not included.",
    )
    price = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        validators=[MinValueValidator(0)],
        help_text="What it costs, unless an employee has a price of their own.",
    )
    currency = models.CharField(max_length=3, default="USD", help_text="ISO 4217 code, such as USD or EUR.")
    buffer_before_minutes = models.PositiveSmallIntegerField(
        default=0,
        validators=[
            MaxValueValidator(MINUTES_OF_A_DAY, "A buffer is %(limit_value)s minutes (a day) at most.")
        ],
        help_text="Keeps other appointments of the employee away before this one, to prepare.",
    )
    buffer_after_minutes = models.PositiveSmallIntegerField(
        default=0,
        validators=[
            MaxValueValidator(MINUTES_OF_A_DAY, "A buffer is %(limit_value)s minutes (a day) at most.")
        ],
        help_text="Keeps other appointments of the employee away after this one, to tidy up.",
    )
    slot_step_minutes = models.PositiveSmallIntegerField(
        default=15,
        validators=[MinValueValidator(1), MaxValueValidator(MINUTES_OF_A_DAY)],
        help_text="Callers are offered times this far apart, counted from opening time.",
    )
    minimum_notice_minutes = models.PositiveIntegerField(
        default=0,
        validators=NOTICE,
        help_text="How many minutes before its start an appointment must be booked; 1440 are a day.",
    )
    booking_window_days = models.PositiveSmallIntegerField(
        default=90,
        validators=[MaxValueValidator(LONGEST_WINDOW, "Callers book %(limit_value)s days ahead at most.")],
        help_text="How many days ahead callers may book; the last day counts.",
    )
    seats = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(200)],
        help_text="More than one: a group, in which so many customers share one time of the employee.",
    )
    cancel_notice_minutes = models.PositiveIntegerField(
        default=0,
        validators=NOTICE,
        help_text="How many minutes before its start customers may still cancel or move an appointment.",
    )
    resources: "models.ManyToManyField[Resource, ServiceResource]" = models.ManyToManyField(
        "Resource",
        through="ServiceResource",
        related_name="services",
        blank=True,
        help_text="What it needs one of, each, while it lasts.",
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


class AddOn(TenantOwned):
    """Something extra that a customer may have with a service; it takes time and costs money of its own."""

    service = TenantForeignKey(
        Service, on_delete=models.CASCADE, related_name="add_ons", help_text="What it can be added to."
    )
    name = models.CharField(max_length=120, help_text="As callers ask for it and the agent says it.")
    minutes = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(MINUTES_OF_A_DAY)],
        help_text="Added to the service's duration; 0 where it takes no time of its own.",
    )
    price = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0)],
        help_text="Added to what the service costs.",
    )
    is_active = models.BooleanField(
        default=True, help_text="Inactive add-ons are neither offered nor booked."
    )

    class Meta(TenantOwned.Meta):
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("tenant", "service", Lower("name"), name="add_on_name_once_per_service")
        ]

    def __str__(self) -> str:
        return self.name


class Resource(TenantOwned):
    """Something that services need and that there is only so much of: a chair, a room, a lift."""

    name = models.CharField(max_length=120, help_text="What the team calls it, such as colour chair.")
    capacity = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(200)],
        help_text="How many appointments can use it at the same time.",
    )

    class Meta(TenantOwned.Meta):
        ordering = ["name"]
        constraints = [models.UniqueConstraint("tenant", Lower("name"), name="resource_name_once_per_tenant")]

    def __str__(self) -> str:
        return self.name


class ServiceResource(TenantOwned):
    """This service needs one unit of this resource while it lasts, buffers included."""

    service = TenantForeignKey(
        Service, on_delete=models.CASCADE, related_name="needs", help_text="What cannot be done without it."
    )
    resource = TenantForeignKey(
        Resource,
        on_delete=models.CASCADE,
        related_name="needed_by",
        help_text="Kept for the appointment while it lasts, buffers included.",
    )

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "service", "resource"], name="service_needs_resource_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.service} needs {self.resource}"
