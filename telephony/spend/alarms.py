"""A business is told when it has used most of a cap, and when all of it: once a day or month, whoever looks how often.

A row for each is made under a constraint, so two workers make one; whoever mails it has its lock, and notes that it is
told before letting go. A mail server that is away is asked again a minute later, as long as the day or month lasts.
"""

import datetime
import logging
from collections.abc import Iterator
from uuid import UUID

from django.utils import timezone

from telephony.notifications import mail
from telephony.spend.alarm_words import words_for
from telephony.spend.caps import MICROS, Window, caps_of
from telephony.spend.models import BudgetAlarm
from telephony.spend.so_far import SoFar, percent_of, so_far
from telephony.text_errors import CannotSend, MaybeSent
from tenants import plans
from tenants.models import Member, Tenant
from tenants.scoping import platform_scope, tenant_scope

logger = logging.getLogger(__name__)

PERCENTS = (80, 100)
WINDOWS = (Window.DAY, Window.MONTH)


def tenants_with_caps() -> list[UUID]:
    """Active ones. Needs no scope."""
    with platform_scope():
        tenants = list(Tenant.objects.select_related("plan").filter(status=Tenant.Status.ACTIVE))
    return [tenant.pk for tenant in tenants if set(WINDOWS) & set(caps_of(plans.limits_of(tenant)))]


def near(tenant: Tenant, now: datetime.datetime) -> Iterator[tuple[SoFar, int]]:
    """The windows of which most is used, and how many percent. One query, if there are caps; needs the scope."""
    caps = caps_of(plans.limits_of(tenant))
    if not set(WINDOWS) & set(caps):
        return
    for window, one in so_far(tenant, now).items():
        percent = percent_of(one.used, caps[window]) if window in caps else 0
        if percent >= PERCENTS[0]:
            yield one, percent


def watch(tenant_id: UUID, now: datetime.datetime) -> int:
    """How many alarms were told. Needs no scope."""
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.select_related("plan").get(pk=tenant_id)
        found = list(near(tenant, now))
        BudgetAlarm.objects.bulk_create(
            [
                BudgetAlarm(tenant=tenant, window=one.window, began_on=one.began, percent=percent)
                for one, reached in found
                for percent in PERCENTS
                if reached >= percent
            ],
            ignore_conflicts=True,
        )
    return sum(_tell(tenant, one) for one, _ in found)


def _tell(tenant: Tenant, one: SoFar) -> int:
    """The highest that is not told yet; the ones below it are told with it."""
    with tenant_scope(tenant):
        waiting = BudgetAlarm.objects.filter(window=one.window, began_on=one.began, told_at=None)
        rows = list(waiting.select_for_update(skip_locked=True).order_by("-percent"))
        if not rows or not _mailed(tenant, one, rows[0]):
            return 0
        BudgetAlarm.objects.filter(pk__in=[row.pk for row in rows]).update(told_at=timezone.now())
        return 1


def _mailed(tenant: Tenant, one: SoFar, row: BudgetAlarm) -> bool:
    """False: not yet. Where nobody can be mailed it stands on the first page alone."""
    owners = Member.objects.filter(role=Member.Role.OWNER, user__is_active=True).exclude(user__email="")
    addresses = sorted(set(owners.values_list("user__email", flat=True)))
    if not mail.is_configured():
        return True
    words = words_for(tenant.language)
    told = {
        "business": tenant.name,
        "percent": row.percent,
        "of": words.of[one.window],
        "used": f"{one.used.seconds // 60} min, {one.used.micros / MICROS:.2f} {tenant.currency}",
    }
    text = (words.spent if row.percent >= 100 else words.near).format(**told)
    for address in addresses:
        try:
            mail.send(
                business=tenant.name, to=address, subject=words.subject.format(**told), text=text,
                reference=row.pk,
            )  # fmt: skip
        except CannotSend as error:
            logger.warning("A budget alarm could not be mailed")
            if not error.permanent:
                return False
        except MaybeSent:  # twice would be worse
            logger.warning("A budget alarm was perhaps mailed")
    return True
