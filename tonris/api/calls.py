"""Calls: those that came in, and those that we place, ordered, followed, ended."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.providers import PROVIDERS
from agents.refusals import api_error
from agents.repeats import REPLAYED
from appointments import claims
from telephony.models import Call, Carrier, OutboundCall
from telephony.outbound import errors, hanging_up, orders, placing
from telephony.outbound.standing import was_refused
from tenants.idempotency import LONGEST, idempotency_key
from tenants.log_context import log_context
from tenants.models import Tenant
from tenants.responses import ApiError, failure, success
from tonris.api.call_facts import CallSerializer, facts
from tonris.api.pages import PageQuery, moment, page_across
from tonris.api.reading import MomentField, PhoneField, checked
from tonris.api.shapes import ERROR, IDEMPOTENCY, NEXT, answers, refused
from tonris.api.work import KeyedView

INITIATED, NOT_INITIATED = "Call initiated", "Failed to initiate call"


def orders_of(tenant: Tenant) -> QuerySet[OutboundCall]:
    return OutboundCall.objects.for_tenant(tenant).select_related("call", "number")


def incoming_of(tenant: Tenant) -> QuerySet[Call]:
    """By telephone. Attempts to call somebody are told of with their orders."""
    rows = Call.objects.for_tenant(tenant).filter(direction=Call.Direction.INBOUND)
    return rows.exclude(carrier=Carrier.BROWSER).select_related("conversation")


class CallsQuery(PageQuery):
    direction = serializers.ChoiceField(Call.Direction.choices, required=False)
    customerPhone = PhoneField(required=False, help_text="Whoever called, or was called.")
    since = MomentField(
        help_text="Ordered or come in at it or after. A date alone is its beginning, in local time."
    )
    until = MomentField(help_text="Before it.")


def _matching(tenant: Tenant, query: dict[str, Any]) -> list[QuerySet[Any]]:
    """What was placed and what came in, as far as either was asked for."""
    lists = {
        Call.Direction.OUTBOUND: (orders_of(tenant), "to_e164"),
        Call.Direction.INBOUND: (incoming_of(tenant), "from_e164"),
    }
    wanted = [found for direction, found in lists.items() if query.get("direction") in (None, direction)]
    bounds = {"created_at__gte": query.get("since"), "created_at__lt": query.get("until")}
    told = {name: value for name, value in bounds.items() if value is not None}
    phone = query.get("customerPhone")
    return [rows.filter(**told, **({theirs: phone} if phone else {})) for rows, theirs in wanted]


class CallFields(serializers.Serializer[Any]):
    """Whom to call, and why."""

    to = serializers.CharField(max_length=40, help_text="E.164.")
    agentProvider = serializers.ChoiceField(
        sorted(PROVIDERS), required=False, allow_null=True, help_text="Left out: as the business has chosen."
    )
    purpose = serializers.CharField(
        required=False, allow_blank=True, max_length=orders.LONGEST_PURPOSE, help_text="The agent is told."
    )
    appointmentId = serializers.UUIDField(
        required=False, allow_null=True, help_text="Theirs, which the agent is told of."
    )
    consent = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="They have agreed to be called. Not needed for customers, who left their number for it.",
    )
    idempotencyKey = serializers.CharField(
        required=False, allow_blank=True, max_length=LONGEST, help_text="Instead of the header."
    )

    def get_fields(self) -> dict[str, Any]:
        sender = serializers.CharField(
            required=False,
            allow_blank=True,
            max_length=40,
            help_text="One of the business's own; else its first.",
        )
        return {**super().get_fields(), "from": sender}


_SHAPE = {"call": CallSerializer()}
_STARTED = {
    "success": serializers.BooleanField(),
    "message": serializers.CharField(),
    "callSid": serializers.CharField(allow_null=True, help_text="The carrier's id of the call."),
}
_NOT_PLACED = inline_serializer(
    "CallNotPlaced", {**ERROR, "data": inline_serializer("CallNotPlacedData", dict(_SHAPE))}
)


class Calls(KeyedView):
    @extend_schema(
        operation_id="v1_calls",
        tags=["calls"],
        summary="Calls, placed and come in, the newest first",
        parameters=[CallsQuery],
        responses=answers("Calls", {"calls": CallSerializer(many=True), **NEXT}),
    )
    def get(self, request: Request) -> Response:
        query = checked(CallsQuery, request.query_params, self.client.tenant)
        with self.work() as context:
            lists = _matching(context.tenant, query)
            shown, following = page_across(lists, "created_at", query, read=moment, newest_first=True)
            return success({"calls": [facts(one) for one in shown], "nextCursor": following})

    @extend_schema(
        operation_id="v1_call",
        tags=["calls"],
        summary="Call somebody",
        description=(
            "From a number of the business's own, with its agent. The carrier is asked before the answer; what "
            "becomes of the call is told by `GET`."
        ),
        parameters=[IDEMPOTENCY],
        request=CallFields,
        responses={
            **answers("Call", _SHAPE, 403, 404, 409, 422, statuses=()),
            **answers("StartedCall", _SHAPE, statuses=(200, 201), around=_STARTED),
            429: refused("Too many calls: see `code` and Retry-After"),
            500: OpenApiResponse(_NOT_PLACED, "The carrier did not take it; `data` has the call"),
        },
        examples=[
            OpenApiExample(
                "About an appointment",
                request_only=True,
                value={
                    "to": "+15559876543",
                    "purpose": "Their stylist is ill: find another time.",
                    "consent": True,
                },
            )
        ],
    )
    def post(self, request: Request) -> Response:
        body = checked(CallFields, request.data, self.client.tenant)
        wish = _wish(self.client.actor, body, self._key(body))
        tenant = self.client.tenant
        with log_context(tenant=tenant.pk):
            try:
                ordered = placing.order_and_place(tenant.pk, wish)
            except errors.OutboundRefused as refusal:
                return _refusal(refusal)
        with self.work() as context:
            order = orders_of(context.tenant).get(pk=ordered.order.pk)
            return _started(order, is_new=ordered.is_new)

    def _key(self, body: dict[str, Any]) -> str:
        """Header or body; two that differ are a mistake."""
        header, said = idempotency_key(self.request), str(body.get("idempotencyKey") or "").strip()
        if header and said and header != said:
            raise api_error(
                "VALIDATION_ERROR", "idempotencyKey: is not that of the header", field="idempotencyKey"
            )
        return header or said


def _wish(actor: str, body: dict[str, Any], key: str) -> orders.Wish:
    asked = {
        name: str(value)
        for name, value in body.items()
        if name != "idempotencyKey" and value not in (None, "")
    }
    return orders.Wish(
        to=body["to"],
        from_e164=body.get("from") or "",
        provider=body.get("agentProvider") or "",
        purpose=body.get("purpose") or "",
        appointment_id=body.get("appointmentId"),
        consent=body["consent"],
        idempotency_key=key,
        request_hash=claims.digest(asked) if key else "",
        actor=actor,
    )


def _started(order: OutboundCall, *, is_new: bool) -> Response:
    told = facts(order)
    headers = {} if is_new else {REPLAYED: "true"}
    if was_refused(order):
        extra = {"message": NOT_INITIATED, "data": {"call": told}}
        answer = failure(order.error, order.error_code or "CARRIER_REFUSED", 500, **extra)
        for name, value in headers.items():
            answer[name] = value
        return answer
    body = {"success": True, "message": INITIATED, "callSid": told["callSid"], "data": {"call": told}}
    return Response(body, 201 if is_new else 200, headers=headers)


def _refusal(refusal: errors.OutboundRefused) -> Response:
    answer = failure(refusal.error, refusal.code, refusal.status, message=NOT_INITIATED, **refusal.extra)
    if refusal.until is not None:
        seconds = (refusal.until - timezone.now()).total_seconds()
        answer["Retry-After"] = str(max(round(seconds), 1))
    return answer


_ID = OpenApiParameter(
    "call_id", OpenApiTypes.STR, OpenApiParameter.PATH, description="The call's `id`, or its `callSid`."
)


def one_call(tenant: Tenant, call_id: str) -> OutboundCall | Call:
    """By our own id or the carrier's. Raises ApiError 404."""
    if "\x00" not in call_id:  # PostgreSQL would not even compare it
        orders = orders_of(tenant).filter(_named(call_id, "call__carrier_call_id")).order_by("-created_at")
        found = orders.first() or incoming_of(tenant).filter(_named(call_id, "carrier_call_id")).first()
        if found is not None:
            return found
    raise ApiError("There is no such call", "NOT_FOUND", 404)


