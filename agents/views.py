"""What the agent providers call: tools, events, and the question how a conversation should begin."""

import hashlib
import logging
from functools import partial
from typing import IO, Any
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import transaction
from django.http import HttpRequest
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents import called_numbers, events_inbox, known_briefings, large_bodies, patience, webhook_bodies
from agents.conversations import adopt
from agents.errors import AnotherTenants
from agents.initiation import build_initiation
from agents.known_briefings import Asked, Question, read_asked
from agents.models import Conversation
from agents.speech import speech_for
from agents.tools import registry
from agents.webhook_identity import (
    MAX_CALL_SID,
    MAX_CONVERSATION_ID,
    PROVIDER,
    Claims,
    Sender,
    authenticate,
    forbidden,
    is_replay,
    one_of,
    one_tenant_of,
    resolve_tenant,
)
from tenants.models import Tenant
from tenants.responses import ApiError, failure, success
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

ANY_JSON = {"application/json": OpenApiTypes.OBJECT}
_REFUSALS = {
    400: "What cannot be read, or does not say which tenant it is for",
    401: "No credential, or a wrong or stale one",
    403: "Genuine, and another tenant's; or it came before; or the tenant is suspended",
    404: "There is no such tenant, service, employee or tool",
    503: "The secrets or the calendar cannot be reached: try again",
}
REFUSED = {
    status: OpenApiResponse(OpenApiTypes.OBJECT, f"`{{success, error, code}}`. {why}")
    for status, why in _REFUSALS.items()
}


class ProviderWebhook(APIView):
    """Verified before anything is parsed: `sender` and `payload` are there when a handler runs."""

    sender: Sender
    payload: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.receive(request._request)
        if any("\x00" in text for texts in request.query_params.lists() for text in (texts[0], *texts[1])):
            raise webhook_bodies.invalid("The query must not have a NUL character")

    def receive(self, request: HttpRequest) -> None:
        self.sender = authenticate(request)
        self.payload = webhook_bodies.parse(request.body or b"{}") if request.method == "POST" else {}


def claims_of(request: Request, payload: dict[str, Any], data: dict[str, Any]) -> Claims:
    """What a payload says of its tenant, agent and call, wherever it says it."""
    return Claims(
        tenant_id=one_tenant_of(
            "tenantId",
            *request.query_params.getlist("tenantId"),
            *(body.get(name) for body in (payload, data) for name in ("tenantId", "tenant_id")),
        ),
        agent_id=one_of(
            "agentId", *(body.get(name) for body in (payload, data) for name in ("agentId", "agent_id"))
        ),
        conversation_id=one_of(
            "conversation_id",
            payload.get("sessionId"),
            *(body.get("conversation_id") for body in (payload, data)),
            longest=MAX_CONVERSATION_ID,
        ),
        call_sid=one_of(
            "call_sid", *(body.get("call_sid") for body in (payload, data)), longest=MAX_CALL_SID
        ),
    )


class AgentWebhook(ProviderWebhook):
    """Tool calls and conversation events, in the standard (`type`) and the legacy (`event`) shape."""

    digest: str
    audio: IO[bytes] | None = None
    is_large = False

    def receive(self, request: HttpRequest) -> None:
        beginning = request.read(large_bodies.ORDINARY_LIMIT + 1)
        if len(beginning) <= large_bodies.ORDINARY_LIMIT:
            self.sender = authenticate(request, beginning)
            self.payload = webhook_bodies.parse(beginning or b"{}")
            self.digest = hashlib.sha256(beginning).hexdigest()
            return
        parcel = large_bodies.unpack(request, beginning)
        self.is_large, self.audio = True, parcel.audio
        self.sender, self.payload, self.digest = parcel.sender, parcel.payload, parcel.digest

    @extend_schema(
        operation_id="elevenlabs_webhook",
        summary="Agent events and tool calls",
        request=ANY_JSON,
        responses={
            200: OpenApiResponse(OpenApiTypes.OBJECT, "`{success, data}` or `{success, error, code}`"),
            **REFUSED,
        },
    )
    def post(self, request: Request) -> Response:
        try:
            return self._answer(request)
        finally:
            if self.audio is not None:
                self.audio.close()

    def _answer(self, request: Request) -> Response:
        kind = one_of("type", self.payload.get("type"), self.payload.get("event"))
        if not kind:
            raise webhook_bodies.invalid("type: this field is required")
        is_recording = kind == events_inbox.RECORDING
        if self.is_large and not is_recording:
            raise ApiError("The body is larger than 1 MiB", "TOO_LARGE", 413)
        data = webhook_bodies.section(self.payload, "data")
        claims = claims_of(request, self.payload, data)
        if kind == "tool_call":
            return self._tool(claims, data)
        tenant, _ = resolve_tenant(self.sender, claims)
        if is_recording and self.audio is None:
            self.audio = large_bodies.lift_audio(self.payload)
        with tenant_scope(tenant):
            if not is_replay(self.sender):
                events_inbox.receive(
                    tenant.pk, kind, claims.conversation_id, self.payload, self.digest, self.audio
                )
        return success({"received": True})

    def _tool(self, claims: Claims, data: dict[str, Any]) -> Response:
        name = data.get("tool_name")
        if not isinstance(name, str) or not name:
            raise webhook_bodies.invalid("data.tool_name: this field is required")
        arguments = data.get("parameters", {})
        if not isinstance(arguments, dict | None):
            raise webhook_bodies.invalid("data.parameters: must be an object")
        return run_tool(self.sender, claims, name, arguments or {})


