"""A call as the API tells of it: one that we were to place, with all its attempts, or one that came in."""

from typing import Any

from rest_framework import serializers

from agents.tools.facts import iso_z
from telephony.models import Call, OutboundCall
from telephony.outbound import attempts
from telephony.outbound.standing import standing
from tonris.api.shapes import Shape

STATES = (
    *("queued", "ringing", "answered", "in-progress"),
    *("completed", "machine", "busy", "no-answer", "failed", "canceled"),
)
_PLACED_ONLY = "null: it came in."


class CallSerializer(Shape):
    id = serializers.UUIDField()
    callSid = serializers.CharField(allow_null=True, help_text="The carrier's id; of the last attempt.")
    state = serializers.ChoiceField(STATES)
    isOver = serializers.BooleanField(help_text="Nothing will happen any more.")
    direction = serializers.ChoiceField(Call.Direction.choices)
    to = serializers.CharField()
    carrier = serializers.CharField()
    agentProvider = serializers.CharField(allow_null=True, help_text="null: as the business has chosen.")
    purpose = serializers.CharField(help_text="Why we called.")
    appointmentId = serializers.UUIDField(allow_null=True, help_text="What we called about.")
    customerId = serializers.UUIDField(allow_null=True, help_text="Whom we called.")
    origin = serializers.ChoiceField(OutboundCall.Origin.choices, allow_null=True, help_text=_PLACED_ONLY)
    consent = serializers.CharField(
        allow_null=True, help_text=f"`given`, `customer` or `assumed`. {_PLACED_ONLY}"
    )
    answeredBy = serializers.CharField(allow_null=True, help_text="`human`, `machine_…`, `fax`, `unknown`.")
    outcome = serializers.CharField(allow_null=True, help_text="Why it ended; of the last attempt.")
    attempts = serializers.IntegerField()
    maxAttempts = serializers.IntegerField()
    nextAttemptAt = serializers.DateTimeField(allow_null=True)
    deadline = serializers.DateTimeField(allow_null=True, help_text=_PLACED_ONLY)
    durationSeconds = serializers.IntegerField(allow_null=True)
    errorCode = serializers.CharField(allow_null=True)
    error = serializers.CharField(allow_null=True)
    createdAt = serializers.DateTimeField()
    endedAt = serializers.DateTimeField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        number = serializers.CharField(allow_null=True, help_text="null: withheld.")
        return {**super().get_fields(), "from": number}  # a keyword of Python's


def facts(one: OutboundCall | Call) -> dict[str, Any]:
    return _placed(one) if isinstance(one, OutboundCall) else _came_in(one)


def _placed(order: OutboundCall) -> dict[str, Any]:
    """Needs `call` and `number`."""
    call = order.call
    bound = call is not None and attempts.is_bound(call)
    waits = order.state == OutboundCall.State.WAITING
    return {
        "id": str(order.pk),
        "callSid": call.carrier_call_id if call is not None and bound else None,
        "state": standing(order),
        "isOver": not order.is_open,
        "direction": str(Call.Direction.OUTBOUND),
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


def _came_in(call: Call) -> dict[str, Any]:
    """Needs `conversation`. There is one attempt, and nothing was ordered."""
    return {
        "id": str(call.pk),
        "callSid": call.carrier_call_id,
        "state": call.state,
        "isOver": call.ended_at is not None,
        "direction": call.direction,
        "from": call.from_e164 or None,
        "to": call.to_e164,
        "carrier": call.carrier,
        "agentProvider": call.conversation.provider or None if call.conversation else None,
        "purpose": "",
        "appointmentId": None,
        "customerId": None,
        "origin": None,
        "consent": None,
        "answeredBy": None,
        "outcome": call.outcome or None,
        "attempts": 1,
        "maxAttempts": 1,
        "nextAttemptAt": None,
        "deadline": None,
        "durationSeconds": call.duration_seconds,
        "errorCode": None,
        "error": None,
        "createdAt": iso_z(call.created_at),
        "endedAt": iso_z(call.ended_at) if call.ended_at else None,
    }
