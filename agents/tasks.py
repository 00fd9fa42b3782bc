"""Background work of the agents' side. Tasks take ids, run in the tenant's scope and may run twice."""

import datetime
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from agents import events_inbox, missed_conversations
from agents.models import SeenSignature
from tenants.scoping import platform_scope, tenant_scope


@shared_task
def process_event(tenant_id: str, event_id: str) -> None:
    with tenant_scope(UUID(tenant_id)):
        done = events_inbox.process(UUID(event_id))
    if not done:
        events_inbox.wake_again(UUID(tenant_id), UUID(event_id))


@shared_task
def process_waiting_events() -> int:
    """What the broker lost. How many."""
    with platform_scope():
        waiting = events_inbox.waiting()
    for tenant_id, event_id in waiting:
        with tenant_scope(tenant_id):
            events_inbox.process(event_id)
    return len(waiting)


@shared_task
def forget_seen_signatures() -> int:
    """Signatures are refused by their time long before a day has passed."""
    day_ago = timezone.now() - datetime.timedelta(days=1)
    return SeenSignature.objects.filter(seen_at__lt=day_ago).delete()[0]


@shared_task
def fetch_missed_conversations() -> int:
    """One task for each tenant that may have some: a slow vendor holds up nobody else. How many tenants."""
    tenants = missed_conversations.tenants_to_ask_for()
    for tenant_id in tenants:
        fetch_missed_conversations_of.delay(str(tenant_id))
    return len(tenants)


@shared_task
def fetch_missed_conversations_of(tenant_id: str) -> int:
    return missed_conversations.fetch(UUID(tenant_id))
