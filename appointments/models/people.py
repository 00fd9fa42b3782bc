"""Who serves, and who is served."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower

from appointments.models.catalog import Service
from tenants.isolation import TenantForeignKey
from tenants.models import TenantOwned


class Employee(TenantOwned):
    """Somebody whose calendar is booked."""

    name = models.CharField(max_length=120, help_text="As the agent says it to callers.")
    email = models.EmailField(blank=True, help_text="For the team; callers never hear it.")
    is_active = models.BooleanField(
        default=True, help_text="Nobody is booked with somebody inactive; appointments that they have stay."
    )
    services: "models.ManyToManyField[Service, EmployeeService]" = models.ManyToManyField(
        Service, through="EmployeeService", related_name="employees", blank=True
    )

    class Meta(TenantOwned.Meta):
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class EmployeeService(TenantOwned):
    """This employee performs this service."""

    employee = TenantForeignKey(
        Employee, on_delete=models.CASCADE, related_name="performs", help_text="Who performs the service."
    )
    service = TenantForeignKey(
        Service,
        on_delete=models.CASCADE,
        related_name="performed_by",
        help_text="What they perform; nobody is booked with them for anything else.",
    )
    duration_minutes = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1440)],
        help_text="How long it takes this employee. Empty: as long as the service says.",
    )
    price = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="What this employee takes for it. Empty: the service's price.",
    )

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "employee", "service"], name="employee_performs_service_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.employee} performs {self.service}"


class Customer(TenantOwned):
    """Somebody who books. Known by phone number and name: a family may share a phone."""

    name = models.CharField(max_length=120, help_text="As they say it on the phone.")
    phone_e164 = models.CharField(
        "phone", max_length=16, blank=True, help_text="With its country, such as +15551234567."
    )
    email = models.EmailField(blank=True, help_text="For customers who leave no telephone number.")
    notes = models.TextField(blank=True, help_text="For the team; callers never hear them.")
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
