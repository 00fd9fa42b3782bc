"""Fetching a person over REST.

blind, one after the other    a dialog of the caller with a PHONE leg -> DIALOG_FINISHED: done; DIALOG_FAILED: the next
warm, or several at once      calls of their own, while the caller hears it ring:

    POST /calls -> CALL_ESTABLISHED -> capture/dtmf, with the whisper -> DTMF_CAPTURED 1 -> both legs in one dialog
                                                                      '-> anything else: hung up

Whether a leg may have a second dialog is not documented: where it is refused, a conference does the same. What comes
after people is not known here: `then` is told.
"""

import logging
import time
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from uuid import UUID

from agents.speech import speech_for
from telephony import calls
from telephony.carriers.infobip import agent_leg, errands
from telephony.carriers.infobip.account import account_of
from telephony.carriers.infobip.addresses import hold_url
from telephony.carriers.infobip.events import PERSON, Event
from telephony.carriers.infobip.rest import InfobipRest
from telephony.handover import wire_format
from telephony.models import Call, Carrier
from telephony.people import returning, transfers, whisper
from telephony.people.models import Transfer, TransferLeg
from tenants.scoping import tenant_scope
from tenants.vendor_http import VendorError

logger = logging.getLogger(__name__)

State, LegState = Transfer.State, TransferLeg.State
EVENTS = frozenset({"CALL_ESTABLISHED", "DTMF_CAPTURED", "ERROR"})
"""Of a person's leg. Its end is told by more than one event, and is the course's affair."""
KEY = "1"
PRESS_MS = 8_000
MS_PER_CHARACTER = 90
"""Of a text that is read out: whether the time to press counts from its beginning or its end is not documented."""
HOLD_TIMES = 100
OVERDUE_S = 60.0
"""After the ringing: for the whisper, the key, and events that are late."""
FIND_TRIES, FIND_SECONDS = 10, 0.2


class Then(Enum):
    HANG_UP = auto()
    GOODBYE = auto()
    LADDER = auto()


Next = Callable[[Call, Then], None]


def begin(call: Call, purpose: Transfer.Purpose, then: Next) -> None:
    """Ring whoever there is. An errand's work, as all of this."""
    transfer = transfers.begin(call, purpose)
    if transfer is None:
        then(call, Then.LADDER)
    else:
        _ring(transfer, then)


def take(call: Call, event: Event, then: Next) -> None:
    """An event of a person's leg. `call` is what the event's proof was for: no other call's legs."""
    transfers.name_leg(call, event.leg.person, event.call_id)
    leg = _find(event.call_id, wait=event.leg.endpoint == "PHONE")
    if leg is None or leg.transfer.call_id != call.pk:
        return
    transfer = leg.transfer
    if event.type == "CALL_ESTABLISHED":
        _answered(transfer, leg, then)
    elif event.type == "DTMF_CAPTURED" or event.action == "CAPTURE_DTMF":
        _pressed(transfer, leg, event.keys, then)


def leg_is_over(call: Call, leg_id: str, then: Next, *, talked: bool, state: str) -> None:
    """`state` is ours of the leg's end; `talked` says whether it was up at all."""
    leg = _find(leg_id, wait=True)
    if leg is None or leg.transfer.call_id != call.pk:
        return
    transfer = transfers.find(leg.transfer_id)
    if transfer is None:
        return
    if transfer.state == State.RINGING and talked and _is_direct(transfer):
        transfers.takes(transfer, leg)
        transfer = transfers.find(leg.transfer_id) or transfer
    if transfer.state == State.JOINED:
        if leg.pk == _taker(transfer) and transfers.is_over(transfer):
            then(transfer.call, Then.GOODBYE if transfer.is_warm else Then.HANG_UP)
        return
    transfers.leg_ends(transfer, leg, transfers.UNREACHED.get(state, LegState.NO_ANSWER))
    _next_if_over(transfer, then)


def caller_left(call: Call) -> None:
    """Nobody waits any more: whoever rings is left in peace."""
    last = transfers.latest(call)
    if last is not None:
        errands.forget(last.pk)
    for leg in transfers.caller_left(call):
        _hang_up(leg)


# --- Ringing -------------------------------------------------------------------------------------


def _is_direct(transfer: Transfer) -> bool:
    """One telephone, and nothing to be said before: it is put through at once."""
    return not transfer.is_warm and len(transfer.rounds[transfer.position]["people"]) == 1


def _ring(transfer: Transfer, then: Next) -> None:
    """This round, or the next of which anybody can be rung."""
    legs = transfers.legs_of(transfer)
    with InfobipRest(account_of(transfer.tenant_id).api_key) as api:
        if _is_direct(transfer):
            reached = [_put_through(api, transfer, legs[0])]
        else:
            _hold(api, transfer)
            reached = [_call(api, transfer, leg) for leg in legs]
    if any(reached):
        overdue = transfers.rings_seconds(transfer) + OVERDUE_S
        errands.later(transfer.pk, partial(_overdue, transfer.pk, transfer.position, then), overdue)
    else:
        _next_if_over(transfer, then)


