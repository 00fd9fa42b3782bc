"""Two businesses to try TONRIS with. Written so that a second run changes nothing."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from appointments.models import Employee, EmployeeService, OpeningHours, Service
from telephony.models import PhoneNumber
from tenants.models import Tenant
from tenants.scoping import platform_scope, tenant_scope


@dataclass(frozen=True, slots=True)
class DemoService:
    name: str
    minutes: int
    price: str
    category: str
    description: str
    pk: UUID | None = None


@dataclass(frozen=True, slots=True)
class DemoBusiness:
    pk: UUID
    slug: str
    name: str
    number: str
    timezone: str
    currency: str
    address: str
    settings: dict[str, Any]
    employees: Sequence[tuple[str, UUID | None]]
    services: Sequence[DemoService]
    step: int
    opens: str = "09:00"
    closes: str = "17:00"


SALON = DemoBusiness(
    pk=UUID("de535df4-ccee-11f0-a2aa-12736706c408"),
    slug="salon",
    name="Test Salon",
    number="+15551234567",
    timezone="America/New_York",
    currency="USD",
    address="12 Mulberry Street, New York",
    settings={
        "elevenLabsAgentId": "agent_demo_salon",
        "transferNumber": "+15550001111",
        "voicemail": True,
        "maxConcurrentCalls": 100,
    },
    employees=[("Ana", UUID("12345678-1234-1234-1234-123456789012")), ("Ben", None)],
    services=[
        DemoService(
            "Haircut", 60, "50", "hair", "A classic haircut", UUID("87654321-4321-4321-4321-210987654321")
        ),
        DemoService("Styling", 45, "40", "hair", "Blow-dry and styling"),
        DemoService("Coloring", 120, "120", "hair", "Full color with care"),
    ],
    step=30,
)

GARAGE = DemoBusiness(
    pk=UUID("5b0d1a52-7a3e-4a39-9a53-2f6d6f3f0c11"),
    slug="garage",
    name="Test Garage",
    number="+15557654321",
    timezone="Europe/Berlin",
    currency="EUR",
    address="Werkstattweg 3, Berlin",
    settings={"elevenLabsAgentId": "agent_demo_garage", "voicemail": True, "maxConcurrentCalls": 100},
    employees=[("Carla", None), ("Dirk", None)],
    services=[
        DemoService("Oil change", 45, "89", "maintenance", "Oil and filter"),
        DemoService("Tyre change", 60, "60", "tyres", "Summer to winter or back"),
        DemoService("Inspection", 90, "149.50", "maintenance", "All that the manual asks for"),
    ],
    step=15,
    opens="08:00",
    closes="18:00",
)

BUSINESSES = (SALON, GARAGE)


def seed(business: DemoBusiness) -> Tenant:
    """Make the business, or leave it as its staff have made it since."""
    with platform_scope():
        tenant, _ = Tenant.objects.get_or_create(
            pk=business.pk,
            defaults={
                "slug": business.slug,
                "name": business.name,
                "timezone": business.timezone,
                "currency": business.currency,
                "phone": business.number,
                "address": business.address,
                "settings": business.settings,
            },
        )
    with tenant_scope(tenant):
        PhoneNumber.objects.get_or_create(e164=business.number, defaults={"tenant": tenant})
        if not OpeningHours.objects.exists():
            _seed_hours(tenant, business)
        services = [_seed_service(tenant, business, service) for service in business.services]
        for name, pk in business.employees:
            _seed_employee(tenant, name, pk, services)
    return tenant


def _seed_hours(tenant: Tenant, business: DemoBusiness) -> None:
    opens, closes = datetime.time.fromisoformat(business.opens), datetime.time.fromisoformat(business.closes)
    OpeningHours.objects.bulk_create(
        OpeningHours(tenant=tenant, weekday=weekday, opens=opens, closes=closes) for weekday in range(5)
    )


def _seed_service(tenant: Tenant, business: DemoBusiness, service: DemoService) -> Service:
    made, _ = Service.objects.get_or_create(
        tenant=tenant,
        name=service.name,
        defaults={
            **({"pk": service.pk} if service.pk else {}),
            "description": service.description,
            "category": service.category,
            "duration_minutes": service.minutes,
            "price": Decimal(service.price),
            "currency": business.currency,
            "slot_step_minutes": business.step,
        },
    )
    return made


def _seed_employee(tenant: Tenant, name: str, pk: UUID | None, services: Sequence[Service]) -> None:
    employee, created = Employee.objects.get_or_create(
        tenant=tenant, name=name, defaults={"pk": pk} if pk else {}
    )
    if created:
        for service in services:
            EmployeeService.objects.create(tenant=tenant, employee=employee, service=service)
