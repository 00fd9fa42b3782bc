"""Slots and appointments as the agent is told of them."""

import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core import signing

from agents import spoken
from agents.tools.contract import invalid
from appointments.availability import FreeSlot
from appointments.models import Appointment, Service
from appointments.wallclock import wall_time

_SLOT_SALT = "slot"


def slot_facts(slot: FreeSlot, service: Service, zone: ZoneInfo) -> dict[str, Any]:
    local = wall_time(slot.start, zone)
    return {
        "slotId": slot_id(service.pk, slot.employee.pk, slot.start),
        "startTime": iso_z(slot.start),
        "endTime": iso_z(slot.end),
        "startTimeLocal": local.isoformat(timespec="minutes"),
        "employeeId": str(slot.employee.pk),
        "employeeName": slot.employee.name,
        "spoken": spoken.clock(local),
    }


def iso_z(moment: datetime.datetime) -> str:
    """`2026-11-24T15:00:00Z`."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def slot_id(service_id: UUID, employee_id: UUID, start: datetime.datetime) -> str:
    """Opaque and signed: what was offered is what will be booked. It holds nothing."""
    return signing.dumps([str(service_id), str(employee_id), iso_z(start)], salt=_SLOT_SALT, compress=True)


def read_slot_id(text: str) -> tuple[UUID, UUID, datetime.datetime]:
    try:
        service_id, employee_id, start = signing.loads(text, salt=_SLOT_SALT, max_age=86_400)
    except signing.BadSignature:
        raise invalid("slotId", "is unknown or older than a day; check availability again") from None
    return UUID(service_id), UUID(employee_id), datetime.datetime.fromisoformat(start)


def appointment_facts(appointment: Appointment, zone: ZoneInfo) -> dict[str, Any]:
    local = wall_time(appointment.starts_at, zone)
    return {
        "id": str(appointment.pk),
        "tenantId": str(appointment.tenant_id),
        "employeeId": str(appointment.employee_id),
        "employeeName": appointment.employee.name,
        "serviceId": str(appointment.service_id),
        "serviceName": appointment.service.name,
        "customerName": appointment.customer.name,
        "customerEmail": appointment.customer.email,
        "customerPhone": appointment.customer.phone_e164,
        "startTime": iso_z(appointment.starts_at),
        "endTime": iso_z(appointment.ends_at),
        "startTimeLocal": local.isoformat(timespec="minutes"),
        "timezone": zone.key,
        "status": appointment.status,
        "notes": appointment.notes,
    }
