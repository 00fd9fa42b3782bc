"""The secrets that webhooks may be signed with, at hand: reading and decrypting them for each request would
let anybody buy our time with a bad signature, and a stopped database would stop the calls.
"""

import contextlib
import hashlib
import logging
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseError
from django.db.models import Count, Max
from django.db.models.signals import post_delete, post_save

from agents.patience import TooSlow, in_transaction, within
from tenants.credentials import platform_secret
from tenants.models import Credential, Tenant
from tenants.scoping import platform_scope

logger = logging.getLogger("tonris.security")

FRESH_S = 5.0
"""After so long another process may have changed a secret: the database is asked whether."""
USABLE_S = 900.0
"""So long what was read stays good while the database does not answer."""
PATIENCE_S = 0.35
MAX_SECRETS = 20_000
MAX_HINTS = 6
MAX_NAMED = 8


@dataclass(frozen=True, slots=True)
class Key:
    """A secret and the tenant that it speaks for; None for the platform's."""

    tenant_id: UUID | None
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keyring:
    """Every tenant's own secret. Whoever has none is not here."""

    by_tenant: Mapping[UUID, Key] = field(default_factory=dict)
    by_digest: Mapping[bytes, Key] = field(default_factory=dict, repr=False)
    by_agent: Mapping[str, Sequence[UUID]] = field(default_factory=dict)
    version: object = None

    def holder_of(self, bearer: bytes) -> Key | None:
        """Whose secret this is; by its digest, so that no comparison tells how much of it was right."""
        return self.by_digest.get(hashlib.sha256(bearer).digest())

    def named_in(self, *texts: bytes) -> list[Key]:
        """The keys of tenants that are named in these texts, by their ids or their agents'."""
        named = dict.fromkeys(key for text in texts for name in _hints(text) for key in self._named(name))
        return list(named)[:MAX_NAMED]

    def others_than(self, named: Sequence[Key]) -> Iterator[Key]:
        return (key for key in self.by_tenant.values() if key not in named)

    def _named(self, name: str) -> Iterator[Key]:
        owners = list(self.by_agent.get(name, ()))
        with contextlib.suppress(ValueError):
            owners.append(UUID(name))
        return (self.by_tenant[owner] for owner in owners if owner in self.by_tenant)


class Unknown(Exception):
    """The database does not answer, and nothing recent enough is at hand."""


@dataclass(frozen=True, slots=True)
class _Kept:
    ring: Keyring
    read_at: float
    """By the monotonic clock, before the database was asked."""

    @property
    def age_s(self) -> float:
        return time.monotonic() - self.read_at


_lock = threading.Lock()
_reading = threading.Lock()
_kept: _Kept | None = None
_generation = 0
"""Counts the changes of secrets in this process: what was read across one of them is not kept."""


def platform_key() -> Key | None:
    """From the environment: there whatever the database does."""
    secret = platform_secret(Credential.Name.WEBHOOK_SECRET)
    return Key(None, secret) if secret else None


def keyring() -> Keyring:
    """The tenants' secrets, at most FRESH_S old, or USABLE_S while the database is silent. Raises Unknown."""
    if in_transaction():
        return _load(None)
    kept = _kept
    if kept is not None and (kept.age_s < FRESH_S or (kept.age_s < USABLE_S and _reading.locked())):
        return kept.ring  # or somebody else is asking the database just now
    try:
        return within(PATIENCE_S, _read_and_keep)
    except (TooSlow, DatabaseError):
        if kept is None or kept.age_s > USABLE_S:
            raise Unknown from None
        logger.warning("The database is silent: webhooks are checked with the secrets read before")
        return kept.ring


def forget() -> None:
    """Read the secrets anew for the next request."""
    global _kept, _generation
    with _lock:
        _kept, _generation = None, _generation + 1


def _credential_changed(instance: Credential, **_: Any) -> None:
    if instance.name == Credential.Name.WEBHOOK_SECRET:
        forget()


post_save.connect(_credential_changed, sender=Credential, dispatch_uid="keyring-saved")
post_delete.connect(_credential_changed, sender=Credential, dispatch_uid="keyring-deleted")


def _read_and_keep() -> Keyring:
    """Kept even if whoever asked has given up waiting: the next request finds it."""
    global _kept  # noqa: PLW0603 - as above
    with _reading:
        before, read_at, kept = _generation, time.monotonic(), _kept
        ring = _load(kept.ring if kept else None)
        with _lock:
            if _generation == before:
                _kept = _Kept(ring, read_at)
        return ring


def _load(known: Keyring | None) -> Keyring:
    with platform_scope():
        rows = Credential.objects.filter(name=Credential.Name.WEBHOOK_SECRET)
        changes = rows.aggregate(Max("updated_at"), Count("pk"))
        version = (tuple(changes.values()), tuple(settings.FIELD_ENCRYPTION_KEYS))
        if known is not None and known.version == version:
            return known
        pairs = list(rows.order_by("-updated_at").values_list("tenant_id", "value")[: MAX_SECRETS + 1])
        owners = [tenant_id for tenant_id, _ in pairs]
        agents = list(Tenant.objects.filter(pk__in=owners).values_list("settings__elevenLabsAgentId", "pk"))
    if len(pairs) > MAX_SECRETS:
        logger.error("More than %d tenants have a webhook secret: the oldest are not accepted", MAX_SECRETS)
    return _ring(pairs[:MAX_SECRETS], agents, version)


def _ring(pairs: list[tuple[UUID, str | None]], agents: list[tuple[Any, UUID]], version: object) -> Keyring:
    by_digest: dict[bytes, list[Key]] = defaultdict(list)
    for tenant_id, secret in pairs:
        if secret:
            by_digest[_digest(secret)].append(Key(tenant_id, secret))
    shared = [keys for keys in by_digest.values() if len(keys) > 1]
    for keys in shared:  # such a secret would leave it to the payload which tenant it speaks for
        logger.error("%d tenants have the same webhook secret: it is not accepted", len(keys))
    own = {digest: keys[0] for digest, keys in by_digest.items() if len(keys) == 1}
    by_agent: dict[str, list[UUID]] = defaultdict(list)
    for agent_id, tenant_id in agents:
        if isinstance(agent_id, str) and agent_id:
            by_agent[agent_id].append(tenant_id)
    by_tenant = {key.tenant_id: key for key in own.values() if key.tenant_id}
    return Keyring(by_tenant, own, by_agent, version)


_HINT = re.compile(
    rb'"(?:tenantId|tenant_id|agentId|agent_id)"[ \t\r\n]{0,8}:[ \t\r\n]{0,8}"([!-~]{1,120}?)"'
)
_QUERY_HINT = re.compile(rb"(?:^|&)tenantId=([0-9A-Fa-f-]{32,36})(?:&|$)")


def _hints(content: bytes) -> list[str]:
    """What looks like a tenant's or an agent's name. Of strangers: found by pattern, at the cost of a glance."""
    found: dict[str, None] = {}
    for pattern in (_QUERY_HINT, _HINT):
        for match in pattern.finditer(content):
            found[match[1].decode()] = None
            if len(found) == MAX_HINTS:
                return list(found)
    return list(found)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
