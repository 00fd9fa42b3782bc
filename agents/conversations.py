"""The only writer of Conversation, ProviderSession, Turn and ToolInvocation. Needs the tenant's scope."""

import datetime
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from agents.models import Conversation, ProviderSession, ToolInvocation, Turn
from agents.session import Closing
from appointments import holds
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Opened:
    """What a provider said of itself when its session began; formats as it names or we describe them."""

    provider: str
    external_id: str
    agent_id: str
    input_format: str
    output_format: str


def open_conversation(
    *,
    tenant_id: UUID,
    provider: str,
    agent_id: str,
    caller_e164: str,
    called_e164: str,
    carrier_call_id: str,
    caller_vouched_for: bool | None = None,
) -> Conversation:
    """A call begins. What an earlier call of theirs held when it was cut off is held for this one."""
    conversation = Conversation.objects.create(
        tenant_id=tenant_id,
        provider=provider,
        agent_id=agent_id,
        caller_e164=caller_e164,
        caller_vouched_for=caller_vouched_for,
        called_e164=called_e164,
        carrier_call_id=carrier_call_id,
    )
    if conversation.caller_is_known:
        holds.hand_over(tenant_id, caller_e164, str(conversation.pk))
    return conversation


def session_opened(tenant_id: UUID, conversation_id: UUID, opened: Opened) -> None:
    ProviderSession.objects.get_or_create(
        provider=opened.provider,
        external_id=opened.external_id,
        defaults={
            "tenant_id": tenant_id,
            "conversation_id": conversation_id,
            "agent_id": opened.agent_id,
            "input_format": opened.input_format,
            "output_format": opened.output_format,
        },
    )


def session_closed(provider: str, external_id: str, closing: Closing) -> None:
    ProviderSession.objects.filter(provider=provider, external_id=external_id).update(
        ended_at=timezone.now(), close_code=closing.code, close_reason=closing.reason[:240]
    )


def end_conversation(tenant_id: UUID, conversation_id: UUID, *, cut_off: bool = False) -> None:
    """The call is over: what was held for it is free at once, or after a few minutes if the caller was cut off."""
    end_holds = holds.keep if cut_off else holds.release
    end_holds(Tenant.objects.get(pk=tenant_id), str(conversation_id))
    Conversation.objects.filter(pk=conversation_id, ended_at=None).update(ended_at=timezone.now())


def add_turn(
    tenant_id: UUID, conversation_id: UUID, speaker: Turn.Speaker, text: str, said_at: datetime.datetime
) -> None:
    Turn.objects.create(
        tenant_id=tenant_id,
        conversation_id=conversation_id,
        position=turns_so_far(conversation_id) + 1,
        speaker=speaker,
        text=text,
        occurred_at=said_at,
    )


def correct_last_reply(conversation_id: UUID, heard: str) -> None:
    """After an interruption: keep what the agent meant to say, and beside it what was heard."""
    last = (
        Turn.objects.filter(conversation_id=conversation_id, speaker=Turn.Speaker.AGENT)
        .order_by("-position")
        .first()
    )
    if last is not None:
        last.heard_text = heard
        last.save(update_fields=["heard_text"])


def record_tool(
    tenant_id: UUID,
    conversation_id: UUID | None,
    *,
    tool: str,
    arguments: dict[str, Any],
    answer: dict[str, Any],
    appointment_id: UUID | None,
    duration_ms: int,
) -> None:
    ToolInvocation.objects.create(
        tenant_id=tenant_id,
        conversation_id=conversation_id,
        position=turns_so_far(conversation_id) if conversation_id else 0,
        tool=tool,
        arguments=arguments,
        answer=answer,
        succeeded=bool(answer.get("success")),
        duration_ms=duration_ms,
        appointment_id=appointment_id,
    )


def turns_so_far(conversation_id: UUID) -> int:
    highest: int | None = Turn.objects.filter(conversation_id=conversation_id).aggregate(top=Max("position"))[
        "top"
    ]
    return highest or 0


def find_by_external_id(provider: str, external_id: str) -> Conversation | None:
    """The conversation that a provider's session belongs to. Needs the tenant's scope or the platform's."""
    session = (
        ProviderSession.objects.select_related("conversation")
        .filter(provider=provider, external_id=external_id)
        .first()
    )
    return session.conversation if session else None
