"""Why an appointment could not be made or changed, in words that programs and voices share.

BookingError                `code`, and a sentence in str()
├── NotFound                an id that is nobody's, or an employee who does not perform the service
├── Invalid                 a value that makes no sense; `field` names it
├── NotBookable             the rules object: `reasons`; `nearest` are free slots instead
│   └── SlotTaken           somebody else has it
├── IdempotencyConflict     the key of an earlier request with another body
├── TooLate                 the cut-off for customers has passed
├── NotAllowed              the appointment's status does not allow it
├── ChangedMeanwhile        it is no longer what was seen when somebody decided to change it
└── OfferExpired            what the waitlist offered is no longer kept
"""

from collections.abc import Sequence

from appointments.availability import FreeSlot
from appointments.slots import Reason


class BookingError(Exception):
    code = "BOOKING_ERROR"


class NotFound(BookingError):
    code = "NOT_FOUND"


class Invalid(BookingError):
    code = "VALIDATION_ERROR"

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


class NotBookable(BookingError):
    _SENTENCES = {
        "NOT_FOUND": "That service is not offered like this at the moment.",
        "NONEXISTENT_TIME": "The clocks go forward then, so that time does not exist.",
        "OUTSIDE_HOURS": "That time is outside our opening hours.",
        "IN_THE_PAST": "That time has already passed.",
        "TOO_SOON": "That time is too soon to book.",
        "TOO_FAR": "That date is too far ahead to book.",
        "OFF_GRID": "Appointments do not start at that time.",
        "TIME_SLOT_CONFLICT": "That time is already taken.",
    }

    def __init__(self, reasons: Sequence[Reason], nearest: Sequence[FreeSlot]) -> None:
        self.reasons = list(reasons)
        self.nearest = list(nearest)
        self.code = reasons[0].code
        super().__init__(self._SENTENCES.get(self.code, "That time cannot be booked."))


class SlotTaken(NotBookable):
    def __init__(self, nearest: Sequence[FreeSlot], reasons: Sequence[Reason] = (Reason.BUSY,)) -> None:
        super().__init__(reasons, nearest)


class IdempotencyConflict(BookingError):
    code = "IDEMPOTENCY_CONFLICT"

    def __init__(self) -> None:
        super().__init__("This idempotency key was used for another request.")


class TooLate(BookingError):
    code = "TOO_LATE"

    def __init__(self, notice_minutes: int) -> None:
        super().__init__("It is too late to change that appointment.")
        self.notice_minutes = notice_minutes


class NotAllowed(BookingError):
    code = "NOT_ALLOWED"

    def __init__(self, status: str, wanted: str) -> None:
        super().__init__(f"That appointment is {status}, so it cannot be {wanted}.")
        self.status = status


class ChangedMeanwhile(BookingError):
    code = "CHANGED_MEANWHILE"

    def __init__(self) -> None:
        super().__init__("That appointment was changed in the meantime.")


class OfferExpired(BookingError):
    code = "OFFER_EXPIRED"

    def __init__(self) -> None:
        super().__init__("That offer is no longer open.")


def refusal(reasons: Sequence[Reason], nearest: Sequence[FreeSlot]) -> NotBookable:
    """SlotTaken where nothing but somebody else stands in the way."""
    if all(reason.code == "TIME_SLOT_CONFLICT" for reason in reasons):
        return SlotTaken(nearest, reasons)
    return NotBookable(reasons, nearest)
