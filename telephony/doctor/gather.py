"""Everything that the checks want to know, asked of the database."""

import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from agents.briefings import opening_week
from agents.providers import chosen_by
from agents.speech import Hours
from appointments.models import Employee, EmployeeService, OpeningHours, Service, SpecialHours
from telephony.doctor import probes
from telephony.doctor.facts import Business, Calendar, Installation, Person
from telephony.models import PhoneNumber
from telephony.people import directory
from telephony.vendors import every_vendor
from tenants.models import Credential, Tenant
from tenants.scoping import tenant_scope


def installation() -> Installation:
    redis = probes.redis()
    return Installation(
        app_base_url=settings.APP_BASE_URL,
        debug=settings.DEBUG,
        simulated=all(one.is_simulated() for one in every_vendor()),
        unsigned_allowed=settings.ALLOW_UNSIGNED_WEBHOOKS,
        encryption_keys=settings.FIELD_ENCRYPTION_KEYS,
        database=probes.database(),
        redis=redis,
        workers=probes.workers() if redis == "ok" else 0,
    )


def business(tenant_id: UUID) -> Business:
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.get(pk=tenant_id)
        numbers = list(PhoneNumber.objects.order_by("e164"))
        return Business(
            tenant=tenant,
            provider=chosen_by(tenant),
            unreadable_secrets=[row.name for row in Credential.objects.order_by("name") if row.value is None],
            numbers=[one.e164 for one in numbers if one.is_active],
            numbers_off=[one.e164 for one in numbers if not one.is_active],
            carriers={one.carrier for one in numbers if one.is_active},
            calendar=_calendar(tenant),
            rings_groups=directory.has_groups(tenant),
        )


def _calendar(tenant: Tenant) -> Calendar:
    """Needs the tenant's scope."""
    services = list(Service.objects.all())
    employees = list(Employee.objects.all())
    active = {one.pk for one in employees if one.is_active}
    performs = list(EmployeeService.objects.values_list("employee_id", "service_id"))
    alive = {one.pk for one in services if one.is_active}
    own = _own_weeks()
    today: datetime.date = timezone.now().astimezone(tenant.zone).date()
    special: Any = SpecialHours.objects.filter(date__gte=today, opens__isnull=False)
    return Calendar(
        week=opening_week(tenant),
        special_dates=list(special.values_list("date", flat=True)),
        people=[
            Person(
                one.name,
                sum(1 for who, what in performs if who == one.pk and what in alive),
                own.get(one.pk, []),
            )
            for one in employees
            if one.is_active
        ],
        performed={
            one.name: sum(1 for who, what in performs if what == one.pk and who in active)
            for one in services
            if one.is_active
        },
        inactive=[one.name for one in (*services, *employees) if not one.is_active],
    )


def _own_weeks() -> dict[UUID, list[Hours]]:
    weeks: dict[UUID, list[list[tuple[datetime.time, datetime.time]]]] = {}
    for row in OpeningHours.objects.exclude(employee=None).order_by("weekday", "opens"):
        if row.employee_id is not None:
            week = weeks.setdefault(row.employee_id, [[] for _ in range(7)])
            week[row.weekday].append((row.opens, row.closes))
    return {who: [tuple(day) for day in week] for who, week in weeks.items()}
