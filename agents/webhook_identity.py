"""Which tenant a provider's webhook acts for: the credential decides, what the payload says is only checked."""

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from agents.conversations import find_by_external_id
from agents.keyring import Key, Keyring, Unknown, keyring, platform_key
from agents.models import Conversation, SeenSignature
from agents.providers.elevenlabs.signatures import Proof, Signing, as_sent, read_proof
from tenants.loopback import is_local
from tenants.models import Tenant
from tenants.responses import ApiError
from tenants.scoping import platform_scope

logger = logging.getLogger("tonris.security")

TRIAL_BYTES = 64 * 1024 * 1024
"""A tenth of a second of hashing: what a request that names nobody is worth."""
TRIAL_OVERHEAD = 2048
_READS = frozenset({"GET", "HEAD"})

PROVIDER = "elevenlabs"
MAX_CONVERSATION_ID, MAX_CALL_SID = 120, 128


@dataclass(frozen=True, slots=True)
class Sender:
    """An authenticated sender: one tenant, or with `tenant_id` None whoever holds the platform's secret.

    `replay_key` is the same for the same signed request, "" where the proof may be repeated.
    """

    tenant_id: UUID | None
    replay_key: str = ""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a payload says about whom it concerns. Empty strings where it says nothing."""

    tenant_id: str = ""
    agent_id: str = ""
    conversation_id: str = ""
    call_sid: str = ""


def authenticate(request: HttpRequest, body: bytes | None = None) -> Sender:
    """`body` where it has been read. Raises ApiError: 401; 413 for a body over the limit; 503 without secrets."""
    query = query_of(request)
    try:
        content = query if request.method in _READS else request.body if body is None else body
    except RequestDataTooBig:
        raise ApiError("The body is larger than 1 MiB", "TOO_LARGE", 413) from None
    proof = read_proof(request.headers, content)
    if may_stay_unsigned(request, proof):
        return Sender(None)
    sender = shown(proof)
    if sender is None:
        signings = (
            (key, proof.signed_with(key.secret)) for key in signers(proof, len(content), query, content)
        )
        sender = first_that_holds(signings)
    if sender is None:
        raise refused(request, "wrong, stale or foreign credential")
    return sender


def query_of(request: HttpRequest) -> bytes:
    return str(request.META.get("QUERY_STRING", "")).encode("utf-8", "replace")


def may_stay_unsigned(request: HttpRequest, proof: Proof) -> bool:
    """Whether nothing is presented and nothing is asked for. Raises ApiError 401 where something is."""
    if proof.presented:
        return False
    if settings.ALLOW_UNSIGNED_WEBHOOKS and is_local(request):
        logger.warning("An unsigned webhook was accepted: ALLOW_UNSIGNED_WEBHOOKS is on")
        return True
    raise refused(request, "no credential")


def shown(proof: Proof) -> Sender | None:
    """Whose secret was shown itself."""
    if not proof.bearer:
        return None
    platform = platform_key()
    if platform is not None and proof.shows(platform.secret):
        return Sender(None)
    key = _keyring().holder_of(as_sent(proof.bearer))
    return Sender(key.tenant_id) if key is not None and proof.shows(key.secret) else None


def signers(proof: Proof, size: int, *texts: bytes) -> Iterator[Key]:
    """Who may have signed so many bytes: the platform, the tenants that the texts name, then the others, as
    far as their secrets can be tried at a price that strangers may cost us. Naming oneself proves nothing.
    """
    if not proof.is_signed or not (proof.plain or proof.is_recent(time.time(), _tolerance_s())):
        return
    platform = platform_key()
    if platform is not None:
        yield platform
    ring = _keyring()
    named = ring.named_in(*texts)
    yield from named
    yield from islice(ring.others_than(named), TRIAL_BYTES // (size + TRIAL_OVERHEAD))


def first_that_holds(signings: Iterable[tuple[Key, Signing]]) -> Sender | None:
    now, tolerance_s = time.time(), _tolerance_s()
    for key, signing in signings:
        if signing.holds(now=now, tolerance_s=tolerance_s):
            return Sender(key.tenant_id, signing.replay_key())
    return None


def refused(request: HttpRequest, why: str) -> ApiError:
    logger.warning("A webhook was refused at %s: %s", request.path[:120], why)
    return ApiError("The webhook's signature or secret is missing or wrong", "UNAUTHENTICATED", 401)


def forbidden(error: str) -> ApiError:
    """For a genuine sender who reaches for what is another tenant's."""
    logger.warning("A genuine webhook was refused: %s", error)
    return ApiError(error, "FORBIDDEN", 403)


