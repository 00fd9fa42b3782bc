"""The Hours page, under /admin/hours/ and /ops/hours/.

One form holds everything that is typed, and every button sends all of it: what a button does not do stays typed.
"""

from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from appointments.admin import in_the_way
from appointments.admin.free_times import as_uuid, whose
from appointments.admin.work_pages import at_the_desk_of
from appointments.models import Employee, OpeningHours, TimeOff
from appointments.week import keeping, others
from appointments.week.typed import MOST_A_DAY, WEEKDAYS, TypedWeek, bars, length, told
from tenants.admin_sites import ScopedSite, rendered
from tenants.models import Tenant

TEMPLATE = "admin/appointments/hours.html"
NOTHING_IS_DEMANDED: dict[str, Any] = {"use_required_attribute": False}
"""Browsers would else keep a week from being saved while there is no closure beside it."""
MEANWHILE = (
    "Somebody else has changed these hours since you opened them. Look at theirs above, and save again."
)


def urls_of(site: ScopedSite) -> list[URLPattern]:
    return [path("hours/", site.admin_view(partial(show, site)), name="hours")]


def show(site: ScopedSite, request: HttpRequest) -> HttpResponse:
    pages = site.get_model_admin(OpeningHours)
    if not pages.has_view_permission(request):
        raise PermissionDenied
    context: dict[str, Any] = {**site.each_context(request), "title": "Opening hours"}
    request.current_app = site.name
    tenant = whose(request, context)
    if tenant is None:
        return TemplateResponse(request, TEMPLATE, context)
    may = (pages.has_add_permission, pages.has_change_permission, pages.has_delete_permission)
    with at_the_desk_of(tenant):
        desk = HoursDesk(site, request, tenant, may_change=all(one(request) for one in may))
        return desk.saved() or rendered(TemplateResponse(request, TEMPLATE, {**context, **desk.context()}))


