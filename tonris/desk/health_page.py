"""How the installation is, for operators: what it runs on, what waits, which calls go on, which agents are given up."""

import datetime
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from redis.exceptions import RedisError

from agents.events_inbox import MAX_ATTEMPTS
from agents.models import ProviderEvent
from appointments.models import OutboxMessage
from telephony import breaker
from telephony.limits import surely_over
from telephony.models import Call, Notification
from tenants.admin_sites import operators
from tenants.models import Tenant
from tonris import health, signs

SLOW_MS = 200
WORKERS_LATE, WORKERS_GONE = 60, 180
"""Seconds; they give a sign every fifteen."""
WAITS_LONG, WAITS_TOO_LONG = datetime.timedelta(minutes=2), datetime.timedelta(minutes=15)
MANY_TASKS = 500


@dataclass(frozen=True, slots=True)
class Part:
    """`level`: good, warn or bad."""

    name: str
    level: str
    told: str


def parts(now: datetime.datetime) -> Iterator[Part]:
    """In the platform's scope."""
    yield _database()
    yield from _redis()
    yield from _waiting(now)


def _database() -> Part:
    began = time.perf_counter()
    state = health.database()
    took = round((time.perf_counter() - began) * 1000)
    if state != "ok":
        return Part("Database", "bad", f"{state}.".capitalize())
    major, minor = divmod(connection.pg_version, 10000)  # type: ignore[attr-defined]  # of PostgreSQL's backend
    told = f"PostgreSQL {major}.{minor} answers in {took} ms, and is up to date."
    return Part("Database", "good" if took < SLOW_MS else "warn", told)


def _redis() -> Iterator[Part]:
    if health.redis() != "ok":
        yield Part(
            "Redis", "bad", "Unreachable. Calls go on; background work, live pages and guards wait for it."
        )
        yield Part("Workers", "warn", "Nobody can tell without Redis.")
        return
    yield Part("Redis", "good", f"Answers, and holds {signs.memory() or 'little'}.")
    try:
        yield _workers(signs.seconds_since(), signs.waiting())
    except RedisError:
        yield Part("Workers", "warn", "Redis went away while it was asked.")


def _workers(since: float | None, waiting: int) -> Part:
    tasks = f"{waiting} task{'' if waiting == 1 else 's'} waiting"
    if since is None or since > WORKERS_GONE:
        last = "No sign of them for a day" if since is None else f"Last seen {_span(since)} ago"
        return Part("Workers", "bad", f"{last}; {tasks}. Start a worker, and one beat.")
    late = since > WORKERS_LATE or waiting > MANY_TASKS
    return Part("Workers", "warn" if late else "good", f"Last seen {_span(since)} ago; {tasks}.")


def _waiting(now: datetime.datetime) -> Iterator[Part]:
    """What should have been done by now: how much, and since when."""
    told: tuple[tuple[str, Callable[[], Any], str], ...] = (
        ("Outbox", lambda: OutboxMessage.objects.filter(handled_at=None), "created_at"),
        (
            "Texts and mails",
            lambda: Notification.objects.filter(state=Notification.State.WAITING, due_at__lte=now),
            "due_at",
        ),
        (
            "Provider events",
            lambda: ProviderEvent.objects.filter(processed_at=None, attempts__lt=MAX_ATTEMPTS),
            "received_at",
        ),
    )
    for name, rows, since in told:
        found = rows().aggregate(count=Count("pk"), oldest=Min(since))
        if not found["count"]:
            yield Part(name, "good", "Nothing waits.")
            continue
        age = now - found["oldest"]
        level = "bad" if age > WAITS_TOO_LONG else "warn" if age > WAITS_LONG else "good"
        yield Part(name, level, f"{found['count']} waiting, the oldest for {_span(age.total_seconds())}.")


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"


def calls_now(now: datetime.datetime) -> list[dict[str, Any]]:
    """Of each business: those that go on, and when the first of them began."""
    live = Call.objects.filter(ended_at=None, created_at__gt=now - surely_over())
    rows = live.values("tenant_id", "tenant__name").annotate(count=Count("pk"), oldest=Min("created_at"))
    return [
        {**row, "since": _span((now - row["oldest"]).total_seconds())}
        for row in rows.order_by("-count", "tenant__name")
    ]


def agents_given_up() -> list[dict[str, str]]:
    names = {tenant.pk: tenant.name for tenant in Tenant.objects.all()}
    return [
        {
            "business": names.get(circuit.tenant_id, "a business that is gone"),
            "agent": f"{circuit.provider} {circuit.agent_id}",
            "state": "the next call tries it again" if may_try else "callers are spared it",
        }
        for circuit, may_try in breaker.tripped()
    ]


def show(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    found = list(parts(now))
    context = {
        **operators.each_context(request),
        "title": "Health",
        "now": now,
        "parts": found,
        "worst": next((level for level in ("bad", "warn") if level in {one.level for one in found}), "good"),
        "calls": calls_now(now),
        "agents": agents_given_up(),
    }
    request.current_app = operators.name
    return TemplateResponse(request, "desk/health.html", context)
