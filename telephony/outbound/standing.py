"""How an outbound call stands, in one word for programs and people.

queued, ringing, answered, in-progress      it goes on; answered: the agent is not there yet
completed, machine, busy, no-answer, failed, canceled     it is over; busy and the two after it may be tried again
"""

from telephony import calls
from telephony.models import Call, OutboundCall
from telephony.outbound import attempts, course

State = OutboundCall.State
QUEUED, ANSWERED = "queued", "answered"


def standing(order: OutboundCall) -> str:
    """Needs `call`."""
    if not order.is_open:
        return str(order.state)
    if order.state == State.WAITING:
        return order.error_code if order.error_code in course.AGAIN else QUEUED
    call = order.call
    if call is None or not attempts.is_bound(call):
        return QUEUED
    if calls.RANK[call.state] == calls.ENDED and order.answered_by.startswith(course.MACHINES):
        return str(State.MACHINE)
    if call.state == Call.State.IN_PROGRESS and call.stream_started_at is None:
        return ANSWERED
    return str(call.state)


def was_refused(order: OutboundCall) -> bool:
    """The carrier did not take it, or did not say that it has."""
    if order.call is None or attempts.is_bound(order.call):
        return False
    return bool(order.error_code or order.error) and order.state in {State.PLACING, State.FAILED}
