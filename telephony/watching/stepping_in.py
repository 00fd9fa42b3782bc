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
from telephony import calls
from telephony.models import Call
from telephony.watching.door import Watcher
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

LONGEST_WHISPER = 500
"""Characters."""


class Deed(StrEnum):
    HANG_UP = "hang_up"
    TRANSFER = "transfer"


_ACTS = {Deed.HANG_UP: Act.HANG_UP, Deed.TRANSFER: Act.TRANSFER}


@dataclass(frozen=True, slots=True)
class Wish:
    deed: Deed
    call_id: UUID


def read(text: str) -> Wish | None:
    """None for what no page of ours sends."""
    try:
        wanted: Any = json.loads(text)
        return Wish(Deed(wanted["do"]), UUID(wanted["id"]))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None


def carry_out(watcher: Watcher, wish: Wish) -> str:
    """ "" when it is under way, else why not: a sentence for the person."""
    if not watcher.may_act:
        return "Your role may look at calls, but not step in."
    with tenant_scope(watcher.tenant_id):
        call = Call.objects.select_related("conversation").filter(pk=wish.call_id).first()
        if call is None or call.conversation is None or not live_calls.is_live(call.conversation):
            return "This call is no longer under way."
        event = calls.event(watcher.tenant_id, call.pk, f"staff_{wish.deed}", member=watcher.user_id)
        calls.add_events([event])
    live_calls.perform(call.conversation.pk, _ACTS[wish.deed])
    return ""
