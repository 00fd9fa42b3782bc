"""Keys of the REST API: made, recognised, revoked. Only their SHA-256 is kept, and a prefix to tell them apart by.

A key has 192 random bits: a plain hash of it cannot be searched through, as that of a password could.
"""

import datetime
import hashlib
import hmac
import re
import secrets

from django.db.models import Q
from django.utils import timezone

from tenants.audit.writing import record
from tenants.models import ApiKey, Tenant
from tenants.scoping import platform_scope

MARK = "tk_"
RANDOM_BYTES = 24
PREFIX_LENGTH = len(MARK) + 8
NOTED_EVERY = datetime.timedelta(minutes=1)

_FORM = re.compile(rf"{MARK}[0-9a-f]{{{2 * RANDOM_BYTES}}}")
_NOBODYS = "0" * 64


class KeyRefused(Exception):
    """The key opens nothing; str() says why, for the log."""


class TenantSuspended(KeyRefused):
    """The key is genuine, but its tenant is suspended."""


def create_key(tenant: Tenant, name: str) -> tuple[ApiKey, str]:
    """A new key, and its text, which nobody can tell again. Needs the tenant's scope or the platform's."""
    text = MARK + secrets.token_hex(RANDOM_BYTES)
    row = ApiKey.objects.create(tenant=tenant, name=name, prefix=text[:PREFIX_LENGTH], digest=_digest(text))
    record("api_key.made", row, tenant_id=tenant.pk, after={"name": name, "begins with": row.prefix})
    return row, text


def find_key(text: str) -> ApiKey:
    """The key that this is, with its tenant. Raises KeyRefused or TenantSuspended.

    Which tenant it is for is what the key tells: this runs in the platform's scope.
    """
    if not _FORM.fullmatch(text):
        raise KeyRefused("not a key")
    with platform_scope():
        key = _row_of(text)
        if key is None:
            raise KeyRefused("unknown key")
        if key.revoked_at is not None:
            raise KeyRefused(f"revoked key {key.pk}")
        if not key.tenant.is_active:
            raise TenantSuspended(f"key {key.pk} of a suspended tenant")
        _note_use(key)
        return key


def revoke(key: ApiKey) -> bool:
    """From now on it opens nothing. False when it was revoked before. Needs a scope."""
    revoked = bool(ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()))
    if revoked:
        record("api_key.revoked", key, tenant_id=key.tenant_id, before={"name": key.name})
    return revoked


def _row_of(text: str) -> ApiKey | None:
    """By its prefix, which is no secret; the rest is compared in constant time, also where there is no row."""
    digest = _digest(text)
    rows = ApiKey.objects.select_related("tenant").filter(prefix=text[:PREFIX_LENGTH])
    found = None
    for row in [*rows, ApiKey(digest=_NOBODYS)]:
        if hmac.compare_digest(row.digest, digest):
            found = row
    return found


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    long_ago = now - NOTED_EVERY
    if key.last_used_at is None or key.last_used_at <= long_ago:
        rows = ApiKey.objects.filter(pk=key.pk).filter(Q(last_used_at=None) | Q(last_used_at__lte=long_ago))
        rows.update(last_used_at=now)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
