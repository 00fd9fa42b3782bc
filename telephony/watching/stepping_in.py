"""What staff may do with a call that goes on: end it, fetch it, or tell the agent something.

Whoever carries the call does it, as it does for the agent's own tools; here it is decided whether it may.
"""

import json
import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from agents import live_calls
from agents.live_calls import Act
from telephony import calls, line, words
from telephony.carriers.registry import CARRIERS
from telephony.models import Call
from telephony.outbound.dialers import dialer_of
from telephony.outbound.errors import CarrierRefused
from telephony.watching.door import Watcher
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

LONGEST_WHISPER = 500
"""Characters."""


class Deed(StrEnum):
    HANG_UP = "hang_up"
    TRANSFER = "transfer"
    WHISPER = "whisper"


WHISPERED = (
    "A private note from the team of the business. Act on it in your own words from now on. The caller has not heard "
    "it: do not read it out, and do not mention that there is a note. The note: {}"
)

_ACTS = {Deed.HANG_UP: Act.HANG_UP, Deed.TRANSFER: Act.TRANSFER}


@dataclass(frozen=True, slots=True)
class Wish:
    deed: Deed
    call_id: UUID
    text: str = ""


def read(text: str) -> Wish | None:
    """None for what no page of ours sends."""
    try:
        wanted: Any = json.loads(text)
        text = wanted.get("text", "")
        return Wish(Deed(wanted["do"]), UUID(wanted["id"]), text.strip())
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None


def carry_out(watcher: Watcher, wish: Wish) -> str:
    """ "" when it is under way, else why not: a sentence for the person. Outside of any transaction."""
    if not watcher.may_act:
        return "Your role may look at calls, but not step in."
    if wish.deed is Deed.WHISPER and not 0 < len(wish.text) <= LONGEST_WHISPER:
        return f"What the agent is told may have {LONGEST_WHISPER} characters, and needs one."
    with tenant_scope(watcher.tenant_id):
        call = Call.objects.select_related("conversation").filter(pk=wish.call_id).first()
        if call is None or call.conversation is None or not live_calls.is_live(call.conversation):
            return "This call is no longer under way."
        if wish.deed is Deed.WHISPER:
            return _whisper(watcher, call, wish.text)
    return _act(watcher, call, call.conversation.pk, wish.deed)


def _act(watcher: Watcher, call: Call, conversation_id: UUID, deed: Deed) -> str:
    """Noted, as of when it was asked for, once somebody does it."""
    event = calls.event(watcher.tenant_id, call.pk, f"staff_{deed}", member=watcher.user_id)
    if not live_calls.perform(conversation_id, _ACTS[deed]):
        if deed is Deed.TRANSFER:
            return "The call could not be put through. Please try again in a moment."
        if not _hung_up_by_carrier(call):
            return "The call could not be ended. Please try again in a moment."
    with tenant_scope(watcher.tenant_id):
        calls.add_events([event])
    return ""


def _hung_up_by_carrier(call: Call) -> bool:
    """For when whoever carries the call cannot be told: the carrier ends it, in the middle of a word."""
    if call.carrier not in CARRIERS:  # a test call in a browser
        return False
    try:
        dialer_of(call.carrier).hang_up(call)
    except CarrierRefused as refused:
        logger.warning("Call %s could not be ended: %s", call.carrier_call_id, refused.message)
        return False
    return True


def _whisper(watcher: Watcher, call: Call, text: str) -> str:
    """Noted once it is on its way: what nobody passed on was not told."""
    if call.conversation_id is None or not line.whisper(call.conversation_id, WHISPERED.format(text)):
        return "The agent could not be told. Please try again in a moment."
    calls.add_event(watcher.tenant_id, call.pk, words.WHISPER, text=text, member=watcher.user_id)
    return ""
