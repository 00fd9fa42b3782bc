"""Client-data and custom-action webhooks: services, employees, and appointments over plain HTTP."""

import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from agents.refusals import offering, refusals
from agents.repeats import once
from agents.tools.booking import book_for_agent, booked_facts
from agents.tools.business import service_facts
from agents.tools.contract import Arguments, ToolContext, ToolError, invalid
from agents.tools.facts import iso_z
from agents.tools.wishes import (
    Wished,
    check_range,
    read_add_ons,
    read_contact,
    read_employee,
    read_service,
    read_start,
)
from agents.views import ANY_JSON, REFUSED, ProviderWebhook, claims_of
from agents.webhook_identity import is_replay, resolve_tenant
from appointments.locks import limit_waiting
from appointments.models import Appointment, Employee, Service
from appointments.wallclock import DAY
from tenants.idempotency import idempotency_key
from tenants.models import Tenant
from tenants.phone import e164_or_blank, with_plus
from tenants.responses import SUSPENDED, ApiError, success
from tenants.scoping import tenant_scope

_TENANT = OpenApiParameter("tenantId", OpenApiTypes.UUID, description="Needed with the platform's secret.")
_LIST = {200: OpenApiResponse(OpenApiTypes.OBJECT, "`{success, data}`"), **REFUSED}
MAX_LISTED = 20
SCOPE = "custom action"
"""Of the claims of bookings that came with a key."""


class ClientData(ProviderWebhook):
    """Every one of these acts for the tenant that the credential and `tenantId` agree on, while it is in service."""

    def tenant(self, request: Request) -> Tenant:
        """Raises ApiError."""
        tenant, _ = resolve_tenant(self.sender, claims_of(request, self.payload, {}))
        if not tenant.is_active:
            code, error = SUSPENDED
            raise ApiError(error, code, 403)
        return tenant


class Services(ClientData):
    @extend_schema(
        operation_id="list_services", summary="Services of a tenant", parameters=[_TENANT], responses=_LIST
    )
    def get(self, request: Request) -> Response:
        tenant = self.tenant(request)
        with tenant_scope(tenant):
            services = [
                service_facts(one) for one in Service.objects.for_tenant(tenant).filter(is_active=True)
            ]
        return success({"services": services, "total": len(services), "tenantId": str(tenant.pk)})


class Employees(ClientData):
    @extend_schema(
        operation_id="list_employees", summary="Employees of a tenant", parameters=[_TENANT], responses=_LIST
    )
    def get(self, request: Request) -> Response:
        tenant = self.tenant(request)
        with tenant_scope(tenant):
            rows = Employee.objects.for_tenant(tenant).filter(is_active=True).prefetch_related("performs")
            employees = [employee_facts(one) for one in rows]
        return success({"employees": employees, "total": len(employees), "tenantId": str(tenant.pk)})


def employee_facts(employee: Employee) -> dict[str, Any]:
    """Prefetch `performs` for many."""
    performed = sorted(str(done.service_id) for done in employee.performs.all())
    return {"id": str(employee.pk), "name": employee.name, "serviceIds": performed}