def _put_through(api: InfobipRest, transfer: Transfer, leg: TransferLeg) -> bool:
    """A dialog; where the leg has had one and may not have another, a conference."""
    call = transfer.call
    phone = {"type": "PHONE", "phoneNumber": leg.e164.removeprefix("+")}
    rings = transfers.rings_seconds(transfer)
    child = {"endpoint": phone, "from": call.our_e164.removeprefix("+"), "connectTimeout": rings}
    _stop_hold(api, transfer)
    try:
        try:
            longest = agent_leg.longest_seconds(call)
            made = api.create_dialog(call.carrier_call_id, child, max_seconds=longest)
            told = made.get("childCall")
        except VendorError as error:
            logger.info("No second dialog for call %s: %s", call.carrier_call_id, error.message)
            told = api.connect(call.carrier_call_id, child).get("call")
    except VendorError as error:
        return _not_rung(transfer, leg, error)
    transfers.rung(leg, str(told.get("id") or "") if isinstance(told, dict) else "")
    return True


def _call(api: InfobipRest, transfer: Transfer, leg: TransferLeg) -> bool:
    call = transfer.call
    configuration = account_of(call.tenant_id).configuration_id or call.carrier_account_id
    try:
        made = api.create_call(
            leg.e164,
            call.our_e164,
            configuration,
            connectTimeout=transfers.rings_seconds(transfer),
            maxDuration=agent_leg.longest_seconds(call),
            parentCallId=call.carrier_call_id,
            customData={PERSON: str(leg.pk)},
        )
    except VendorError as error:
        return _not_rung(transfer, leg, error)
    transfers.rung(leg, str(made.get("id") or ""))
    return True


def _not_rung(transfer: Transfer, leg: TransferLeg, error: VendorError) -> bool:
    _note_failure(transfer, "ring", error)
    transfers.leg_ends(transfer, leg, LegState.FAILED)
    return False


def _overdue(transfer_id: UUID, position: int, then: Next) -> None:
    """Events were lost, or somebody listens for ever: the caller must not hear it ring for ever."""
    errands.forget(transfer_id)
    transfer = transfers.find(transfer_id)
    if transfer is None or transfer.state != State.RINGING or transfer.position != position:
        return
    for leg in transfers.legs_of(transfer):
        if leg.state in transfers.OPEN:
            transfers.leg_ends(transfer, leg, LegState.NO_ANSWER)
            _hang_up(leg)
    _next_if_over(transfer, then)


# --- A person picks up ---------------------------------------------------------------------------


def _answered(transfer: Transfer, leg: TransferLeg, then: Next) -> None:
    if leg.state == LegState.FAILED:  # it rang after all: only the answer that said so was lost
        _hang_up(leg)
    elif _is_direct(transfer):
        transfers.takes(transfer, leg)
        errands.forget(transfer.pk)
    elif not transfer.is_warm:
        _take(transfer, leg, then)
    elif transfers.listens(transfer, leg):
        if _once(transfer, "whisper", leg.pk):
            _whisper(transfer, leg, then)
    elif not _took(transfer, leg):
        _hang_up(leg)


def _whisper(transfer: Transfer, leg: TransferLeg, then: Next) -> None:
    with tenant_scope(transfer.tenant_id):
        told = whisper.words(transfer)
    text = " ".join([*told, speech_for(transfer.tenant.language).press_to_take])
    timeout_ms = PRESS_MS + MS_PER_CHARACTER * len(text)
    language = agent_leg.spoken_language(transfer.tenant.language)
    try:
        with InfobipRest(account_of(transfer.tenant_id).api_key) as api:
            api.capture_key_after(leg.carrier_leg_id, text, language, timeout_ms)
    except VendorError as error:
        _note_failure(transfer, "whisper", error)
        _decline(transfer, leg, then)


def _pressed(transfer: Transfer, leg: TransferLeg, keys: str, then: Next) -> None:
    if keys == KEY:
        _take(transfer, leg, then)
    elif not _took(transfer, leg):
        _decline(transfer, leg, then)


def _decline(transfer: Transfer, leg: TransferLeg, then: Next) -> None:
    transfers.leg_ends(transfer, leg, LegState.DECLINED)
    _hang_up(leg)
    _next_if_over(transfer, then)


def _took(transfer: Transfer, leg: TransferLeg) -> bool:
    return _taker(transfer) == leg.pk


def _taker(transfer: Transfer) -> UUID | None:
    legs = transfers.legs_of(transfer, everywhere=True)
    return next((leg.pk for leg in legs if leg.state == LegState.TOOK), None)


