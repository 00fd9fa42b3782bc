"""Several services back to back for one customer: a plan of who and when, and then all of it or none."""

import datetime
from collections.abc import Sequence
from functools import partial
from typing import Any

from django import forms
from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from unfold.widgets import UnfoldAdminSingleDateWidget

from appointments.admin import free_times
from appointments.admin.forms import YEARS
from appointments.admin.free_times import FARTHEST, whose
from appointments.admin.typed import TypedDate, TypedTime
from appointments.admin.work_pages import (
    at_the_desk_of,
    context_of,
    day_and_times,
    described,
    listed,
    refuse,
    words,
)
from appointments.chains import LONGEST_CHAIN, Plan, Stop, Visit, book_visit, first_start, other_starts, plan
from appointments.customers import Contact
from appointments.errors import BookingError, NotBookable
from appointments.models import Appointment, Customer, Employee, Service
from appointments.wallclock import NonexistentTime, resolve
from tenants.admin_sites import rendered
from tenants.models import Tenant
from tenants.phone import InvalidNumber, region_of, to_e164
from tenants.scoped_admin import tenant_time

TEMPLATE = "admin/appointments/visit.html"
SHOWN_AT_ONCE = 3
"""Rows of services; the rest of them open when somebody needs more."""
FIELDS = {"customerName": "new_name", "customerPhone": "new_phone"}


class CustomerSelect(AutocompleteSelect):
    """Django's looks up whatever was sent, and fails for what is no id."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, [one for one in value if free_times.as_uuid(one)], attr)


class VisitForm(forms.Form):
    """Of the tenant whose scope is active: another's rows are no choice."""

    customer: "forms.ModelChoiceField[Customer]" = forms.ModelChoiceField(None, required=False)
    new_name = forms.CharField(label="or somebody new: name", required=False, max_length=120)
    new_phone = forms.CharField(label="and phone", required=False, max_length=40)
    date = TypedDate(widget=UnfoldAdminSingleDateWidget)
    time = TypedTime(
        label="Begins at",
        required=False,
        widget=forms.TimeInput(format="%H:%M", attrs={"placeholder": "any", "size": 6}),
        help_text="Leave it empty for the first start that fits.",
    )

    def __init__(self, tenant: Tenant, asked: QueryDict | None, pages: "ModelAdmin[Any]") -> None:
        super().__init__(asked, initial={"date": timezone.localdate()})
        self.tenant = tenant
        self.services = {str(one.pk): one for one in Service.objects.filter(is_active=True)}
        self.employees = {str(one.pk): one for one in Employee.objects.filter(is_active=True)}
        remote = CustomerSelect(Appointment._meta.get_field("customer"), pages.admin_site)
        customer: Any = self.fields["customer"]
        customer.widget, customer.queryset = remote, Customer.objects.all()
        remote.is_required = False
        remote.choices = customer.choices
        for place in range(1, LONGEST_CHAIN + 1):
            self.fields[f"service_{place}"] = _choice(f"Service {place}", "-", self.services)
            self.fields[f"employee_{place}"] = _choice("with", "Anybody", self.employees)

    # --- Shown ---

    def rows(self) -> list[Any]:
        return [
            (self[f"service_{place}"], self[f"employee_{place}"]) for place in range(1, LONGEST_CHAIN + 1)
        ]

    def first_rows(self) -> list[Any]:
        return self.rows()[:SHOWN_AT_ONCE]

    def more_rows(self) -> list[Any]:
        return self.rows()[SHOWN_AT_ONCE:]

    def uses_more(self) -> bool:
        return any(service.value() or service.errors for service, _ in self.more_rows())

    # --- Read ---

    def clean_date(self) -> datetime.date:
        day: datetime.date = self.cleaned_data["date"]
        if day.year not in YEARS or abs(day - timezone.localdate()) > FARTHEST:
            raise ValidationError("That is too far away.")
        return day

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for place in range(1, LONGEST_CHAIN + 1):
            if cleaned.get(f"employee_{place}") and not cleaned.get(f"service_{place}"):
                self.add_error(f"service_{place}", "Choose a service for that employee.")
        if not self.errors and not self.stops():
            self.add_error("service_1", "Choose at least one service.")
        return cleaned

    def stops(self) -> list[Stop]:
        """In their order; rows that were left empty are no gap."""
        chosen = (
            (self.cleaned_data.get(f"service_{place}"), self.cleaned_data.get(f"employee_{place}"))
            for place in range(1, LONGEST_CHAIN + 1)
        )
        return [
            Stop(self.services[service], self.employees.get(employee or ""))
            for service, employee in chosen
            if service
        ]

    def start(self) -> datetime.datetime | None:
        """The instant that date and time mean; None without a time, or with an error beside what the clock skips."""
        if self.cleaned_data["time"] is None:
            return None
        try:
            wall = datetime.datetime.combine(self.cleaned_data["date"], self.cleaned_data["time"])
            return resolve(wall, self.tenant.zone)
        except NonexistentTime as skipped:
            after = tenant_time(skipped.after, self.tenant, "H:i")
            self.add_error("time", f"On that day the clock skips it and goes on at {after}.")
            return None

    def contact(self) -> Contact | None:
        """Who it is for; None, with errors beside the fields, when nobody or two people are given."""
        customer: Customer | None = self.cleaned_data["customer"]
        name, phone = (self.cleaned_data[each].strip() for each in ("new_name", "new_phone"))
        if customer is not None and (name or phone):
            self.add_error("customer", "Choose a customer or write down a new one, not both.")
        elif customer is not None:
            return Contact.of(customer)
        elif not name or not phone:
            self.add_error("new_name" if phone else "new_phone" if name else "customer", "Who is it for?")
        else:
            try:
                return Contact(name, to_e164(phone, region_of(self.tenant.phone)))
            except InvalidNumber:
                self.add_error("new_phone", "This is not a telephone number, such as +15551234567.")
        return None


