"""An appointment again, every so many weeks: what can be booked is shown one by one, and then booked."""

import datetime
from functools import partial
from typing import Any

from django import forms
from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import dateformat
from unfold.widgets import UnfoldAdminSingleDateWidget

from appointments.admin.day_answer import Links
from appointments.admin.typed import TypedDate
from appointments.admin.work_pages import at_the_desk_of, context_of, day_and_times, listed, refuse, words
from appointments.customers import Contact
from appointments.errors import BookingError
from appointments.models import Appointment
from appointments.series import MOST, MOST_WEEKS_APART, Conflict, book_series, plan_series
from appointments.wallclock import NonexistentTime, resolve, wall_time
from tenants.admin_sites import rendered
from tenants.scoped_admin import tenant_time

TEMPLATE = "admin/appointments/repeat.html"
FIELDS = {"everyWeeks": "every_weeks", "count": "count", "until": "until"}


class RepeatForm(forms.Form):
    every_weeks = forms.IntegerField(
        label="Every how many weeks", min_value=1, max_value=MOST_WEEKS_APART, initial=1
    )
    count = forms.IntegerField(
        label="How many more times",
        required=False,
        min_value=1,
        max_value=MOST,
        help_text="Or say until when.",
    )
    until = TypedDate(
        label="Until",
        required=False,
        widget=UnfoldAdminSingleDateWidget,
        help_text="The last date that it may be on.",
    )
    all_or_nothing = forms.BooleanField(
        label="All or nothing",
        required=False,
        help_text="Book none of them if any cannot be booked.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        given = [name for name in ("count", "until") if cleaned.get(name) is not None]
        if len(given) != 1 and not {"count", "until"} & set(self.errors):
            self.add_error("count", "Give either how many times or until when.")
        return cleaned

    def rhythm(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("every_weeks", "count", "until")}


def urls_of(pages: "ModelAdmin[Any]") -> list[URLPattern]:
    view = pages.admin_site.admin_view(partial(show, pages))
    return [path("<path:object_id>/repeat/", view, name="appointments_appointment_repeat")]


def show(pages: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    if not pages.has_add_permission(request):
        raise PermissionDenied
    row = pages.get_object(request, unquote(object_id))
    if row is None:
        answer: HttpResponse = pages._get_obj_does_not_exist_redirect(request, pages.opts, object_id)
        return answer
    with at_the_desk_of(row.tenant):
        form = RepeatForm(request.POST if request.method == "POST" else None)
        context = context_of(pages, request, "Repeat an appointment") | {
            "original": row,
            "told": f"{row.customer}: {row.service} with {row.employee}",
            "when": day_and_times(row.starts_at, row.ends_at, row.tenant),
            "form": form,
            "media": pages.media + form.media,
        }
        if form.is_valid():
            context |= _Repetition(pages, request, row, form).answer()
        return rendered(TemplateResponse(request, TEMPLATE, context))


class _Repetition:
    """What is asked of one appointment: to be looked at, or to be done."""

    def __init__(self, pages: Any, request: HttpRequest, row: Appointment, form: RepeatForm) -> None:
        self.pages, self.request, self.row, self.form = pages, request, row, form
        self.tenant = row.tenant
        self.add_ons = [one.add_on for one in row.add_ons.select_related("add_on")]

    def answer(self) -> dict[str, Any]:
        """For the page. What is refused stands in the form then."""
        try:
            first = self._first()
            return self._book(first) if "book" in self.request.POST else self._plan(first)
        except NonexistentTime as skipped:
            after = tenant_time(skipped.after, self.tenant, "H:i")
            self.form.add_error(
                "every_weeks", f"On that day the clock skips the time and goes on at {after}."
            )
        except BookingError as error:
            refuse(self.form, error, FIELDS)
        return {}

    def _first(self) -> datetime.datetime:
        """The same time of the tenant's clock, so many weeks after. Raises NonexistentTime."""
        weeks = datetime.timedelta(weeks=self.form.cleaned_data["every_weeks"])
        return resolve(wall_time(self.row.starts_at, self.tenant.zone) + weeks, self.tenant.zone)

    def _asked(self, first: datetime.datetime) -> dict[str, Any]:
        asked = {"employee": self.row.employee, "add_ons": self.add_ons, **self.form.rhythm()}
        return {"tenant": self.tenant, "service": self.row.service, "first": first, **asked}

    def _plan(self, first: datetime.datetime) -> dict[str, Any]:
        plan = plan_series(**self._asked(first))
        free = [(start, {"time": tenant_time(start, self.tenant)}) for start in plan.starts]
        return {
            "rows": self._in_order(free, plan.conflicts),
            "free": len(plan.starts),
            "may_book": bool(plan.starts)
            and not (plan.conflicts and self.form.cleaned_data["all_or_nothing"]),
        }

    def _book(self, first: datetime.datetime) -> dict[str, Any]:
        made = book_series(
            **self._asked(first),
            contact=Contact.of(self.row.customer),
            all_or_nothing=self.form.cleaned_data["all_or_nothing"],
            actor=str(self.request.user),
        )
        if made.created:
            for one in made.booked:
                self.pages.log_addition(self.request, one, [{"added": {}}])
        told = listed(self.pages, made.booked, self.tenant)
        booked = [(one.starts_at, each) for one, each in zip(made.booked, told, strict=True)]
        return {
            "rows": self._in_order(booked, made.conflicts),
            "booked": len(booked),
            "nothing_booked": made.series is None,
            "had_been_booked": not made.created,
            "series_url": made.series
            and reverse(f"{self.pages.admin_site.name}:appointments_series_change", args=[made.series.pk]),
        }

    def _in_order(
        self, fine: list[tuple[datetime.datetime, dict[str, str]]], conflicts: tuple[Conflict, ...]
    ) -> list[dict[str, Any]]:
        """Each occurrence once, by the tenant's clock, whether fine or not."""
        links = Links(self.pages, self.request).of(self.row.service, self.add_ons)
        told: list[tuple[datetime.datetime, dict[str, Any]]] = [
            (wall_time(start, self.tenant.zone), {**each, "is_fine": True}) for start, each in fine
        ]
        for one in conflicts:
            nearest = [
                {
                    "time": tenant_time(slot.start, self.tenant),
                    "employee": slot.employee.name,
                    "url": f"{links.to_add(slot, self.tenant)}&customer={self.row.customer_id}",
                }
                for slot in one.nearest
            ]
            when = dateformat.format(one.local, "D j M Y, H:i")
            told.append((one.local, {"time": when, "why": words(one.reasons), "nearest": nearest}))
        return [each for _, each in sorted(told, key=lambda pair: pair[0])]
