"""The customer's own page of one appointment: confirm it, move it, cancel it. No login: the address is the key.

To look changes nothing: phones and mail programs open links to show what is behind them. There is no cookie, and so
nothing that another site could make a browser send along; the address must not leak, so no other site learns it.
"""

import base64
import datetime
import hashlib
import logging
from collections.abc import Mapping
from itertools import islice
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.safestring import mark_safe
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from redis.exceptions import RedisError

from agents.speech import speech_for
from appointments import lifecycle
from appointments.errors import BookingError, NotAllowed, NotBookable, TooLate
from appointments.intervals import as_utc
from appointments.models import Appointment
from appointments.wallclock import wall_time
from telephony.notifications import composing, rendering
from telephony.notifications.links import appointment_of
from telephony.notifications.wording import Wording, wording_for
from tenants.models import Tenant
from tenants.scoping import platform_scope, tenant_scope
from tenants.shared_redis import shared_redis

logger = logging.getLogger(__name__)

ACTOR = "customer's page"
DAYS, MOST_DAYS, MOST_TIMES = 21, 7, 12
LOOKS, ACTS, WINDOW_SECONDS = 60, 12, 600
"""So often may one address be opened, and something be done there."""
REDIS_SECONDS = 0.25
STYLE = mark_safe(
    "body{font:1.125rem/1.5 system-ui,sans-serif;max-width:34rem;margin:0 auto;padding:1.5rem;color:#1b1b1b;"
    "background:#fff}h1{font-size:1.5rem}h2,legend{font-size:1.125rem;font-weight:600;padding:0}"
    "fieldset{border:0;padding:0;margin:1rem 0}label{display:inline-block;margin:.25rem .75rem .25rem 0;padding:.25rem}"
    "button{font:inherit;padding:.6rem 1.2rem;border:2px solid #14507a;border-radius:.4rem;background:#14507a;"
    "color:#fff;cursor:pointer}button.quiet{background:#fff;color:#8c1d18;border-color:#8c1d18}"
    ".notice{border-left:.3rem solid #14507a;padding:.5rem 1rem;background:#eef4f8}"
    ":focus-visible{outline:3px solid #b35900;outline-offset:2px}"
)
_POLICY = (
    "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def appointment(request: HttpRequest, token: str) -> HttpResponse:
    pk = appointment_of(token)
    tenant_id = _tenant_of(pk) if pk else None
    if pk is None or tenant_id is None:
        words = wording_for(request.headers.get("Accept-Language", "en")[:2])
        return _page(request, words, status=410, notice=words.expired)
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.get(pk=tenant_id)
        words = wording_for(tenant.language)
        acts = request.method == "POST"
        if not _allowed(pk, acts=acts):
            return _page(request, words, status=429, notice=words.busy)
        rows = Appointment.objects.select_related("employee", "service", "customer", "tenant")
        row = rows.get(pk=pk)
        return _act(request, tenant, row, words) if acts else _show(request, tenant, row, words)


def _tenant_of(pk: UUID) -> UUID | None:
    """The address was signed by us for this appointment: whose it is says whose page."""
    with platform_scope():
        row = Appointment.objects.filter(pk=pk, tenant__status=Tenant.Status.ACTIVE).first()
        return row.tenant_id if row else None


def _allowed(pk: UUID, *, acts: bool) -> bool:
    """Counted in Redis. Without it the page still works: the calendar's own rules hold in any case."""
    key, most = f"tonris:page:{pk}:{'act' if acts else 'look'}", ACTS if acts else LOOKS
    try:
        with shared_redis(REDIS_SECONDS).pipeline() as pipe:
            pipe.incr(key)
            pipe.expire(key, WINDOW_SECONDS, nx=True)
            count, _ = pipe.execute()
        return int(count) <= most
    except RedisError:
        logger.warning("Redis is unreachable: visits to customers' pages are not counted")
        return True


# --- Acting --------------------------------------------------------------------------------------


def _act(request: HttpRequest, tenant: Tenant, row: Appointment, words: Wording) -> HttpResponse:
    act = request.POST.get("act", "")
    try:
        if act == "confirm":
            lifecycle.confirm(tenant, row.pk, actor=ACTOR)
            return _done(request, "confirmed")
        if act == "cancel":
            lifecycle.cancel(tenant, row.pk, actor=ACTOR, by_customer=True)
            return _done(request, "cancelled")
        starts_at = parse_datetime(request.POST.get("start", "")[:40]) if act == "move" else None
        if starts_at is not None and starts_at.tzinfo is not None and _is_alone(row):
            lifecycle.reschedule(tenant, row.pk, starts_at, actor=ACTOR, by_customer=True)
            return _done(request, "moved")
    except (ValueError, OverflowError):
        pass  # no date at all, or none that a calendar has: nothing was chosen
    except NotBookable:
        return _show(request, tenant, row, words, notice=words.was_taken, status=409)
    except (TooLate, NotAllowed):
        pass  # the page says how things stand
    except BookingError:
        logger.warning("A customer's page could not do what it offers")
    return _show(request, tenant, row, words, status=409)


def _done(request: HttpRequest, what: str) -> HttpResponse:
    response = HttpResponseRedirect(f"{request.path}?done={what}")
    response.status_code = 303
    return _guarded(response)


# --- Showing -------------------------------------------------------------------------------------


def _show(
    request: HttpRequest,
    tenant: Tenant,
    row: Appointment,
    words: Wording,
    *,
    notice: str = "",
    status: int = 200,
) -> HttpResponse:
    facts = composing.facts_of(tenant, row)
    coming = row.status in lifecycle.COMING and row.starts_at > timezone.now()
    in_time = coming and timezone.now() <= row.starts_at - _notice_of(row)
    context = {
        "tenant": tenant,
        "told": rendering.fill(words.your_appointment, facts),
        "notice": notice or _notice(request, row, words, facts),
        "can_confirm": row.status == Appointment.Status.SCHEDULED and coming,
        "can_change": in_time,
        "days": _other_times(tenant, row) if in_time and _is_alone(row) else [],
        "is_alone": _is_alone(row),
        "none_left": rendering.fill(words.no_other_times, facts),
        "too_late": rendering.fill(words.too_late, facts) if coming and not in_time else "",
    }
    return _page(request, words, status=status, **context)


def _notice(request: HttpRequest, row: Appointment, words: Wording, facts: Mapping[str, str]) -> str:
    """What was done a moment ago, if it is so."""
    if row.status == Appointment.Status.CANCELLED:
        return words.is_cancelled
    done = request.GET.get("done", "")
    if done == "moved":
        return rendering.fill(words.moved_to, facts)
    return words.is_confirmed if row.status == Appointment.Status.CONFIRMED else ""


def _notice_of(row: Appointment) -> datetime.timedelta:
    return datetime.timedelta(minutes=row.service.cancel_notice_minutes)


def _is_alone(row: Appointment) -> bool:
    """Parts of a visit follow each other: one of them is not moved by itself."""
    if not row.visit:
        return True
    others = Appointment.objects.filter(visit=row.visit, status__in=lifecycle.COMING).exclude(pk=row.pk)
    return not others.exists()


def _other_times(tenant: Tenant, row: Appointment) -> list[dict[str, Any]]:
    """The next dates with anything free, with the same employee: `date`, and `times` of `value` and `label`."""
    speech = speech_for(tenant.language)
    calendar = lifecycle.calendar_to_move(tenant, row, row.employee)
    dates = islice(calendar.search(calendar.today, DAYS, row.employee, ignoring=row), MOST_DAYS)
    return [
        {
            "date": speech.full_date(day),
            "times": [
                {
                    "value": as_utc(slot.start).isoformat(),
                    "label": speech.clock(wall_time(slot.start, tenant.zone)),
                }
                for slot in slots[:MOST_TIMES]
            ],
        }
        for day, slots in dates
    ]


def _page(request: HttpRequest, words: Wording, *, status: int, **context: Any) -> HttpResponse:
    context = {"words": words, "style": STYLE, **context}
    return _guarded(render(request, "telephony/customer_appointment.html", context, status=status))


def _guarded(response: HttpResponse) -> HttpResponse:
    for name, value in _HEADERS.items():
        response.headers[name] = value
    return response
