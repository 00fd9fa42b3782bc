"""What is free, and why something is not."""

import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.refusals import api_error
from agents.tools import wishes
from agents.tools.availability import check_availability
from agents.tools.contract import ToolContext, ToolError
from agents.tools.facts import iso_z, slot_facts
from agents.tools.registry import success as answered
from appointments.availability import Calendar
from appointments.models import Employee
from tenants.responses import success
from tonris.api.reading import EmployeeIdField, IdsField, asked, checked, with_plus
from tonris.api.shapes import AvailabilitySerializer, WhyNotSerializer, answers
from tonris.api.work import KeyedView


class ServiceQuery(serializers.Serializer[Any]):
    serviceId = serializers.UUIDField(
        required=False, help_text="Needed, unless the business has one service only."
    )
    employeeId = EmployeeIdField(help_text="Nobody, or `any`: whoever is free.")
    addOns = IdsField(help_text="Ids, separated by commas or one by one.")


class AvailabilityQuery(ServiceQuery):
    date = serializers.DateField(
        required=False, help_text="Local date; left out: the first day with anything free."
    )
    when = serializers.CharField(
        required=False,
        max_length=200,
        help_text="Words instead, such as `next tuesday after three`; or the time of day, beside a date.",
    )


class WhyNotQuery(ServiceQuery):
    startTime = serializers.CharField(max_length=40, help_text="ISO 8601; without an offset local.")


class Availability(KeyedView):
    @extend_schema(
        operation_id="v1_availability",
        tags=["availability"],
        summary="The free times of a service on a date",
        description="The same object as the agent's tool `check_availability`.",
        parameters=[AvailabilityQuery],
        responses=answers("Availability", AvailabilitySerializer, 404),
    )
    def get(self, request: Request) -> Response:
        query = checked(AvailabilityQuery, request.query_params, self.client.tenant)
        with self.work() as context:
            return Response(answered(context, check_availability(context, asked(query))))


class WhyNot(KeyedView):
    @extend_schema(
        operation_id="v1_why_not",
        tags=["availability"],
        summary="All that stands against a start, and what is free instead",
        description="Without an employee, for the one who comes nearest to being able to.",
        parameters=[WhyNotQuery],
        responses=answers("WhyNot", WhyNotSerializer, 404),
    )
    def get(self, request: Request) -> Response:
        query = checked(WhyNotQuery, request.query_params, self.client.tenant)
        with self.work() as context:
            return success(_why_not(context, query))


def _why_not(context: ToolContext, query: dict[str, Any]) -> dict[str, Any]:
    tenant, wished = context.tenant, asked(query)
    service, named = wishes.read_service(context, wished), wishes.read_employee(context, wished)
    add_ons = wishes.read_add_ons(context, service, wished)
    calendar = Calendar(tenant, service, add_ons=add_ons, now=context.now)
    start, near = _start(context, with_plus(query["startTime"]))
    employee = named or _who_comes_nearest(calendar, start)
    reasons = calendar.why_not(employee, start)
    nearest = calendar.nearest(near, named) if reasons else []
    return {
        "bookable": not reasons,
        "startTime": iso_z(start) if start.tzinfo else None,
        "employeeId": str(employee.pk),
        "employeeName": employee.name,
        "timezone": tenant.timezone,
        "reasons": [
            {"code": one.code, "bookingCode": one.reason.code, "sentence": one.sentence} for one in reasons
        ],
        "alternatives": [slot_facts(slot, service, tenant.zone, add_ons=add_ons) for slot in nearest],
    }


def _start(context: ToolContext, text: str) -> tuple[datetime.datetime, datetime.datetime]:
    """The start, naive where the clocks skip it, which is a reason like others; and an instant near it."""
    try:
        start = wishes.read_start(context, text)
    except ToolError as error:
        if error.code != "NONEXISTENT_TIME":
            raise
        return datetime.datetime.fromisoformat(text), datetime.datetime.fromisoformat(
            error.extra["nearest"][-1]
        )
    return start, start


def _who_comes_nearest(calendar: Calendar, start: datetime.datetime) -> Employee:
    if not calendar.performers:
        raise api_error("NOT_FOUND", "Nobody performs this service at the moment")
    told = calendar.objections_of(calendar.performers, start)
    return min(calendar.performers, key=lambda one: len(told[one.pk]))