def _take(transfer: Transfer, leg: TransferLeg, then: Next) -> None:
    """The first who wants the call gets it; a key that is told of twice joins nobody twice."""
    if _took(transfer, leg):
        return
    others = [one for one in transfers.legs_of(transfer) if one.pk != leg.pk and one.state in transfers.OPEN]
    if not transfers.takes(transfer, leg):
        _hang_up(leg)
        return
    if not _once(transfer, "join", leg.pk):
        return
    errands.forget(transfer.pk)
    joined = _join(transfer, leg)
    for other in others:
        _hang_up(other)
    if not joined:
        transfers.could_not_join(transfer, leg)
        _hang_up(leg)
        _next_if_over(transfer, then)


def _join(transfer: Transfer, leg: TransferLeg) -> bool:
    call = transfer.call
    with InfobipRest(account_of(transfer.tenant_id).api_key) as api:
        _stop_hold(api, transfer)
        try:
            try:
                longest = agent_leg.longest_seconds(call)
                api.join(call.carrier_call_id, leg.carrier_leg_id, max_seconds=longest)
            except VendorError as error:
                logger.info("No second dialog for call %s: %s", call.carrier_call_id, error.message)
                api.join_in_conference(call.carrier_call_id, leg.carrier_leg_id)
        except VendorError as error:
            _note_failure(transfer, "join", error)
            return False
    return True


# --- Nobody, or nobody yet -----------------------------------------------------------------------


def _next_if_over(transfer: Transfer, then: Next) -> None:
    now = transfers.find(transfer.pk)
    if now is None or now.state != State.RINGING or not transfers.is_round_over(now):
        return
    now, mine = transfers.round_ends(now, now.position)
    if not mine:
        return
    errands.forget(now.pk)
    if now.state == State.RINGING:
        _ring(now, then)
    elif calls.RANK[now.call.state] != calls.ENDED and not _agent_again(now):
        with InfobipRest(account_of(now.tenant_id).api_key) as api:
            _stop_hold(api, now)
        then(now.call, Then.LADDER)


def _agent_again(transfer: Transfer) -> bool:
    """Whether the agent goes on with the caller, who hears it ring until it is there."""
    token = returning.reopen(transfer) if returning.comes_back(transfer) else None
    if token is None:
        return False
    call = transfer.call
    with tenant_scope(call.tenant_id):
        led = call.conversation
    with InfobipRest(account_of(transfer.tenant_id).api_key) as api:
        _stop_hold(api, transfer)
    rate_hz = wire_format(Carrier.INFOBIP, led.provider if led else "").rate_hz
    return agent_leg.dial(call, token, rate_hz, again=True)


# --- Small things --------------------------------------------------------------------------------


def _hold(api: InfobipRest, transfer: Transfer) -> None:
    """The caller hears it ring, from the first round on."""
    if not _once(transfer, "hold", transfer.pk):
        return
    call = transfer.call
    try:
        api.play(call.carrier_call_id, hold_url(), HOLD_TIMES)
    except VendorError as error:
        _note_failure(transfer, "hold", error)


def _stop_hold(api: InfobipRest, transfer: Transfer) -> None:
    with tenant_scope(transfer.tenant_id):
        plays = transfer.call.events.filter(dedupe_key=f"hold:{transfer.pk}").exists()
    if plays and _once(transfer, "hold_over", transfer.pk):
        try:
            api.stop_play(transfer.call.carrier_call_id)
        except VendorError as error:  # it may have ended by itself
            logger.info("The ringing could not be stopped: %s", error.message)


def _once(transfer: Transfer, what: str, of: UUID) -> bool:
    """Events come twice, and at the same time: one of them does it."""
    with tenant_scope(transfer.tenant_id):
        return calls.add_event(transfer.tenant_id, transfer.call_id, what, dedupe_key=f"{what}:{of}")


def _hang_up(leg: TransferLeg) -> None:
    """Never raises: it may be gone already."""
    leg_id = leg.carrier_leg_id
    if not leg_id:
        with tenant_scope(leg.tenant_id):
            leg_id = TransferLeg.objects.get(pk=leg.pk).carrier_leg_id
    if not leg_id:
        return
    try:
        with InfobipRest(account_of(leg.tenant_id).api_key) as api:
            api.hang_up(leg_id)
    except VendorError as error:
        logger.info("A person's leg was not hung up: %s", error.message)


def _find(leg_id: str, *, wait: bool) -> TransferLeg | None:
    """An event may be faster than the answer that told us of the leg."""
    for _ in range(FIND_TRIES if wait else 1):
        leg = transfers.find_leg(leg_id)
        if leg is not None:
            return leg
        time.sleep(FIND_SECONDS)
    return None


def _note_failure(transfer: Transfer, action: str, error: VendorError) -> None:
    logger.warning(
        "Infobip would not %s for call %s: %s", action, transfer.call.carrier_call_id, error.message
    )
    with tenant_scope(transfer.tenant_id):
        reason = error.message[:240]
        calls.add_event(transfer.tenant_id, transfer.call_id, "carrier_refused", action=action, reason=reason)
