"""One tenant with fifty employees and as many appointments as are asked for, of the same density throughout.

Every working day of an employee has six hours booked, 09:00 to 17:00, with one free at 11:00 and one at 14:00:
an hour's service finds two starts a day with everybody, one of ninety minutes finds none until the last day of
the month ahead, which is empty. Years of history, and a few months ahead, make up the number.
"""

import datetime
from dataclasses import dataclass

from appointments.models import Appointment, Customer, Employee, EmployeeService, OpeningHours, Service
from benchmarks.database import as_owner
from tenants.models import Tenant
from tenants.scoping import platform_scope, tenant_scope

EMPLOYEES = 50
PER_DAY = 6 * EMPLOYEES
AHEAD = 29  # booked days before the empty one, today included
NOW = datetime.datetime(2026, 6, 1, 5, tzinfo=datetime.UTC)
TODAY = NOW.date()
DAY = datetime.timedelta(days=1)
EMPTY_DAY = TODAY + AHEAD * DAY


@dataclass(frozen=True, slots=True)
class Clinic:
    tenant: Tenant
    hour: Service
    ninety_minutes: Service


def open_clinic() -> Clinic:
    """The tenant with its rules; half of the employees keep hours of their own, in ten patterns."""
    with platform_scope():
        tenant = Tenant.objects.create(
            name="Clinic", slug="clinic", timezone="Europe/Berlin", holiday_region=""
        )
    with tenant_scope(tenant):
        services = [_service(tenant, "Hour", 60), _service(tenant, "Ninety minutes", 90)]
        employees = Employee.objects.bulk_create(
            Employee(tenant=tenant, name=f"Employee {number:02}") for number in range(EMPLOYEES)
        )
        EmployeeService.objects.bulk_create(
            EmployeeService(tenant=tenant, employee=employee, service=service)
            for employee in employees
            for service in services
        )
        hours = [_hours(tenant, None, weekday, 0) for weekday in range(7)]
        hours += [
            _hours(tenant, employee, weekday, number % 10)
            for number, employee in enumerate(employees[: EMPLOYEES // 2])
            for weekday in range(7)
        ]
        OpeningHours.objects.bulk_create(hours)
        Customer.objects.create(tenant=tenant, name="Somebody", phone_e164="+15550000000")
    return Clinic(tenant, *services)


def _service(tenant: Tenant, name: str, minutes: int) -> Service:
    return Service.objects.create(tenant=tenant, name=name, duration_minutes=minutes, price=50)


def _hours(tenant: Tenant, employee: Employee | None, weekday: int, minutes_early: int) -> OpeningHours:
    opens = datetime.time(9) if employee is None else datetime.time(8, 59 - minutes_early)
    return OpeningHours(
        tenant=tenant, employee=employee, weekday=weekday, opens=opens, closes=datetime.time(17)
    )


_FILL = """
INSERT INTO appointments_appointment (id, tenant_id, employee_id, service_id, customer_id, starts_at, ends_at,
  blocked_from, blocked_until, status, seat, price, currency, source, notes, created_at, updated_at)
SELECT gen_random_uuid(), e.tenant_id, e.id, s.id, c.id, t, t + interval '1 hour', t, t + interval '1 hour',
  'scheduled', 1, 50, 'EUR', 'staff', '', now(), now()
FROM generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day') day
CROSS JOIN unnest(ARRAY[9, 10, 12, 13, 15, 16]) hour
CROSS JOIN LATERAL (SELECT (day + make_interval(hours => hour)) AT TIME ZONE 'Europe/Berlin' AS t) AS times
JOIN appointments_employee e ON e.tenant_id = %(tenant)s
JOIN appointments_service s ON s.tenant_id = e.tenant_id AND s.name = 'Hour'
JOIN appointments_customer c ON c.tenant_id = e.tenant_id
"""


def filled_to(clinic: Clinic, size: int) -> None:
    """So many appointments, years of them, ending on the day before the empty one."""
    with tenant_scope(clinic.tenant):
        oldest = Appointment.objects.order_by("starts_at").values_list("starts_at", flat=True).first()
    before = oldest.astimezone(clinic.tenant.zone).date() if oldest else EMPTY_DAY
    first = EMPTY_DAY - (size // PER_DAY) * DAY
    if first < before:
        _fill(clinic, first, before - DAY)


def _fill(clinic: Clinic, first: datetime.date, last: datetime.date) -> None:
    """Book every employee's every day from `first` to `last`.

    Constraints are laid down meanwhile. To check a million rows at once against double booking is quicker, and
    every row is made from those that its foreign keys point to: they watch over what comes later.
    """
    with as_owner() as owner:
        constraints = owner.execute(
            "SELECT conname, pg_get_constraintdef(oid), contype = 'f' FROM pg_constraint"
            " WHERE conrelid = 'appointments_appointment'::regclass"
            " AND (contype = 'f' OR conname = 'appointment_no_double_booking')"
        ).fetchall()
        for name, _, _ in constraints:
            owner.execute(f'ALTER TABLE appointments_appointment DROP CONSTRAINT "{name}"')
        owner.execute(_FILL, {"first": first, "last": last, "tenant": clinic.tenant.pk})
        for name, definition, is_foreign_key in constraints:
            unchecked = "" if not is_foreign_key or definition.endswith("NOT VALID") else " NOT VALID"
            owner.execute(
                f'ALTER TABLE appointments_appointment ADD CONSTRAINT "{name}" {definition}{unchecked}'
            )
        owner.execute("VACUUM ANALYZE appointments_appointment")
