"""Appointments: listed, read, booked."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.refusals import offering
from agents.tools.contract import ToolContext
from appointments.booking import book
from appointments.models import Appointment, AppointmentChange
from tenants.responses import success
from tonris.api import facts
from tonris.api.catalog import one_of
from tonris.api.pages import PageQuery, moment, page_of
from tonris.api.reading import (
    EmployeeIdField,
    MomentField,
    PhoneField,
    WishFields,
    checked,
    contact_of,
    wish_of,
)
from tonris.api.shapes import IDEMPOTENCY, NEXT, AppointmentSerializer, ChangeSerializer, answers
from tonris.api.work import KeyedView

SOURCE = Appointment.Source.API


class AppointmentsQuery(PageQuery):
    employeeId = EmployeeIdField()
    serviceId = serializers.UUIDField(required=False)
    customerId = serializers.UUIDField(required=False)
    visitId = serializers.UUIDField(required=False)
    seriesId = serializers.UUIDField(required=False)
    customerPhone = PhoneField(required=False)
    status = serializers.MultipleChoiceField(choices=Appointment.Status.choices, required=False)
    to = MomentField(help_text="Starts before it. A date alone is its beginning, in local time.")

    def get_fields(self) -> dict[str, Any]:
        since = MomentField(help_text="Starts at it or after. A date alone is its beginning, in local time.")
        return {**super().get_fields(), "from": since}  # a keyword of Python's


class Appointments(KeyedView):
    @extend_schema(
        operation_id="v1_appointments",
        tags=["appointments"],
        summary="Appointments, by start",
        parameters=[AppointmentsQuery],
        responses=answers("Appointments", {"appointments": AppointmentSerializer(many=True), **NEXT}),
    )
    def get(self, request: Request) -> Response:
        query = checked(AppointmentsQuery, request.query_params, self.client.tenant)
        with self.work() as context:
            shown, following = page_of(_matching(context, query), "starts_at", query, read=moment)
            listed = [facts.appointment(one, context.tenant.zone) for one in shown]
            return success({"appointments": listed, "nextCursor": following})

    @extend_schema(
        operation_id="v1_book",
        tags=["appointments"],
        summary="Book an appointment",
        description=(
            "The same service, start and contact again is the same appointment: 200. A new Idempotency-Key "
            "makes it a new wish."
        ),
        parameters=[IDEMPOTENCY],
        request=WishFields,
        responses=answers(
            "Appointment", {"appointment": AppointmentSerializer()}, 404, 409, 422, statuses=(200, 201)
        ),
        examples=[
            OpenApiExample(
                "With a service and a start",
                request_only=True,
                value={
                    "serviceId": "87654321-4321-4321-4321-210987654321",
                    "startTime": "2026-11-24T10:00",
                    "customerName": "John Doe",
                    "customerPhone": "+15559876543",
                },
            )
        ],
    )
    def post(self, request: Request) -> Response:
        body = checked(WishFields, request.data, self.client.tenant)
        return self.once(lambda context: self._book(context, body))

    def _book(self, context: ToolContext, body: dict[str, Any]) -> Response:
        wish = wish_of(context, body)
        with offering(wish.service, context.tenant.zone, wish.add_ons):
            booked = book(
                context.tenant,
                wish.service,
                wish.starts_at,
                contact_of(body),
                employee=wish.employee,
                add_ons=wish.add_ons,
                notes=body.get("notes", ""),
                source=SOURCE,
                actor=self.client.actor,
                idempotency_key=self.verb_key,
                now=context.now,
            )
        return success(told(context, booked.appointment.pk), 201 if booked.created else 200)


class OneAppointment(KeyedView):
    @extend_schema(
        operation_id="v1_appointment",
        tags=["appointments"],
        summary="An appointment",
        responses=answers("Appointment", {"appointment": AppointmentSerializer()}, 404),
    )
    def get(self, request: Request, appointment_id: UUID) -> Response:
        with self.work() as context:
            return success(told(context, appointment_id))


class History(KeyedView):
    @extend_schema(
        operation_id="v1_appointment_history",
        tags=["appointments"],
        summary="What became of an appointment, the oldest first",
        responses=answers("History", {"history": ChangeSerializer(many=True)}, 404),
    )
    def get(self, request: Request, appointment_id: UUID) -> Response:
        with self.work() as context:
            row = one_of(Appointment.objects.for_tenant(context.tenant), appointment_id)
            changes = AppointmentChange.objects.for_tenant(context.tenant).filter(appointment=row)
            return success({"history": [facts.change(one) for one in changes.order_by("changed_at", "pk")]})


def told(context: ToolContext, pk: UUID) -> dict[str, Any]:
    row = one_of(facts.appointments_of(context.tenant), pk)
    return {"appointment": facts.appointment(row, context.tenant.zone)}


def _matching(context: ToolContext, query: dict[str, Any]) -> QuerySet[Appointment]:
    columns = {
        "from": "starts_at__gte",
        "to": "starts_at__lt",
        "employeeId": "employee_id",
        "serviceId": "service_id",
        "customerId": "customer_id",
        "customerPhone": "customer__phone_e164",
        "visitId": "visit",
        "seriesId": "series_id",
        "status": "status__in",
    }
    given = {column: query[name] for name, column in columns.items() if query.get(name)}
    return facts.appointments_of(context.tenant).filter(**given)