def _keyring() -> Keyring:
    try:
        return keyring()
    except Unknown:
        raise ApiError("The secrets cannot be read now: try again", "UNAVAILABLE", 503) from None


def _tolerance_s() -> int:
    return int(settings.ELEVENLABS_SIGNATURE_TOLERANCE_S)


def is_replay(sender: Sender) -> bool:
    """Whether this very signed request was accepted before. Notes it in the transaction that acts on it."""
    key = sender.replay_key
    if not key:
        return False
    try:
        with transaction.atomic():
            SeenSignature.objects.create(digest=key)
    except IntegrityError:
        logger.warning("A signed webhook was presented again")
        return True
    return False


def one_of(name: str, *values: Any, longest: int | None = None) -> str:
    """The one value that several places of a payload agree on.

    Raises ApiError 400 when they differ, are no strings or numbers, or are longer than can be kept.
    """
    if any(isinstance(value, bool) or not isinstance(value, str | int | None) for value in values):
        raise ApiError(f"{name}: must be a string", "VALIDATION_ERROR", 400)
    said = {str(value) for value in values if value not in (None, "")}
    if len(said) > 1:
        logger.warning("A genuine webhook contradicts itself: %s", name)
        raise ApiError(f"{name}: the request names more than one", "VALIDATION_ERROR", 400)
    value = said.pop() if said else ""
    if longest is not None and len(value) > longest:
        raise ApiError(f"{name}: must not be longer than {longest} characters", "VALIDATION_ERROR", 400)
    return value


def one_tenant_of(name: str, *values: Any) -> str:
    """`one_of` for ids of tenants: the same UUID in another spelling is the same tenant."""
    return one_of(name, *(_as_uuids_are_written(value) for value in values))


def _as_uuids_are_written(value: Any) -> Any:
    try:
        return str(UUID(value)) if isinstance(value, str) else value
    except ValueError:
        return value


def conversation_of(claims: Claims) -> Conversation | None:
    """By the provider's conversation id, else by the carrier's call id. Needs the platform's scope."""
    if claims.conversation_id:
        found = find_by_external_id(PROVIDER, claims.conversation_id)
        if found is not None:
            return found
    if claims.call_sid:
        calls = list(Conversation.objects.filter(carrier_call_id=claims.call_sid)[:20])
        if len({call.tenant_id for call in calls}) == 1:  # else it says nothing about the tenant
            return calls[0]
    return None


def resolve_tenant(sender: Sender, claims: Claims) -> tuple[Tenant, Conversation | None]:
    """The tenant to act for, and the call's conversation if it is known. It may be suspended: what is told of its
    calls is kept all the same, and each that answers or acts refuses for itself.

    Raises ApiError: 403 for another tenant's ids, 400 TENANT_NOT_RESOLVED, 404 for an unknown tenant.
    """
    claimed = _uuid(claims.tenant_id)
    with platform_scope():
        conversation = conversation_of(claims)
        known = sender.tenant_id or (conversation.tenant_id if conversation else None)
        if known is None:
            known = claimed or _tenant_of_agent(claims.agent_id)
        if known is None:
            raise ApiError("The request does not say which tenant it is for", "TENANT_NOT_RESOLVED", 400)
        if claimed not in {None, known} or (conversation and conversation.tenant_id != known):
            raise forbidden("The credential belongs to another tenant")
        tenant = Tenant.objects.filter(pk=known).first()
    if tenant is None:
        raise ApiError("Tenant not found", "NOT_FOUND", 404)
    return tenant, conversation


def _tenant_of_agent(agent_id: str) -> UUID | None:
    """The one tenant that has this agent for itself."""
    if not agent_id:
        return None
    owners = Tenant.objects.filter(settings__elevenLabsAgentId=agent_id).values_list("pk", flat=True)[:2]
    return owners[0] if len(owners) == 1 else None


def _uuid(text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise ApiError("tenantId: must be a UUID", "VALIDATION_ERROR", 400) from None
