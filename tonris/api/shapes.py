"""What the API answers, as OpenAPI tells it. `facts.py` makes the answers; a test holds the two together."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    inline_serializer,
)
from rest_framework import serializers

from appointments.models import Appointment, WaitlistEntry
from tenants.idempotency import HEADER

Shape = serializers.Serializer[Any]

IDEMPOTENCY = OpenApiParameter(
    HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The same request with the same key again gets the same answer, for a day; another request 422.",
)


def _id_or_null() -> serializers.UUIDField:
    return serializers.UUIDField(allow_null=True)


class AddOnSerializer(Shape):
    id = serializers.UUIDField()
    name = serializers.CharField()
    duration = serializers.IntegerField(help_text="Minutes that it adds.")
    price = serializers.FloatField()


class ServiceSerializer(Shape):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    price = serializers.FloatField()
    currency = serializers.CharField()
    duration = serializers.IntegerField(help_text="Minutes.")
    category = serializers.CharField()
    addOns = AddOnSerializer(many=True)
    employeeIds = serializers.ListField(child=serializers.UUIDField(), help_text="Who performs it.")
    bufferBeforeMinutes = serializers.IntegerField()
    bufferAfterMinutes = serializers.IntegerField()
    slotStepMinutes = serializers.IntegerField()
    minimumNoticeMinutes = serializers.IntegerField()
    cancelNoticeMinutes = serializers.IntegerField()
    bookingWindowDays = serializers.IntegerField()
    seats = serializers.IntegerField(help_text="More than one: a group.")
    active = serializers.BooleanField()


class EmployeeSerializer(Shape):
    id = serializers.UUIDField()
    name = serializers.CharField()
    serviceIds = serializers.ListField(child=serializers.UUIDField())
    email = serializers.CharField()
    active = serializers.BooleanField()


class CustomerSerializer(Shape):
    id = serializers.UUIDField()
    name = serializers.CharField()
    phone = serializers.CharField(help_text="E.164, or empty.")
    email = serializers.CharField()
    notes = serializers.CharField()
    createdAt = serializers.DateTimeField()


class StretchSerializer(Shape):
    startTime = serializers.DateTimeField()
    endTime = serializers.DateTimeField()
    startTimeLocal = serializers.CharField(help_text="ISO 8601 without an offset.")
    employeeId = serializers.UUIDField()
    employeeName = serializers.CharField()


class SlotSerializer(StretchSerializer):
    slotId = serializers.CharField(help_text="What is offered, signed, for a day. It holds nothing.")
    spoken = serializers.CharField()


class AlternativeSerializer(StretchSerializer):
    slotId = serializers.CharField(required=False, help_text="Of one service; no slotId names several.")
    spoken = serializers.CharField(required=False)


class NamedServiceSerializer(Shape):
    id = serializers.UUIDField()
    name = serializers.CharField()


class BriefServiceSerializer(Shape):
    id = serializers.UUIDField()
    name = serializers.CharField()
    duration = serializers.IntegerField()


class ReasonSerializer(Shape):
    code = serializers.CharField()
    message = serializers.CharField(help_text="A sentence to say.")


class RequestedSerializer(Shape):
    startTime = serializers.DateTimeField()
    startTimeLocal = serializers.CharField()
    available = serializers.BooleanField()
    reasons = ReasonSerializer(many=True)


class AvailabilitySerializer(Shape):
    date = serializers.DateField()
    today = serializers.DateField()
    timezone = serializers.CharField()
    service = BriefServiceSerializer()
    slots = SlotSerializer(many=True)
    nextAvailable = SlotSerializer(allow_null=True)
    requested = RequestedSerializer(
        required=False, help_text="Where one time was asked for, or a day that cannot be booked."
    )
    nearest = SlotSerializer(many=True, required=False, help_text="Where that time is not free.")
    message = serializers.CharField(help_text="A sentence to say.")


class ObjectionSerializer(Shape):
    code = serializers.CharField(help_text="As the calendar has it: NOT_WORKING, BUSY, …")
    bookingCode = serializers.CharField(help_text="As a booking would be refused: OUTSIDE_HOURS, …")
    sentence = serializers.CharField()


class WhyNotSerializer(Shape):
    bookable = serializers.BooleanField()
    startTime = serializers.DateTimeField(allow_null=True, help_text="null: the clocks skip it.")
    employeeId = serializers.UUIDField()
    employeeName = serializers.CharField()
    timezone = serializers.CharField()
    reasons = ObjectionSerializer(many=True)
    alternatives = SlotSerializer(many=True)


class AppointmentSerializer(Shape):
    id = serializers.UUIDField()
    tenantId = serializers.UUIDField()
    employeeId = serializers.UUIDField()
    employeeName = serializers.CharField()
    serviceId = serializers.UUIDField()
    serviceName = serializers.CharField()
    customerId = serializers.UUIDField()
    customerName = serializers.CharField()
    customerEmail = serializers.CharField()
    customerPhone = serializers.CharField()
    startTime = serializers.DateTimeField()
    endTime = serializers.DateTimeField()
    startTimeLocal = serializers.CharField()
    timezone = serializers.CharField()
    status = serializers.ChoiceField(Appointment.Status.choices)
    bookingCode = serializers.CharField(help_text="By which callers from other numbers are known.")
    notes = serializers.CharField()
    addOns = AddOnSerializer(many=True)
    price = serializers.FloatField(help_text="With add-ons, as agreed when it was booked.")
    currency = serializers.CharField()
    visitId = _id_or_null()
    seriesId = _id_or_null()
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()

    def get_fields(self) -> dict[str, Any]:
        # A serializer has a `source` of its own.
        return {**super().get_fields(), "source": serializers.ChoiceField(Appointment.Source.choices)}


class StateSerializer(Shape):
    employeeId = serializers.UUIDField()
    serviceId = serializers.UUIDField()
    startTime = serializers.DateTimeField()
    endTime = serializers.DateTimeField()
    status = serializers.ChoiceField(Appointment.Status.choices)
    price = serializers.FloatField()


class ChangeSerializer(Shape):
    kind = serializers.CharField(help_text="booked, moved, cancelled, …")
    actor = serializers.CharField(help_text="The call, the person or the key that did it.")
    reason = serializers.CharField()
    changedAt = serializers.DateTimeField()
    before = StateSerializer(allow_null=True)
    after = StateSerializer(allow_null=True)


class ConflictSerializer(Shape):
    startTimeLocal = serializers.CharField()
    code = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())
    alternatives = SlotSerializer(many=True)


class OfferSerializer(Shape):
    startTime = serializers.DateTimeField()
    endTime = serializers.DateTimeField()
    employeeId = serializers.UUIDField()
    employeeName = serializers.CharField()
    expiresAt = serializers.DateTimeField()


class EntrySerializer(Shape):
    id = serializers.UUIDField()
    serviceId = serializers.UUIDField()
    serviceName = serializers.CharField()
    employeeId = _id_or_null()
    customerId = serializers.UUIDField()
    customerName = serializers.CharField()
    customerPhone = serializers.CharField()
    customerEmail = serializers.CharField()
    to = serializers.DateTimeField()
    state = serializers.ChoiceField(WaitlistEntry.State.choices)
    offer = OfferSerializer(allow_null=True)
    createdAt = serializers.DateTimeField()

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.DateTimeField()}  # a keyword of Python's


class OpeningSerializer(Shape):
    open = serializers.CharField(allow_null=True)
    close = serializers.CharField(allow_null=True)


class DaySerializer(OpeningSerializer):
    enabled = serializers.BooleanField()
    intervals = OpeningSerializer(many=True)


class WeekSerializer(Shape):
    monday = DaySerializer()
    tuesday = DaySerializer()
    wednesday = DaySerializer()
    thursday = DaySerializer()
    friday = DaySerializer()
    saturday = DaySerializer()
    sunday = DaySerializer()


# Dicts, as a serializer has a `fields` and a `data` of its own.
ERROR: dict[str, Any] = {
    "success": serializers.BooleanField(),
    "error": serializers.CharField(help_text="For the log of whoever calls."),
    "code": serializers.CharField(help_text="For programs."),
    "message": serializers.CharField(required=False, help_text="A sentence for a person."),
    "field": serializers.CharField(required=False, help_text="The one field that is wrong."),
    "fields": serializers.DictField(
        child=serializers.CharField(), required=False, help_text="Every field that is wrong, and how."
    ),
    "services": NamedServiceSerializer(many=True, required=False, help_text="Where `serviceId` is missing."),
    "alternatives": AlternativeSerializer(many=True, required=False, help_text="What is free instead."),
    "nearest": serializers.ListField(
        child=serializers.DateTimeField(), required=False, help_text="On either side of a skipped time."
    ),
    "conflicts": ConflictSerializer(many=True, required=False, help_text="Of a series, one by one."),
    "country": serializers.CharField(required=False, help_text="That is not called."),
    "nextAllowedAt": serializers.DateTimeField(required=False, help_text="When the call may be placed."),
}
_error = inline_serializer("Error", dict(ERROR))


# --- Around them ---------------------------------------------------------------------------------

_REFUSALS = {
    400: "A wrong or missing value: `fields` or `field` names it. Or a start that the rules do not allow.",
    401: "The key is missing, unknown or revoked",
    403: "The key is genuine, but its tenant is suspended or not the one that is named",
    404: "There is no such thing in this tenant",
    409: "The time is taken, or the status does not allow it; `alternatives` are free",
    422: "The Idempotency-Key was used for another request",
    503: "The calendar cannot be reached; see Retry-After",
}
_made: dict[str, Any] = {}


def answers(
    name: str,
    data: Mapping[str, Any] | type[Shape],
    *refusals: int,
    statuses: tuple[int, ...] = (200,),
    around: Mapping[str, Any] | None = None,
) -> dict[int, Any]:
    """The responses of an operation: `{success, data}`, or how it can be refused. `around` stands beside `data`."""
    response = OpenApiResponse(_envelope(name, data, around), "Done")
    told: dict[int, Any] = dict.fromkeys(statuses, response)
    for status in sorted({400, 401, 403, 503, *refusals}):
        told[status] = OpenApiResponse(_error, _REFUSALS[status])
    return told


def refused(why: str) -> OpenApiResponse:
    return OpenApiResponse(_error, why)


def _envelope(
    name: str, data: Mapping[str, Any] | type[Shape], around: Mapping[str, Any] | None = None
) -> Any:
    if name not in _made:  # two classes of one name would be two schemas
        inner = inline_serializer(f"{name}Data", dict(data)) if isinstance(data, Mapping) else data()
        outer = {"success": serializers.BooleanField(), **(around or {})}
        _made[name] = inline_serializer(f"{name}Answer", {**outer, "data": inner})
    return _made[name]


NEXT = {
    "nextCursor": serializers.CharField(allow_null=True, help_text="null: this was the last page."),
}
