"""What each business used in a month of its own clock. For operators: in the platform's scope, four queries."""

import csv
import datetime
import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, DateField, DateTimeField, F, FloatField, Func, Q, QuerySet, Sum
from django.db.models.functions import Cast, Ceil
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from agents.costs import of_others
from agents.models import Conversation
from appointments.admin.export import BYTE_ORDER_MARK, guarded
from telephony.models import Call, Notification
from tenants.admin_sites import operators
from tenants.models import Tenant
from tonris.desk import figures
from tonris.desk.figures import Ending

FARTHEST_ZONE = datetime.timedelta(hours=15)
"""No clock is farther from UTC: rows outside of it need not be looked at."""


@dataclass(frozen=True, slots=True)
class Month:
    first: datetime.date

    @classmethod
    def parse(cls, text: str, today: datetime.date) -> "Month":
        """ "2026-11"; this month, where it is nothing like it."""
        try:
            return cls(datetime.datetime.strptime(text, "%Y-%m").date())
        except ValueError:
            return cls(today.replace(day=1))

    @property
    def next(self) -> "Month":
        return Month((self.first + datetime.timedelta(days=31)).replace(day=1))

    @property
    def previous(self) -> "Month":
        return Month((self.first - datetime.timedelta(days=1)).replace(day=1))

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"


@dataclass(slots=True)
class Usage:
    tenant: Tenant
    calls: int = 0
    answered: int = 0
    booked: int = 0
    minutes: int = 0
    texts: int = 0
    costs: list[str] = field(default_factory=list)


def usage_of(month: Month) -> list[Usage]:
    """Every business, also those that used nothing; minutes are rounded up call by call, as carriers bill them."""
    used = {tenant.pk: Usage(tenant) for tenant in Tenant.objects.all()}
    billed = Ceil(F("duration_seconds") / 60.0, output_field=FloatField())
    rows = (
        _in_month(Call.objects.annotate(ending=figures.ending()), "created_at", month)
        .values("tenant_id")
        .order_by("tenant_id")
        .annotate(
            count=Count("pk"),
            answered=Count("pk", filter=Q(ending__in=[Ending.ANSWERED, Ending.BOOKED, Ending.TRANSFERRED])),
            booked=Count("pk", filter=Q(ending=Ending.BOOKED)),
            minutes=Sum(billed),
        )
    )
    for row in rows:
        one = used[row["tenant_id"]]
        one.calls, one.answered, one.booked = row["count"], row["answered"], row["booked"]
        one.minutes = int(row["minutes"] or 0)
    for tenant_id, provider, cost in _costs(month):
        used[tenant_id].costs.append(figures.in_unit(provider, cost))
    for tenant_id, count in _texts(month):
        used[tenant_id].texts = count
    return list(used.values())


def _costs(month: Month) -> Iterable[tuple[UUID, str, Decimal]]:
    """Also of providers that went on with a call whose own agent had failed."""
    own = _in_month(Conversation.objects.filter(cost__isnull=False), "started_at", month)
    others = _in_month(of_others(), "conversation__started_at", month)
    summed = (
        rows.order_by().values_list("tenant_id", "provider").annotate(Sum("cost")) for rows in (own, others)
    )
    spent: dict[tuple[UUID, str], Decimal] = defaultdict(Decimal)
    for tenant_id, provider, cost in next(summed).union(*summed, all=True):
        spent[tenant_id, provider] += cost
    return [(*whose, cost) for whose, cost in sorted(spent.items()) if cost]


def _texts(month: Month) -> Iterable[tuple[UUID, int]]:
    """That a carrier took, whether or not they arrived."""
    sent = Notification.objects.filter(channel="sms", sent_at__isnull=False)
    rows = _in_month(sent, "sent_at", month).values("tenant_id").order_by("tenant_id")
    return rows.annotate(count=Count("pk")).values_list("tenant_id", "count")


def _in_month(rows: "QuerySet[Any]", column: str, month: Month) -> "QuerySet[Any]":
    """Rows whose moment falls into the month on the clock of their own tenant."""
    since, until = (
        datetime.datetime.combine(each.first, datetime.time(), datetime.UTC) for each in (month, month.next)
    )
    near = {f"{column}__gte": since - FARTHEST_ZONE, f"{column}__lt": until + FARTHEST_ZONE}
    wall = Func(F("tenant__timezone"), F(column), function="timezone", output_field=DateTimeField())
    dated = rows.filter(**near).annotate(local_date=Cast(wall, DateField()))
    return dated.filter(local_date__gte=month.first, local_date__lt=month.next.first)


# --- The page ------------------------------------------------------------------------------------

HEADS = (
    "Business",
    "Status",
    "Month",
    "Calls",
    "Answered",
    "Booked",
    "Minutes",
    "Texts",
    "Cost of the agent",
)


def show(request: HttpRequest) -> HttpResponse:
    """`?month=2026-11`, and `&format=csv` for a spreadsheet."""
    month = Month.parse(request.GET.get("month", ""), timezone.now().date())
    rows = usage_of(month)
    if request.GET.get("format") == "csv":
        return _spreadsheet(month, rows)
    context = {**operators.each_context(request), "title": "Usage", "month": month, "rows": rows}
    request.current_app = operators.name
    return TemplateResponse(request, "desk/usage.html", context)


def _spreadsheet(month: Month, rows: list[Usage]) -> HttpResponse:
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(HEADS)
    for row in rows:
        counted = (row.calls, row.answered, row.booked, row.minutes, row.texts)
        told = (row.tenant, row.tenant.status, month, *counted, figures.told(row.costs).removesuffix("-"))
        lines.writerow([guarded(cell) for cell in told])
    answer = HttpResponse(BYTE_ORDER_MARK + text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="usage-{month}.csv"'
    return answer
