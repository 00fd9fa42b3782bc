"""Which businesses have calls to place or to look after, and the doing of it: what the tasks call."""

import datetime
from uuid import UUID

from django.db.models import Q

from telephony.models import OutboundCall
from telephony.outbound import course, placing
from tenants.models import Tenant
from tenants.scoping import platform_scope

EVERY_SECONDS = 5


def tenants_with_work(now: datetime.datetime) -> list[UUID]:
    with platform_scope():
        due = Q(state=OutboundCall.State.WAITING, due_at__lte=now)
        rows = OutboundCall.objects.filter(due | course.open_orders(now))
        return list(
            Tenant.objects.filter(pk__in=rows.values("tenant_id")).order_by("?").values_list("pk", flat=True)
        )


def work_for(tenant_id: UUID) -> int:
    """How many were placed or tried."""
    course.tidy(tenant_id)
    return placing.place_due(tenant_id)