def run_tool(sender: Sender, claims: Claims, name: str, arguments: dict[str, Any]) -> Response:
    try:
        return _run_tool(sender, claims, name, arguments)
    except DatabaseError:
        logger.exception("A tool call came while the database did not answer")
        return Response(registry.unavailable())


def _run_tool(sender: Sender, claims: Claims, name: str, arguments: dict[str, Any]) -> Response:
    tenant, conversation = resolve_tenant(sender, claims)
    with tenant_scope(tenant):
        if is_replay(sender):
            return failure("This signed request was accepted before", "REPLAYED", 403)
        if claims.conversation_id and (conversation is None or claims.call_sid):
            conversation = _adopted(tenant, claims)
        answer = registry.answer(tenant.pk, conversation, name, arguments)
        if answer.get("code") == registry.UNAVAILABLE:
            transaction.set_rollback(True)  # nothing was done: the same request may be tried again
    return Response(answer)


def _adopted(tenant: Tenant, claims: Claims) -> Conversation:
    """The conversation that a tool call names, so that all that is done in it is told together."""
    try:
        return adopt(
            tenant.pk,
            PROVIDER,
            external_id=claims.conversation_id,
            carrier_call_id=claims.call_sid,
            agent_id=claims.agent_id,
        )
    except AnotherTenants:
        raise forbidden("The conversation belongs to another tenant") from None


class ToolEndpoint(ProviderWebhook):
    """One tool, as an ElevenLabs server tool calls it: parameters at the root of the body."""

    # Dynamic variables that may stand beside the parameters; they are not the model's to fill.
    _BESIDE = frozenset(
        {"tenantId", "tenant_id", "conversation_id", "call_sid", "agentId", "agent_id", "sessionId"}
    )

    @extend_schema(
        operation_id="agent_tool",
        summary="Call one tool",
        request=ANY_JSON,
        responses={
            200: OpenApiResponse(
                OpenApiTypes.OBJECT, "`{success, data}` or `{success, error, code, message}`"
            ),
            **REFUSED,
        },
    )
    def post(self, request: Request, name: str) -> Response:
        if registry.find(name) is None:
            told = speech_for("en").cannot_do_that  # whose language it would be is not looked up for it
            return failure(f"Unknown tool: {name}", "UNKNOWN_TOOL", 404, message=told)
        claims = claims_of(request, self.payload, {})
        arguments = {key: value for key, value in self.payload.items() if key not in self._BESIDE}
        return run_tool(self.sender, claims, name, arguments)


class ConversationInitiation(ProviderWebhook):
    """What ElevenLabs asks when one of its own phone integrations begins a conversation.

    A failed answer would stop the call from starting: whoever is genuine gets one that works.
    """

    @extend_schema(
        operation_id="conversation_initiation",
        summary="Dynamic variables and overrides for a new conversation",
        request=ANY_JSON,
        responses={
            200: OpenApiResponse(OpenApiTypes.OBJECT, "conversation_initiation_client_data"),
            **REFUSED,
        },
    )
    def post(self, request: Request) -> Response:
        asked = read_asked(self.payload, request.query_params.getlist("tenantId"))
        try:
            known = known_briefings.find(
                Question(self.sender.tenant_id, asked.called_e164, asked.tenant_id, asked.agent_id)
            )
        except ApiError:
            raise
        except Exception:  # whatever it is, the caller is not to hear of it
            logger.exception("A conversation begins with neutral words")
            known = None
        if known is not None:
            self._note(known.tenant_id, asked)
        return Response(build_initiation(asked.briefing(known), known.overrides if known else None))

    def _note(self, tenant_id: UUID, asked: Asked) -> None:
        """ElevenLabs carries this call itself: its tools will want to know who is calling."""
        if asked.is_carried_by_vendor:
            patience.behind(partial(_open_conversation, tenant_id, asked))


def _open_conversation(tenant_id: UUID, asked: Asked) -> None:
    is_outbound = called_numbers.owner_of(asked.caller_e164) == tenant_id if asked.caller_e164 else False
    with tenant_scope(tenant_id):
        try:
            adopt(
                tenant_id,
                PROVIDER,
                external_id=asked.conversation_id,
                carrier_call_id=asked.call_sid,
                caller_e164="" if is_outbound else asked.caller_e164,
                called_e164=asked.called_e164,
                agent_id=asked.agent_id,
            )
        except AnotherTenants:
            forbidden("An initiation named another tenant's conversation")
