"""A business as rows. What is missing is made, with all that belongs to it; what is there is its staff's affair."""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from uuid import UUID

from agents.simulators.elevenlabs.simulated import WIDEBAND_AGENT
from appointments.models import (
    AddOn,
    Employee,
    EmployeeService,
    OpeningHours,
    Resource,
    Service,
    ServiceResource,
)
from telephony.models import Carrier, PhoneNumber
from tenants.models import Tenant
from tenants.scoping import platform_scope, tenant_scope
from tonris.demo.businesses import DemoBusiness, DemoEmployee, DemoHours, DemoService


def seed(business: DemoBusiness) -> Tenant:
    """Make the business, or leave it as its staff have made it since. All of it or nothing."""
    with platform_scope():
        tenant, _ = Tenant.objects.get_or_create(
            pk=business.pk,
            defaults={
                "slug": business.slug,
                "name": business.name,
                "timezone": business.timezone,
                "language": business.language,
                "holiday_region": business.holiday_region,
                "currency": business.currency,
                "phone": business.number,
                "address": business.address,
                "settings": dict(business.settings),
            },
        )
        with tenant_scope(tenant):
            PhoneNumber.objects.get_or_create(e164=business.number, defaults={"tenant": tenant})
            if not OpeningHours.objects.filter(employee=None).exists():
                OpeningHours.objects.bulk_create(_hours(tenant, None, business.hours))
            services, new_services = _seed_services(tenant, business)
            employees, new_employees = _seed_employees(tenant, business)
            new = {row.pk for row in (*new_services, *new_employees)}
            EmployeeService.objects.bulk_create(_performs(tenant, business, services, employees, new))
    return tenant


def add_infobip_line(tenant: Tenant, business: DemoBusiness) -> None:
    """A second number, at the second carrier, with an agent in its format; where there is none yet."""
    with tenant_scope(tenant):
        _, is_new = PhoneNumber.objects.get_or_create(
            e164=business.infobip_number, defaults={"tenant": tenant, "carrier": Carrier.INFOBIP}
        )
        if is_new:
            row = Tenant.objects.select_for_update().get(pk=tenant.pk)
            row.settings = {"infobipAgentId": WIDEBAND_AGENT, **row.settings}
            row.save(update_fields=["settings"])


Services = dict[str, Service]
Employees = dict[str, Employee]


def _seed_services(tenant: Tenant, business: DemoBusiness) -> tuple[Services, list[Service]]:
    """Those that are there, by the names they have here, and those that were made now."""
    rows = list(Service.objects.all())
    by_pk, by_name = {row.pk: row for row in rows}, {row.name.casefold(): row for row in rows}
    there: Services = {}
    new: list[tuple[DemoService, Service]] = []
    for each in business.services:
        row = by_pk.get(each.pk) or by_name.get(each.name.casefold())
        if row is None:
            row = make_service(tenant, business, each)
            new.append((each, row))
        there[each.name] = row
    if new:
        Service.objects.bulk_create(row for _, row in new)
        AddOn.objects.bulk_create(
            AddOn(tenant=tenant, service=row, name=one.name, minutes=one.minutes, price=Decimal(one.price))
            for each, row in new
            for one in each.add_ons
        )
        _seed_needs(tenant, business, new)
    return there, [row for _, row in new]


def make_service(tenant: Tenant, business: DemoBusiness, service: DemoService) -> Service:
    """Not saved yet."""
    return Service(
        **({"pk": service.pk} if service.pk else {}),
        tenant=tenant,
        name=service.name,
        description=service.description,
        category=service.category,
        duration_minutes=service.minutes,
        price=Decimal(service.price),
        currency=business.currency,
        slot_step_minutes=business.step,
        **service.terms,
    )


def _seed_needs(
    tenant: Tenant, business: DemoBusiness, services: Sequence[tuple[DemoService, Service]]
) -> None:
    needed = {name for each, _ in services for name in each.needs}
    if not needed:
        return
    there = {row.name: row for row in Resource.objects.filter(name__in=needed)}
    new = {
        name: Resource(tenant=tenant, name=name, capacity=business.resources[name])
        for name in sorted(needed - there.keys())
    }
    Resource.objects.bulk_create(new.values())
    there |= new
    ServiceResource.objects.bulk_create(
        ServiceResource(tenant=tenant, service=row, resource=there[name])
        for each, row in services
        for name in each.needs
    )


def _seed_employees(tenant: Tenant, business: DemoBusiness) -> tuple[Employees, list[Employee]]:
    rows = list(Employee.objects.all())
    by_pk, by_name = {row.pk: row for row in rows}, {row.name: row for row in rows}
    there: Employees = {}
    new: list[tuple[DemoEmployee, Employee]] = []
    for each in business.employees:
        row = by_pk.get(each.pk) or by_name.get(each.name)
        if row is None:
            row = Employee(**({"pk": each.pk} if each.pk else {}), tenant=tenant, name=each.name)
            new.append((each, row))
        there[each.name] = row
    if new:
        Employee.objects.bulk_create(row for _, row in new)
        OpeningHours.objects.bulk_create(
            hours for each, row in new for hours in _hours(tenant, row, each.hours)
        )
    return there, [row for _, row in new]


def _hours(tenant: Tenant, employee: Employee | None, weeks: Iterable[DemoHours]) -> Iterator[OpeningHours]:
    for week in weeks:
        opens, closes = map(datetime.time.fromisoformat, (week.opens, week.closes))
        for weekday in week.weekdays:
            yield OpeningHours(tenant=tenant, employee=employee, weekday=weekday, opens=opens, closes=closes)


def _performs(
    tenant: Tenant,
    business: DemoBusiness,
    services: Services,
    employees: Employees,
    new: set[UUID],
) -> Iterator[EmployeeService]:
    """Who performs what, as far as either has just been made."""
    for each in business.employees:
        employee = employees[each.name]
        for name, service in services.items():
            if name not in each.not_services and {employee.pk, service.pk} & new:
                minutes, price = each.differs.get(name, (None, None))
                yield EmployeeService(
                    tenant=tenant,
                    employee=employee,
                    service=service,
                    duration_minutes=minutes,
                    price=None if price is None else Decimal(price),
                )
