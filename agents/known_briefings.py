"""What a conversation-initiation webhook asks and is answered: within a second, whatever the database does.

The database is asked each time; what it said before is at hand for when it does not answer.
"""

import logging
import threading
import time
import zoneinfo
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseError

from agents import called_numbers
from agents.briefings import brief, overrides_of, today_in
from agents.initiation import Briefing
from agents.patience import TooSlow, in_transaction, within
from agents.webhook_bodies import section
from agents.webhook_identity import (
    MAX_CALL_SID,
    MAX_CONVERSATION_ID,
    Claims,
    Sender,
    forbidden,
    one_of,
    one_tenant_of,
    resolve_tenant,
)
from tenants.models import Tenant
from tenants.phone import e164_or_blank
from tenants.responses import ApiError
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

PATIENCE_S = 0.4
"""With the secrets' patience it stays well below a second."""
USABLE_S = 3600.0
"""While the database is silent nobody can change what it says: better an hour old than neutral."""
MAX_KNOWN = 2000


@dataclass(frozen=True, slots=True)
class Question:
    """What decides the tenant."""

    sender_tenant_id: UUID | None
    called_e164: str
    tenant_id: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class Known:
    """What does not differ from call to call."""

    tenant_id: UUID
    briefing: Briefing
    overrides: Collection[str] | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, in the vendor's own shape or with everything in `dynamic_variables`. "" where it says nothing."""

    caller_e164: str
    called_e164: str
    call_sid: str
    conversation_id: str
    tenant_id: str
    agent_id: str
    is_carried_by_vendor: bool
    """The vendor's own phone integration names the call and the caller at the root."""

    def briefing(self, known: Known | None) -> Briefing:
        """Neutral where nothing is known."""
        facts = known.briefing if known else Briefing(voice_id=settings.ELEVENLABS_VOICE_ID)
        return replace(
            facts,
            caller_number=self.caller_e164,
            call_sid=self.call_sid,
            conversation_id=self.conversation_id,
            today=today_in(zoneinfo.ZoneInfo(facts.timezone), facts.language) if known else "",
        )


def read_asked(payload: dict[str, Any], tenant_ids: Iterable[str] = ()) -> Asked:
    """`tenant_ids`: those that the address names. Raises ApiError 400 for what could mean two tenants; what is merely
    odd counts as not said."""
    variables = section(payload, "dynamic_variables")
    places = (payload, variables)
    call_sid = _first(places, "call_sid", longest=MAX_CALL_SID)
    return Asked(
        caller_e164=e164_or_blank(_first(places, "caller_id", "caller_number")),
        called_e164=e164_or_blank(_first(places, "called_number")),
        call_sid=call_sid,
        conversation_id=_first(places, "conversation_id", longest=MAX_CONVERSATION_ID),
        tenant_id=one_tenant_of("tenant_id", *tenant_ids, *_said(places, "tenant_id", "tenantId")),
        agent_id=one_of("agent_id", *_said(places, "agent_id", "agentId")),
        is_carried_by_vendor=bool(call_sid)
        and payload.get("call_sid") == call_sid
        and "caller_id" in payload,
    )


def _said(places: tuple[dict[str, Any], ...], *names: str) -> list[Any]:
    return [place.get(name) for place in places for name in names]


def _first(places: tuple[dict[str, Any], ...], *names: str, longest: int = 120) -> str:
    for place in places:
        for name in names:
            value = place.get(name)
            if isinstance(value, str) and 0 < len(value) <= longest:
                return value
    return ""


_lock = threading.Lock()
_known: OrderedDict[Question, tuple[float, Known | None]] = OrderedDict()


def find(question: Question) -> Known | None:
    """None for what is nobody's, or not known while the database is silent. Raises ApiError 403."""
    try:
        return within(PATIENCE_S, partial(_read_and_keep, question))
    except (TooSlow, DatabaseError):
        logger.warning("The database is silent: a conversation begins with what was known before")
        with _lock:
            read_at, known = _known.get(question, (0.0, None))
        return known if known and time.monotonic() - read_at < USABLE_S else None


def forget() -> None:
    with _lock:
        _known.clear()


def _read_and_keep(question: Question) -> Known | None:
    may_keep, read_at = not in_transaction(), time.monotonic()
    known = _read(question)
    if may_keep:
        with _lock:
            _known[question] = (read_at, known)
            _known.move_to_end(question)
            while len(_known) > MAX_KNOWN:
                _known.popitem(last=False)
    return known


def _read(question: Question) -> Known | None:
    tenant = _tenant(question)
    if tenant is None:
        return None
    with tenant_scope(tenant):
        facts = brief(tenant, caller_number="", call_sid="", conversation_id="")
        return Known(tenant.pk, facts, overrides_of(tenant, question.agent_id))


def _tenant(question: Question) -> Tenant | None:
    """None for a number and ids that are nobody's or a suspended tenant's; neutral words answer those."""
    sender, called = Sender(question.sender_tenant_id), question.called_e164
    owner = called_numbers.owner_of(called) if called else None
    if owner and sender.tenant_id not in {None, owner}:
        raise forbidden("The called number belongs to another tenant")
    if owner and question.tenant_id and question.tenant_id.lower() != str(owner):
        raise forbidden("tenant_id contradicts the called number")
    claims = Claims(tenant_id=str(owner or question.tenant_id), agent_id=question.agent_id)
    try:
        tenant, _ = resolve_tenant(sender, claims)
    except ApiError as error:
        if error.status_code == 403:
            raise
        return None
    return tenant if tenant.is_active else None
