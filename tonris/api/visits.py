"""Several services in one visit, back to back."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.refusals import api_error
from agents.tools import wishes
from agents.tools.contract import ToolContext
from appointments.chains import LONGEST_CHAIN, Stop, book_visit
from appointments.errors import NotBookable
from tenants.responses import success
from tonris.api import facts
from tonris.api.appointments import SOURCE
from tonris.api.reading import (
    LONGEST_NOTES,
    CustomerFields,
    EmployeeIdField,
    IdsField,
    asked,
    checked,
    contact_of,
)
from tonris.api.shapes import IDEMPOTENCY, AppointmentSerializer, answers
from tonris.api.work import KeyedView


class StopFields(serializers.Serializer[Any]):
    serviceId = serializers.UUIDField()
    employeeId = EmployeeIdField(help_text="Nobody, or `any`: whoever is free.")
    addOns = IdsField()


class VisitFields(CustomerFields):
    services = serializers.ListField(
        child=StopFields(), min_length=1, max_length=LONGEST_CHAIN, help_text="In the order of the visit."
    )
    startTime = serializers.CharField(max_length=40, help_text="ISO 8601; without an offset local.")
    notes = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_NOTES)


class Visits(KeyedView):
    @extend_schema(
        operation_id="v1_book_visit",
        tags=["appointments"],
        summary="Book several services back to back, all of them or none",
        parameters=[IDEMPOTENCY],
        request=VisitFields,
        responses=answers(
            "Visit",
            {"visitId": serializers.UUIDField(), "appointments": AppointmentSerializer(many=True)},
            404,
            409,
            422,
            statuses=(200, 201),
        ),
    )
    def post(self, request: Request) -> Response:
        body = checked(VisitFields, request.data, self.client.tenant)
        return self.once(lambda context: self._book(context, body))

    def _book(self, context: ToolContext, body: dict[str, Any]) -> Response:
        zone = context.tenant.zone
        try:
            visit = book_visit(
                context.tenant,
                [_stop(context, one) for one in body["services"]],
                wishes.read_start(context, body["startTime"]),
                contact_of(body),
                notes=body.get("notes", ""),
                source=SOURCE,
                actor=self.client.actor,
                idempotency_key=self.verb_key,
                now=context.now,
            )
        except NotBookable as error:
            alternatives = [facts.stretch(slot, zone) for slot in error.nearest]
            raise api_error(error.code, str(error), message=str(error), alternatives=alternatives) from None
        rows = facts.appointments_of(context.tenant).filter(pk__in=[one.pk for one in visit.appointments])
        listed = [facts.appointment(one, zone) for one in rows.order_by("starts_at")]
        return success({"visitId": str(visit.id), "appointments": listed}, 201 if visit.created else 200)


def _stop(context: ToolContext, body: dict[str, Any]) -> Stop:
    wished = asked(body)
    service = wishes.read_service(context, wished)
    return Stop(service, wishes.read_employee(context, wished), wishes.read_add_ons(context, service, wished))
