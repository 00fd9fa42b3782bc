"""A day of one service at a glance, employee by time; and of one exact time, everything that stands against it."""

import datetime
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.admin.options import ModelAdmin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from unfold.widgets import UnfoldAdminSingleDateWidget

from appointments.admin.day_answer import Answer, Links
from appointments.admin.forms import YEARS
from appointments.admin.typed import TypedDate, TypedTime
from appointments.models import AddOn, Employee, Service
from tenants.acting import business_of
from tenants.admin_sites import rendered
from tenants.audit.entering import note
from tenants.models import Tenant
from tenants.scoping import active_scope, tenant_scope

FARTHEST = datetime.timedelta(days=3660)
TEMPLATE = "admin/appointments/free_times.html"

# --- What is asked -------------------------------------------------------------------------------


class TenantForm(forms.Form):
    """Operators say first whose calendar it is."""

    tenant: "forms.ModelChoiceField[Tenant]" = forms.ModelChoiceField(
        None, label="Business", empty_label="Choose a business"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tenant"].queryset = Tenant.objects.all()  # type: ignore[attr-defined]


class QuestionForm(forms.Form):
    """Of the tenant whose scope is active: another's rows are no choice."""

    service: "forms.ModelChoiceField[Service]" = forms.ModelChoiceField(None, empty_label="Choose a service")
    employee: "forms.ModelChoiceField[Employee]" = forms.ModelChoiceField(
        None, required=False, empty_label="Anybody"
    )
    date = TypedDate(widget=UnfoldAdminSingleDateWidget)
    time = TypedTime(
        label="Exact time",
        required=False,
        widget=forms.TimeInput(format="%H:%M", attrs={"placeholder": "any", "size": 6}),
        help_text="Such as 10:20: all that stands against it.",
    )
    add_ons: "forms.ModelMultipleChoiceField[AddOn]" = forms.ModelMultipleChoiceField(
        None, label="Add-ons", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, asked: QueryDict) -> None:
        """Anything that was asked is answered, if need be for today; nothing is asked without a service."""
        today = timezone.localdate()
        offered = AddOn.objects.filter(service_id=as_uuid(asked.get("service")), is_active=True)
        data = asked.copy()
        data.setdefault("date", str(today))
        known = {str(one.pk) for one in offered}
        data.setlist("add_ons", [pk for pk in asked.getlist("add_ons") if pk in known])  # of this service
        super().__init__(data if asked.get("service") else None, initial={"date": today, **asked.dict()})
        for name, rows in (
            ("service", Service.objects.all()),
            ("employee", Employee.objects.all()),
            ("add_ons", offered),
        ):
            self.fields[name].queryset = rows  # type: ignore[attr-defined]
        if not known:
            del self.fields["add_ons"]

    def clean_date(self) -> datetime.date:
        day: datetime.date = self.cleaned_data["date"]
        if abs(day - timezone.localdate()) > FARTHEST:
            raise ValidationError("That is too far away.")
        return day


# --- The page ------------------------------------------------------------------------------------


def urls_of(pages: "ModelAdmin[Any]") -> list[URLPattern]:
    view = pages.admin_site.admin_view(partial(show, pages))
    return [path("free-times/", view, name="appointments_appointment_free_times")]


def show(pages: "ModelAdmin[Any]", request: HttpRequest) -> HttpResponse:
    if not pages.has_view_permission(request):
        raise PermissionDenied
    context: dict[str, Any] = {
        **pages.admin_site.each_context(request),
        "title": "Free times",
        "media": pages.media + forms.Form().media + QuestionForm.base_fields["date"].widget.media,
    }
    request.current_app = pages.admin_site.name
    links = Links(pages, request)
    tenant = whose(request, context)
    if tenant is None:
        return TemplateResponse(request, TEMPLATE, context)
    with tenant_scope(tenant), timezone.override(tenant.zone):
        form = QuestionForm(request.GET)
        context |= {"tenant": tenant, "form": form}
        if form.is_valid():
            context["answer"] = Answer(links, tenant, form.cleaned_data)
        return rendered(TemplateResponse(request, TEMPLATE, context))


def whose(request: HttpRequest, context: dict[str, Any]) -> Tenant | None:
    """A member's own business; the one that an operator has chosen, on record, with the form to choose another."""
    if not active_scope().is_platform:
        return business_of(request)
    form = context["tenant_form"] = TenantForm(request.GET if "tenant" in request.GET else None)
    chosen: Tenant | None = form.cleaned_data["tenant"] if form.is_valid() else None
    note(request, chosen.pk if chosen else None)
    return chosen


# --- The form that the links lead to -------------------------------------------------------------


def wished_start(request: HttpRequest) -> datetime.datetime | None:
    """The start in the address, such as `?starts_at=2030-03-04T15:00:00Z`."""
    try:
        found = parse_datetime(request.GET.get("starts_at", ""))
    except ValueError:
        return None
    return found if found and found.tzinfo and found.year in YEARS else None


def prefilled(initial: dict[str, Any]) -> dict[str, Any]:
    """What an address fills in, less what cannot be meant. The start is read by `wished_start`."""
    ids = {"tenant", "service", "employee", "customer"}
    return {
        name: value
        for name, value in initial.items()
        if name != "starts_at" and (name not in ids or as_uuid(value) is not None)
    }


def clock_of(request: HttpRequest) -> AbstractContextManager[Any]:
    """The page of a new appointment runs in the zone of the business that an operator's address names."""
    pk = as_uuid(request.GET.get("tenant"))
    tenant = Tenant.objects.filter(pk=pk).first() if pk and active_scope().is_platform else None
    return timezone.override(tenant.zone) if tenant else nullcontext()


def as_uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