class Appointments(ClientData):
    """Book, as a custom action does; or list a known customer's upcoming appointments."""

    @extend_schema(
        operation_id="create_appointment",
        summary="Book an appointment",
        parameters=[_TENANT],
        request=ANY_JSON,
        responses={
            201: OpenApiResponse(OpenApiTypes.OBJECT, "`{success, data: {appointment, message}}`"),
            **REFUSED,
            409: OpenApiResponse(OpenApiTypes.OBJECT, "The time is taken: `alternatives` are free"),
            422: OpenApiResponse(OpenApiTypes.OBJECT, "The Idempotency-Key was used for another request"),
        },
    )
    def post(self, request: Request) -> Response:
        tenant = self.tenant(request)
        with tenant_scope(tenant):
            if is_replay(self.sender):
                raise ApiError("This signed request was accepted before", "REPLAYED", 403)
            try:
                # A refusal takes back all but the note that this signed request was seen.
                with transaction.atomic():
                    return self._book_once(tenant, idempotency_key(request))
            except ApiError as error:
                refused = error
        raise refused

    def _book_once(self, tenant: Tenant, key: str) -> Response:
        context = ToolContext(tenant, None, timezone.now())
        with refusals():
            limit_waiting()
            return once(tenant, SCOPE, key, self.payload, lambda: self._book(context, key))

    def _book(self, context: ToolContext, key: str) -> Response:
        arguments = Arguments(self.payload)
        required = ("employeeId", "serviceId", "customerName", "startTime")
        if not all(arguments.text(name) for name in required):
            raise ToolError(
                "VALIDATION_ERROR", "employeeId, serviceId, customerName, and startTime are required"
            )
        if not arguments.text("customerPhone") and not arguments.text("customerEmail"):
            raise ToolError("VALIDATION_ERROR", "Either customerEmail or customerPhone is required")
        service = read_service(context, arguments)
        employee = read_employee(context, arguments)
        start = read_start(context, arguments.text("startTime"))
        contact = read_contact(context, arguments)
        wish = Wished(service, employee, start, read_add_ons(context, service, arguments))
        with offering(service, context.tenant.zone, wish.add_ons):
            booked = book_for_agent(context, arguments, wish, contact, idempotency_key=key)
        facts = booked_facts(context, arguments, contact, booked.appointment)
        return success({"appointment": facts, "message": "Appointment created successfully"}, 201)

    @extend_schema(
        operation_id="list_appointments",
        summary="A customer's upcoming appointments",
        description="Only with the tenant's own secret, and only for a phone number or an e-mail address.",
        parameters=[
            _TENANT,
            OpenApiParameter("customerPhone"),
            OpenApiParameter("customerEmail"),
            OpenApiParameter("status", description="Usually all but cancelled ones."),
            OpenApiParameter("employeeId", OpenApiTypes.UUID),
            OpenApiParameter("startDate", OpenApiTypes.DATE, description="In the tenant's zone."),
            OpenApiParameter("endDate", OpenApiTypes.DATE, description="Inclusive."),
        ],
        responses=_LIST,
    )
    def get(self, request: Request) -> Response:
        tenant = self.tenant(request)
        if self.sender.tenant_id is None:
            raise ApiError("This needs the tenant's own secret", "FORBIDDEN", 403)
        with refusals():
            wanted = _identity(request) & _filters(Arguments(request.query_params), tenant.zone)
        with tenant_scope(tenant):
            rows = (
                Appointment.objects.for_tenant(tenant)
                .filter(wanted, starts_at__gt=timezone.now())
                .select_related("service", "employee")
                .order_by("starts_at")[:MAX_LISTED]
            )
            listed = [_minimum(one, tenant.zone) for one in rows]
        return success({"appointments": listed, "total": len(listed), "tenantId": str(tenant.pk)})


def _identity(request: Request) -> Q:
    phone = request.query_params.get("customerPhone", "")
    email = request.query_params.get("customerEmail", "").strip()
    e164 = e164_or_blank(with_plus(phone))
    if phone and not e164:
        raise invalid("customerPhone", "must be a number such as +15551234567")
    if not e164 and not email:
        raise ApiError("customerPhone or customerEmail is required", "VALIDATION_ERROR", 400)
    if e164 and email:
        return Q(customer__phone_e164=e164, customer__email__iexact=email)
    return Q(customer__phone_e164=e164) if e164 else Q(customer__email__iexact=email)


def _filters(asked: Arguments, zone: ZoneInfo) -> Q:
    """Raises ToolError for what cannot be meant: passed over, it would show more than was asked for."""
    status = asked.text("status")
    if status and status not in Appointment.Status.values:
        raise invalid("status", f"must be one of {', '.join(Appointment.Status.values)}")
    wanted = Q(status=status) if status else ~Q(status=Appointment.Status.CANCELLED)
    if employee := asked.uuid("employeeId"):
        wanted &= Q(employee_id=employee)
    if first := _date(asked, "startDate"):
        wanted &= Q(starts_at__gte=datetime.datetime.combine(first, datetime.time(), zone))
    if last := _date(asked, "endDate"):
        wanted &= Q(starts_at__lt=datetime.datetime.combine(last + DAY, datetime.time(), zone))
    return wanted


def _date(asked: Arguments, name: str) -> datetime.date | None:
    text = asked.text(name)
    if not text:
        return None
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        raise invalid(name, "must be a date such as 2026-11-24") from None
    check_range(name, day)
    return day


def _minimum(appointment: Appointment, zone: ZoneInfo) -> dict[str, Any]:
    """What the customer knows anyway: when, what, with whom."""
    local: datetime.datetime = appointment.starts_at.astimezone(zone)
    return {
        "id": str(appointment.pk),
        "serviceName": appointment.service.name,
        "employeeName": appointment.employee.name,
        "startTime": iso_z(appointment.starts_at),
        "startTimeLocal": local.replace(tzinfo=None).isoformat(timespec="minutes"),
        "status": appointment.status,
    }
