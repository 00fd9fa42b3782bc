"""What a carrier tells of a text that it took: late, twice, out of order; what is known only moves forward."""

from uuid import UUID

from django.utils import timezone

from telephony.notifications.models import Notification, OptOut
from tenants.scoping import platform_scope, tenant_scope

State = Notification.State

_ON_ITS_WAY = frozenset({"accepted", "scheduled", "queued", "sending", "sent"})
_FINAL = {
    "delivered": State.DELIVERED,
    "read": State.DELIVERED,
    "partially_delivered": State.DELIVERED,
    "undelivered": State.UNDELIVERED,
    "failed": State.UNDELIVERED,
    "canceled": State.UNDELIVERED,
}
_OPEN = [State.SENDING, State.UNKNOWN, State.SENT]
OPTED_OUT = "21610"


def tenant_of(reference: str, carrier_message_id: str) -> UUID | None:
    """Whose message it is: asked before the signature can be checked, and for that alone."""
    with platform_scope():
        rows = Notification.objects.all()
        named = rows.filter(pk=_uuid(reference)) if _uuid(reference) else rows.none()
        row = named.first()
        if row is None and carrier_message_id:
            row = rows.filter(carrier_message_id=carrier_message_id).first()
        return row.tenant_id if row else None


def note(tenant_id: UUID, reference: str, carrier_message_id: str, status: str, error_code: str) -> bool:
    """Write it down. Whether it was news."""
    with tenant_scope(tenant_id):
        rows = Notification.objects.select_for_update()
        row = rows.filter(pk=_uuid(reference)).first() if _uuid(reference) else None
        row = row or rows.filter(carrier_message_id=carrier_message_id).first()
        if row is None or row.carrier_message_id not in {"", carrier_message_id} or row.state not in _OPEN:
            return False
        if status not in _ON_ITS_WAY and status not in _FINAL:
            return False
        now = timezone.now()
        row.state = _FINAL.get(status, State.SENT)
        row.carrier_message_id, row.sent_at = carrier_message_id, row.sent_at or now
        row.error_code = error_code[:40]
        row.settled_at = now if status in _FINAL else None
        row.save(update_fields=["state", "carrier_message_id", "sent_at", "error_code", "settled_at"])
        if error_code == OPTED_OUT:
            OptOut.objects.get_or_create(tenant_id=tenant_id, e164=row.to_address)
        return True


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
