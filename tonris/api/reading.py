"""What a request says, checked: wrong values are named, ids are looked up in the tenant alone."""

import datetime
import re
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from agents.refusals import api_error
from agents.tools import wishes
from agents.tools.contract import Arguments, ToolContext
from appointments.booking import Contact, Wish
from appointments.wallclock import boundary
from tenants import phone
from tenants.models import Tenant
from tenants.phone import InvalidNumber, region_of, to_e164
from tenants.responses import ApiError

MAX_IDS = 20
LONGEST_NOTES = 2000

_PLUS_LOST = re.compile(r"(T\d\d.*) (\d\d:?\d\d)$")
"""A `+` that was not escaped in a query string arrives as a space."""


# --- Fields --------------------------------------------------------------------------------------


class PhoneField(serializers.CharField):
    """E.164 inside; national numbers are read as those of the business's own country. Needs `tenant`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=40, trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = phone.with_plus(super().to_internal_value(data))
        if not text.strip():
            return ""
        try:
            return to_e164(text, region_of(self.context["tenant"].phone) or "US")
        except InvalidNumber:
            raise ValidationError("must be a phone number such as +15551234567") from None


class EmployeeIdField(serializers.UUIDField):
    """`any`, or nothing, is anybody."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, allow_null=True, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return super().run_validation(None if data in ("", "any") else data)


class IdsField(serializers.ListField):
    """Ids, in a query also separated by commas."""

    child = serializers.UUIDField()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=MAX_IDS, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        if isinstance(data, list):
            data = [part for one in data for part in (one.split(",") if isinstance(one, str) else [one])]
            data = [part for part in data if part != ""]
        return [str(one) for one in super().to_internal_value(data)]


@extend_schema_field(OpenApiTypes.STR)
class MomentField(serializers.Field[Any, Any, Any, Any]):
    """ISO 8601; without an offset the tenant's local time, a date alone its beginning. UTC inside. Needs `tenant`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        try:
            moment = wishes.parse_moment(with_plus(str(data)[:40]))
        except ValueError:
            raise ValidationError("must be an ISO 8601 date or time, such as 2026-11-24T10:00") from None
        if not wishes.EARLIEST_YEAR <= moment.year <= wishes.LATEST_YEAR:
            raise ValidationError("is out of range")
        if moment.tzinfo is not None:
            return moment.astimezone(datetime.UTC)
        return boundary(moment, self.context["tenant"].zone)


def with_plus(text: str) -> str:
    return _PLUS_LOST.sub(r"\1+\2", text)


# --- Bodies --------------------------------------------------------------------------------------


class CustomerFields(serializers.Serializer[Any]):
    """Who it is for."""

    customerName = serializers.CharField(max_length=120)
    customerPhone = PhoneField(required=False, allow_blank=True, help_text="E.164, or a national number.")
    customerEmail = serializers.EmailField(required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("customerPhone") and not attrs.get("customerEmail"):
            raise ValidationError({"customerPhone": "Either customerEmail or customerPhone is required"})
        return attrs


class WishFields(CustomerFields):
    """A customer and what they wish: a slot that was offered, or a service and a start."""

    slotId = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=wishes.LONGEST_SLOT_ID,
        help_text="In place of service, employee and start.",
    )
    serviceId = serializers.UUIDField(required=False, allow_null=True)
    employeeId = EmployeeIdField(help_text="Nobody, or `any`: whoever is free.")
    startTime = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=40,
        help_text="ISO 8601; without an offset it is the business's local time.",
    )
    addOns = IdsField(help_text="Ids of add-ons that the service has.")
    notes = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_NOTES)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("slotId") and not attrs.get("startTime"):
            raise ValidationError({"startTime": "this field is required, unless slotId is given"})
        return super().validate(attrs)


def checked(shape: type[serializers.Serializer[Any]], data: Any, tenant: Tenant) -> dict[str, Any]:
    """The values of a body or a query. Raises ApiError 400, with every wrong field."""
    serializer = shape(data=data, context={"tenant": tenant})
    try:
        serializer.is_valid(raise_exception=True)
    except ValidationError as error:
        raise wrong(dict(_problems(error.detail, ""))) from None
    values: dict[str, Any] = serializer.validated_data
    return values


def wrong(fields: dict[str, str]) -> ApiError:
    """400, with what is wrong by the name of the field."""
    said = "; ".join(f"{name}: {problem}" for name, problem in fields.items())
    return api_error("VALIDATION_ERROR", said, message=said, fields=fields)


def _problems(detail: Any, path: str) -> Any:
    """`(field, what is wrong)`, for fields within fields `services.0.serviceId`."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            at = path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
            yield from _problems(inner, at)
    elif isinstance(detail, list) and any(isinstance(one, dict) for one in detail):
        for index, inner in enumerate(detail):
            yield from _problems(inner, f"{path}.{index}")
    elif detail:
        texts = detail if isinstance(detail, list) else [detail]
        yield path, " ".join(str(one) for one in texts)


# --- What they mean ------------------------------------------------------------------------------


def wish_of(context: ToolContext, body: dict[str, Any]) -> Wish:
    """Service, start, employee and add-ons of a checked body. Raises ToolError."""
    slot = body.get("slotId")
    if slot:
        extras = body.get("addOns") or []
        offered = wishes.read_wish(
            context, Arguments({"slotId": slot, "addOns": [str(one) for one in extras]})
        )
        return Wish(offered.service, offered.start, offered.employee, offered.add_ons)
    service = wishes.read_service(context, asked(body))
    employee = wishes.read_employee(context, asked(body))
    start = wishes.read_start(context, body["startTime"])
    return Wish(service, start, employee, wishes.read_add_ons(context, service, asked(body)))


def asked(values: dict[str, Any]) -> Arguments:
    """Checked values as the tools' readers take them."""
    told = {name: value for name, value in values.items() if value is not None}
    return Arguments({name: value if isinstance(value, list) else str(value) for name, value in told.items()})


def contact_of(body: dict[str, Any]) -> Contact:
    return Contact(body["customerName"], body.get("customerPhone", ""), body.get("customerEmail", ""))
