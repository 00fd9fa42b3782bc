"""Getting started: what a business needs before its phone is answered, how far it is, and where to go on."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from agents.providers import PROVIDERS
from appointments.models import EmployeeService, OpeningHours, Service
from telephony.carriers.registry import CARRIERS, DEFAULT
from telephony.dialplan import agent_of
from telephony.doctor import remembered
from telephony.errors import AgentNotConfigured
from telephony.models import Call, PhoneNumber
from telephony.vendors import Vendor
from tenants.acting import business_of, is_operator
from tenants.admin_sites import staff
from tenants.models import Tenant

TEMPLATE = "desk/setup.html"


@dataclass(frozen=True, slots=True)
class Step:
    """`by_operator`: a member can only ask for it."""

    title: str
    done: bool
    hint: str
    url: str
    by_operator: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    steps: list[Step]

    @property
    def done(self) -> int:
        return sum(step.done for step in self.steps)

    @property
    def percent(self) -> int:
        return 100 * self.done // len(self.steps)

    @property
    def is_complete(self) -> bool:
        return self.done == len(self.steps)

    @property
    def next(self) -> Step | None:
        return next((step for step in self.steps if not step.done), None)


def progress_of(tenant: Tenant) -> Progress:
    """One query."""
    facts = _facts(tenant)
    return Progress(
        [
            Step(
                "A phone number",
                facts["number"],
                "Your operator hands numbers out.",
                _list("telephony_phonenumber"),
                by_operator=True,
            ),
            Step(
                "A voice agent",
                has_agent(tenant),
                "Your operator connects it.",
                reverse("admin:tenants_tenant_change", args=[tenant.pk]),
                by_operator=True,
            ),
            Step(
                "Opening hours",
                facts["hours"],
                "When callers may be booked.",
                _list("appointments_openinghours"),
            ),
            Step(
                "Services",
                facts["services"],
                "What can be booked, for how long and at what price.",
                _list("appointments_service"),
            ),
            Step(
                "Employees who perform them",
                facts["performers"],
                "Whom callers may be booked with.",
                _list("appointments_employee"),
            ),
            Step(
                "A test call",
                facts["called"],
                "Ring your number and book something.",
                _list("telephony_call"),
            ),
        ]
    )


def _facts(tenant: Tenant) -> dict[str, bool]:
    def some(rows: "QuerySet[Any]") -> Exists:
        return Exists(rows.filter(tenant=OuterRef("pk")))

    active = {"service__is_active": True, "employee__is_active": True}
    asked = {
        "number": some(PhoneNumber.objects.filter(is_active=True)),
        "hours": some(OpeningHours.objects.all()),
        "services": some(Service.objects.filter(is_active=True)),
        "performers": some(EmployeeService.objects.filter(**active)),
        "called": some(Call.objects.exclude(stream_started_at=None)),
    }
    row: dict[str, bool] = Tenant.objects.filter(pk=tenant.pk).values(**asked).get()
    return row


def has_agent(tenant: Tenant) -> bool:
    try:
        return bool(agent_of(tenant))
    except AgentNotConfigured:
        return False


def _list(name: str) -> str:
    return reverse(f"admin:{name}_changelist")


# --- The page ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Address:
    """What to enter at a vendor's: where, and the address."""

    where: str
    url: str


def addresses_of(tenant: Tenant) -> list[Address]:
    """Of the carriers that the business has numbers of, and of its agent. One query; no secret is in them."""
    carriers = set(PhoneNumber.objects.for_tenant(tenant).order_by().values_list("carrier", flat=True))
    vendors: list[Vendor] = [
        *(adapter for name, adapter in CARRIERS.items() if name in (carriers or {DEFAULT})),
        *PROVIDERS.values(),
    ]
    return [
        Address(f"{vendor.label}, {where}", url)
        for vendor in vendors
        for where, url in vendor.addresses().items()
    ]


def show(request: HttpRequest) -> HttpResponse:
    tenants = staff.get_model_admin(Tenant)
    if not tenants.has_view_permission(request):
        raise PermissionDenied
    tenant = business_of(request)
    if tenant is None:
        return HttpResponseRedirect(reverse("ops:tenants_tenant_changelist"))
    context = {
        **staff.each_context(request),
        "title": "Getting started",
        "tenant": tenant,
        "progress": progress_of(tenant),
        "addresses": addresses_of(tenant),
        "examination": remembered.last_of(tenant.pk),
        "may_examine": tenants.has_act_permission(request),
        "operates": is_operator(request),
    }
    request.current_app = staff.name
    return TemplateResponse(request, TEMPLATE, context)
