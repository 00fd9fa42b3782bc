"""What somebody should look at: calls that went wrong, messages nobody has dealt with, texts that did not arrive."""

import datetime
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count
from django.urls import reverse

from agents.models import Message
from telephony.doctor import remembered
from telephony.models import Call, Notification
from tenants.findings import Severity
from tenants.models import Tenant
from tonris.desk import figures
from tonris.desk.figures import Ending

DAYS_BACK = 7
State = Notification.State


@dataclass(frozen=True, slots=True)
class Concern:
    """`level`: bad or warn. `url`: where it is seen to; "" where that is not this person's to do."""

    level: str
    what: str
    url: str


def concerns(tenant: Tenant, now: datetime.datetime, *, may_set_up: bool) -> list[Concern]:
    """The worst first. Three queries, and what the doctor found last."""
    since = now - datetime.timedelta(days=DAYS_BACK)
    found = [
        *_of_the_doctor(tenant, may_set_up),
        *_of_calls(tenant, since),
        *_of_messages(tenant),
        *_of_texts(tenant, since),
    ]
    return sorted(found, key=lambda each: each.level != "bad")


def _of_the_doctor(tenant: Tenant, may_set_up: bool) -> list[Concern]:
    last = remembered.last_of(tenant.pk)
    page = reverse("admin:setup") if may_set_up else ""
    return [
        Concern("bad" if one.severity == Severity.BROKEN else "warn", f"{one.what} {one.fix}", page)
        for one in (last.findings if last else [])
        if one.severity != Severity.NOTE
    ]


def _of_calls(tenant: Tenant, since: datetime.datetime) -> list[Concern]:
    failed = (
        Call.objects.for_tenant(tenant)
        .filter(created_at__gte=since)
        .annotate(ending=figures.ending())
        .filter(ending=Ending.FAILED)
        .count()
    )
    url = f"{reverse('admin:telephony_call_changelist')}?{urlencode({'created_at__gte': since.isoformat()})}"
    return [Concern("bad", f"{_counted(failed, 'call')} went wrong this week.", url)] if failed else []


def _of_messages(tenant: Tenant) -> list[Concern]:
    waiting = Message.objects.for_tenant(tenant).filter(handled_at=None).count()
    url = f"{reverse('admin:agents_message_changelist')}?handled_at__isempty=1"
    return (
        [Concern("warn", f"{_counted(waiting, 'message')} of callers to deal with.", url)] if waiting else []
    )


def _of_texts(tenant: Tenant, since: datetime.datetime) -> list[Concern]:
    lost = (
        Notification.objects.for_tenant(tenant)
        .filter(due_at__gte=since, state__in=[State.FAILED, State.UNDELIVERED, State.GIVEN_UP])
        .values_list("state")
        .order_by("state")
        .annotate(Count("pk"))
    )
    page = reverse("admin:telephony_notification_changelist")
    return [
        Concern("warn", f"{_counted(count, 'text')} to customers: {state}.", f"{page}?state__exact={state}")
        for state, count in lost
    ]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
