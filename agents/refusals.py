"""What the calendar and the readers of wishes refuse, as HTTP answers: one status and code for each."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from agents.tools.contract import ToolError
from agents.tools.facts import slot_facts
from appointments.errors import BookingError, Invalid, NotBookable
from appointments.models import AddOn, Service
from tenants.responses import ApiError

STATUS = {
    "NOT_FOUND": 404,
    "TIME_SLOT_CONFLICT": 409,
    "NOT_ALLOWED": 409,
    "TOO_LATE": 409,
    "OFFER_EXPIRED": 409,
    "IDEMPOTENCY_CONFLICT": 422,
}
"""By code; every other code is 400."""


@contextmanager
def refusals() -> Iterator[None]:
    """What is refused inside is an ApiError outside."""
    try:
        yield
    except ToolError as error:
        extra = {**_field(error.error), **error.extra}
        raise api_error(error.code, error.error, message=error.message or error.error, **extra) from None
    except Invalid as error:
        raise api_error(error.code, str(error), field=error.field, message=str(error)) from None
    except BookingError as error:
        raise api_error(error.code, str(error), message=str(error)) from None


@contextmanager
def offering(service: Service, zone: ZoneInfo, add_ons: Iterable[AddOn] = ()) -> Iterator[None]:
    """A start of this service that cannot be booked is refused with those that can, add-ons included."""
    try:
        yield
    except NotBookable as error:
        alternatives = [slot_facts(slot, service, zone, add_ons=add_ons) for slot in error.nearest]
        raise api_error(error.code, str(error), message=str(error), alternatives=alternatives) from None


def api_error(code: str, error: str, **extra: object) -> ApiError:
    return ApiError(error, code, STATUS.get(code, 400), **extra)


def _field(error: str) -> dict[str, str]:
    """Readers begin what they say with the field's name and a colon."""
    name, colon, _ = error.partition(": ")
    return {"field": name} if colon and name.isidentifier() else {}
