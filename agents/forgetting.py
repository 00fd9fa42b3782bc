"""What conversations leave behind, taken away again: words, recordings, who called. Needs the tenant's scope.

Rows stay, so that figures still add up and a provider's event that comes again is no news; what was in them goes.
"""

import datetime
from collections.abc import Collection
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from agents import recordings
from agents.models import (
    Conversation,
    Message,
    OneTimeCode,
    ProviderEvent,
    ProviderSession,
    ToolInvocation,
    Turn,
)

Ids = Collection[UUID]


def forget_words(ids: Ids) -> None:
    """What was said and done in these conversations."""
    Turn.objects.filter(conversation_id__in=ids).delete()
    forget_messages(Q(conversation_id__in=ids))
    ToolInvocation.objects.filter(conversation_id__in=ids).update(arguments={}, answer={})
    Conversation.objects.filter(pk__in=ids).update(summary="", analysis={})
    told = ProviderEvent.objects.filter(external_id__in=external_ids(ids)).exclude(external_id="")
    told.filter(processed_at=None).update(processed_at=timezone.now())
    told.update(body={}, error="")


def forget_messages(which: Q) -> None:
    """With the voicemails among them."""
    messages = Message.objects.filter(which)
    for name in messages.exclude(recording="").values_list("recording", flat=True):
        recordings.erase(name)
    messages.delete()


def forget_recordings(ids: Ids) -> None:
    """The files go first: should this be interrupted, doing it again finishes it."""
    kept = Conversation.objects.filter(pk__in=ids).exclude(recording="")
    attached = ProviderEvent.objects.filter(external_id__in=external_ids(ids)).exclude(attachment="")
    names = {*kept.values_list("recording", flat=True), *attached.values_list("attachment", flat=True)}
    for name in names:
        recordings.erase(name)
    _forget_voicemails(Message.objects.filter(conversation_id__in=ids))
    kept.update(recording="")
    attached.update(attachment="")


def _forget_voicemails(messages: QuerySet[Message]) -> int:
    """That there was one stays; nobody fetches it again."""
    spoken = messages.exclude(recording="", recording_ref="")
    for name in spoken.exclude(recording="").values_list("recording", flat=True):
        recordings.erase(name)
    return spoken.update(recording="", recording_ref="")


def forget_callers(ids: Ids) -> None:
    OneTimeCode.objects.filter(conversation_id__in=ids).delete()
    Conversation.objects.filter(pk__in=ids).update(
        caller_e164="", proven_phones=[], proven_appointments=[], customer_name="", purpose="", about=None
    )


def external_ids(ids: Ids) -> list[str]:
    """As their providers name these conversations."""
    return list(ProviderSession.objects.filter(conversation_id__in=ids).values_list("external_id", flat=True))


def with_words(before: datetime.datetime) -> list[UUID]:
    """Conversations that began before, of which there is something to forget."""
    of_it = {"conversation": OuterRef("pk")}
    something = (
        Q(Exists(Turn.objects.filter(**of_it)))
        | Q(Exists(Message.objects.filter(**of_it)))
        | Q(Exists(ToolInvocation.objects.filter(**of_it).exclude(arguments={}, answer={})))
        | ~Q(summary="")
        | ~Q(analysis={})
    )
    return _ids(Q(something, started_at__lt=before))


def with_recording(before: datetime.datetime) -> list[UUID]:
    return _ids(Q(started_at__lt=before) & ~Q(recording=""))


def with_caller(before: datetime.datetime) -> list[UUID]:
    return _ids(Q(started_at__lt=before) & (~Q(caller_e164="") | ~Q(proven_phones=[])))


BATCH = 200


def _ids(which: Q) -> list[UUID]:
    rows = Conversation.objects.filter(which, ended_at__isnull=False).order_by("started_at")
    return list(rows.values_list("pk", flat=True)[:BATCH])


def forget_events(before: datetime.datetime) -> int:
    """What providers sent, whether or not it led to a conversation of ours. How many."""
    old = ProviderEvent.objects.filter(received_at__lt=before, processed_at__isnull=False).exclude(body={})
    return old.update(body={}, error="")


def forget_voicemails(before: datetime.datetime) -> int:
    return _forget_voicemails(Message.objects.filter(taken_at__lt=before))


def forget_attachments(before: datetime.datetime) -> int:
    old = ProviderEvent.objects.filter(received_at__lt=before).exclude(attachment="")
    names = list(old.values_list("attachment", flat=True))
    for name in names:
        recordings.erase(name)
    return old.update(attachment="") if names else 0
