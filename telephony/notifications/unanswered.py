"""Claims that nobody settled: the sender was killed, or no answer came. The carrier is asked, and has the last word.

It has the message: it was sent. It never had it: it may be sent, as if for the first time. Mail servers cannot be
asked, so a mail is given up: better one too few than the same one twice.
"""

import datetime
import logging
import time
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from telephony.notifications.carriers import sender_of
from telephony.notifications.dispatcher import MOST_ATTEMPTS, SECONDS_AT_A_TIME, TEXT_LENGTH
from telephony.notifications.models import Channel, Notification
from telephony.outbound import reminders
from telephony.text_errors import CannotSend
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)
State = Notification.State

UNANSWERED = datetime.timedelta(minutes=2)
"""Longer than a task may run (CELERY_TASK_TIME_LIMIT) and than a claim stands: nobody sends it any more."""
CLOCKS_DIFFER = datetime.timedelta(minutes=2)
"""Between us and the carrier, whose times are those of the list."""


def unanswered(now: datetime.datetime) -> QuerySet[Notification]:
    rows = Notification.objects.filter(state__in=[State.SENDING, State.UNKNOWN])
    return rows.filter(claimed_at__lte=now - UNANSWERED)


def resolve(tenant_id: UUID, *, seconds: float = SECONDS_AT_A_TIME) -> int:
    """Look up what a business has, for so long at most. How many were settled.

    A carrier that cannot be asked about one of them is not asked about the others: what is due goes before.
    """
    settled, seen, until = 0, set[UUID](), time.monotonic() + seconds
    while time.monotonic() < until:
        row = _take(tenant_id, seen)
        if row is None:
            break
        seen.add(row.pk)
        try:
            settled += _resolve(row)
        except CannotSend as error:
            logger.warning("Whether a notification was sent cannot be asked: %s", error.code or "no answer")
            settled += _not_told(row, error)
            break
    return settled


def _take(tenant_id: UUID, seen: set[UUID]) -> Notification | None:
    """One of them, ours to look up for as long as a claim is: the wait begins anew, whoever dies of it."""
    now = timezone.now()
    with tenant_scope(tenant_id):
        rows = unanswered(now).for_tenant(tenant_id).exclude(pk__in=seen)  # type: ignore[attr-defined]
        locked = rows.select_for_update(skip_locked=True, no_key=True)
        row: Notification | None = locked.order_by("claimed_at").first()
        if row is None:
            return None
        since = row.claimed_at
        Notification.objects.filter(pk=row.pk).update(state=State.UNKNOWN, claimed_at=now)
        row.claimed_at = since
        return row


def _resolve(row: Notification) -> bool:
    """Raises CannotSend where the carrier cannot be asked."""
    if row.channel == Channel.EMAIL:
        return _settle(row, state=State.GIVEN_UP, settled_at=timezone.now())
    if row.channel == Channel.CALL:  # an order is a row of our own: it is there, or it is not
        with tenant_scope(row.tenant_id):
            order_id = reminders.ordered(row.pk)
        if order_id:
            return _settle(row, state=State.SENT, carrier_message_id=order_id, sent_at=timezone.now())
        return _settle(row, state=State.WAITING, due_at=timezone.now())
    with tenant_scope(row.tenant_id):
        sender = sender_of(row.tenant_id, row.from_address)
    if sender is None:
        return _settle(row, state=State.GIVEN_UP, settled_at=timezone.now(), error="The number is gone.")
    since = _first_claim(row) - CLOCKS_DIFFER
    found = sender.carrier.find(
        sender=row.from_address, to=row.to_address, text=row.text, reference=row.pk, since=since
    )
    with tenant_scope(row.tenant_id):
        known = Notification.objects.filter(carrier_message_id__in=found).exclude(pk=row.pk)
        new = sorted(set(found) - set(known.values_list("carrier_message_id", flat=True)))
    if new:
        return _settle(row, state=State.SENT, carrier_message_id=new[0], sent_at=since + CLOCKS_DIFFER)
    if row.attempts >= MOST_ATTEMPTS:
        return _settle(row, state=State.FAILED, settled_at=timezone.now())
    return _settle(row, state=State.WAITING, due_at=timezone.now())


def _not_told(row: Notification, error: CannotSend) -> bool:
    """Asked again later, for as long as it would be of use to send it."""
    over = timezone.now() > row.not_after
    changes = {"state": State.GIVEN_UP, "settled_at": timezone.now()} if over else {}
    return _settle(row, error=error.message[:TEXT_LENGTH], **changes) and over


def _first_claim(row: Notification) -> datetime.datetime:
    """The claim itself may be a look-up's that died: the row was made before any of them."""
    claimed_at = row.claimed_at or row.created_at
    return min(claimed_at, row.created_at) if row.state == State.UNKNOWN else claimed_at


def _settle(row: Notification, **changes: object) -> bool:
    """Unless a receipt has come meanwhile."""
    with tenant_scope(row.tenant_id):
        rows = Notification.objects.filter(pk=row.pk, state=State.UNKNOWN, attempts=row.attempts)
        return bool(rows.update(**changes))
