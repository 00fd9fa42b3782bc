"""Who may ask, and JSON whatever becomes of it: what is refused is said in words."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from appointments import claims
from appointments.admin.free_times import as_uuid
from appointments.admin.work_pages import at_the_desk_of
from appointments.calendar.asking import Asked
from appointments.calendar.picture import told as told_appointment
from appointments.calendar.reasons import Opposed, told
from appointments.errors import (
    BookingError,
    ChangedMeanwhile,
    IdempotencyConflict,
    Invalid,
    NotBookable,
    NotFound,
)
from appointments.models import Appointment, AppointmentChange
from tenants.acting import business_of
from tenants.admin_sites import ScopedSite
from tenants.audit.entering import note
from tenants.models import Tenant
from tenants.scoped_admin import tenant_time
from tenants.scoping import active_scope

LOCK_NOT_AVAILABLE, CANCELLED_BY_TIMEOUT, DEADLOCK = "55P03", "57014", "40P01"
STATUS: dict[type[BookingError], int] = {NotFound: 404, Invalid: 400}
ONCE = "calendar"
"""The scope of the requests that a page of the calendar makes."""


@dataclass(frozen=True, slots=True)
class AtTheDesk:
    """Somebody who asks something of a tenant's calendar. What they may is what they may do with appointments."""

    site: ScopedSite
    request: HttpRequest
    tenant: Tenant

    @property
    def pages(self) -> Any:
        return self.site.get_model_admin(Appointment)

    @property
    def actor(self) -> str:
        return str(self.request.user)

    @property
    def may_book(self) -> bool:
        return bool(self.pages.has_add_permission(self.request))

    @property
    def may_change(self) -> bool:
        return bool(self.pages.has_change_permission(self.request))

    def scope(self) -> AbstractContextManager[None]:
        return at_the_desk_of(self.tenant)

    def asked(self) -> Asked:
        if self.request.method == "POST":
            return Asked.in_body(self.tenant, self.request)
        return Asked(self.tenant, self.request.GET.dict())


Answer = Callable[..., dict[str, Any]]
"""(desk, **ids in the address) -> the data of the answer."""


def endpoint(site: ScopedSite, answer: Answer, method: str = "GET") -> Callable[..., HttpResponse]:
    """A view of the site: for who is logged in, in their scope, behind the protection against forged requests."""

    def scoped(request: HttpRequest, **ids: UUID) -> HttpResponse:
        desk = _at_the_desk(site, request)
        if desk is None:
            return problem(
                404, "NOT_FOUND", "This is no longer the business whose desk you are at: load the page again."
            )
        with desk.scope():
            return _answered(desk, answer, ids)

    inside = site.admin_view(scoped)

    @wraps(answer)
    def view(request: HttpRequest, **ids: UUID) -> HttpResponse:
        if not site.has_permission(request):
            return problem(
                401, "LOGGED_OUT", "You are no longer logged in. Log in again, then try once more."
            )
        if request.method != method:
            return problem(405, "METHOD_NOT_ALLOWED", "That cannot be asked like this.")
        response: HttpResponse = inside(request, **ids)
        if response.status_code == 403 and not isinstance(response, JsonResponse):
            return problem(403, "FORGED", "This page is too old to be trusted: load it again.")
        return response

    # The one inside is checked, and its refusal becomes words here.
    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def once(desk: AtTheDesk, asked: Asked, act: Callable[[], Appointment]) -> dict[str, Any]:
    """Act, unless the same gesture has come before: then nothing is done twice. What fails may be tried again."""
    whole = claims.digest([desk.request.path, {**asked.said, "key": ""}, desk.actor])
    key = claims.digest([desk.actor, asked.key()])
    with transaction.atomic():
        record = claims.claim(desk.tenant, ONCE, key, whole)
        if record.answer is not None:
            done = Appointment.objects.filter(pk=record.answer["appointment"]).first()
            if done is None:
                raise NotFound("There is no such appointment.")
            return {"appointment": told_appointment(done), "repeated": True}
        done = act()
        claims.answer(record, {"appointment": str(done.pk)})
        return {"appointment": told_appointment(done), "repeated": False}


def problem(status: int, code: str, error: str, **more: Any) -> JsonResponse:
    return JsonResponse({"success": False, "code": code, "error": error, **more}, status=status)


def _at_the_desk(site: ScopedSite, request: HttpRequest) -> AtTheDesk | None:
    """For the business that the page is of. Who has gone to another one in another window is no longer at its desk."""
    named = as_uuid(request.GET.get("tenant"))
    if active_scope().is_platform:
        tenant = Tenant.objects.filter(pk=named).first() if named else None
        note(request, tenant.pk if tenant else None)
    else:
        tenant = business_of(request)
        if tenant is not None and named not in {None, tenant.pk}:
            tenant = None
    return AtTheDesk(site, request, tenant) if tenant else None


def _answered(desk: AtTheDesk, answer: Answer, ids: dict[str, UUID]) -> HttpResponse:
    try:
        if not desk.pages.has_view_permission(desk.request):
            raise PermissionDenied  # noqa: TRY301 - said below, with those that are raised deeper
        with transaction.atomic():
            return JsonResponse({"success": True, "data": answer(desk, **ids)})
    except PermissionDenied:
        return problem(403, "FORBIDDEN", "Your role may look at the calendar, but not change it.")
    except Opposed as error:
        return problem(409, "OPPOSED", str(error), **told(error.objections, error.nearest, desk.tenant))
    except ChangedMeanwhile:
        return _changed_meanwhile(ids["pk"], desk.tenant)
    except BookingError as error:
        return _refused(error, desk.tenant)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") not in {
            LOCK_NOT_AVAILABLE,
            CANCELLED_BY_TIMEOUT,
            DEADLOCK,
        }:
            raise
        return problem(503, "BUSY", "Somebody is booking with the same people just now. Please try again.")


def _refused(error: BookingError, tenant: Tenant) -> JsonResponse:
    if isinstance(error, Invalid):
        _, _, words = str(error).partition(": ")
        return problem(400, error.code, _sentence(words), field=error.field)
    if isinstance(error, NotBookable):
        said = told((), error.nearest, tenant)
        return problem(409, error.code, str(error), nearest=said["nearest"], mayGoOn=False, objections=[])
    if isinstance(error, IdempotencyConflict):
        return problem(409, error.code, "This was sent before, with something else in it. Please try again.")
    return problem(STATUS.get(type(error), 409), error.code, f"{str(error).rstrip('.')}.")


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith(('.', '?')) else '.'}"


def _changed_meanwhile(pk: UUID, tenant: Tenant) -> JsonResponse:
    """Who was faster, and how it stands now."""
    row = Appointment.objects.select_related("employee").get(pk=pk)
    last = AppointmentChange.objects.filter(appointment=row).order_by("changed_at").last()
    by = f" by {last.actor} at {tenant_time(last.changed_at, tenant, 'H:i')}" if last else ""
    stands = f"{row.get_status_display()}, {tenant_time(row.starts_at, tenant)} with {row.employee.name}"
    words = f"It was changed in the meantime{by}, and nothing was done now. It stands like this: {stands}."
    return problem(409, ChangedMeanwhile.code, words, appointment=told_appointment(row))
