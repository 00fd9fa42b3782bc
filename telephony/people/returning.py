"""Nobody came: the agent goes on with the same caller, in a session that knows what has happened."""

from agents import resuming
from agents.so_far import Resumption
from agents.speech import speech_for
from telephony import breaker, calls, live, rungs
from telephony.models import Call
from telephony.people import transfers
from telephony.people.models import Transfer
from tenants.scoping import tenant_scope

HOW = {
    "no_answer": "did not answer",
    "busy": "was busy",
    "declined": "picked up and did not take the call",
    "failed": "could not be reached",
    "stopped": "did not take the call",
}


def comes_back(transfer: Transfer) -> bool:
    """Whether it is the agent that goes on, and not the ladder.

    After a warm transfer always. After a blind one only where the caller would otherwise hear an apology.
    """
    tenant = transfer.tenant
    has_else = rungs.has_voicemail(tenant) or rungs.has_menu(tenant)
    wanted = transfer.purpose == Transfer.Purpose.WANTED and (transfer.is_warm or not has_else)
    return wanted and not live.is_draining() and _agent_works(transfer.call)


def _agent_works(call: Call) -> bool:
    with tenant_scope(call.tenant_id):
        led = call.conversation
    if led is None:
        return False
    return breaker.allows(breaker.Circuit(call.tenant_id, led.provider, led.agent_id))


def reopen(transfer: Transfer) -> str | None:
    """The token of the agent's new stream; None when the call is over, or the agent has come back already."""
    call = transfer.call
    if transfer.state not in {Transfer.State.NOBODY, Transfer.State.RETURNED}:
        return None
    with tenant_scope(call.tenant_id):
        now = Call.objects.get(pk=call.pk)
        if now.stream_id != transfer.episode:
            return None
        token = calls.reopen(now, _resumption(transfer))
    if token:
        transfers.returned(transfer)
    return token


def _resumption(transfer: Transfer) -> Resumption:
    speech = speech_for(transfer.tenant.language)
    legs = transfers.legs_of(transfer, everywhere=True)
    facts = [
        "You tried to put the caller through to a person.",
        *([f"Why, as you put it: {transfer.reason}."] if transfer.reason else []),
        *(f"{leg.name} {HOW.get(leg.state, 'did not take the call')}." for leg in legs),
        "Nobody took the call. Offer to take a message (take_message), to book (check_availability), or that they "
        "call again later.",
    ]
    conversation = transfer.call.conversation
    if conversation is None:
        return Resumption(speech.nobody_came, ())
    return resuming.resumption(conversation, speech.nobody_came, facts)
