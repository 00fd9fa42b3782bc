"""Rows as the API tells them; each has its `shapes` twin for the documentation. Prefetch what they name."""

import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from agents import client_data
from agents.tools.business import number, service_facts
from agents.tools.facts import appointment_facts, iso_z
from appointments.availability import FreeSlot
from appointments.models import (
    Appointment,
    AppointmentChange,
    Customer,
    Employee,
    Service,
    WaitlistEntry,
)
from appointments.wallclock import wall_time
from tenants.models import Tenant

# --- What is read for them -----------------------------------------------------------------------


def services_of(tenant: Tenant) -> QuerySet[Service]:
    return Service.objects.for_tenant(tenant).prefetch_related("add_ons", "performed_by")


def employees_of(tenant: Tenant) -> QuerySet[Employee]:
    return Employee.objects.for_tenant(tenant).prefetch_related("performs")


def appointments_of(tenant: Tenant) -> QuerySet[Appointment]:
    rows = Appointment.objects.for_tenant(tenant).select_related("service", "employee", "customer")
    return rows.prefetch_related("add_ons__add_on")


def entries_of(tenant: Tenant) -> QuerySet[WaitlistEntry]:
    rows = WaitlistEntry.objects.for_tenant(tenant)
    return rows.select_related("service", "employee", "customer", "hold__employee")


# --- Facts ---------------------------------------------------------------------------------------


def service(row: Service) -> dict[str, Any]:
    return {
        **service_facts(row),
        "addOns": [_add_on(one, one.pk) for one in row.add_ons.all() if one.is_active],
        "employeeIds": sorted(str(one.employee_id) for one in row.performed_by.all()),
        "bufferBeforeMinutes": row.buffer_before_minutes,
        "bufferAfterMinutes": row.buffer_after_minutes,
        "slotStepMinutes": row.slot_step_minutes,
        "minimumNoticeMinutes": row.minimum_notice_minutes,
        "cancelNoticeMinutes": row.cancel_notice_minutes,
        "bookingWindowDays": row.booking_window_days,
        "seats": row.seats,
        "active": row.is_active,
    }


def _add_on(row: Any, pk: Any, name: str = "") -> dict[str, Any]:
    """An add-on as it is offered, or as it was booked."""
    return {
        "id": str(pk),
        "name": name or row.name,
        "duration": row.minutes,
        "price": number(row.price),
    }


def employee(row: Employee) -> dict[str, Any]:
    return {**client_data.employee_facts(row), "email": row.email, "active": row.is_active}


def customer(row: Customer) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "name": row.name,
        "phone": row.phone_e164,
        "email": row.email,
        "notes": row.notes,
        "createdAt": iso_z(row.created_at),
    }


def appointment(row: Appointment, zone: ZoneInfo) -> dict[str, Any]:
    return {
        **appointment_facts(row, zone),
        "customerId": str(row.customer_id),
        "addOns": [_add_on(one, one.add_on_id, one.add_on.name) for one in row.add_ons.all()],
        "price": number(row.price),
        "currency": row.currency,
        "source": row.source,
        "visitId": str(row.visit) if row.visit else None,
        "seriesId": str(row.series_id) if row.series_id else None,
        "createdAt": iso_z(row.created_at),
        "updatedAt": iso_z(row.updated_at),
    }


def change(row: AppointmentChange) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "actor": row.actor,
        "reason": row.reason,
        "changedAt": iso_z(row.changed_at),
        "before": _state(row.before),
        "after": _state(row.after),
    }


def _state(kept: dict[str, str]) -> dict[str, Any] | None:
    """What history keeps of an appointment, in the API's words."""
    if not kept:
        return None
    return {
        "employeeId": kept["employee"],
        "serviceId": kept["service"],
        "startTime": iso_z(datetime.datetime.fromisoformat(kept["startsAt"])),
        "endTime": iso_z(datetime.datetime.fromisoformat(kept["endsAt"])),
        "status": kept["status"],
        "price": number(Decimal(kept["price"])),
    }


def stretch(slot: FreeSlot, zone: ZoneInfo) -> dict[str, Any]:
    """Free time for several services, which no `slotId` can name."""
    return {
        "startTime": iso_z(slot.start),
        "endTime": iso_z(slot.end),
        "startTimeLocal": wall_time(slot.start, zone).isoformat(timespec="minutes"),
        "employeeId": str(slot.employee.pk),
        "employeeName": slot.employee.name,
    }


def entry(row: WaitlistEntry) -> dict[str, Any]:
    offered = row.hold
    return {
        "id": str(row.pk),
        "serviceId": str(row.service_id),
        "serviceName": row.service.name,
        "employeeId": str(row.employee_id) if row.employee_id else None,
        "customerId": str(row.customer_id),
        "customerName": row.customer.name,
        "customerPhone": row.customer.phone_e164,
        "customerEmail": row.customer.email,
        "from": iso_z(row.earliest),
        "to": iso_z(row.latest),
        "state": row.state,
        "offer": {
            "startTime": iso_z(offered.starts_at),
            "endTime": iso_z(offered.ends_at),
            "employeeId": str(offered.employee_id),
            "employeeName": offered.employee.name,
            "expiresAt": iso_z(offered.expires_at),
        }
        if offered
        else None,
        "createdAt": iso_z(row.created_at),
    }
