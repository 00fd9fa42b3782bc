"""What each event means for a call: written down at once, and what it leads to done after the answer.

Events come twice, late and in any order. A call's state moves forward only, and every step is taken once.
"""

import logging
from collections.abc import Callable
from functools import partial
from uuid import UUID

from telephony import calls, ladder, rungs
from telephony.carriers.infobip import answering, errands, outbound, people, steps
from telephony.carriers.infobip.events import ENDED_STATES, Event
from telephony.dialplan import Destination
from telephony.incoming import CallStatus, IncomingCall
from telephony.models import Call, Carrier
from telephony.people import voicemails
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

CALL_OVER = frozenset({"CALL_FINISHED", "CALL_FAILED"})
DIALOG_OVER = frozenset({"DIALOG_FINISHED", "DIALOG_FAILED"})
DIALOG_WORD_S = 1.0
"""The end of a dialog's leg is told before that of the dialog, which says more: so long is waited for it."""


def take(
    event: Event, call: Call | None, destination: Destination | None, tenant_id: UUID | None = None
) -> None:
    """`call` is the caller's, where it is known; `destination` whose number was called, where that is.

    `tenant_id` is whose account it came over, where the calls configuration tells.
    """
    if event.type == "CALL_RECEIVED":
        if event.leg.direction == "INBOUND":
            answering.receive(incoming_of(event), destination, tenant_id)
        return
    if call is None:
        _unknown(event, destination)
    elif event.type in DIALOG_OVER:
        errands.run(partial(_dialog_over, call.carrier_call_id, event))
    elif event.call_id == call.carrier_call_id:
        if call.is_outbound:
            outbound.take(event, call, _later)
        _of_caller(event, call)
    elif event.type in CALL_OVER:
        errands.run(partial(_leg_over, call.carrier_call_id, event), after_s=DIALOG_WORD_S)
    elif event.type in people.EVENTS:
        errands.run(partial(people.take, call, event, steps.after_people))


def incoming_of(event: Event) -> IncomingCall:
    leg, configuration = event.leg, event.configuration_id
    return IncomingCall(event.call_id, configuration, leg.from_e164, leg.to_e164, carrier=Carrier.INFOBIP)


def _unknown(event: Event, destination: Destination | None) -> None:
    """A call that has ended before we were told that it began must not be answered any more."""
    if event.type in CALL_OVER and event.leg.direction == "INBOUND" and destination is not None:
        calls.record_refused(incoming_of(event), destination, "")
        calls.apply_status(_ending(event))
        return
    logger.info("Infobip told of a call that is not ours: %s of %s", event.type, event.call_id)


def _of_caller(event: Event, call: Call) -> None:
    match event.type:
        case "CALL_ESTABLISHED":
            status = CallStatus(call.carrier_call_id, "in-progress", event.timestamp, None, Carrier.INFOBIP)
            calls.apply_status(status)
            _later(call, steps.established)
        case "CALL_FINISHED" | "CALL_FAILED":
            calls.apply_status(_ending(event))
            errands.run(partial(people.caller_left, call))
            if call.is_outbound:
                outbound.over(call)
        case "SAY_FINISHED":
            _later(call, steps.said)
        case "DTMF_CAPTURED":
            _captured(call, event)
        case "CALL_RECORDING_READY":
            _voicemail(event, call)
        case "ERROR":
            _note(call, "carrier_error", event, action=event.action)
            if event.action == "SAY":
                _later(call, steps.said)
            elif event.action == "CAPTURE_DTMF":
                _later(call, steps.not_captured)


def _captured(call: Call, event: Event) -> None:
    """The same event again is the same key; events have no ids."""
    if not event.timestamp or _note(call, "keys", event, key=f"keys:{event.timestamp}"):
        _later(call, partial(steps.captured, keys=event.keys))


def _ending(event: Event) -> CallStatus:
    otherwise = "failed" if event.type == "CALL_FAILED" else "completed"
    state = ENDED_STATES.get(event.leg.state, otherwise)
    if state == "failed":  # the reason is told beside it, in the same words
        state = ENDED_STATES.get(event.problem, state)
    duration = event.leg.duration_seconds
    return CallStatus(event.call_id, state, event.timestamp, duration, Carrier.INFOBIP)


def _later(call: Call, step: Callable[[Call], None]) -> None:
    """The call is read again then: other events may have come."""

    def work() -> None:
        now = calls.find_call(call.carrier_call_id, Carrier.INFOBIP)
        if now is not None and calls.RANK[now.state] != calls.ENDED:
            step(now)

    errands.run(work)


def _dialog_over(carrier_call_id: str, event: Event) -> None:
    _leg_is_over(
        carrier_call_id,
        event.child.call_id,
        event,
        talked=event.type == "DIALOG_FINISHED",
        caller_left=event.hangup_source == "PARENT_ENDPOINT",
    )


def _leg_over(carrier_call_id: str, event: Event) -> None:
    talked = event.type == "CALL_FINISHED" and event.leg.state not in {
        "NO_ANSWER",
        "BUSY",
        "CANCELLED",
        "FAILED",
    }
    _leg_is_over(carrier_call_id, event.call_id, event, talked=talked, caller_left=False)


def _leg_is_over(carrier_call_id: str, leg_id: str, event: Event, *, talked: bool, caller_left: bool) -> None:
    """The agent's leg, or a person's, has ended: once, though the leg and the dialog tell of it. An errand's work."""
    call = calls.find_call(carrier_call_id, Carrier.INFOBIP)
    if call is None or not _note(call, "leg_over", event, key=f"over:{leg_id}", leg_id=leg_id):
        return
    if event.child.endpoint == "PHONE" or event.leg.endpoint == "PHONE":
        if not caller_left and calls.RANK[call.state] != calls.ENDED:
            state = ENDED_STATES.get(event.child.state or event.leg.state, "")
            people.leg_is_over(call, leg_id, steps.after_people, talked=talked, state=state)
        return
    settled = ladder.settled(carrier_call_id, Carrier.INFOBIP)
    if settled is None or calls.RANK[settled.state] == calls.ENDED:
        return
    if settled.is_outbound and outbound.leave_message(settled):
        return
    has_menu = rungs.has_menu(settled.tenant)
    steps.begin(settled, ladder.after_agent(settled, has_menu=has_menu, caller_left=caller_left))


def _note(call: Call, kind: str, event: Event, *, key: str = "", **detail: str) -> bool:
    told = {"event": event.type, "problem": event.problem[:120], "by": event.hangup_source[:40]}
    with tenant_scope(call.tenant_id):
        return calls.add_event(call.tenant_id, call.pk, kind, dedupe_key=key, **told, **detail)


def _voicemail(event: Event, call: Call) -> None:
    voicemails.left(call, event.recording_id or event.timestamp, is_file=bool(event.recording_id))
