"""A call comes in: put it through to the tenant's agent by a dialog with our own media socket, or say why not."""

import logging
from collections.abc import Callable
from functools import partial
from uuid import UUID

from agents.speech import speech_for
from telephony import calls, dialplan, head_start, ladder, live, rungs
from telephony.carriers.infobip import agent_leg, errands, steps
from telephony.carriers.infobip.account import account_of
from telephony.carriers.infobip.rest import InfobipRest
from telephony.errors import AgentMissing, CallerBlocked, CallRefused
from telephony.handover import wire_format
from telephony.incoming import IncomingCall
from telephony.ladder import Rung
from telephony.models import Call, Carrier
from telephony.relief import route_that_works
from tenants.credentials import platform_secret
from tenants.models import Credential
from tenants.phone import mask
from tenants.scoping import tenant_scope
from tenants.vendor_http import VendorError

logger = logging.getLogger(__name__)

RECEIVED = "call_received"


def receive(incoming: IncomingCall, destination: dialplan.Destination | None, tenant_id: UUID | None) -> None:
    """The database's part at once, Infobip's after the event was answered. A repeated event changes nothing."""
    logger.info(
        "Infobip: Incoming call %s from %s to %s",
        incoming.carrier_call_id,
        mask(incoming.from_e164),
        mask(incoming.to_e164),
    )
    if destination is None:
        errands.run(partial(reject, incoming.carrier_call_id, tenant_id))
        return
    errand = _errand(incoming, destination)
    if errand is not None:
        errands.run(errand)


def reject(carrier_call_id: str, tenant_id: UUID | None) -> None:
    """A number that is nobody's here, in the account of the tenant whose configuration it is, or the platform's."""
    own = account_of(tenant_id).api_key if tenant_id else ""
    logger.warning("Call %s came for a number that is not ours", carrier_call_id)
    try:
        with InfobipRest(own or platform_secret(Credential.Name.INFOBIP_API_KEY)) as api:
            api.hang_up(carrier_call_id, "REJECTED")
    except VendorError as error:
        logger.warning("Call %s could not be rejected: %s", carrier_call_id, error.message)


def _errand(incoming: IncomingCall, destination: dialplan.Destination) -> Callable[[], None] | None:
    """None for a call that was received before: the token of its dialog must not be replaced."""
    call_id, why = incoming.carrier_call_id, ""
    try:
        if destination.in_service:
            calls.admit(incoming, destination)
        route = dialplan.route(destination, Carrier.INFOBIP)
        calls.reserve_time(incoming, destination)
    except CallRefused as refused:
        calls.record_refused(incoming, destination, refused.outcome)
        return partial(_decline, call_id, refused) if _is_first(incoming, destination) else None
    working = None
    if live.is_draining():  # this process is about to end: it should begin nothing
        why = "draining"
    elif (working := route_that_works(route, Carrier.INFOBIP)) is None:
        why = "agent_fails_everybody"
    if working is None:
        calls.record_refused(incoming, destination, why)
        return partial(_go_down, call_id) if _is_first(incoming, destination) else None
    route = working
    with tenant_scope(route.tenant_id):  # both or nothing: a lost token would lose the call
        token = calls.open_call(incoming, route) if _is_first(incoming, destination) else None
    if not token:
        return None
    head_start.begin(route, token)
    return partial(connect, call_id, token, wire_format(Carrier.INFOBIP, route.provider).rate_hz)


def _is_first(incoming: IncomingCall, destination: dialplan.Destination) -> bool:
    with tenant_scope(destination.tenant_id):
        call = Call.objects.get(carrier=Carrier.INFOBIP, carrier_call_id=incoming.carrier_call_id)
        if calls.RANK[call.state] == calls.ENDED:
            return False
        return calls.add_event(call.tenant_id, call.pk, RECEIVED, dedupe_key=RECEIVED)


def _decline(carrier_call_id: str, refused: CallRefused) -> None:
    """The sentence that says why; and the way on, where only the agent is missing and there is one."""
    logger.warning("Call %s is answered with a sentence: %s", carrier_call_id, refused.outcome)
    call = calls.find_call(carrier_call_id, Carrier.INFOBIP)
    if call is None:
        return
    speech = speech_for(call.tenant.language)
    sentence, rung = refused.sentence(speech), Rung.HANG_UP
    if isinstance(refused, CallerBlocked):
        sentence = ""
    if isinstance(refused, AgentMissing):
        rung = ladder.after_agent(call, has_menu=rungs.has_menu(call.tenant))
    if rung is Rung.VOICEMAIL:
        sentence = f"{sentence} {speech.voicemail}"
    # An apology after the reason would say the same twice.
    steps.begin(call, Rung.HANG_UP if rung is Rung.APOLOGY else rung, sentence)


def _go_down(carrier_call_id: str) -> None:
    call = calls.find_call(carrier_call_id, Carrier.INFOBIP)
    if call is not None:
        steps.begin(call, ladder.after_agent(call, has_menu=rungs.has_menu(call.tenant)))


def connect(carrier_call_id: str, token: str, rate_hz: int) -> None:
    """The caller is answered when our media socket is there. An errand's work."""
    call = calls.find_call(carrier_call_id, Carrier.INFOBIP)
    if call is None or calls.RANK[call.state] == calls.ENDED:
        return
    if not agent_leg.dial(call, token, rate_hz):
        _go_down(carrier_call_id)