def _named(call_id: str, carriers: str) -> Q:
    by_carrier = Q(**{carriers: call_id})
    try:
        return Q(pk=UUID(call_id)) | by_carrier
    except ValueError:
        return by_carrier


class OneCall(KeyedView):
    @extend_schema(
        operation_id="v1_one_call",
        tags=["calls"],
        summary="How a call stands",
        parameters=[_ID],
        responses=answers("Call", _SHAPE, 404),
    )
    def get(self, request: Request, call_id: str) -> Response:
        with self.work() as context:
            return success({"call": facts(one_call(context.tenant, call_id))})

    @extend_schema(
        operation_id="v1_end_call",
        tags=["calls"],
        summary="End a call, or do not place it",
        parameters=[_ID],
        request=None,
        responses={
            **answers("EndedCall", {**_SHAPE, "ended": serializers.BooleanField()}, 404),
            502: refused("The carrier did not end it"),
        },
    )
    def delete(self, request: Request, call_id: str) -> Response:
        return _end(self, call_id)


def _end(view: KeyedView, call_id: str) -> Response:
    with view.work() as context:
        found = one_call(context.tenant, call_id)
    end = hanging_up.hang_up if isinstance(found, OutboundCall) else hanging_up.end_incoming
    try:
        ended = end(view.client.tenant.pk, found.pk)
    except errors.CarrierRefused as refusal:
        raise ApiError(refusal.message, "CARRIER_REFUSED", 502) from None
    with view.work() as context:
        return success({"call": facts(one_call(context.tenant, str(found.pk))), "ended": ended})


class HangUp(KeyedView):
    @extend_schema(
        operation_id="v1_hang_up",
        tags=["calls"],
        summary="The same, as a verb",
        parameters=[_ID],
        request=None,
        responses={
            **answers("EndedCall", {**_SHAPE, "ended": serializers.BooleanField()}, 404),
            502: refused("The carrier did not end it"),
        },
    )
    def post(self, request: Request, call_id: str) -> Response:
        return _end(self, call_id)
