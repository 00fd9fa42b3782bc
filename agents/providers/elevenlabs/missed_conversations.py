"""Conversations whose end the vendor never managed to tell us, fetched and put where its webhook would have.

Webhooks are switched off after failures, and given up after retries: what was missed is asked for once a night.
"""

import datetime
import hashlib
import logging
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from django.utils import timezone

from agents import events_inbox
from agents.briefings import text_setting
from agents.models import ProviderEvent, ProviderSession
from agents.providers.elevenlabs.rest import ElevenLabsRest, Json
from tenants.credentials import secret
from tenants.json_body import TooDeep, clean
from tenants.models import Credential, Tenant
from tenants.scoping import platform_scope, tenant_scope
from tenants.vendor_http import VendorError

logger = logging.getLogger(__name__)

KIND = "post_call_transcription"
LOOK_BACK = datetime.timedelta(days=2)
GRACE = datetime.timedelta(hours=1)
"""The vendor's own retries take forty minutes."""
LONGEST_CALL = datetime.timedelta(hours=6)
"""Conversations are listed by their start; what ended in the last two days may have begun before."""
MOST_AT_ONCE = 500
LONGEST_SECONDS = 45.0
OVER = frozenset({"done", "failed"})


@dataclass(frozen=True, slots=True)
class Search:
    """Where to look for a tenant's conversations, and which of them are its own."""

    api_key: str = field(repr=False)
    agent_id: str
    ours: frozenset[str] | None
    """None: all of this agent's. Otherwise, of an agent that several tenants share, these."""


def fetch_missed(tenant_id: UUID, *, default_agent_id: str) -> int:
    """How many conversations came in. Bounded in number and time; a fault at the vendor ends it until tomorrow."""
    search = _search(tenant_id, default_agent_id)
    if search is None:
        return 0
    deadline, stored = time.monotonic() + LONGEST_SECONDS, 0
    with ElevenLabsRest(search.api_key, read_only=True) as api:
        try:
            for conversation_id in _missed(api, tenant_id, search):
                if time.monotonic() > deadline:
                    logger.warning("Fetching missed conversations took too long; the rest waits")
                    break
                stored += _store(tenant_id, conversation_id, api.conversation(conversation_id))
        except VendorError as error:
            logger.warning("Missed conversations could not be fetched: %s", error.message)
    return stored


def _search(tenant_id: UUID, default_agent_id: str) -> Search | None:
    with platform_scope():
        tenant = Tenant.objects.filter(pk=tenant_id).first()
        own = text_setting(tenant, "elevenLabsAgentId") if tenant else ""
        alone = bool(own) and Tenant.objects.filter(settings__elevenLabsAgentId=own).count() == 1
    agent_id = own or default_agent_id
    with tenant_scope(tenant_id):
        api_key = secret(tenant_id, Credential.Name.ELEVENLABS_API_KEY)
        ours = None if alone and own != default_agent_id else _recent_sessions(agent_id)
    return Search(api_key, agent_id, ours) if api_key and agent_id else None


def _recent_sessions(agent_id: str) -> frozenset[str]:
    since = timezone.now() - LOOK_BACK - LONGEST_CALL
    rows = ProviderSession.objects.filter(
        provider=events_inbox.PROVIDER, agent_id=agent_id, started_at__gte=since
    )
    return frozenset(rows.values_list("external_id", flat=True))


def _missed(api: ElevenLabsRest, tenant_id: UUID, search: Search) -> Iterator[str]:
    """Ids of conversations that are over and of which no transcript has come."""
    now = timezone.now()
    since, until = now - LOOK_BACK, int(now.timestamp())
    rows = api.conversations(
        search.agent_id, started_after=int((since - LONGEST_CALL).timestamp()), started_before=until
    )
    ids = [
        str(row["conversation_id"])
        for row in islice(rows, MOST_AT_ONCE)
        if row.get("status") in OVER
        and since.timestamp() <= _ended_at(row) <= (now - GRACE).timestamp()
        and (search.ours is None or row.get("conversation_id") in search.ours)
    ]
    known = _already_told(tenant_id, ids)
    yield from (one for one in ids if one not in known)


def _ended_at(row: Json) -> float:
    return float(row.get("start_time_unix_secs") or 0) + float(row.get("call_duration_secs") or 0)


def _already_told(tenant_id: UUID, ids: Collection[str]) -> set[str]:
    with tenant_scope(tenant_id):
        rows = ProviderEvent.objects.filter(provider=events_inbox.PROVIDER, kind=KIND, external_id__in=ids)
        return set(rows.values_list("external_id", flat=True))


def _store(tenant_id: UUID, conversation_id: str, data: Json) -> bool:
    """False: it cannot be read, and tomorrow it will be no other."""
    try:
        body = {"type": KIND, "event_timestamp": int(timezone.now().timestamp()), "data": clean(data)}
    except TooDeep:
        logger.warning("The missed conversation %s cannot be read", conversation_id)
        return False
    # Of the id alone: fetched twice, even at once, it is one event.
    digest = hashlib.sha256(f"fetched {KIND} {conversation_id}".encode()).hexdigest()
    with tenant_scope(tenant_id):
        events_inbox.receive(tenant_id, KIND, conversation_id, body, digest)
    return True
