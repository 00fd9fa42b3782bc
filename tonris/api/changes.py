"""What becomes of an appointment: the verbs of `appointments.lifecycle`, one address each."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from agents.refusals import api_error, offering
from agents.tools import wishes
from agents.tools.contract import Arguments, ToolContext
from appointments import lifecycle
from appointments.extras import offered_add_ons
from appointments.models import Appointment
from tenants.responses import success
from tonris.api.appointments import told
from tonris.api.catalog import one_of
from tonris.api.reading import EmployeeIdField, asked, checked
from tonris.api.shapes import IDEMPOTENCY, AppointmentSerializer, answers
from tonris.api.work import KeyedView

LONGEST_REASON = 240


class NothingMore(serializers.Serializer[Any]):
    """The address says it all."""


class Why(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_REASON)


class ForWhom(Why):
    byCustomer = serializers.BooleanField(
        required=False,
        default=True,
        help_text="The service's cut-off binds customers; `false` is for the business's own staff.",
    )


class NewTime(ForWhom):
    slotId = serializers.CharField(required=False, allow_blank=True, max_length=wishes.LONGEST_SLOT_ID)
    startTime = serializers.CharField(required=False, allow_blank=True, max_length=40)
    employeeId = EmployeeIdField(help_text="Left out: the same as before.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("slotId") and not attrs.get("startTime"):
            raise ValidationError({"startTime": "this field is required, unless slotId is given"})
        return attrs


class Verb(KeyedView):
    """One verb. Repeated, it changes nothing: `changed` says whether it did."""

    body: type[serializers.Serializer[Any]] = NothingMore

    def post(self, request: Request, appointment_id: UUID) -> Response:
        body = checked(self.body, request.data, self.client.tenant)
        return self.once(lambda context: self._act(context, appointment_id, body))

    def _act(self, context: ToolContext, appointment_id: UUID, body: dict[str, Any]) -> Response:
        rows = Appointment.objects.for_tenant(context.tenant).select_related("service")
        before = one_of(rows, appointment_id)
        with offering(before.service, context.tenant.zone, offered_add_ons(before)):
            moved = self.act(context, before, body)
        return success({**told(context, appointment_id), "changed": moved.changed})

    def act(self, context: ToolContext, before: Appointment, body: dict[str, Any]) -> lifecycle.Changed:
        raise NotImplementedError


def _documented(name: str, summary: str, body: Any = NothingMore) -> Callable[[Any], Any]:
    operation = extend_schema(
        operation_id=f"v1_{name}",
        tags=["appointments"],
        summary=summary,
        parameters=[IDEMPOTENCY],
        request=body if body is not NothingMore else None,
        responses=answers(
            "ChangedAppointment",
            {"appointment": AppointmentSerializer(), "changed": serializers.BooleanField()},
            404,
            409,
            422,
        ),
    )
    return extend_schema_view(post=operation)


@_documented("confirm", "The customer says that they will come")
class Confirm(Verb):
    def act(self, context: ToolContext, before: Appointment, body: dict[str, Any]) -> lifecycle.Changed:
        return lifecycle.confirm(context.tenant, before.pk, actor=self.client.actor)


@_documented("complete", "They came, and it is done")
class Complete(Verb):
    def act(self, context: ToolContext, before: Appointment, body: dict[str, Any]) -> lifecycle.Changed:
        return lifecycle.complete(context.tenant, before.pk, actor=self.client.actor)


@_documented("no_show", "Nobody came; not before it has begun")
class NoShow(Verb):
    def act(self, context: ToolContext, before: Appointment, body: dict[str, Any]) -> lifecycle.Changed:
        return lifecycle.no_show(context.tenant, before.pk, actor=self.client.actor, now=context.now)


@_documented("cancel", "Cancel, and offer the time to those who wait", ForWhom)
class Cancel(Verb):
    body = ForWhom

    def act(self, context: ToolContext, before: Appointment, body: dict[str, Any]) -> lifecycle.Changed:
        return lifecycle.cancel(
            context.tenant,
            before.pk,
            reason=body.get("reason", ""),
            actor=self.client.actor,
            by_customer=body["byCustomer"],
            now=context.now,
        )


@_documented("restore", "Bring a cancelled appointment back, if its time is still free", Why)
class Restore(Verb):
    body = Why

    def act(self, context: ToolContext, before: Appointment, body: dict[str, Any]) -> lifecycle.Changed:
        return lifecycle.uncancel(
            context.tenant,
            before.pk,
            reason=body.get("reason", ""),
            actor=self.client.actor,
            now=context.now,
        )


@_documented("reschedule", "Move it to another start, or to another employee", NewTime)
class Reschedule(Verb):
    body = NewTime

    def act(self, context: ToolContext, before: Appointment, body: dict[str, Any]) -> lifecycle.Changed:
        if body.get("slotId"):
            offered = wishes.read_wish(context, Arguments({"slotId": body["slotId"]}))
            if offered.service.pk != before.service_id:
                raise api_error("VALIDATION_ERROR", "slotId: is of another service", field="slotId")
            employee, start = offered.employee, offered.start
        else:
            employee = wishes.read_employee(context, asked(body))
            start = wishes.read_start(context, body["startTime"])
        with transaction.atomic():
            return lifecycle.reschedule(
                context.tenant,
                before.pk,
                start,
                employee=employee,
                reason=body.get("reason", ""),
                actor=self.client.actor,
                by_customer=body["byCustomer"],
                now=context.now,
            )
