"""Which businesses have something to be done about, and the doing of it: what the tasks call."""

import datetime
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from appointments.models import OutboxMessage
from telephony.notifications import dispatcher, own_answers, planner, unanswered
from telephony.notifications.models import InboundText, Notification
from telephony.notifications.wishes import wishes_of
from tenants.models import Tenant
from tenants.scoping import platform_scope

EVERY_SECONDS = 5
REMINDERS_EVERY_SECONDS = 60


def tenants_with_work(now: datetime.datetime) -> list[UUID]:
    with platform_scope():
        changed = OutboxMessage.objects.filter(handled_at=None)
        due = Notification.objects.filter(state=Notification.State.WAITING, due_at__lte=now)
        silent = unanswered.unanswered(now)
        replies = InboundText.objects.filter(answer_waits_since__lt=own_answers.overdue(now))
        rows = Tenant.objects.filter(
            Q(pk__in=changed.values("tenant_id"))
            | Q(pk__in=due.values("tenant_id"))
            | Q(pk__in=silent.values("tenant_id"))
            | Q(pk__in=replies.values("tenant_id"))
        )
        return list(rows.order_by("?").values_list("pk", flat=True))


def tenants_that_remind() -> list[UUID]:
    with platform_scope():
        tenants = list(Tenant.objects.filter(status=Tenant.Status.ACTIVE))
    return [tenant.pk for tenant in tenants if wishes_of(tenant.settings).reminders]


def work_for(tenant_id: UUID) -> int:
    """Plan what has changed, look up what was never answered, send what is due. How many were sent or tried."""
    while planner.plan(tenant_id) == planner.AT_A_TIME:
        pass
    unanswered.resolve(tenant_id)
    own_answers.send_overdue(tenant_id)
    return dispatcher.send_due(tenant_id)


def plan_reminders_for(tenant_id: UUID) -> int:
    return planner.plan_reminders(tenant_id, now=timezone.now())
