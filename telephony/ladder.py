"""Which rung of the ladder a caller without an agent stands on. How it is climbed is the carrier's own affair.

a person      ring groups, settings.transferNumber
the menu      keys and words instead of an agent: where settings.keypadMenu asks for it, and the carrier can
voicemail     settings.voicemail
an apology    only when nothing else is left
"""

import time
from enum import StrEnum

from agents.speech import speech_for
from telephony import calls
from telephony.carriers.registry import DEFAULT
from telephony.closing_time import SPEND_LIMIT
from telephony.errors import AgentNotChosen, AgentNotConfigured, BudgetSpent, CallerBudgetSpent
from telephony.models import Call
from telephony.people import transfers
from telephony.people.models import Transfer
from telephony.rungs import has_voicemail
from tenants.models import Tenant
from tenants.scoping import tenant_scope

SETTLE_TRIES, SETTLE_SECONDS = 8, 0.2


class Rung(StrEnum):
    HANG_UP = "hang_up"
    TIME_UP = "time_up"
    NOBODY_SPEAKS = "nobody_speaks"
    PERSON = "person"
    MENU = "menu"
    VOICEMAIL = "voicemail"
    APOLOGY = "apology"


TOLD = frozenset(
    {
        *(AgentNotConfigured.outcome, AgentNotChosen.outcome),
        *(BudgetSpent.outcome, CallerBudgetSpent.outcome),
        *(calls.MENU, calls.TRANSFER),
    }
)
"""Outcomes of which the caller has heard, or that are no failure."""


def settled(carrier_call_id: str, carrier: str = DEFAULT) -> Call | None:
    """The call, once its stream's ending is written down: the carrier may ask before that."""
    for _ in range(SETTLE_TRIES):
        call = calls.find_call(carrier_call_id, carrier)
        if call is None or not call.stream_started_at or call.stream_ended_at:
            return call
        time.sleep(SETTLE_SECONDS)
    return call


def after_agent(call: Call, *, has_menu: bool, caller_left: bool = False) -> Rung:
    """The media stream of a settled call is over, or never came to be."""
    if caller_left or calls.RANK[call.state] == calls.ENDED:
        return Rung.HANG_UP
    if call.outcome in calls.SERVED or not call.tenant.is_active:
        return Rung.HANG_UP
    with tenant_scope(call.tenant_id):
        if call.stream_started_at and not call.stream_ended_at:
            calls.abandon_stream(call)
        calls.add_event(call.tenant_id, call.pk, calls.AFTERCARE, outcome=call.outcome)
    if call.outcome in {calls.TIME_LIMIT, SPEND_LIMIT}:
        return Rung.TIME_UP
    if call.outcome == calls.SILENCE:
        return Rung.NOBODY_SPEAKS
    if call.is_outbound and call.outcome != calls.TRANSFER:  # it was we who wanted something
        return Rung.APOLOGY
    if call.outcome == calls.MENU and has_menu:
        return Rung.MENU
    if transfers.may_begin(call, purpose_of(call)):
        return Rung.PERSON
    return Rung.MENU if has_menu else without_person(call.tenant)


def calls_for_apology(call: Call, rung: Rung) -> bool:
    """Whether something went wrong, and nobody has said so yet."""
    ends_well = rung in {Rung.HANG_UP, Rung.TIME_UP, Rung.NOBODY_SPEAKS}
    # What a business has recorded is said to callers: whoever is called hears who it was.
    return not ends_well and call.outcome not in TOLD and not call.is_outbound


def purpose_of(call: Call) -> Transfer.Purpose:
    """Whether it is the agent's wish that a person takes the caller, or the agent is not there."""
    return Transfer.Purpose.WANTED if call.outcome == calls.TRANSFER else Transfer.Purpose.INSTEAD


def without_person(tenant: Tenant) -> Rung:
    return Rung.VOICEMAIL if has_voicemail(tenant) else Rung.APOLOGY


def announcement(call: Call) -> str:
    """Said before a person is rung; "" where the agent has said it."""
    return "" if call.outcome == calls.TRANSFER else speech_for(call.tenant.language).connecting_instead
