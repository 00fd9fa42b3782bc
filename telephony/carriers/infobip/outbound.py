"""A call that we placed over Infobip: event by event, as for one that comes in.

CALL_ESTABLISHED                    a dialog with our own media socket, at once
MACHINE_DETECTION_FINISHED          MACHINE: nothing yet, its greeting goes on
MACHINE_MESSAGE_DETECTION_FINISHED  the agent's leg is hung up; when that is over, the message is said
"""

import logging
from collections.abc import Callable

from telephony import calls, head_start
from telephony.carriers.infobip import agent_leg, answering, steps
from telephony.carriers.infobip.account import account_of
from telephony.carriers.infobip.events import Event
from telephony.carriers.infobip.rest import InfobipRest
from telephony.errors import CallRefused
from telephony.handover import wire_format
from telephony.incoming import CallStatus
from telephony.ladder import Rung
from telephony.models import Call, Carrier
from telephony.outbound import course
from tenants.scoping import tenant_scope
from tenants.vendor_http import VendorError

logger = logging.getLogger(__name__)

Later = Callable[[Call, Callable[[Call], None]], None]
ANSWERED, MESSAGE_OVER = "answered", "machine_message_over"


def take(event: Event, call: Call, later: Later) -> None:
    """Written down at once; what it leads to is done after the answer."""
    match event.type:
        case "CALL_RINGING":
            calls.apply_status(
                CallStatus(call.carrier_call_id, "ringing", event.timestamp, None, Carrier.INFOBIP)
            )
        case "CALL_ESTABLISHED":
            later(call, _connect)
        case "MACHINE_DETECTION_FINISHED":
            course.heard(call, event.detected.lower() or "unknown")
        case "MACHINE_MESSAGE_DETECTION_FINISHED":
            course.heard(call, f"machine_{event.detected.lower()}")
            later(call, _message_is_over)


def over(call: Call) -> None:
    course.settle(call)


def _connect(call: Call) -> None:
    with tenant_scope(call.tenant_id):
        if not calls.add_event(call.tenant_id, call.pk, ANSWERED, dedupe_key=ANSWERED):
            return  # a repeated event: the token of the dialog must not be replaced
    try:
        connected = course.answers(call)
    except CallRefused as refused:
        logger.warning(
            "Call %s was answered, and nobody can speak: %s", call.carrier_call_id, refused.outcome
        )
        steps.begin(call, Rung.APOLOGY)
        return
    if connected is None:
        steps.begin(call, Rung.HANG_UP)
        return
    head_start.begin(connected.route, connected.token)
    rate_hz = wire_format(Carrier.INFOBIP, connected.route.provider).rate_hz
    answering.connect(call.carrier_call_id, connected.token, rate_hz)


def _message_is_over(call: Call) -> None:
    """The machine records from now on: take the agent's leg away, or speak at once where there is none."""
    with tenant_scope(call.tenant_id):
        if not calls.add_event(call.tenant_id, call.pk, MESSAGE_OVER, dedupe_key=MESSAGE_OVER):
            return
        dialog = call.events.filter(kind=agent_leg.DIALOG_CREATED).order_by("-occurred_at").first()
        streaming = call.stream_ended_at is None and dialog is not None
        leg_id = str(dialog.detail.get("leg_id") or "") if dialog else ""
    if not streaming or not leg_id:
        leave_message(call)
        return
    try:
        with InfobipRest(account_of(call.tenant_id).api_key) as api:
            api.hang_up(leg_id)
    except VendorError as error:
        logger.warning("The agent's leg of call %s stays: %s", call.carrier_call_id, error.message)


def leave_message(call: Call) -> bool:
    """Whether a machine has the call, which is told why we called, and hung up on."""
    with tenant_scope(call.tenant_id):
        if not call.events.filter(kind=calls.MACHINE).exists():
            return False
        waits = not call.events.filter(kind=MESSAGE_OVER).exists()
    if waits:  # the agent has left before the tone: what is said now would not be recorded
        return True
    steps.begin(call, Rung.HANG_UP, course.words_for_machine(call))
    return True
