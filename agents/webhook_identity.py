"""Which tenant a provider's webhook acts for: the credential decides, what the payload says is only checked."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from agents.conversations import find_by_external_id
from agents.models import Conversation, SeenSignature
from agents.providers.elevenlabs.signatures import read_proof
from tenants.credentials import platform_secret
from tenants.loopback import is_local
from tenants.models import Credential, Tenant
from tenants.responses import ApiError
from tenants.scoping import platform_scope

logger = logging.getLogger("tonris.security")


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


def authenticate(request: HttpRequest) -> Sender:
    """Raises ApiError 401; 413 for a body over the limit."""
    try:
        content = request.META.get("QUERY_STRING", "").encode() if request.method == "GET" else request.body
    except RequestDataTooBig:
        raise ApiError("The body is larger than 1 MiB", "TOO_LARGE", 413) from None
    proof = read_proof(request.headers, content)
    if proof.is_empty:
        if settings.ALLOW_UNSIGNED_WEBHOOKS and is_local(request):
            logger.warning("An unsigned webhook was accepted: ALLOW_UNSIGNED_WEBHOOKS is on")
            return Sender(None)
        raise _unauthenticated(request, "no credential")
    for tenant_id, secret in _secrets():
        if proof.made_with(secret, now=time.time(), tolerance_s=settings.ELEVENLABS_SIGNATURE_TOLERANCE_S):
            return Sender(tenant_id, proof.replay_key(secret))
    raise _unauthenticated(request, "wrong, stale or foreign credential")


def _secrets() -> Iterable[tuple[UUID | None, str]]:
    platform = platform_secret(Credential.Name.WEBHOOK_SECRET)
    if platform:
        yield None, platform
    with platform_scope():
        rows = list(Credential.objects.filter(name=Credential.Name.WEBHOOK_SECRET))
    for row in rows:
        if row.value:
            yield row.tenant_id, row.value


def _unauthenticated(request: HttpRequest, why: str) -> ApiError:
    logger.warning("A webhook was refused at %s: %s", request.path, why)
    return ApiError("The webhook's signature or secret is missing or wrong", "UNAUTHENTICATED", 401)


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


def one_of(name: str, *values: Any) -> str:
    """The one value that several places of a payload agree on. Raises ApiError 400 when they differ."""
    said = {str(value) for value in values if value not in (None, "")}
    if len(said) > 1:
        raise ApiError(f"{name}: the request names more than one", "VALIDATION_ERROR", 400)
    return said.pop() if said else ""


def conversation_of(claims: Claims) -> Conversation | None:
    """By the provider's conversation id, else by the carrier's call id. Needs the platform's scope."""
    if claims.conversation_id:
        found = find_by_external_id("elevenlabs", claims.conversation_id)
        if found is not None:
            return found
    if claims.call_sid:
        return Conversation.objects.filter(carrier_call_id=claims.call_sid).first()
    return None


def resolve_tenant(sender: Sender, claims: Claims) -> tuple[Tenant, Conversation | None]:
    """The tenant to act for, and the call's conversation if it is known.

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
            logger.warning("A webhook named another tenant than its credential's")
            raise ApiError("The credential belongs to another tenant", "FORBIDDEN", 403)
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
