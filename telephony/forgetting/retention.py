"""What is forgotten with time, in batches: a transaction each, so that nothing waits for a long one.

`settings.keepTranscriptsDays`   what was said, asked of tools, summed up, left as a message
`settings.keepRecordingsDays`    the audio
`settings.keepCallsDays`         who called, and what texts and messages said to whom

Without a number they are kept. The rows themselves stay: that there was a call, when, how long and how it ended.
"""

import datetime
from collections.abc import Callable
from uuid import UUID

from django.db.models import Q

from agents import forgetting
from telephony.forgetting import vendors
from telephony.models import Call, CallEvent, InboundText, Meter, Notification, OutboundCall, Transfer
from tenants.models import Tenant
from tenants.scoping import platform_scope, tenant_scope

MOST_BATCHES = 50
"""Of one kind in one run; the next run goes on."""
WAITING = (Notification.State.WAITING, Notification.State.SENDING, Notification.State.UNKNOWN)
KINDS = ("keepTranscriptsDays", "keepRecordingsDays", "keepCallsDays")


def tenants_that_forget() -> list[UUID]:
    with platform_scope():
        tenants = Tenant.objects.filter(settings__has_any_keys=list(KINDS))
        return [tenant.pk for tenant in tenants if any(days(tenant, kind) for kind in KINDS)]


def days(tenant: Tenant, kind: str) -> int:
    """What is no positive whole number keeps everything."""
    value = tenant.settings.get(kind)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def forget_old(tenant_id: UUID, now: datetime.datetime) -> int:
    """How many rows were dealt with. Needs no scope."""
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.get(pk=tenant_id)
    steps = {
        "keepTranscriptsDays": (_words, forgetting.forget_events),
        "keepRecordingsDays": (_recordings, _voicemails, forgetting.forget_attachments),
        "keepCallsDays": (_callers, _calls, _texts),
    }
    done = 0
    for kind, forget in steps.items():
        if kept := days(tenant, kind):
            before = now - datetime.timedelta(days=kept)
            done += sum(_in_batches(tenant_id, one, before) for one in forget)
    return done


def _in_batches(
    tenant_id: UUID, forget: Callable[[datetime.datetime], int], before: datetime.datetime
) -> int:
    done = 0
    for _ in range(MOST_BATCHES):
        with tenant_scope(tenant_id):
            count = forget(before)
        done += count
        if not count:
            break
    return done


def _words(before: datetime.datetime) -> int:
    ids = forgetting.with_words(before)
    vendors.conversations(ids)
    forgetting.forget_words(ids)
    return len(ids)


def _recordings(before: datetime.datetime) -> int:
    ids = forgetting.with_recording(before)
    vendors.voicemails(Q(conversation_id__in=ids))
    forgetting.forget_recordings(ids)
    return len(ids)


def _voicemails(before: datetime.datetime) -> int:
    vendors.voicemails(Q(taken_at__lt=before))
    return forgetting.forget_voicemails(before)


def _callers(before: datetime.datetime) -> int:
    ids = forgetting.with_caller(before)
    forgetting.forget_callers(ids)
    return len(ids)


def _calls(before: datetime.datetime) -> int:
    told = ~Q(from_e164="") | Q(direction=Call.Direction.OUTBOUND) & ~Q(to_e164="")
    rows = Call.objects.filter(told, created_at__lt=before, ended_at__isnull=False).order_by("created_at")
    ids = list(rows.values_list("pk", flat=True)[: forgetting.BATCH])
    vendors.calls(ids)
    forget_parties(ids)
    return len(ids)


def forget_parties(call_ids: list[UUID]) -> None:
    """Who was on the line, and what their carriers told of it. Needs the tenant's scope."""
    of_them = Call.objects.filter(pk__in=call_ids)
    of_them.filter(direction=Call.Direction.OUTBOUND).update(to_e164="")
    of_them.exclude(direction=Call.Direction.OUTBOUND).update(from_e164="")
    CallEvent.objects.filter(call_id__in=call_ids).update(detail={})
    Transfer.objects.filter(call_id__in=call_ids).update(reason="")
    OutboundCall.objects.filter(call_id__in=call_ids).update(to_e164="", purpose="")
    Meter.objects.filter(call_id__in=call_ids).update(caller_e164="")


def _texts(before: datetime.datetime) -> int:
    received = InboundText.objects.filter(received_at__lt=before)
    oldest = list(received.values_list("pk", flat=True)[: forgetting.BATCH])
    vendors.texts(Q(pk__in=[]), Q(pk__in=oldest))
    done, _ = received.filter(pk__in=oldest).delete()
    sent = (
        Notification.objects.filter(created_at__lt=before).exclude(state__in=WAITING).exclude(to_address="")
    )
    told = [*sent.values_list("pk", flat=True)[: forgetting.BATCH]]
    vendors.texts(Q(pk__in=told), Q(pk__in=[]))
    return done + forget_told(told)


def forget_told(ids: list[UUID]) -> int:
    """What notifications said, and to whom. Needs the tenant's scope."""
    return Notification.objects.filter(pk__in=ids).update(to_address="", text="", error="")
