"""Who can be rung for a business at this moment. Needs the tenant's scope.

Its ring groups in their order, each while its hours last; after them `settings.transferNumber`, at any hour, as a
group of one. Numbers that may not be dialled are left out, whenever they were written down.
"""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils import timezone

from agents.live_calls import Reach
from appointments.opening import is_open, within
from appointments.slots import WeeklyHours
from appointments.wallclock import WallInterval
from telephony.models import PhoneNumber
from telephony.people import numbers
from telephony.people.models import RingGroup
from tenants.models import Tenant
from tenants.phone import e164_or_blank
from tenants.scoping import tenant_scope

RINGS_SECONDS = 20
MOST_AT_ONCE = 10
"""Twilio's own limit."""
MOST_ROUNDS = 10
NUMBER, ABROAD, MODE = "transferNumber", "transferAbroad", "transferMode"
WARM = "warm"


@dataclass(frozen=True, slots=True)
class Candidate:
    name: str
    e164: str


@dataclass(frozen=True, slots=True)
class Round:
    """Who is rung at the same time."""

    people: tuple[Candidate, ...]
    rings_seconds: int = RINGS_SECONDS


def is_warm(tenant: Tenant) -> bool:
    """Whether people hear who calls, and take the call by a key."""
    return tenant.settings.get(MODE) == WARM


def transfer_number(tenant: Tenant) -> str:
    """`settings.transferNumber` in E.164, or "" where it may not be dialled, whoever wrote it down."""
    number = tenant.settings.get(NUMBER)
    e164 = e164_or_blank(number) if isinstance(number, str) else ""
    if not e164 or numbers.is_costly(e164):
        return ""
    return "" if refusal(tenant, e164, may_cost=tenant.settings.get(ABROAD) is True) else e164


def rounds(tenant: Tenant, now: datetime.datetime) -> list[Round]:
    """At most MOST_ROUNDS, no number twice; none where nobody can be rung now."""
    found: list[Round] = []
    known: set[str] = set()
    own = own_numbers(tenant)
    for group in _groups(tenant):
        if not _is_on(group, tenant, now):
            continue
        people = [one for one in _people(group, own) if one.e164 not in known]
        known |= {one.e164 for one in people}
        found += _as_rounds(group, people)
    default = transfer_number(tenant)
    if default and default not in known:
        found.append(Round((Candidate("The team", default),)))
    return found[:MOST_ROUNDS]


def reach(tenant: Tenant, now: datetime.datetime) -> Reach:
    if rounds(tenant, now):
        return Reach.SOMEBODY
    return Reach.CLOSED if has_groups(tenant) else Reach.NOBODY


def is_anybody_there(tenant: Tenant) -> bool:
    """Now. Needs no scope."""
    with tenant_scope(tenant):
        return bool(rounds(tenant, timezone.now()))


def has_groups(tenant: Tenant) -> bool:
    """Whether any has somebody who can be rung, at whatever hour."""
    own = own_numbers(tenant)
    return any(_people(group, own) for group in _groups(tenant))


def _groups(tenant: Tenant) -> Iterable[RingGroup]:
    rows = RingGroup.objects.for_tenant(tenant).filter(is_active=True)
    return rows.prefetch_related("people", "hours").order_by("position", "name")


def _is_on(group: RingGroup, tenant: Tenant, now: datetime.datetime) -> bool:
    if group.when == RingGroup.When.ALWAYS:
        return True
    if group.when == RingGroup.When.OPENING:
        return is_open(tenant, now)
    week = [WeeklyHours(row.weekday, WallInterval(row.opens, row.closes)) for row in group.hours.all()]
    return within(week, tenant.zone, now)


def _people(group: RingGroup, own: list[str]) -> list[Candidate]:
    return [
        Candidate(one.name, one.e164)
        for one in sorted(group.people.all(), key=lambda one: (one.position, one.name))
        if one.is_active and not numbers.refusal(one.e164, home=own, ours=own, may_cost=one.may_cost)
    ]


def _as_rounds(group: RingGroup, people: list[Candidate]) -> Iterator[Round]:
    size = MOST_AT_ONCE if group.order == RingGroup.Order.AT_ONCE else 1
    for first in range(0, len(people), size):
        yield Round(tuple(people[first : first + size]), group.rings_seconds)


def own_numbers(tenant: Tenant) -> list[str]:
    """Those that callers dial: they lead to us, and tell a business's countries."""
    return list(PhoneNumber.objects.for_tenant(tenant).values_list("e164", flat=True))


def refusal(tenant: Tenant, e164: str, *, may_cost: bool = False) -> str:
    """Why this business cannot have this number rung, or ""."""
    own = own_numbers(tenant)
    return numbers.refusal(e164, home=own, ours=own, may_cost=may_cost)
