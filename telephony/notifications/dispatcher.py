"""Sending what is due: claim a row and commit, send outside of any transaction, write down what became of it.

A claim is one row's, for one attempt. Whoever is killed after it leaves a row that is neither waiting nor sent: it is
never simply sent again, but looked up first (unanswered.py). So no customer gets a text twice, and none is lost.
"""

import datetime
import logging
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils import timezone

from appointments.models import OutboxMessage
from telephony.notifications import composing, mail
from telephony.notifications.carriers import Sender
from telephony.notifications.models import Channel, Notification, OptOut
from telephony.outbound import reminders
from telephony.text_errors import CannotSend, MaybeSent
from tenants.phone import mask
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)
State = Notification.State

MOST_ATTEMPTS = 5
FIRST_PAUSE = datetime.timedelta(seconds=30)
"""Before the second attempt; four times as long before each one more."""
SECONDS_AT_A_TIME = 8.0
"""A worker turns to somebody else's work after so long: one business's thousand texts do not hold up another's."""
CLAIM_STANDS = datetime.timedelta(seconds=20)
"""A process that was put to sleep between claim and send does not send any more: others look it up by then."""
TEXT_LENGTH = 240


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at one notification, ready to go: nothing more is asked of the database."""

    tenant_id: UUID
    notification_id: UUID
    attempt: int
    claimed_at: datetime.datetime
    letter: composing.Letter


@dataclass(frozen=True, slots=True)
class Looked:
    """`claim` is None where a row was due and is not sent after all; `row` is which one it was."""

    row: UUID
    claim: Claim | None = None
    busy: bool = False


def send_due(tenant_id: UUID, *, seconds: float = SECONDS_AT_A_TIME) -> int:
    """Send what is due to customers of one business, for so long at most. How many were tried."""
    until, tried = time.monotonic() + seconds, 0
    busy: set[UUID] = set()
    while time.monotonic() < until:
        looked = claim_next(tenant_id, besides=busy)
        if looked is None:
            break
        if looked.busy:
            busy.add(looked.row)
        if looked.claim is not None:
            deliver(looked.claim)
            tried += 1
    return tried


def claim_next(
    tenant_id: UUID, *, besides: Iterable[UUID] = (), now: datetime.datetime | None = None
) -> Looked | None:
    """Claim the next row that is due, and commit; None where none is."""
    now = now or timezone.now()
    with tenant_scope(tenant_id):
        row = _next(tenant_id, besides, now)
        if row is None:
            return None
        verdict = composing.compose(row, now)
        if isinstance(verdict, composing.Busy):
            return Looked(row.pk, busy=True)
        if isinstance(verdict, composing.Later):
            row.due_at = verdict.due_at
            row.save(update_fields=["due_at"])
            return Looked(row.pk)
        if isinstance(verdict, composing.Never):
            row.state, row.error, row.settled_at = verdict.state, verdict.why, now
            row.save(update_fields=["state", "error", "settled_at"])
            return Looked(row.pk)
        _mark_claimed(row, verdict, now)
        return Looked(row.pk, Claim(tenant_id, row.pk, row.attempts, now, verdict))


def _next(tenant_id: UUID, besides: Iterable[UUID], now: datetime.datetime) -> Notification | None:
    """Whatever another worker has locked is its own; what changed a moment ago is planned anew first."""
    changed = OutboxMessage.objects.filter(appointment=OuterRef("appointment"), handled_at=None)
    due = Notification.objects.for_tenant(tenant_id).filter(state=State.WAITING, due_at__lte=now)
    due = due.exclude(Exists(changed)).exclude(pk__in=list(besides))
    rows = due.select_for_update(skip_locked=True, of=("self",), no_key=True)
    row: Notification | None = rows.select_related("tenant").order_by("due_at", "pk").first()
    return row


def _mark_claimed(row: Notification, letter: composing.Letter, now: datetime.datetime) -> None:
    row.state, row.claimed_at, row.attempts = State.SENDING, now, row.attempts + 1
    row.channel, row.carrier = letter.channel, letter.carrier_name
    row.from_address, row.to_address = letter.sender, letter.to
    row.text, row.segments = letter.text, letter.segments
    row.error = row.error_code = row.carrier_message_id = ""
    row.save(
        update_fields=[
            *("state", "claimed_at", "attempts", "channel", "carrier", "from_address", "to_address"),
            *("text", "segments", "error", "error_code", "carrier_message_id"),
        ]
    )


# --- Out of the house ----------------------------------------------------------------------------


def deliver(claim: Claim) -> None:
    """Send it, and write down what became of it. Never raises for what the far end does."""
    if timezone.now() - claim.claimed_at > CLAIM_STANDS:
        return
    try:
        sent_id = _send(claim)
    except CannotSend as refused:
        _refused(claim, refused)
    except MaybeSent as silence:
        logger.warning("Whether a notification went out is not known: %s", silence)
        _settle(claim, state=State.UNKNOWN, error=str(silence)[:TEXT_LENGTH])
    else:
        now = timezone.now()
        _settle(claim, state=State.SENT, carrier_message_id=sent_id, sent_at=now)


def _send(claim: Claim) -> str:
    letter, reference = claim.letter, claim.notification_id
    if letter.channel == Channel.CALL:
        return reminders.order(claim.tenant_id, reference)
    if letter.channel == Channel.EMAIL:
        return mail.send(
            business=letter.business,
            to=letter.to,
            subject=letter.subject,
            text=letter.text,
            reference=reference,
        )
    carrier: Sender = letter.carrier()
    return carrier.carrier.send(sender=letter.sender, to=letter.to, text=letter.text, reference=reference)


def _refused(claim: Claim, refused: CannotSend) -> None:
    logger.warning("A notification to %s was refused: %s", mask(claim.letter.to), refused.code or "no code")
    told = {"error": refused.message[:TEXT_LENGTH], "error_code": refused.code[:40]}
    if refused.permanent or claim.attempt >= MOST_ATTEMPTS:
        _settle(claim, state=State.FAILED, settled_at=timezone.now(), **told)
    else:
        _settle(claim, state=State.WAITING, due_at=timezone.now() + _pause(claim.attempt), **told)
    if refused.opted_out:
        with tenant_scope(claim.tenant_id):
            OptOut.objects.get_or_create(tenant_id=claim.tenant_id, e164=claim.letter.to)


def _pause(attempt: int) -> datetime.timedelta:
    spread = random.uniform(0.75, 1.25)  # noqa: S311 - only to spread retries
    return FIRST_PAUSE * 4 ** (attempt - 1) * spread


def _settle(claim: Claim, **changes: object) -> None:
    """Of this very attempt: a receipt may have come first, and others may have given it up."""
    with tenant_scope(claim.tenant_id):
        rows = Notification.objects.filter(pk=claim.notification_id, attempts=claim.attempt)
        rows.filter(state__in=[State.SENDING, State.UNKNOWN]).update(**changes)
