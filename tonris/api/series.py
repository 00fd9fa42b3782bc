"""The same appointment again every so many weeks."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from agents.refusals import api_error
from agents.tools.contract import ToolContext
from agents.tools.facts import slot_facts
from appointments.booking import Wish
from appointments.series import MOST, MOST_WEEKS_APART, Conflict, book_series
from tenants.responses import ApiError, success
from tonris.api import facts
from tonris.api.appointments import SOURCE
from tonris.api.reading import WishFields, checked, contact_of, wish_of
from tonris.api.shapes import IDEMPOTENCY, AppointmentSerializer, ConflictSerializer, answers
from tonris.api.work import KeyedView


class SeriesFields(WishFields):
    everyWeeks = serializers.IntegerField(required=False, default=1, min_value=1, max_value=MOST_WEEKS_APART)
    count = serializers.IntegerField(required=False, min_value=1, max_value=MOST)
    until = serializers.DateField(required=False, help_text="Local date, inclusive; in place of `count`.")
    allOrNothing = serializers.BooleanField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("count" in attrs) == ("until" in attrs):
            raise ValidationError({"count": "give either count or until"})
        return super().validate(attrs)


class SeriesView(KeyedView):
    @extend_schema(
        operation_id="v1_book_series",
        tags=["appointments"],
        summary="Book an appointment again and again",
        description=(
            "What cannot be booked is told one by one in `conflicts`. If nothing was booked, the answer is 409 "
            "and `conflicts` stand beside the error."
        ),
        parameters=[IDEMPOTENCY],
        request=SeriesFields,
        responses=answers(
            "Series",
            {
                "seriesId": serializers.UUIDField(),
                "appointments": AppointmentSerializer(many=True),
                "conflicts": ConflictSerializer(many=True),
            },
            404,
            409,
            422,
            statuses=(200, 201),
        ),
    )
    def post(self, request: Request) -> Response:
        body = checked(SeriesFields, request.data, self.client.tenant)
        return self.once(lambda context: self._book(context, body))

    def _book(self, context: ToolContext, body: dict[str, Any]) -> Response:
        wish = wish_of(context, body)
        booked = book_series(
            context.tenant,
            wish.service,
            wish.starts_at,
            contact_of(body),
            employee=wish.employee,
            add_ons=wish.add_ons,
            every_weeks=body["everyWeeks"],
            count=body.get("count"),
            until=body.get("until"),
            all_or_nothing=body["allOrNothing"],
            notes=body.get("notes", ""),
            source=SOURCE,
            actor=self.client.actor,
            idempotency_key=self.verb_key,
            now=context.now,
        )
        conflicts = [_conflict(context, wish, one) for one in booked.conflicts]
        if booked.series is None:
            raise _nothing_booked(conflicts)
        rows = facts.appointments_of(context.tenant).filter(pk__in=[one.pk for one in booked.booked])
        listed = [facts.appointment(one, context.tenant.zone) for one in rows.order_by("starts_at")]
        data = {"seriesId": str(booked.series.pk), "appointments": listed, "conflicts": conflicts}
        return success(data, 201 if booked.created else 200)


def _conflict(context: ToolContext, wish: Wish, conflict: Conflict) -> dict[str, Any]:
    return {
        "startTimeLocal": conflict.local.isoformat(timespec="minutes"),
        "code": conflict.reasons[0].code,
        "reasons": [reason.value for reason in conflict.reasons],
        "alternatives": [
            slot_facts(slot, wish.service, context.tenant.zone, add_ons=wish.add_ons)
            for slot in conflict.nearest
        ],
    }


def _nothing_booked(conflicts: list[dict[str, Any]]) -> ApiError:
    said = "None of these appointments was booked."
    return api_error("TIME_SLOT_CONFLICT", said, message=said, conflicts=conflicts)
