"""What ElevenLabs' events mean for the conversations that we keep. Unknown ones mean nothing, and stay as they came."""

import datetime
import logging
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.utils import timezone

from agents import conversations, live_calls, recordings, webhook_bodies
from agents.models import Conversation, ProviderEvent, ProviderSession, Turn
from agents.retelling import Told, ToolTold
from tenants.phone import e164_or_blank
from tenants.responses import ApiError

logger = logging.getLogger(__name__)

RECORDING = "post_call_audio"
MAX_TOLD = 2000
MAX_TEXT = 20_000
_SPEAKERS = {"user": Turn.Speaker.CALLER, "agent": Turn.Speaker.AGENT}
_DAY = datetime.timedelta(days=1)


def apply(event: ProviderEvent) -> None:
    """Do what an event says, in the tenant's scope; doing it twice changes nothing."""
    handler = _HANDLERS.get(event.kind)
    if handler is None or not event.external_id:
        return
    data = _object(event.body, "data")
    handler(_conversation(event, data), event, data)


def is_too_early(event: ProviderEvent) -> bool:
    """Whether it tells the story of a call that goes on: providers tell at once, and our last lines are being written.

    Told before they stand there they would stand there twice.
    """
    if event.kind not in _STORIES:
        return False
    told = {"provider": event.provider, "external_id": event.external_id}
    session = ProviderSession.objects.select_related("conversation").filter(**told).first()
    return session is not None and live_calls.is_live(session.conversation)


def _conversation(event: ProviderEvent, data: dict[str, Any]) -> Conversation:
    """Known, or adopted: of a call that ElevenLabs carried itself we may hear in an event first."""
    carried = _object(_object(data, "metadata"), "phone_call") or _object(_object(data, "metadata"), "body")
    sid = carried.get("call_sid") or carried.get("CallSid")
    called = carried.get("agent_number") or carried.get("To")
    return conversations.adopt(
        event.tenant_id,
        event.provider,
        external_id=event.external_id,
        carrier_call_id=sid if isinstance(sid, str) and len(sid) <= conversations.MAX_CARRIER_CALL_ID else "",
        called_e164=e164_or_blank(called) if isinstance(called, str) else "",
        agent_id=_text(data.get("agent_id")),
    )


def _started(conversation: Conversation, event: ProviderEvent, data: dict[str, Any]) -> None:
    """To know it is all there is to it."""


def _ended(conversation: Conversation, event: ProviderEvent, data: dict[str, Any]) -> None:
    _retell(conversation, event, data)
    if not conversations.went_on_after(conversation, event.provider, event.external_id):
        conversations.end_conversation(conversation.tenant_id, conversation.pk)


def _told(conversation: Conversation, event: ProviderEvent, data: dict[str, Any]) -> None:
    metadata, analysis = _object(data, "metadata"), _object(data, "analysis")
    began_at = _retell(conversation, event, data)
    conversation.summary = _text(analysis.get("transcript_summary"))
    conversation.analysis = analysis
    cost = _decimal(metadata.get("cost"))
    conversations.note_cost(event.provider, event.external_id, cost)
    if conversation.provider == event.provider:  # and no other one that went on with its call
        conversation.cost = cost
        conversation.duration_seconds = _seconds(metadata.get("call_duration_secs"))
    conversation.started_at = min(conversation.started_at, began_at)
    if not conversations.went_on_after(conversation, event.provider, event.external_id):
        conversation.ended_at = conversation.ended_at or _end(began_at, conversation.duration_seconds)
    conversation.save(
        update_fields=["summary", "analysis", "cost", "duration_seconds", "started_at", "ended_at"]
    )


def _recorded(conversation: Conversation, event: ProviderEvent, data: dict[str, Any]) -> None:
    if not event.attachment or conversation.recording == event.attachment:
        return
    before = conversation.recording
    conversation.recording = event.attachment
    conversation.save(update_fields=["recording"])
    transaction.on_commit(lambda: recordings.erase(before))


def _failed(conversation: Conversation, event: ProviderEvent, data: dict[str, Any]) -> None:
    conversation.failure_reason = (_text(data.get("failure_reason")) or "unknown")[:120]
    conversation.ended_at = conversation.ended_at or timezone.now()
    conversation.save(update_fields=["failure_reason", "ended_at"])


