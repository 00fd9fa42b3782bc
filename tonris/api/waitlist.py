"""Those who would come if something became free."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.refusals import offering
from agents.tools import wishes
from agents.tools.contract import ToolContext
from appointments import waitlist
from appointments.models import WaitlistEntry
from tenants.responses import success
from tonris.api import facts
from tonris.api.appointments import SOURCE, told
from tonris.api.catalog import one_of
from tonris.api.pages import PageQuery, moment, page_of
from tonris.api.reading import CustomerFields, EmployeeIdField, MomentField, asked, checked, contact_of
from tonris.api.shapes import IDEMPOTENCY, NEXT, AppointmentSerializer, EntrySerializer, answers
from tonris.api.work import KeyedView


class EntriesQuery(PageQuery):
    serviceId = serializers.UUIDField(required=False)
    customerId = serializers.UUIDField(required=False)
    state = serializers.MultipleChoiceField(choices=WaitlistEntry.State.choices, required=False)


class EntryFields(CustomerFields):
    serviceId = serializers.UUIDField(
        required=False, help_text="Needed, unless the business has one service only."
    )
    employeeId = EmployeeIdField(help_text="Nobody, or `any`: with anybody.")
    to = MomentField(help_text="The latest start; left out: as far ahead as can be booked.")

    def get_fields(self) -> dict[str, Any]:
        since = MomentField(help_text="The earliest start; left out: from today on.")
        return {**super().get_fields(), "from": since}  # a keyword of Python's


_ENTRY = {"entry": EntrySerializer()}


class Waitlist(KeyedView):
    @extend_schema(
        operation_id="v1_waitlist",
        tags=["waitlist"],
        summary="Who waits, or waited: the longest first",
        parameters=[EntriesQuery],
        responses=answers("Entries", {"entries": EntrySerializer(many=True), **NEXT}),
    )
    def get(self, request: Request) -> Response:
        query = checked(EntriesQuery, request.query_params, self.client.tenant)
        columns = {"serviceId": "service_id", "customerId": "customer_id", "state": "state__in"}
        given = {column: query[name] for name, column in columns.items() if query.get(name)}
        with self.work() as context:
            rows = facts.entries_of(context.tenant).filter(**given)
            shown, following = page_of(rows, "created_at", query, read=moment)
            return success({"entries": [facts.entry(one) for one in shown], "nextCursor": following})

    @extend_schema(
        operation_id="v1_join_waitlist",
        tags=["waitlist"],
        summary="Wait for a service",
        parameters=[IDEMPOTENCY],
        request=EntryFields,
        responses=answers(
            "Joined", {**_ENTRY, "position": serializers.IntegerField()}, 404, 422, statuses=(200, 201)
        ),
    )
    def post(self, request: Request) -> Response:
        body = checked(EntryFields, request.data, self.client.tenant)
        return self.once(lambda context: _join(context, body))


def _join(context: ToolContext, body: dict[str, Any]) -> Response:
    service = wishes.read_service(context, asked(body))
    joined = waitlist.join(
        context.tenant,
        service,
        contact_of(body),
        earliest=body.get("from"),
        latest=body.get("to"),
        employee=wishes.read_employee(context, asked(body)),
        now=context.now,
    )
    data = {**_told(context, joined.entry.pk), "position": joined.position}
    return success(data, 201 if joined.created else 200)


class OneEntry(KeyedView):
    @extend_schema(
        operation_id="v1_waitlist_entry",
        tags=["waitlist"],
        summary="Somebody who waits, and what they are offered",
        responses=answers("Entry", _ENTRY, 404),
    )
    def get(self, request: Request, entry_id: UUID) -> Response:
        with self.work() as context:
            return success(_told(context, entry_id))

    @extend_schema(
        operation_id="v1_leave_waitlist",
        tags=["waitlist"],
        summary="Wait no longer; what was offered goes to the next in line",
        responses=answers("Entry", _ENTRY, 404),
    )
    def delete(self, request: Request, entry_id: UUID) -> Response:
        with self.work() as context:
            waitlist.leave(context.tenant, entry_id, now=context.now)
            return success(_told(context, entry_id))


class Accept(KeyedView):
    @extend_schema(
        operation_id="v1_accept_offer",
        tags=["waitlist"],
        summary="Book what is offered",
        parameters=[IDEMPOTENCY],
        request=None,
        responses=answers(
            "Appointment", {"appointment": AppointmentSerializer()}, 404, 409, 422, statuses=(200, 201)
        ),
    )
    def post(self, request: Request, entry_id: UUID) -> Response:
        return self.once(lambda context: self._accept(context, entry_id))

    def _accept(self, context: ToolContext, entry_id: UUID) -> Response:
        entry = one_of(facts.entries_of(context.tenant), entry_id)
        with offering(entry.service, context.tenant.zone):
            booked = waitlist.accept(
                context.tenant, entry_id, source=SOURCE, actor=self.client.actor, now=context.now
            )
        return success(told(context, booked.appointment.pk), 201 if booked.created else 200)


class Decline(KeyedView):
    @extend_schema(
        operation_id="v1_decline_offer",
        tags=["waitlist"],
        summary="Not this one: wait on, and let the next in line have it",
        parameters=[IDEMPOTENCY],
        request=None,
        responses=answers("Entry", _ENTRY, 404, 422),
    )
    def post(self, request: Request, entry_id: UUID) -> Response:
        return self.once(lambda context: self._decline(context, entry_id))

    def _decline(self, context: ToolContext, entry_id: UUID) -> Response:
        waitlist.decline(context.tenant, entry_id, now=context.now)
        return success(_told(context, entry_id))


def _told(context: ToolContext, pk: UUID) -> dict[str, Any]:
    return {"entry": facts.entry(one_of(facts.entries_of(context.tenant), pk))}
