"""Why an appointment could not be made, in words that programs and voices share.

BookingError            `code`, and a sentence in str()
├── NotFound            an id that is nobody's, or an employee who does not perform the service
├── Invalid             a value that makes no sense; `field` names it
└── NotBookable         the rules object; `nearest` are free slots instead
    └── SlotTaken       somebody else has it
"""

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
        "OUTSIDE_HOURS": "That time is outside our opening hours.",
        "IN_THE_PAST": "That time has already passed.",
        "TOO_SOON": "That time is too soon to book.",
        "TOO_FAR": "That date is too far ahead to book.",
        "OFF_GRID": "Appointments do not start at that time.",
        "TIME_SLOT_CONFLICT": "That time is already taken.",
    }

    def __init__(self, reasons: list[Reason], nearest: list[FreeSlot]) -> None:
        self.reasons = reasons
        self.nearest = nearest
        self.code = reasons[0].code
        super().__init__(self._SENTENCES[self.code])


class SlotTaken(NotBookable):
    def __init__(self, nearest: list[FreeSlot]) -> None:
        super().__init__([Reason.BUSY], nearest)
