"""Events that providers send about a call: stored raw, answered, and only then made sense of."""

import logging
import os
from functools import partial
from typing import IO, Any
from uuid import UUID

from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from agents import provider_events, recordings
from agents.models import ProviderEvent

logger = logging.getLogger(__name__)

PROVIDER = "elevenlabs"
RECORDING = provider_events.RECORDING
MAX_ATTEMPTS = 5
"""A minute apart, by the sweep. After that the event waits for a person, with its error beside it."""
AGAIN_S = 5


def receive(
    tenant_id: UUID,
    kind: str,
    external_id: str,
    body: dict[str, Any],
    digest: str,
    audio: IO[bytes] | None = None,
) -> None:
    """Keep an event and wake a worker once it is committed. The same event again changes nothing.

    Needs the tenant's scope, as the outermost transaction.
    """
    has_audio = audio is not None and audio.seek(0, os.SEEK_END) > 0
    name = recordings.new_name(tenant_id) if has_audio else ""
    defaults = {
        "provider": PROVIDER,
        "kind": kind[:64],
        "external_id": external_id[:120],
        "body": body,
        "attachment": name,
    }
    event, created = ProviderEvent.objects.get_or_create(
        tenant_id=tenant_id, digest=digest, defaults=defaults
    )
    if not created:
        return
    if audio is not None and has_audio:
        recordings.store(name, audio)
    transaction.on_commit(partial(_wake, tenant_id, event.pk))


def wake_again(tenant_id: UUID, event_id: UUID) -> None:
    """In a moment, for an event that came too early."""
    _wake(tenant_id, event_id, after_s=AGAIN_S)


def _wake(tenant_id: UUID, event_id: UUID, *, after_s: float = 0) -> None:
    """The row is the record: what Redis misses, a sweep finds."""
    ids = [str(tenant_id), str(event_id)]
    try:
        current_app.send_task("agents.tasks.process_event", ids, retry=False, countdown=after_s or None)
    except OperationalError:
        logger.warning("The broker is unreachable: an event waits for the next sweep")


def process(event_id: UUID) -> bool:
    """Make sense of one stored event; doing it twice changes nothing. Needs the tenant's scope.

    False for one that came before its time, and is left as it is. Never raises for what is in the event: the
    error is noted on it, and the others go on.
    """
    event = ProviderEvent.objects.select_for_update(skip_locked=True).filter(pk=event_id).first()
    if event is None or event.processed_at is not None:
        return True  # another worker has it, or it is done
    if provider_events.is_too_early(event):
        return False
    try:
        with transaction.atomic():
            provider_events.apply(event)
    except Exception as error:
        logger.exception("An event could not be worked on")
        event.attempts += 1
        event.error = f"{type(error).__name__}: {error}"[:500].replace("\x00", "")
        event.save(update_fields=["attempts", "error"])
        return True
    event.processed_at, event.error = timezone.now(), ""
    event.save(update_fields=["processed_at", "error"])
    return True


def waiting() -> list[tuple[UUID, UUID]]:
    """Events that no worker has done, oldest first: (tenant, event). Needs the platform's scope."""
    rows = ProviderEvent.objects.filter(processed_at=None, attempts__lt=MAX_ATTEMPTS).order_by("received_at")
    return list(rows.values_list("tenant_id", "pk")[:500])
