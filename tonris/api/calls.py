"""Calls that we place: ordered, followed, ended."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.providers import PROVIDERS
from agents.refusals import api_error
from agents.repeats import REPLAYED
from agents.tools.facts import iso_z
from appointments import claims
from telephony.models import OutboundCall
from telephony.outbound import attempts, errors, hanging_up, orders, placing
from telephony.outbound.standing import standing, was_refused
from tenants.idempotency import LONGEST, idempotency_key
from tenants.log_context import log_context
from tenants.responses import ApiError, failure, success
from tonris.api.pages import PageQuery, moment, page_of
from tonris.api.reading import checked
from tonris.api.shapes import IDEMPOTENCY, NEXT, Shape, answers, refused
from tonris.api.work import KeyedView

INITIATED, NOT_INITIATED = "Call initiated", "Failed to initiate call"
STATES = (
    *("queued", "ringing", "answered", "in-progress"),
    *("completed", "machine", "busy", "no-answer", "failed", "canceled"),
)


class CallSerializer(Shape):
    id = serializers.UUIDField()
    callSid = serializers.CharField(allow_null=True, help_text="The carrier's id of the last attempt.")
    state = serializers.ChoiceField(STATES)
    isOver = serializers.BooleanField(help_text="Nothing will happen any more.")
    direction = serializers.CharField()
    to = serializers.CharField()
    carrier = serializers.CharField()
    agentProvider = serializers.CharField(allow_null=True, help_text="null: as the business has chosen.")
    purpose = serializers.CharField()
    appointmentId = serializers.UUIDField(allow_null=True)
    customerId = serializers.UUIDField(allow_null=True)
    origin = serializers.ChoiceField(OutboundCall.Origin.choices)
    consent = serializers.CharField(help_text="`given`, `customer` or `assumed`.")
    answeredBy = serializers.CharField(allow_null=True, help_text="`human`, `machine_…`, `fax`, `unknown`.")
    outcome = serializers.CharField(allow_null=True, help_text="Why the last attempt ended.")
    attempts = serializers.IntegerField()
    maxAttempts = serializers.IntegerField()
    nextAttemptAt = serializers.DateTimeField(allow_null=True)
    deadline = serializers.DateTimeField()
    durationSeconds = serializers.IntegerField(allow_null=True)
    errorCode = serializers.CharField(allow_null=True)
    error = serializers.CharField(allow_null=True)
    createdAt = serializers.DateTimeField()
    endedAt = serializers.DateTimeField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.CharField()}  # a keyword of Python's


def facts(order: OutboundCall) -> dict[str, Any]:
    call = order.call
    bound = call is not None and attempts.is_bound(call)
    waits = order.state == OutboundCall.State.WAITING
    return {
        "id": str(order.pk),
        "callSid": call.carrier_call_id if call is not None and bound else None,
        "state": standing(order),
        "isOver": not order.is_open,
        "direction": "outbound",
        "from": order.number.e164,
        "to": order.to_e164,
        "carrier": order.number.carrier,
        "agentProvider": order.provider or None,
        "purpose": order.purpose,
        "appointmentId": str(order.appointment_id) if order.appointment_id else None,
        "customerId": str(order.customer_id) if order.customer_id else None,
        "origin": order.origin,
        "consent": order.consent,
        "answeredBy": order.answered_by or None,
        "outcome": call.outcome or None if call else None,
        "attempts": order.attempts,
        "maxAttempts": order.max_attempts,
        "nextAttemptAt": iso_z(order.due_at) if waits else None,
        "deadline": iso_z(order.not_after),
        "durationSeconds": call.duration_seconds if call else None,
        "errorCode": order.error_code or None,
        "error": order.error or None,
        "createdAt": iso_z(order.created_at),
        "endedAt": iso_z(order.settled_at) if order.settled_at else None,
    }


def orders_of(tenant: Any) -> QuerySet[OutboundCall]:
    return OutboundCall.objects.for_tenant(tenant).select_related("call", "number")


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


class Calls(KeyedView):
    @extend_schema(
        operation_id="v1_calls",
        tags=["calls"],
        summary="Calls that were placed, the newest first",
        parameters=[PageQuery],
        responses=answers("Calls", {"calls": CallSerializer(many=True), **NEXT}),
    )
    def get(self, request: Request) -> Response:
        query = checked(PageQuery, request.query_params, self.client.tenant)
        with self.work() as context:
            rows = orders_of(context.tenant)
            shown, following = page_of(rows, "created_at", query, read=moment, newest_first=True)
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
            500: refused("The carrier did not take it; `data` has the call"),
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


def one_order(tenant: Any, call_id: str) -> OutboundCall:
    """By our own id or the carrier's. Raises ApiError 404."""
    try:
        named = Q(pk=UUID(call_id)) | Q(call__carrier_call_id=call_id)
    except ValueError:
        named = Q(call__carrier_call_id=call_id)
    storable = "\x00" not in call_id  # PostgreSQL would not even compare it
    found = orders_of(tenant).filter(named).order_by("-created_at").first() if storable else None
    if found is None:
        raise ApiError("There is no such call", "NOT_FOUND", 404)
    return found


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
            return success({"call": facts(one_order(context.tenant, call_id))})

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
        order = one_order(context.tenant, call_id)
    try:
        ended = hanging_up.hang_up(view.client.tenant.pk, order.pk)
    except errors.CarrierRefused as refusal:
        raise ApiError(refusal.message, "CARRIER_REFUSED", 502) from None
    with view.work() as context:
        return success({"call": facts(one_order(context.tenant, str(order.pk))), "ended": ended})


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
