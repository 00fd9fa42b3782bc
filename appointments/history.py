"""What became of an appointment, for those who ask later, and for those who are to be told."""

from typing import Any

from appointments.models import Appointment, AppointmentChange, OutboxMessage

ACTOR_LENGTH = 120
REASON_LENGTH = 240


def facts(appointment: Appointment) -> dict[str, Any]:
    """An appointment as history keeps it: ids and times, nobody's name or number."""
    return {
        "employee": str(appointment.employee_id),
        "service": str(appointment.service_id),
        "startsAt": appointment.starts_at.isoformat(),
        "endsAt": appointment.ends_at.isoformat(),
        "status": str(appointment.status),
        "price": str(appointment.price),
    }


def record(
    appointment: Appointment,
    kind: str,
    *,
    actor: str,
    before: dict[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Write the change and the message that tells of it, in the transaction that they tell of."""
    before, after = before or {}, facts(appointment)
    AppointmentChange.objects.create(
        tenant_id=appointment.tenant_id,
        appointment=appointment,
        kind=kind,
        actor=actor[:ACTOR_LENGTH],
        before=before,
        after=after,
        reason=reason[:REASON_LENGTH],
    )
    tell(appointment, kind, {**after, "before": before} if before else after)


def tell(appointment: Appointment, kind: str, body: dict[str, Any]) -> None:
    """Leave a message for whoever sends confirmations, reminders and offers."""
    OutboxMessage.objects.create(
        tenant_id=appointment.tenant_id, kind=kind, appointment=appointment, body=body
    )
