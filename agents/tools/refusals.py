"""What the calendar refuses, as an agent can say it: why, and what is free instead."""

from collections.abc import Iterable, Sequence

from agents.tools.contract import ToolContext, ToolError
from agents.tools.facts import slot_facts
from appointments.availability import FreeSlot
from appointments.errors import BookingError, Invalid, NotBookable, NotFound, TooLate
from appointments.models import AddOn, Service
from appointments.slots import Reason


def refusal(
    context: ToolContext, service: Service, error: BookingError, add_ons: Iterable[AddOn] = ()
) -> ToolError:
    """`add_ons` are those that were wished: what is free instead is offered with them."""
    speech = context.speech
    match error:
        case NotBookable():
            return _not_bookable(context, service, error, add_ons)
        case Invalid():
            message = speech.contact_needed if error.field in {"customerName", "customerPhone"} else ""
            return ToolError(error.code, str(error), message)
        case TooLate():
            message = speech.too_late_to_cancel(minutes=error.notice_minutes)
            return ToolError(error.code, str(error), message)
        case NotFound():
            return ToolError(error.code, str(error), speech.refused(Reason.NOT_PERFORMED))
        case _:
            return ToolError(error.code, str(error), speech.cannot_change)


def _not_bookable(
    context: ToolContext, service: Service, error: NotBookable, add_ons: Iterable[AddOn]
) -> ToolError:
    alternatives = [
        slot_facts(one, service, context.zone, add_ons=add_ons, speech=context.speech)
        for one in error.nearest
    ]
    return ToolError(
        error.code,
        str(error),
        why_not(context, service, error.reasons, error.nearest),
        alternatives=alternatives,
        reasons=reason_facts(context, service, error.reasons),
    )


def why_not(
    context: ToolContext, service: Service, reasons: Sequence[Reason], nearest: Sequence[FreeSlot]
) -> str:
    """The weightiest reason, and what is free instead."""
    said = _said(context, service, reasons[0])
    if not nearest:
        return said
    offered = [context.zoned(slot.start) for slot in nearest]
    return f"{said} {context.speech.could_offer(times=offered, today=context.today)}"


def reason_facts(context: ToolContext, service: Service, reasons: Sequence[Reason]) -> list[dict[str, str]]:
    """All of them, by the code that goes out: who has time off, and what for, is not the caller's business."""
    said = {reason.code: _said(context, service, reason) for reason in reversed(reasons)}
    return [{"code": code, "message": said[code]} for code in dict.fromkeys(one.code for one in reasons)]


def _said(context: ToolContext, service: Service, reason: Reason) -> str:
    return context.speech.refused(
        reason.code,
        notice_minutes=service.minimum_notice_minutes,
        window_days=service.booking_window_days,
    )
