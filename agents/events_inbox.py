"""Events that providers send after a call: stored raw, answered, and only then made sense of."""

import logging
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any
from uuid import UUID

from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from agents.conversations import find_by_external_id
from agents.models import ProviderEvent

logger = logging.getLogger(__name__)

PROVIDER = "elevenlabs"


def receive(tenant_id: UUID, kind: str, external_id: str, body: dict[str, Any], digest: str) -> None:
    """Keep an event and wake a worker once it is committed. The same event again changes nothing."""
    event, created = ProviderEvent.objects.get_or_create(
        tenant_id=tenant_id,
        digest=digest,
        defaults={"provider": PROVIDER, "kind": kind[:64], "external_id": external_id[:120], "body": body},
    )
    if created:
        transaction.on_commit(partial(_wake, tenant_id, event.pk))


def _wake(tenant_id: UUID, event_id: UUID) -> None:
    """The row is the record: what Redis misses, a sweep finds."""
    try:
        current_app.send_task("agents.tasks.process_event", [str(tenant_id), str(event_id)], retry=False)
    except OperationalError:
        logger.warning("The broker is unreachable: an event waits for the next sweep")


def process(event_id: UUID) -> None:
    """Make sense of one stored event; doing it twice changes nothing. Needs the tenant's scope."""
    event = ProviderEvent.objects.select_for_update().get(pk=event_id)
    if event.processed_at is not None:
        return
    if event.kind == "post_call_transcription":
        _apply_transcription(event)
    event.processed_at = timezone.now()
    event.save(update_fields=["processed_at"])


def _apply_transcription(event: ProviderEvent) -> None:
    conversation = find_by_external_id(PROVIDER, event.external_id)
    if conversation is None:
        logger.info("A transcript for a conversation that was not ours to carry was kept as it came")
        return
    data = _object(event.body, "data")
    metadata, analysis = _object(data, "metadata"), _object(data, "analysis")
    conversation.summary = str(analysis.get("transcript_summary") or "")
    conversation.analysis = analysis
    conversation.cost = _decimal(metadata.get("cost"))
    conversation.duration_seconds = _seconds(metadata.get("call_duration_secs"))
    conversation.ended_at = conversation.ended_at or timezone.now()
    conversation.save(update_fields=["summary", "analysis", "cost", "duration_seconds", "ended_at"])


def waiting() -> list[tuple[UUID, UUID]]:
    """Events that no worker has taken, oldest first: (tenant, event). Needs the platform's scope."""
    rows = ProviderEvent.objects.filter(processed_at=None).order_by("received_at")
    return list(rows.values_list("tenant_id", "pk")[:500])


def _object(value: dict[str, Any], name: str) -> dict[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


def _decimal(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**8 else None


def _seconds(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 2**31 else None