class HoursDesk:
    """What one request asks of the page, and what it shows."""

    def __init__(self, site: ScopedSite, request: HttpRequest, tenant: Tenant, may_change: bool) -> None:
        self.site, self.request, self.tenant, self.may_change = site, request, tenant, may_change
        self.employee = self._employee()
        self.stored = keeping.week_of(tenant, self.employee)
        self.seen = keeping.seal(self.stored)
        self.typed = TypedWeek.of(self.stored)
        self.problem = ""
        self.tried: set[str] = set()
        """The forms beside the week whose mistakes are shown."""
        self.forms = self._forms(None)

    def _employee(self) -> Employee | None:
        asked = self.request.GET.get("employee")
        if not asked:
            return None
        found = Employee.objects.filter(pk=as_uuid(asked)).first()
        if found is None:
            raise Http404
        return found

    def _forms(self, data: Any) -> dict[str, forms.BaseForm]:
        if self.employee is not None:
            row = TimeOff(tenant=self.tenant, employee=self.employee)
            return {"away": others.AwayForm(data, prefix="away", instance=row, **NOTHING_IS_DEMANDED)}
        return {
            "day": others.OneDayForm(data, prefix="day", **NOTHING_IS_DEMANDED),
            "closure": others.ClosureForm(data, prefix="closure", **NOTHING_IS_DEMANDED),
        }

    # --- What is sent ---

    def saved(self) -> HttpResponse | None:
        """Where to go on once everything that was typed is kept; else None, and the page shows it again."""
        if self.request.method != "POST":
            return None
        if not self.may_change:
            raise PermissionDenied
        sent = self.request.POST
        self.typed, self.seen = TypedWeek.sent(sent), sent.get("seen", "")[:32]
        self.forms = self._forms(sent)
        name, _, which = sent.get("do", "save").partition(":")
        act = {"add": self._add, "remove": self._remove, "copy": self._copy, "as-business": self._as_business}
        if name in act:
            act[name](_numbers(which))
            return None
        return self._keep(name)

    def _add(self, which: list[int]) -> None:
        self.typed.add(_weekday(which))

    def _remove(self, which: list[int]) -> None:
        self.typed.remove(_weekday(which), which[1] if len(which) > 1 else MOST_A_DAY)

    def _copy(self, which: list[int]) -> None:
        day = _weekday(which)
        onto = [int(one) for one in self.request.POST.getlist(f"onto-{day}") if one in set("0123456")]
        self.typed.copy(day, onto)

    def _as_business(self, which: list[int]) -> None:
        self.typed = TypedWeek.of(keeping.week_of(self.tenant, None))

    def _keep(self, what: str) -> HttpResponse | None:
        """The week and whatever else is filled in; or, by its own button, a day, a closure or time off alone."""
        wanted = [
            name
            for name, form in self.forms.items()
            if what == name or (what == "save" and form.has_changed())
        ]
        self.tried = set(wanted)
        right = [self.forms[name].is_valid() for name in wanted]  # all of them, so that all is told at once
        week = self.typed.understood()
        if what == "save" and not self.typed.is_right:
            self.problem = "The hours are not saved yet: please look at what is marked."
        with in_the_way.telling(self.request, self.site, self.tenant) as closed:
            if self.problem or not all(right) or (what == "save" and not self._keep_week(week)):
                self.problem = self.problem or "That is not saved yet: please look at what is marked."
                return None
            for name in wanted:
                row = self.forms[name].save()  # type: ignore[attr-defined]
                self._log(row, "added")
                closed.append(row)
        return self._go_on(what, unsaved=what != "save" and keeping.seal(week) != keeping.seal(self.stored))

    def _keep_week(self, week: list[Any]) -> bool:
        try:
            keeping.replace(self.tenant, self.employee, week, self.seen)
        except keeping.ChangedMeanwhile:
            self.problem, self.seen = MEANWHILE, keeping.seal(self.stored)
            return False
        except ValidationError as error:
            self.problem = " ".join(error.messages)
            return False
        if keeping.seal(week) != keeping.seal(self.stored):
            self._log(self.employee or self.tenant, "hours")
        return True

    def _go_on(self, what: str, unsaved: bool) -> HttpResponse | None:
        messages.success(self.request, "The hours are saved." if what == "save" else "That is added.")
        if not unsaved and self.typed.is_right:
            return HttpResponseRedirect(self.request.get_full_path())
        self.forms, self.tried = self._forms(None), set()  # the week goes on being typed
        return None

    def _log(self, row: Any, what: str) -> None:
        pages = self.site.get_model_admin(type(row))
        if what == "added":
            pages.log_addition(self.request, row, [{"added": {}}])
        else:
            pages.log_change(self.request, row, [{"changed": {"fields": ["opening hours"]}}])

    # --- What is shown ---

    def context(self) -> dict[str, Any]:
        week = self.typed.understood()
        if not self.problem:  # what is half typed is no mistake before somebody wants to save it
            self.typed.forgive()
        strips = bars(week)
        return {
            "tenant": self.tenant,
            "employee": self.employee,
            "tabs": self._tabs(),
            "may_change": self.may_change,
            "seen": self.seen,
            "problem": self.problem,
            "days": [
                {
                    "number": day,
                    "name": name,
                    "rows": self.typed.days[day],
                    "bars": strips[day],
                    "hours": length([one for one in week if one.weekday == day]),
                    "full": len(self.typed.days[day]) >= MOST_A_DAY,
                    "others": [(other, WEEKDAYS[other]) for other in range(7) if other != day],
                }
                for day, name in enumerate(WEEKDAYS)
            ],
            "length": length(week),
            "is_empty": not week,
            "theirs": [told(one) for one in self.stored] if self.problem == MEANWHILE else None,
            "forms": [(name, form, name in self.tried) for name, form in self.forms.items()],
            "others": others.away(self.site, self.employee)
            if self.employee
            else others.upcoming(self.site, self.tenant),
            "business_url": reverse(f"{self.site.name}:tenants_tenant_change", args=[self.tenant.pk]),
        }

    def _tabs(self) -> list[dict[str, Any]]:
        own = set(OpeningHours.objects.exclude(employee=None).values_list("employee", flat=True))
        return [self._tab("The business", None)] + [
            self._tab(one.name, one.pk, own=one.pk in own)
            for one in Employee.objects.all()
            if one.is_active or one == self.employee
        ]

    def _tab(self, name: str, pk: UUID | None, own: bool = False) -> dict[str, Any]:
        asked = self.request.GET.copy()
        asked.pop("employee", None)
        if pk is not None:
            asked["employee"] = str(pk)
        here = pk == (self.employee.pk if self.employee else None)
        return {"name": name, "url": f"?{asked.urlencode()}", "here": here, "own": own}


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(":") if one.isascii() and one.isdigit() and len(one) < 3]


def _weekday(which: list[int]) -> int:
    if not which or which[0] not in range(7):
        raise Http404
    return which[0]
