"""How often a caller may try to be somebody: guessing must not pay, whoever guesses."""

import datetime

from django.db.models import Q

from agents.models import ToolInvocation
from agents.tools.contract import ToolContext, ToolError
from agents.tools.identity import BOOKING_TOOLS

DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)
PER_CALL = 20
PER_NUMBER_A_DAY = 60
FAILED_BOOKINGS_PER_CALL = 60
"""And from a number in a day. Times are taken on a busy day: most of those who ask in vain guess nothing."""
FAILED_PER_TENANT_AN_HOUR = 200

LOOKUPS = ("find_appointment", "verify_identity", "send_code")
CHANGES = ("cancel_appointment", "reschedule_appointment")
_TRIES = Q(tool__in=LOOKUPS) | Q(tool__in=CHANGES, succeeded=False)
_BOOKED_NOTHING = Q(tool__in=BOOKING_TOOLS, appointment=None)


def check(context: ToolContext) -> None:
    """Raise ToolError TOO_MANY_LOOKUPS once a call, a number or a whole tenant's callers have tried too often."""
    too_many = _in_call(context, _TRIES, PER_CALL) or _from_number(context, _TRIES, PER_NUMBER_A_DAY)
    if too_many or _at_tenant(context):
        raise _too_many(context)


def check_bookings(context: ToolContext) -> None:
    """As `check`, before a booking for somebody else's number: whether a time is taken by them is a guess as well.

    No tenant's callers are counted together here: whoever guesses must not keep the others from booking.
    """
    too_many = _in_call(context, _BOOKED_NOTHING, FAILED_BOOKINGS_PER_CALL)
    if too_many or _from_number(context, _BOOKED_NOTHING, FAILED_BOOKINGS_PER_CALL):
        raise _too_many(context)


def _too_many(context: ToolContext) -> ToolError:
    return ToolError(
        "TOO_MANY_LOOKUPS", "Too many look-ups; try again later", context.speech.too_many_lookups
    )


def _tries(context: ToolContext, what: Q, of: Q, since: datetime.datetime) -> int:
    return ToolInvocation.objects.for_tenant(context.tenant).filter(of, what, occurred_at__gt=since).count()


def _in_call(context: ToolContext, what: Q, most: int) -> bool:
    if context.conversation is None:
        return False
    return _tries(context, what, Q(conversation=context.conversation), context.now - DAY) >= most


def _from_number(context: ToolContext, what: Q, most: int) -> bool:
    """What others do who forge a number is not held against whoever has it."""
    if not context.caller_e164:
        return False
    calls = Q(conversation__caller_e164=context.caller_e164)
    if context.known_caller_e164:
        calls &= ~Q(conversation__caller_vouched_for=False)
    return _tries(context, what, calls, context.now - DAY) >= most


def _at_tenant(context: ToolContext) -> bool:
    """Only what failed counts here: the callers of a busy day must not shut each other out."""
    return _tries(context, _TRIES, Q(succeeded=False), context.now - HOUR) >= FAILED_PER_TENANT_AN_HOUR
