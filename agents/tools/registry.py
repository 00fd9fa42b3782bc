"""Every tool that an agent may call, by its name and aliases, whichever way the call comes in."""

import logging
import time
from typing import Any
from uuid import UUID

from django.db import DatabaseError, transaction
from django.utils import timezone
from prometheus_client import Histogram

from agents.conversations import record_tool
from agents.models import Conversation
from agents.tools import availability, booking, business
from agents.tools.contract import Arguments, Tool, ToolAnswer, ToolContext, ToolError
from tenants.models import Tenant
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

UNAVAILABLE = "CALENDAR_UNAVAILABLE"

TOOLS: tuple[Tool, ...] = (*business.TOOLS, *availability.TOOLS, *booking.TOOLS)
tool_seconds = Histogram("tonris_tool_seconds", "Time to answer a tool call", ["tool", "succeeded"])
_BY_NAME = {name: tool for tool in TOOLS for name in (tool.name, *tool.aliases)}


def find(name: str) -> Tool | None:
    """Names are case-sensitive, as agents must configure them."""
    return _BY_NAME.get(name)


def answer(
    tenant_id: UUID,
    conversation: Conversation | None,
    name: str,
    arguments: dict[str, Any],
    *,
    session_id: str = "",
) -> dict[str, Any]:
    """Run one tool and record it, in one transaction. Never raises: a caller waits for something to be said."""
    logger.info("ElevenLabs tool call: %s for tenant: %s", name[:64], tenant_id)
    started = time.monotonic()
    try:
        with tenant_scope(tenant_id):
            envelope, appointment_id = _run(tenant_id, conversation, name, arguments, session_id)
            record_tool(
                tenant_id,
                conversation.pk if conversation else None,
                tool=name[:64],
                arguments=arguments,
                answer=envelope,
                appointment_id=appointment_id,
                duration_ms=round((time.monotonic() - started) * 1000),
            )
    except Exception:
        logger.exception("A tool could not be run")
        envelope = unavailable()
    known = tool.name if (tool := find(name)) else "unknown"
    tool_seconds.labels(known, str(envelope["success"]).lower()).observe(time.monotonic() - started)
    return envelope


def answer_in_call(
    tenant_id: UUID, conversation_id: UUID, name: str, arguments: dict[str, Any]
) -> dict[str, Any]:
    """As `answer`, for a tool call that came over the call's own socket."""
    try:
        with tenant_scope(tenant_id):
            conversation = Conversation.objects.get(pk=conversation_id)
    except DatabaseError:
        logger.exception("A tool could not reach the calendar")
        return unavailable()
    return answer(tenant_id, conversation, name, arguments, session_id=str(conversation_id))


def unavailable() -> dict[str, Any]:
    """What is answered when nothing can be looked up or written."""
    sorry = "I can't reach the calendar just now."
    return failure(UNAVAILABLE, "The calendar cannot be reached", sorry)


def _run(
    tenant_id: UUID, conversation: Conversation | None, name: str, arguments: dict[str, Any], session_id: str
) -> tuple[dict[str, Any], UUID | None]:
    tool = find(name)
    if tool is None:
        return failure("UNKNOWN_TOOL", f"Unknown tool: {name}", "I'm sorry, I can't do that."), None
    tenant = Tenant.objects.get(pk=tenant_id)
    context = ToolContext(tenant, conversation, session_id, timezone.now())
    try:
        with transaction.atomic():
            result = tool.handler(context, Arguments(arguments))
    except ToolError as error:
        return failure(error.code, error.error, error.message, **error.extra), None
    return success(result), result.appointment_id


def success(result: ToolAnswer) -> dict[str, Any]:
    return {"success": True, "data": {**result.data, "message": result.message}}


def failure(code: str, error: str, message: str, **extra: Any) -> dict[str, Any]:
    return {"success": False, "error": error, "code": code, "message": message, **extra}
