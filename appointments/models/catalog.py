"""What is sold: services, what can be added to them, and what they need."""

import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
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
    seats = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(200)],
        help_text="More than one: a group, in which so many customers share one time of the employee.",
    )
    cancel_notice_minutes = models.PositiveIntegerField(
        default=0, help_text="How long before its start customers may still cancel or move an appointment."
    )
    resources: "models.ManyToManyField[Resource, ServiceResource]" = models.ManyToManyField(
        "Resource", through="ServiceResource", related_name="services", blank=True
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

    service = TenantForeignKey(Service, on_delete=models.CASCADE, related_name="add_ons")
    name = models.CharField(max_length=120)
    minutes = models.PositiveSmallIntegerField(default=0, help_text="Added to the service's duration.")
    price = models.DecimalField(max_digits=10, decimal_places=2, default=0, validators=[MinValueValidator(0)])
    is_active = models.BooleanField(default=True)

    class Meta(TenantOwned.Meta):
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("tenant", "service", Lower("name"), name="add_on_name_once_per_service")
        ]

    def __str__(self) -> str:
        return self.name


class Resource(TenantOwned):
    """Something that services need and that there is only so much of: a chair, a room, a lift."""

    name = models.CharField(max_length=120)
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

    service = TenantForeignKey(Service, on_delete=models.CASCADE, related_name="needs")
    resource = TenantForeignKey(Resource, on_delete=models.CASCADE, related_name="needed_by")

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "service", "resource"], name="service_needs_resource_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.service} needs {self.resource}"
