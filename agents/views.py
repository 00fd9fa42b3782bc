"""What the agent providers call: tools, events, and the question how a conversation should begin."""

import hashlib
import logging
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.http import HttpRequest
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents import called_numbers, events_inbox
from agents.briefings import brief, overrides_of
from agents.initiation import Briefing, build_initiation
from agents.models import Conversation
from agents.tools import registry
from agents.webhook_identity import Claims, Sender, authenticate, is_replay, one_of, resolve_tenant
from tenants.json_body import NotAnObject, parse_object
from tenants.models import Tenant
from tenants.phone import e164_or_blank
from tenants.responses import ApiError, failure, success
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

ANY_JSON = {"application/json": OpenApiTypes.OBJECT}


class ProviderWebhook(APIView):
    """Verified before anything is parsed: `sender` and `payload` are there when a handler runs."""

    sender: Sender
    payload: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        django_request: HttpRequest = request._request
        self.sender = authenticate(django_request)
        try:
            self.payload = parse_object(django_request.body or b"{}") if request.method == "POST" else {}
        except NotAnObject as error:
            raise ApiError(str(error), "VALIDATION_ERROR", 400) from None


def _section(payload: dict[str, Any], name: str) -> dict[str, Any]:
    value = payload.get(name, {})
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ApiError(f"{name}: must be an object", "VALIDATION_ERROR", 400)
    return value


def claims_of(request: Request, payload: dict[str, Any], data: dict[str, Any]) -> Claims:
    """What a payload says of its tenant, agent and call, wherever it says it."""
    return Claims(
        tenant_id=one_of(
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
        ),
        call_sid=one_of("call_sid", *(body.get("call_sid") for body in (payload, data))),
    )


class AgentWebhook(ProviderWebhook):
    """Tool calls and conversation events, in the standard (`type`) and the legacy (`event`) shape."""

    @extend_schema(
        operation_id="elevenlabs_webhook",
        summary="Agent events and tool calls",
        request=ANY_JSON,
        responses={
            200: OpenApiResponse(OpenApiTypes.OBJECT, "`{success, data}` or `{success, error, code}`")
        },
    )
    def post(self, request: Request) -> Response:
        kind = one_of("type", self.payload.get("type"), self.payload.get("event"))
        if not kind:
            raise ApiError("type: this field is required", "VALIDATION_ERROR", 400)
        data = _section(self.payload, "data")
        claims = claims_of(request, self.payload, data)
        tenant, conversation = resolve_tenant(self.sender, claims)
        if kind == "tool_call":
            return self._tool(tenant, conversation, claims, data)
        with tenant_scope(tenant):
            if not is_replay(self.sender):
                digest = hashlib.sha256(request._request.body).hexdigest()
                events_inbox.receive(tenant.pk, kind, claims.conversation_id, self.payload, digest)
        return success({"received": True})

    def _tool(
        self, tenant: Tenant, conversation: Conversation | None, claims: Claims, data: dict[str, Any]
    ) -> Response:
        name = data.get("tool_name")
        if not isinstance(name, str) or not name:
            raise ApiError("data.tool_name: this field is required", "VALIDATION_ERROR", 400)
        arguments = data.get("parameters", {})
        if not isinstance(arguments, dict | None):
            raise ApiError("data.parameters: must be an object", "VALIDATION_ERROR", 400)
        return run_tool(self.sender, tenant, conversation, claims, name, arguments or {})


def run_tool(
    sender: Sender,
    tenant: Tenant,
    conversation: Conversation | None,
    claims: Claims,
    name: str,
    arguments: dict[str, Any],
) -> Response:
    try:
        with tenant_scope(tenant):
            if is_replay(sender):
                return failure("This signed request was accepted before", "REPLAYED", 403)
            answer = registry.answer(tenant.pk, conversation, name, arguments)
            if answer.get("code") == registry.UNAVAILABLE:
                transaction.set_rollback(True)  # nothing was done: the same request may be tried again
    except DatabaseError:  # lost at the commit: it may have been done, and asked again is done once
        logger.exception("A tool's work could not be committed")
        answer = registry.unavailable(tenant.language)
    return Response(answer)


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
            )
        },
    )
    def post(self, request: Request, name: str) -> Response:
        if registry.find(name) is None:
            return failure(f"Unknown tool: {name}", "UNKNOWN_TOOL", 404)
        claims = claims_of(request, self.payload, {})
        tenant, conversation = resolve_tenant(self.sender, claims)
        arguments = {key: value for key, value in self.payload.items() if key not in self._BESIDE}
        return run_tool(self.sender, tenant, conversation, claims, name, arguments)


class ConversationInitiation(ProviderWebhook):
    """What ElevenLabs asks when one of its own phone integrations begins a conversation.

    A failed answer would stop the call from starting: whoever is genuine gets one that works.
    """

    @extend_schema(
        operation_id="conversation_initiation",
        summary="Dynamic variables and overrides for a new conversation",
        request=ANY_JSON,
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, "conversation_initiation_client_data")},
    )
    def post(self, request: Request) -> Response:
        variables = _section(self.payload, "dynamic_variables")

        def said(*names: str) -> str:
            return one_of(names[0], *(body.get(name) for body in (self.payload, variables) for name in names))

        caller = e164_or_blank(said("caller_id", "caller_number"))
        called = e164_or_blank(said("called_number"))
        call_sid = said("call_sid")
        conversation_id = said("conversation_id")
        tenant = self._tenant(said("tenant_id", "tenantId"), called, said("agent_id", "agentId"))
        if tenant is None:
            briefing = Briefing(
                caller_number=caller,
                call_sid=call_sid,
                conversation_id=conversation_id,
                voice_id=settings.ELEVENLABS_VOICE_ID,
            )
            return Response(build_initiation(briefing))
        with tenant_scope(tenant):
            briefing = brief(tenant, caller_number=caller, call_sid=call_sid, conversation_id=conversation_id)
            return Response(build_initiation(briefing, overrides_of(tenant)))

    def _tenant(self, tenant_id: str, called: str, agent_id: str) -> Tenant | None:
        """None for a number and ids that are nobody's; neutral words answer those."""
        owner = called_numbers.owner_of(called) if called else None
        if owner and self.sender.tenant_id not in {None, owner}:
            raise ApiError("The called number belongs to another tenant", "FORBIDDEN", 403)
        if owner and tenant_id and tenant_id != str(owner):
            raise ApiError("tenant_id contradicts the called number", "FORBIDDEN", 403)
        claims = Claims(tenant_id=str(owner or tenant_id), agent_id=agent_id)
        try:
            return resolve_tenant(self.sender, claims)[0]
        except ApiError as error:
            if error.status_code == 403:
                raise
            return None
