"""Background work of the calendar. Tasks run in a scope and may run twice."""

import datetime

from celery import shared_task
from django.utils import timezone

from appointments import holds, waitlist
from appointments.importing import drafts
from appointments.models import IdempotencyRecord, WaitlistEntry
from tenants.models import Tenant
from tenants.scoping import platform_scope, tenant_scope

ANSWERS_ARE_KEPT = datetime.timedelta(days=7)


@shared_task
def forget_expired_holds() -> int:
    """Expired holds block nothing: this only keeps the table small. How many."""
    with platform_scope():
        return holds.forget_expired(timezone.now())


@shared_task
def advance_offers() -> int:
    """Offer to the next in line what nobody took in time. How many offers lapsed."""
    with platform_scope():
        offered = WaitlistEntry.objects.filter(state=WaitlistEntry.State.OFFERED)
        tenants = list(Tenant.objects.filter(pk__in=offered.values("tenant_id")))
    lapsed = 0
    for tenant in tenants:
        with tenant_scope(tenant):
            lapsed += waitlist.advance_offers(tenant)
    return lapsed


@shared_task
def forget_answers() -> int:
    """Requests are repeated within minutes, not weeks. How many were forgotten."""
    with platform_scope():
        old = IdempotencyRecord.objects.filter(created_at__lt=timezone.now() - ANSWERS_ARE_KEPT)
        return old.delete()[0]


@shared_task
def forget_imports() -> int:
    """Files that nobody agreed to import. How many were forgotten."""
    with platform_scope():
        return drafts.forget_old(timezone.now())
