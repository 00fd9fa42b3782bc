"""What happened at a business on one of its days. Every function is one query in the scope that is active."""

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, Sum, Value, When
from django.db.models.functions import Coalesce, ExtractHour

from agents.costs import added_up, of_others
from agents.models import Conversation, ToolInvocation
from agents.providers import PROVIDERS
from appointments.models import Appointment
from telephony import calls
from telephony.models import Call
from tenants.models import Tenant

BOOKING_TOOLS = ("book_appointment", "create_appointment")
ON_THE_KEYS = (calls.KEYPAD, calls.MENU, calls.WITHOUT_AGENT)
"""Somebody or something else than the agent saw to these callers, as it was meant."""
ENDED_WELL = (*calls.ON_PURPOSE, *ON_THE_KEYS, calls.TIME_LIMIT, calls.SILENCE, "")


class Ending(StrEnum):
    """What became of a call, for the one who pays for it. Each call is one of these."""

    BOOKED = "booked"
    ANSWERED = "answered"
    TRANSFERRED = "transferred"
    FAILED = "failed"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Span:
    """[since, until), aware."""

    since: datetime.datetime
    until: datetime.datetime


def day_of(tenant: Tenant, now: datetime.datetime) -> Span:
    """The tenant's own day, which a change of clocks makes shorter or longer."""
    date = now.astimezone(tenant.zone).date()
    midnights = (
        datetime.datetime.combine(each, datetime.time(), tenant.zone)
        for each in (date, date + datetime.timedelta(days=1))
    )
    return Span(*midnights)


def ending() -> Case:
    """As SQL: of a call that goes on, how it stands."""
    booked = ToolInvocation.objects.filter(
        conversation=OuterRef("conversation"), tool__in=BOOKING_TOOLS, succeeded=True
    ).exclude(appointment=None)
    return Case(
        When(Exists(booked), then=Value(Ending.BOOKED)),
        When(outcome__in=[calls.TRANSFER, calls.TRANSFERRED], then=Value(Ending.TRANSFERRED)),
        When(
            Q(stream_started_at=None, ended_at__isnull=False) & ~Q(outcome__in=ON_THE_KEYS),
            then=Value(Ending.MISSED),
        ),
        When(Q(state=Call.State.FAILED) | ~Q(outcome__in=ENDED_WELL), then=Value(Ending.FAILED)),
        default=Value(Ending.ANSWERED),
        output_field=CharField(),
    )


@dataclass(slots=True)
class Calls:
    """Of one span. `by_hour`: hour of the wall clock -> how the calls ended that began then."""

    by_hour: dict[int, Counter[Ending]] = field(default_factory=dict)
    seconds: int = 0

    @property
    def endings(self) -> Counter[Ending]:
        return sum(self.by_hour.values(), Counter())

    @property
    def total(self) -> int:
        return self.endings.total()

    @property
    def answered(self) -> int:
        """By the agent, whatever came of it."""
        ended = self.endings
        return ended[Ending.ANSWERED] + ended[Ending.BOOKED] + ended[Ending.TRANSFERRED]

    @property
    def minutes(self) -> int:
        """Of all calls together, rounded up."""
        return -(-self.seconds // 60)


def calls_of(tenant: Tenant, span: Span) -> Calls:
    rows = (
        Call.objects.for_tenant(tenant)
        .filter(created_at__gte=span.since, created_at__lt=span.until)
        .annotate(hour=ExtractHour("created_at", tzinfo=tenant.zone), ending=ending())
        .values("hour", "ending")
        .order_by("hour", "ending")
        .annotate(count=Count("pk"), seconds=Coalesce(Sum("duration_seconds"), 0))
        .values_list("hour", "ending", "count", "seconds")
    )
    found = Calls()
    for hour, ended, count, seconds in rows:
        found.by_hour.setdefault(hour, Counter())[Ending(ended)] += count
        found.seconds += seconds
    return found


def cost_of(tenant: Tenant, span: Span) -> list[str]:
    """What the providers of agents count, each in its own unit: "1,204 credits", "0.42 US dollars"."""
    own = Conversation.objects.for_tenant(tenant).filter(
        started_at__gte=span.since, started_at__lt=span.until, cost__isnull=False
    )
    others = of_others().filter(
        tenant=tenant,
        conversation__started_at__gte=span.since,
        conversation__started_at__lt=span.until,
    )
    summed = (rows.order_by().values_list("provider").annotate(Sum("cost")) for rows in (own, others))
    costs = added_up(next(summed).union(*summed, all=True))
    return [in_unit(provider, costs[provider]) for provider in sorted(costs) if costs[provider]]


def in_unit(provider: str, cost: Decimal) -> str:
    known = PROVIDERS.get(provider)
    return f"{cost:,.{known.cost_places}f} {known.cost_unit}" if known else f"{cost:,.0f} {provider}"


def revenue_of(tenant: Tenant, span: Span) -> list[str]:
    """What callers booked with the agent, less what was cancelled since: "120.00 USD", by currency."""
    rows = (
        Appointment.objects.for_tenant(tenant)
        .filter(created_at__gte=span.since, created_at__lt=span.until, source=Appointment.Source.AGENT)
        .exclude(status=Appointment.Status.CANCELLED)
        .values_list("currency")
        .order_by("currency")
        .annotate(Sum("price"))
    )
    return [f"{amount:,.2f} {currency}" for currency, amount in rows]


def next_appointments(tenant: Tenant, now: datetime.datetime, most: int = 8) -> list[Appointment]:
    """That begin from now on, or go on now."""
    coming = Appointment.objects.for_tenant(tenant).filter(
        ends_at__gt=now, status__in=[Appointment.Status.SCHEDULED, Appointment.Status.CONFIRMED]
    )
    return list(
        coming.select_related("tenant", "customer", "service", "employee").order_by("starts_at")[:most]
    )


def told(amounts: Iterable[str]) -> str:
    return " + ".join(amounts) or "-"
