"""Every tool that an agent may call, by its name and aliases, whichever way the call comes in."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.utils import timezone
from prometheus_client import Histogram

from agents import live_calls
from agents.conversations import record_tool
from agents.live_calls import Act
from agents.models import Conversation
from agents.speech import speech_for
from agents.tools import appointments, availability, booking, business, people, proofs, waiting
from agents.tools.contract import Arguments, Tool, ToolAnswer, ToolContext, ToolError, Trust
from tenants.audit.actors import Actor, Kind, acting
from tenants.models import Tenant
from tenants.responses import SUSPENDED
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)

UNAVAILABLE = "CALENDAR_UNAVAILABLE"
ENDS_A_CALL = "end_call"
"""The one tool of a suspended business: whoever is on the line still is let go politely."""

TOOLS: tuple[Tool, ...] = (
    *business.TOOLS,
    *availability.TOOLS,
    *booking.TOOLS,
    *appointments.TOOLS,
    *proofs.TOOLS,
    *waiting.TOOLS,
    *people.TOOLS,
)
tool_seconds = Histogram("tonris_tool_seconds", "Time to answer a tool call", ["tool", "succeeded"])
tool_database_seconds = Histogram(
    "tonris_tool_database_seconds", "Of the time to answer a tool call, what its statements took", ["tool"]
)
_BY_NAME = {name: tool for tool in TOOLS for name in (tool.name, *tool.aliases)}


@dataclass(frozen=True, slots=True)
class Answered:
    """What goes back to the agent, and what is to be done with the call."""

    envelope: dict[str, Any]
    act: Act | None = None


class Stopwatch:
    """How long a connection's statements take, as an `execute_wrapper`."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, execute: Callable[..., Any], *args: Any) -> Any:
        began = time.monotonic()
        try:
            return execute(*args)
        finally:
            self.seconds += time.monotonic() - began


def find(name: str) -> Tool | None:
    """Names are case-sensitive, as agents must configure them."""
    return _BY_NAME.get(name)


def answer(
    tenant_id: UUID, conversation: Conversation | None, name: str, arguments: dict[str, Any]
) -> dict[str, Any]:
    """Run one tool for a webhook. The process that carries the call is told what to do with it on commit."""
    answered = run(tenant_id, conversation, name, arguments)
    if answered.act is not None and conversation is not None:
        transaction.on_commit(partial(live_calls.perform, conversation.pk, answered.act))
    return answered.envelope


def answer_in_call(tenant_id: UUID, conversation_id: UUID, name: str, arguments: dict[str, Any]) -> Answered:
    """Run one tool that came over the call's own socket, whose bridge does what is to be done."""
    try:
        with tenant_scope(tenant_id):
            conversation = Conversation.objects.get(pk=conversation_id)
    except DatabaseError:
        logger.exception("A tool could not reach the calendar")
        return Answered(unavailable())
    return run(tenant_id, conversation, name, arguments)


def run(tenant_id: UUID, conversation: Conversation | None, name: str, arguments: dict[str, Any]) -> Answered:
    """Run one tool and record it, in one transaction. Never raises: a caller waits for something to be said."""
    logger.info("ElevenLabs tool call: %s for tenant: %s", name[:64], tenant_id)
    started = time.monotonic()
    language, act, statements = "en", None, Stopwatch()
    try:
        caller = Actor(Kind.CALL, str(conversation.pk) if conversation else "")
        with connection.execute_wrapper(statements), acting(caller), tenant_scope(tenant_id):
            tenant = Tenant.objects.get(pk=tenant_id)
            language = tenant.language
            envelope, result = _run(tenant, conversation, name, arguments)
            record_tool(
                tenant_id,
                conversation.pk if conversation else None,
                tool=name[:64],
                arguments=arguments,
                answer=envelope,
                appointment_id=result.appointment_id if result else None,
                duration_ms=round((time.monotonic() - started) * 1000),
            )
        act = result.act if result else None
    except Exception:
        logger.exception("A tool could not be run")
        envelope = unavailable(language)
    known = tool.name if (tool := find(name)) else "unknown"
    tool_seconds.labels(known, str(envelope["success"]).lower()).observe(time.monotonic() - started)
    tool_database_seconds.labels(known).observe(statements.seconds)
    return Answered(envelope, act)


def _run(
    tenant: Tenant, conversation: Conversation | None, name: str, arguments: dict[str, Any]
) -> tuple[dict[str, Any], ToolAnswer | None]:
    speech = speech_for(tenant.language)
    tool = find(name)
    if tool is None:
        return failure("UNKNOWN_TOOL", f"Unknown tool: {name[:64]}", speech.cannot_do_that), None
    if not tenant.is_active and tool.name != ENDS_A_CALL:
        return failure(*SUSPENDED, f"{speech.cannot_do_that} {speech.goodbye}"), None
    context = ToolContext(tenant, conversation, timezone.now(), _trust_for(tool, tenant))
    try:
        with transaction.atomic():
            result = tool.handler(context, Arguments(arguments))
    except ToolError as error:
        message = error.message or (
            speech.say_again if error.code == "VALIDATION_ERROR" else speech.cannot_do_that
        )
        return failure(error.code, error.error, message, **error.extra), None
    return success(context, result), result


def success(context: ToolContext, result: ToolAnswer) -> dict[str, Any]:
    data = {**result.data, "today": context.today.isoformat(), "message": result.message}
    return {"success": True, "data": data}


def _trust_for(tool: Tool, tenant: Tenant) -> Trust:
    """A tenant may ask for more than the tool does: `settings.requiredTrust = {"cancel_appointment": "code"}`."""
    wanted: Any = tenant.settings.get("requiredTrust")
    name = wanted.get(tool.name) if isinstance(wanted, dict) else None
    asked = Trust.__members__.get(str(name).upper(), Trust.NONE)
    return max(tool.trust, asked)


def unavailable(language: str = "en") -> dict[str, Any]:
    """What is answered when nothing can be looked up or written."""
    return failure(UNAVAILABLE, "The calendar cannot be reached", speech_for(language).calendar_unavailable)


def failure(code: str, error: str, message: str, **extra: Any) -> dict[str, Any]:
    return {"success": False, "error": error, "code": code, "message": message, **extra}
