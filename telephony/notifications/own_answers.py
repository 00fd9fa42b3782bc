"""Our answers to texts, where a carrier takes them as texts of their own. One waits in the row of the text that it
answers until it has left, so that none is lost with a process, and none is sent twice.
"""

import datetime
import logging
from uuid import NAMESPACE_URL, UUID, uuid5

from django.utils import timezone

from telephony.models import InboundText
from telephony.notifications.carriers import CannotSend, MaybeSent, sender_of
from tenants.phone import mask
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

PATIENCE = datetime.timedelta(minutes=2)
"""So long it is the process's that took the text; then anybody's, who asks the carrier first whether it has left."""
STALE = datetime.timedelta(hours=6)
"""Later an answer is no answer any more."""
AT_A_TIME = 20


def reference_of(tenant_id: UUID, carrier_message_id: str) -> UUID:
    """The answer's own id, which a carrier may know it by: whoever sends it."""
    return uuid5(NAMESPACE_URL, f"answer:{tenant_id}:{carrier_message_id}")


def send_first(tenant_id: UUID, carrier_message_id: str) -> None:
    """Right after the text came. Blocks; needs no scope."""
    with tenant_scope(tenant_id):
        waiting = InboundText.objects.for_tenant(tenant_id).filter(answer_waits_since__isnull=False)
        row = waiting.filter(carrier_message_id=carrier_message_id).first()
    if row is not None:
        _send(tenant_id, row, look_first=False)


def overdue(now: datetime.datetime) -> "datetime.datetime":
    """Answers that have waited since before nobody sends any more."""
    return now - PATIENCE


def send_overdue(tenant_id: UUID) -> int:
    """Those of processes that are gone. How many. Needs no scope."""
    now, done = timezone.now(), 0
    for _ in range(AT_A_TIME):
        row = _claim(tenant_id, now)
        if row is None:
            break
        done += 1
        if now - row.received_at > STALE:
            _settle(tenant_id, row)
        else:
            _send(tenant_id, row, look_first=True)
    return done


def _claim(tenant_id: UUID, now: datetime.datetime) -> InboundText | None:
    """Whoever claims one is alone with it for as long as it is patient."""
    with tenant_scope(tenant_id):
        rows = InboundText.objects.for_tenant(tenant_id).filter(answer_waits_since__lt=overdue(now))
        row: InboundText | None = rows.select_for_update(skip_locked=True, of=("self",)).first()
        if row is not None:
            InboundText.objects.for_tenant(tenant_id).filter(pk=row.pk).update(answer_waits_since=now)
        return row


def _send(tenant_id: UUID, row: InboundText, *, look_first: bool) -> None:
    with tenant_scope(tenant_id):
        line = sender_of(tenant_id, row.to_e164)
    if line is None:  # the number was given up meanwhile
        _settle(tenant_id, row)
        return
    carrier = line.carrier
    sender, to, text = row.to_e164, row.from_e164, row.answer
    reference = reference_of(tenant_id, row.carrier_message_id)
    try:
        left = look_first and carrier.find(
            sender=sender, to=to, text=text, reference=reference, since=row.received_at
        )
        if not left:
            carrier.send(sender=sender, to=to, text=text, reference=reference)
    except (CannotSend, MaybeSent) as problem:
        logger.warning("A text from %s was not answered: %s", mask(row.from_e164), problem)
        if isinstance(problem, MaybeSent) or not problem.permanent:
            return  # it is looked up, and tried again
    _settle(tenant_id, row)


def _settle(tenant_id: UUID, row: InboundText) -> None:
    with tenant_scope(tenant_id):
        InboundText.objects.for_tenant(tenant_id).filter(pk=row.pk).update(answer_waits_since=None)
