"""The Calendar page and what its modules ask, under /admin/calendar/ and /ops/calendar/."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from appointments import lifecycle
from appointments.admin.free_times import whose
from appointments.admin.work_pages import at_the_desk_of
from appointments.calendar import reasons, verbs, version
from appointments.calendar.answers import Answer, AtTheDesk, endpoint, once
from appointments.calendar.asking import LONGEST_NOTES
from appointments.calendar.picture import picture, span_of
from appointments.errors import Invalid
from appointments.models import AddOn, Appointment, Customer, EmployeeService, Service
from appointments.wallclock import DAY
from tenants.admin_sites import ScopedSite, rendered
from tenants.scoped_admin import phone_digits

TEMPLATE = "admin/appointments/calendar.html"
MOST_CUSTOMERS = 8
BECOMES: dict[str, Callable[..., lifecycle.Changed]] = {
    Appointment.Status.SCHEDULED: lifecycle.uncancel,
    Appointment.Status.CONFIRMED: lifecycle.confirm,
    Appointment.Status.COMPLETED: lifecycle.complete,
    Appointment.Status.NO_SHOW: lifecycle.no_show,
    Appointment.Status.CANCELLED: lifecycle.cancel,
}


def urls_of(site: ScopedSite) -> list[URLPattern]:
    def asked(route: str, answer: Answer, method: str = "GET") -> URLPattern:
        return path(f"calendar/{route}", endpoint(site, answer, method), name=f"calendar_{answer.__name__}")

    return [
        path("calendar/", site.admin_view(partial(show, site)), name="calendar"),
        asked("days/", days),
        asked("version/", changed),
        asked("why/", why),
        asked("customers/", customers),
        asked("appointments/", book, "POST"),
        asked("appointments/<uuid:pk>/move/", move, "POST"),
        asked("appointments/<uuid:pk>/status/", become, "POST"),
        asked("appointments/<uuid:pk>/notes/", note, "POST"),
    ]


# --- The page ------------------------------------------------------------------------------------


def show(site: ScopedSite, request: HttpRequest) -> HttpResponse:
    if not site.get_model_admin(Appointment).has_view_permission(request):
        raise PermissionDenied
    context: dict[str, Any] = {**site.each_context(request), "title": "Calendar", "is_fullwidth": "1"}
    request.current_app = site.name
    tenant = whose(request, context)
    if tenant is None:
        return TemplateResponse(request, TEMPLATE, context)
    with at_the_desk_of(tenant):
        context |= {"tenant": tenant, "calendar": _settings(AtTheDesk(site, request, tenant))}
        return rendered(TemplateResponse(request, TEMPLATE, context))


def _settings(desk: AtTheDesk) -> dict[str, Any]:
    """What the modules need to know, once."""
    change = reverse(f"{desk.site.name}:appointments_appointment_change", args=[UUID(int=0)])
    return {
        "url": reverse(f"{desk.site.name}:calendar"),
        "change": change.replace(str(UUID(int=0)), "{id}"),
        "tenant": str(desk.tenant.pk),
        "today": str(timezone.localdate()),
        "timezone": desk.tenant.timezone,
        "mayBook": desk.may_book,
        "mayChange": desk.may_change,
        "moves": {status: lifecycle.moves_from(status)[1:] for status in Appointment.Status.values},
        "statuses": {value: str(label).capitalize() for value, label in Appointment.Status.choices},
        "services": _services(),
    }


def _services() -> list[dict[str, Any]]:
    """What is sold, with its add-ons, who performs it and how long it takes them."""
    performs: dict[UUID, dict[str, int]] = {}
    minutes = {one.pk: one.duration_minutes for one in Service.objects.filter(is_active=True)}
    for row in EmployeeService.objects.filter(service__in=minutes):
        performs.setdefault(row.service_id, {})[str(row.employee_id)] = (
            row.duration_minutes or minutes[row.service_id]
        )
    add_ons: dict[UUID, list[dict[str, Any]]] = {}
    for extra in AddOn.objects.filter(is_active=True):
        add_ons.setdefault(extra.service_id, []).append(
            {"id": str(extra.pk), "name": extra.name, "minutes": extra.minutes, "price": str(extra.price)}
        )
    return [
        {
            "id": str(one.pk),
            "name": one.name,
            "category": one.category,
            "minutes": one.duration_minutes,
            "price": f"{one.price} {one.currency}",
            "seats": one.seats,
            "addOns": add_ons.get(one.pk, []),
            "performers": performs.get(one.pk, {}),
        }
        for one in Service.objects.filter(pk__in=minutes).order_by("category", "name")
    ]


# --- What is looked at ---------------------------------------------------------------------------


def days(desk: AtTheDesk) -> dict[str, Any]:
    asked = desk.asked()
    return picture(desk.tenant, asked.day("first"), asked.days())


def changed(desk: AtTheDesk) -> dict[str, Any]:
    asked = desk.asked()
    first = asked.day("first")
    dates = [first + count * DAY for count in range(asked.days())]
    return {"version": version.of(desk.tenant, span_of(dates, desk.tenant), timezone.now())}


def why(desk: AtTheDesk) -> dict[str, Any]:
    """All that stands against a start, the rules for callers included."""
    objections, nearest = reasons.all_against(desk.tenant, desk.asked().question())
    return reasons.told(objections, nearest, desk.tenant)


def customers(desk: AtTheDesk) -> dict[str, Any]:
    """Those whose name, number or address has what was typed."""
    if not desk.site.get_model_admin(Customer).has_view_permission(desk.request):
        raise PermissionDenied
    typed = desk.asked().text("q", 120)
    found = Customer.objects.filter(name__icontains=typed)
    if "@" in typed:
        found = Customer.objects.filter(email__icontains=typed)
    elif phone_digits(typed):
        found = Customer.objects.filter(phone_e164__contains=phone_digits(typed))
    shown = found.order_by("name", "pk")[:MOST_CUSTOMERS] if typed else []
    return {
        "customers": [
            {"id": str(one.pk), "name": one.name, "phone": one.phone_e164, "email": one.email}
            for one in shown
        ]
    }


# --- What is done --------------------------------------------------------------------------------


def book(desk: AtTheDesk) -> dict[str, Any]:
    asked = desk.asked()
    if not desk.may_book:
        raise PermissionDenied

    def act() -> Appointment:
        made = verbs.book(
            desk.tenant,
            asked.question(),
            asked.contact(),
            notes=asked.text("notes", LONGEST_NOTES),
            despite=asked.words("despite"),
            actor=desk.actor,
        )
        desk.pages.log_addition(desk.request, made, [{"added": {}}])
        return made

    return once(desk, asked, act)


def move(desk: AtTheDesk, pk: UUID) -> dict[str, Any]:
    asked = _to_change(desk)

    def act() -> Appointment:
        start = asked.start()
        moved = verbs.move(
            desk.tenant,
            pk,
            seen=asked.seen(),
            start=start,
            end=asked.end(start),
            employee=asked.employee() if asked.said.get("employee") else None,
            despite=asked.words("despite"),
            actor=desk.actor,
        )
        _log(desk, moved, "Starts", "Ends", "Employee")
        return moved

    return once(desk, asked, act)


def become(desk: AtTheDesk, pk: UUID) -> dict[str, Any]:
    """Another status, by the verbs that everybody uses."""
    asked = _to_change(desk)
    status = asked.text("status")
    if status not in BECOMES:
        raise Invalid("status", f"must be one of {', '.join(BECOMES)}")

    def act() -> Appointment:
        more = {"reason": asked.text("reason")} if status in {"cancelled", "scheduled"} else {}
        done = BECOMES[status](desk.tenant, pk, seen=asked.seen(), actor=desk.actor, **more)
        if done.changed:
            _log(desk, done.appointment, "Status")
        return done.appointment

    return once(desk, asked, act)


def note(desk: AtTheDesk, pk: UUID) -> dict[str, Any]:
    asked = _to_change(desk)

    def act() -> Appointment:
        noted = verbs.note(pk, asked.text("notes", LONGEST_NOTES), seen=asked.seen(), actor=desk.actor)
        _log(desk, noted, "Notes")
        return noted

    return once(desk, asked, act)


def _to_change(desk: AtTheDesk) -> Any:
    if not desk.may_change:
        raise PermissionDenied
    return desk.asked()


def _log(desk: AtTheDesk, row: Appointment, *fields: str) -> None:
    desk.pages.log_change(desk.request, row, [{"changed": {"fields": list(fields)}}])