def _choice(label: str, empty: str, rows: dict[str, Any]) -> forms.ChoiceField:
    choices = [("", empty), *((pk, str(row)) for pk, row in rows.items())]
    return forms.ChoiceField(label=label, required=False, choices=choices)


# --- The page ------------------------------------------------------------------------------------


def urls_of(pages: "ModelAdmin[Any]") -> list[URLPattern]:
    view = pages.admin_site.admin_view(partial(show, pages))
    return [path("visit/", view, name="appointments_appointment_visit")]


def show(pages: Any, request: HttpRequest) -> HttpResponse:
    if not pages.has_add_permission(request):
        raise PermissionDenied
    context = context_of(pages, request, "Book a visit")
    tenant = whose(request, context)
    if tenant is None:
        return TemplateResponse(request, TEMPLATE, context | {"media": pages.media})
    with at_the_desk_of(tenant):
        form = VisitForm(tenant, request.POST if request.method == "POST" else None, pages)
        context |= {"tenant": tenant, "form": form, "media": pages.media + form.media}
        if form.is_valid():
            context |= _Reception(pages, request, tenant, form).answer()
        return rendered(TemplateResponse(request, TEMPLATE, context))


class _Reception:
    """What is asked: a plan, or to book the plan that was shown."""

    def __init__(self, pages: Any, request: HttpRequest, tenant: Tenant, form: VisitForm) -> None:
        self.pages, self.request, self.tenant, self.form = pages, request, tenant, form
        self.stops = form.stops()

    def answer(self) -> dict[str, Any]:
        """For the page. What is refused stands in the form then."""
        try:
            if "book" in self.request.POST:
                return self._book(_as_shown(self.request.POST["book"], self.stops, self.form.employees))
            start = _moment(self.request.POST.get("at", "")) or self.form.start()
            return {} if self.form.errors else self._plan(start)
        except BookingError as error:
            refuse(self.form, error, FIELDS)
            return {}

    def _plan(self, start: datetime.datetime | None) -> dict[str, Any]:
        if start is not None:
            found = plan(self.tenant, self.stops, start)
            return self._told(found) if found.fits else self._unfit(found, start)
        first = first_start(self.tenant, self.stops, self.form.cleaned_data["date"])
        return self._told(first) if first else {"fits_nowhere": self.form.cleaned_data["date"]}

    def _book(self, shown: tuple[datetime.datetime, list[Stop]] | None) -> dict[str, Any]:
        if shown is None:
            self.form.add_error(None, "This is not the visit that was shown: look at the plan again.")
            return self._plan(self.form.start())
        start, stops = shown
        contact = self.form.contact()
        if contact is None:
            return self._told(plan(self.tenant, stops, start))
        try:
            visit = book_visit(self.tenant, stops, start, contact, actor=str(self.request.user))
        except NotBookable as refused:
            refuse(self.form, refused, FIELDS)
            return {"instead": described(refused.nearest, self.tenant)}
        return self._done(visit)

    def _told(self, found: Plan) -> dict[str, Any]:
        if not found.fits:
            return {}
        legs = [_line(leg.start, leg.end, leg.stop.service, leg.employee, self.tenant) for leg in found.legs]
        return {
            "legs": legs,
            "booking": _token(found),
            "begins": tenant_time(found.legs[0].start, self.tenant),
        }

    def _unfit(self, found: Plan, start: datetime.datetime) -> dict[str, Any]:
        """As far as it goes, what stands against the next service, and when all of it would fit."""
        return {
            "unfit": tenant_time(start, self.tenant),
            "against": f"{self.stops[len(found.legs)].service}: {words(found.objections).lower()}",
            "so_far": [
                _line(leg.start, leg.end, leg.stop.service, leg.employee, self.tenant) for leg in found.legs
            ],
            "instead": described(other_starts(self.tenant, self.stops, start), self.tenant),
        }

    def _done(self, visit: Visit) -> dict[str, Any]:
        if visit.created:
            for one in visit.appointments:
                self.pages.log_addition(self.request, one, [{"added": {}}])
        return {
            "booked": listed(self.pages, visit.appointments, self.tenant),
            "whom": visit.appointments[0].customer.name,
            "had_been_booked": not visit.created,
        }


def _line(
    start: datetime.datetime, end: datetime.datetime, service: Service, employee: Employee, tenant: Tenant
) -> dict[str, str]:
    return {"time": day_and_times(start, end, tenant), "service": service.name, "employee": employee.name}


# --- What was shown ------------------------------------------------------------------------------


def _token(found: Plan) -> str:
    """A plan as the button carries it that books it: "<start> <service>:<employee> …"."""
    legs = (f"{leg.stop.service.pk}:{leg.employee.pk}" for leg in found.legs)
    return " ".join([found.legs[0].start.isoformat(), *legs])


def _as_shown(
    token: str, stops: Sequence[Stop], employees: dict[str, Employee]
) -> tuple[datetime.datetime, list[Stop]] | None:
    """Start and stops of the plan, with everybody named; None when the form asks for another visit by now."""
    begins, *legs = token.split(" ")
    start = _moment(begins)
    if start is None or len(legs) != len(stops):
        return None
    named = []
    for leg, stop in zip(legs, stops, strict=True):
        service, _, pk = leg.partition(":")
        employee = employees.get(pk)
        if employee is None or service != str(stop.service.pk) or stop.employee not in {None, employee}:
            return None
        named.append(Stop(stop.service, employee, stop.add_ons))
    return start, named


def _moment(text: str) -> datetime.datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found and found.tzinfo and found.year in YEARS else None
