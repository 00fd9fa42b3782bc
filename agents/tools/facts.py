"""Slots and appointments as the agent is told of them."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core import signing

from agents.speech import Speech, speech_for
from agents.tools.contract import invalid
from appointments.availability import FreeSlot
from appointments.models import AddOn, Appointment, Service
from appointments.wallclock import wall_time

_SLOT_SALT = "slot"


@dataclass(frozen=True, slots=True)
class Offered:
    """What a slotId stands for."""

    service_id: UUID
    employee_id: UUID
    start: datetime.datetime
    add_on_ids: tuple[UUID, ...] = ()


def slot_facts(
    slot: FreeSlot,
    service: Service,
    zone: ZoneInfo,
    *,
    add_ons: Iterable[AddOn] = (),
    speech: Speech | None = None,
) -> dict[str, Any]:
    local = wall_time(slot.start, zone)
    offered = Offered(service.pk, slot.employee.pk, slot.start, tuple(one.pk for one in add_ons))
    return {
        "slotId": slot_id(offered),
        "startTime": iso_z(slot.start),
        "endTime": iso_z(slot.end),
        "startTimeLocal": local.isoformat(timespec="minutes"),
        "employeeId": str(slot.employee.pk),
        "employeeName": slot.employee.name,
        "spoken": (speech or speech_for("en")).clock(slot.start.astimezone(zone)),
    }


def iso_z(moment: datetime.datetime) -> str:
    """`2026-11-24T15:00:00Z`."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def slot_id(offered: Offered) -> str:
    """Opaque and signed: what was offered is what will be booked. It holds nothing."""
    ids = [str(offered.service_id), str(offered.employee_id), *map(str, offered.add_on_ids)]
    return signing.dumps([iso_z(offered.start), *ids], salt=_SLOT_SALT, compress=True)


def read_slot_id(text: str) -> Offered:
    try:
        start, service_id, employee_id, *add_on_ids = signing.loads(text, salt=_SLOT_SALT, max_age=86_400)
    except signing.BadSignature:
        raise invalid("slotId", "is unknown or older than a day; check availability again") from None
    return Offered(
        UUID(service_id),
        UUID(employee_id),
        datetime.datetime.fromisoformat(start),
        tuple(map(UUID, add_on_ids)),
    )


def appointment_facts(appointment: Appointment, zone: ZoneInfo) -> dict[str, Any]:
    """For whoever has just made it."""
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
        "bookingCode": appointment.code,
        "notes": appointment.notes,
    }