_HANDLERS: dict[str, Callable[[Conversation, ProviderEvent, dict[str, Any]], None]] = {
    "conversation_started": _started,
    "conversation_ended": _ended,
    "post_call_transcription": _told,
    RECORDING: _recorded,
    "call_initiation_failure": _failed,
}
_STORIES = frozenset({"conversation_ended", "post_call_transcription"})


# --- Reading what may be missing, null or of another type ----------------------------------------


def _retell(conversation: Conversation, event: ProviderEvent, data: dict[str, Any]) -> datetime.datetime:
    """Tell the transcript, if there is one, with what was recorded live. When the call began."""
    began_at = _began_at(conversation, event, _object(data, "metadata"))
    entries = data.get("transcript")
    told = [read_told(one) for one in entries[:MAX_TOLD]] if isinstance(entries, list) else []
    known = [one for one in told if one is not None]
    if known:
        conversations.retell(conversation, known, began_at)
    return began_at


def read_told(entry: Any) -> Told | None:
    """An entry of a transcript; None for what nobody said."""
    role = entry.get("role") if isinstance(entry, dict) else None
    if not isinstance(role, str) or role not in _SPEAKERS:
        return None
    results = {one.get("request_id"): one for one in _objects(entry, "tool_results") if _hashable(one)}
    return Told(
        speaker=_SPEAKERS[role],
        text=_text(entry.get("message")),
        at_seconds=_seconds(entry.get("time_in_call_secs")) or 0,
        cut_short=entry.get("interrupted") is True,
        meant=_text(entry.get("original_message")),
        tools=tuple(_tool(one, results) for one in _objects(entry, "tool_calls") if _hashable(one)),
    )


def _tool(call: dict[str, Any], results: dict[Any, dict[str, Any]]) -> ToolTold:
    result = results.get(call.get("request_id"), {})
    return ToolTold(
        name=(_text(call.get("tool_name")) or "unknown")[:64],
        arguments=_parsed(call.get("params_as_json")),
        answer=_parsed(result.get("result_value")),
        failed=result.get("is_error") is True,
        duration_ms=_milliseconds(result.get("tool_latency_secs")),
    )


def _milliseconds(seconds: Any) -> int:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    return round(seconds * 1000) if is_number and 0 <= seconds < 86_400 else 0


def _parsed(text: Any) -> dict[str, Any]:
    """JSON within JSON; what is no object is kept as text."""
    if isinstance(text, dict):
        return text
    if not isinstance(text, str) or not text:
        return {}
    try:
        return webhook_bodies.parse(text.encode())
    except ApiError:
        return {"text": text[:MAX_TEXT]}


def _began_at(
    conversation: Conversation, event: ProviderEvent, metadata: dict[str, Any]
) -> datetime.datetime:
    """By the provider's clock, if that can be right: before we heard of the call, and not long before."""
    ours = conversation.started_at
    later = conversations.taken_over_at(conversation, event.provider, event.external_id)
    if later is not None:
        return later
    seconds = metadata.get("start_time_unix_secs")
    if not isinstance(seconds, int) or not 0 < seconds < 2**40:
        return ours
    told = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return told if ours - _DAY <= told <= ours else ours


def _end(began_at: datetime.datetime, duration_s: int | None) -> datetime.datetime:
    now = timezone.now()
    return (
        now if duration_s is None else min(now, began_at + datetime.timedelta(seconds=min(duration_s, 10**6)))
    )


def _object(value: dict[str, Any], name: str) -> dict[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


def _objects(value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    inner = value.get(name)
    return [one for one in inner if isinstance(one, dict)][:100] if isinstance(inner, list) else []


def _hashable(item: dict[str, Any]) -> bool:
    return isinstance(item.get("request_id"), str | int | None)


def _text(value: Any) -> str:
    return value.strip()[:MAX_TEXT] if isinstance(value, str) else ""


def _decimal(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**8 else None


def _seconds(value: Any) -> int | None:
    """The vendor has whole seconds in one place and fractions in another."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 2**31 else None
