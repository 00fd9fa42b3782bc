"""What became of an appointment, for those who ask later, and for those who are to be told."""

import json
from typing import Any

from django.db import connection
from django.utils import timezone

from appointments.models import Appointment, AppointmentChange, OutboxMessage
from tenants.audit import writing as audit

ACTOR_LENGTH = 120
REASON_LENGTH = 240


# One statement for both: every booking waits for it.
_RECORD = f"""
WITH change AS (
  INSERT INTO {AppointmentChange._meta.db_table}
    (id, tenant_id, appointment_id, kind, actor, before, after, reason, changed_at)
  VALUES (gen_random_uuid(), %(tenant)s, %(appointment)s, %(kind)s, %(actor)s, %(before)s, %(after)s, %(reason)s,
    %(now)s)
)
INSERT INTO {OutboxMessage._meta.db_table} (id, tenant_id, kind, appointment_id, body, created_at)
VALUES (gen_random_uuid(), %(tenant)s, %(kind)s, %(appointment)s, %(body)s, %(now)s)
"""  # noqa: S608 - put together of constants


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
    audit.record(
        f"appointment.{kind}",
        appointment,
        tenant_id=appointment.tenant_id,
        before=before,
        after={**after, **({"reason": reason} if reason else {})},
        about=appointment.customer_id,
        label=actor,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD,
            {
                "tenant": appointment.tenant_id,
                "appointment": appointment.pk,
                "kind": kind,
                "actor": actor[:ACTOR_LENGTH],
                "before": json.dumps(before),
                "after": json.dumps(after),
                "reason": reason[:REASON_LENGTH],
                "now": timezone.now(),
                "body": json.dumps({**after, "before": before} if before else after),
            },
        )


def tell(appointment: Appointment, kind: str, body: dict[str, Any]) -> None:
    """Leave a message for whoever sends confirmations, reminders and offers."""
    OutboxMessage.objects.create(
        tenant_id=appointment.tenant_id, kind=kind, appointment=appointment, body=body
    )
