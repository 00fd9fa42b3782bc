"""The only writer of Conversation, ProviderSession, Turn and ToolInvocation. Needs the tenant's scope."""

import datetime
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Max, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from agents.errors import AnotherTenants
from agents.models import Conversation, ProviderSession, ToolInvocation, Turn
from agents.retelling import Line, Told, ToolTold, retold
from agents.session import Closing
from appointments import holds
from appointments.locks import lock_calendars
from tenants.models import Tenant
from tenants.scoping import Statement, tenant_scope
from tenants.trips import as_records

MAX_EXTERNAL_ID, MAX_CARRIER_CALL_ID = 120, 128
MAX_ARGUMENTS = 16_384
"""Characters of JSON. Tools refuse what is longer than they need; it is not kept for that."""


class Opened(NamedTuple):
    """A provider's session that is not written down yet; formats as the provider names or we describe them."""

    tenant_id: UUID
    conversation_id: UUID
    provider: str
    external_id: str
    agent_id: str
    input_format: str
    output_format: str
    started_at: datetime.datetime


class Said(NamedTuple):
    """A turn that is not written down yet: live calls make many, and a model's instance costs ten times as much."""

    pk: UUID
    tenant_id: UUID
    conversation_id: UUID
    speaker: Turn.Speaker
    text: str
    occurred_at: datetime.datetime


def open_conversation(
    *,
    tenant_id: UUID,
    provider: str,
    agent_id: str,
    caller_e164: str,
    called_e164: str,
    carrier_call_id: str,
    caller_vouched_for: bool | None = None,
    is_outbound: bool = False,
    purpose: str = "",
    customer_name: str = "",
    appointment_id: UUID | None = None,
) -> Conversation:
    """A call begins. What an earlier call of theirs held when it was cut off is held for this one.

    In a call that we place, the caller is whom we call: tools act for them, whoever dialled.
    """
    conversation = Conversation.objects.create(
        tenant_id=tenant_id,
        provider=provider,
        agent_id=agent_id,
        caller_e164=caller_e164,
        caller_vouched_for=caller_vouched_for,
        called_e164=called_e164,
        carrier_call_id=carrier_call_id,
        is_outbound=is_outbound,
        purpose=purpose,
        customer_name=customer_name,
        about_id=appointment_id,
    )
    if conversation.caller_is_known:
        holds.hand_over(tenant_id, caller_e164, str(conversation.pk))
    return conversation


def adopt(
    tenant_id: UUID,
    provider: str,
    external_id: str = "",
    carrier_call_id: str = "",
    caller_e164: str = "",
    called_e164: str = "",
    agent_id: str = "",
) -> Conversation:
    """The conversation that a provider names: by its own id, else by the carrier's call id, else a new one.

    As often and as concurrently as it is told, it is one. Who calls is settled when it is made and never after.
    Raises AnotherTenants; ValueError without any id, or with one that is longer than can be kept.
    """
    if not (external_id or carrier_call_id):
        raise ValueError("A conversation is known by the provider's id or by the carrier's")
    if len(external_id) > MAX_EXTERNAL_ID or len(carrier_call_id) > MAX_CARRIER_CALL_ID:
        raise ValueError("An id is longer than can be kept")
    with tenant_scope(tenant_id):
        if external_id and not carrier_call_id:
            known = find_by_external_id(provider, external_id)
            if known is not None:
                return known
        lock_calendars(f"{provider}:{one}" for one in (external_id, carrier_call_id) if one)
        conversation = _known_by(tenant_id, provider, external_id, carrier_call_id)
        if conversation is None:
            conversation = open_conversation(
                tenant_id=tenant_id,
                provider=provider,
                agent_id=agent_id[:120],
                caller_e164=caller_e164[:16],
                called_e164=called_e164[:16],
                carrier_call_id=carrier_call_id,
            )
        elif carrier_call_id and not conversation.carrier_call_id:
            _know_call(conversation, carrier_call_id)
        if external_id:
            _know_session(conversation, provider, external_id, agent_id[:120])
        return conversation


def _known_by(tenant_id: UUID, provider: str, external_id: str, carrier_call_id: str) -> Conversation | None:
    found = find_by_external_id(provider, external_id) if external_id else None
    if found is None and carrier_call_id:
        found = Conversation.objects.for_tenant(tenant_id).filter(carrier_call_id=carrier_call_id).first()
    return found


def _know_call(conversation: Conversation, carrier_call_id: str) -> None:
    """Unless the call has a conversation already: one id must not lead to two."""
    others = Conversation.objects.for_tenant(conversation.tenant_id).filter(carrier_call_id=carrier_call_id)
    if not others.exists():
        conversation.carrier_call_id = carrier_call_id
        conversation.save(update_fields=["carrier_call_id"])


def _know_session(conversation: Conversation, provider: str, external_id: str, agent_id: str) -> None:
    defaults = {
        "tenant_id": conversation.tenant_id,
        "conversation_id": conversation.pk,
        "agent_id": agent_id,
    }
    try:
        with transaction.atomic():
            ProviderSession.objects.get_or_create(
                provider=provider, external_id=external_id, defaults=defaults
            )
    except (IntegrityError, ProviderSession.DoesNotExist):  # there is one, and it is not ours to see
        raise AnotherTenants(external_id) from None


def resume_conversation(tenant_id: UUID, conversation_id: UUID) -> Conversation:
    """The call goes on without its agent: what was held when that left is held for the same call again."""
    conversation: Conversation = Conversation.objects.select_for_update().get(pk=conversation_id)
    if conversation.ended_at is not None:
        conversation.ended_at = None
        conversation.save(update_fields=["ended_at"])
        if conversation.caller_is_known:
            holds.hand_over(tenant_id, conversation.caller_e164, str(conversation.pk))
    return conversation


_ADD_SESSIONS = f"""
INSERT INTO {ProviderSession._meta.db_table} (
  id, tenant_id, conversation_id, provider, external_id, agent_id, input_format, output_format, started_at,
  close_reason, usage)
SELECT gen_random_uuid(), opened.*, '', '{{}}'
FROM json_to_recordset(%s) AS opened (
  tenant_id uuid, conversation_id uuid, provider text, external_id text, agent_id text, input_format text,
  output_format text, started_at timestamptz)
ON CONFLICT (provider, external_id) DO NOTHING
"""  # noqa: S608 - put together of constants


def adding_sessions(opened: Sequence[Opened]) -> Statement:
    """Of one or several conversations, unless a provider's webhook has made them known already."""
    return _ADD_SESSIONS, [as_records(opened)]


def session_closed(provider: str, external_id: str, closing: Closing) -> None:
    sessions = ProviderSession.objects.filter(provider=provider, external_id=external_id)
    sessions.update(ended_at=timezone.now(), close_code=closing.code, close_reason=closing.reason[:240])
    if closing.spent is None:
        return
    sessions.update(usage=closing.spent.usage)
    if closing.spent.cost is not None:
        sessions.update(cost=closing.spent.cost)
        # Units differ: what another provider took that went on with the call stands with its session alone.
        led = Conversation.objects.filter(pk__in=sessions.values("conversation_id"), provider=provider)
        led.update(cost=Coalesce(F("cost"), Value(Decimal(0))) + closing.spent.cost)


def note_cost(provider: str, external_id: str, cost: Decimal | None) -> None:
    """What a session cost, told by its provider after it."""
    ProviderSession.objects.filter(provider=provider, external_id=external_id).update(cost=cost)


def went_on_after(conversation: Conversation, provider: str, external_id: str) -> bool:
    """Whether another provider's session took over from that one: its end was not the conversation's."""
    session = conversation.sessions.filter(provider=provider, external_id=external_id).first()
    others = conversation.sessions.exclude(provider=provider)
    return session is not None and others.filter(started_at__gt=session.started_at).exists()


def taken_over_at(conversation: Conversation, provider: str, external_id: str) -> datetime.datetime | None:
    """When that session took over from another provider's; None for one that did not."""
    session = conversation.sessions.filter(provider=provider, external_id=external_id).first()
    others = conversation.sessions.exclude(provider=provider)
    if session is None or not others.filter(started_at__lt=session.started_at).exists():
        return None
    return session.started_at


def end_conversation(tenant_id: UUID, conversation_id: UUID, *, cut_off: bool = False) -> None:
    """The call is over: what was held for it is free at once, or after a few minutes if the caller was cut off."""
    end_holds = holds.keep if cut_off else holds.release
    end_holds(Tenant.objects.get(pk=tenant_id), str(conversation_id))
    Conversation.objects.filter(pk=conversation_id, ended_at=None).update(ended_at=timezone.now())


_ADD_TURNS = f"""
INSERT INTO {Turn._meta.db_table} (id, tenant_id, conversation_id, position, speaker, text, occurred_at)
SELECT pk, tenant_id, conversation_id,
  place + coalesce((
    SELECT max(position) FROM {Turn._meta.db_table} before
    WHERE before.tenant_id = said.tenant_id AND before.conversation_id = said.conversation_id), 0),
  speaker, text, occurred_at
FROM (
  SELECT *, row_number() OVER (PARTITION BY conversation_id ORDER BY nth) AS place
  FROM ROWS FROM (json_to_recordset(%s) AS (
    pk uuid, tenant_id uuid, conversation_id uuid, speaker text, text text, occurred_at timestamptz)) WITH ORDINALITY
    AS turn (pk, tenant_id, conversation_id, speaker, text, occurred_at, nth)
) said
"""  # noqa: S608 - put together of constants


def adding_turns(turns: Sequence[Said]) -> Statement:
    """What was said in one or several conversations, in order: each takes the next place in its own.

    One statement, in a third of the time that two of the ORM's take: live calls write these all the time.
    """
    return _ADD_TURNS, [as_records(turns)]


def was_heard(turn_id: UUID, heard: str) -> None:
    """After an interruption: keep what the agent meant to say, and beside it what was heard."""
    Turn.objects.filter(pk=turn_id).update(heard_text=heard)


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
        arguments=_shortened(arguments),
        answer=answer,
        succeeded=bool(answer.get("success")),
        duration_ms=duration_ms,
        appointment_id=appointment_id,
    )


def _shortened(arguments: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(arguments, ensure_ascii=False)
    return arguments if len(text) <= MAX_ARGUMENTS else {"shortened": text[:MAX_ARGUMENTS]}


def retell(conversation: Conversation, told: Sequence[Told], began_at: datetime.datetime) -> None:
    """Tell a provider's transcript and what was recorded live as one story, in order and without doubling.

    Doing it again changes nothing. Needs the tenant's scope.
    """
    Conversation.objects.select_for_update().get(pk=conversation.pk)
    turns = list(conversation.turns.order_by("position"))
    live = [Line(turn.speaker, turn.text, turn.heard_text, turn.occurred_at) for turn in turns]
    story = retold(live, told, began_at)
    places = {entry.live: place for place, entry in enumerate(story, 1) if entry.live is not None}
    moved = [turn for index, turn in enumerate(turns) if turn.position != places[index]]
    new_position = {turn.position: places[index] for index, turn in enumerate(turns)}
    if moved:  # out of each other's way first: positions are unique at every moment
        Turn.objects.filter(conversation=conversation).update(position=F("position") + _ASIDE)
    for index, turn in enumerate(turns):
        entry = story[places[index] - 1]
        turn.position, turn.heard_text = places[index], entry.line.heard
    Turn.objects.bulk_update(turns, ["position", "heard_text"])
    Turn.objects.bulk_create(
        Turn(
            tenant_id=conversation.tenant_id,
            conversation=conversation,
            position=place,
            speaker=entry.line.speaker,
            text=entry.line.text,
            heard_text=entry.line.heard,
            occurred_at=entry.line.at,
        )
        for place, entry in enumerate(story, 1)
        if entry.live is None
    )
    told_at = {entry.told: place for place, entry in enumerate(story, 1) if entry.told is not None}
    _retell_tools(conversation, told, told_at, new_position, began_at)


_ASIDE = 1_000_000


def _retell_tools(
    conversation: Conversation,
    told: Sequence[Told],
    told_at: dict[int, int],
    new_position: dict[int, int],
    began_at: datetime.datetime,
) -> None:
    """Recorded tool calls move along with the turns; those that only the provider saw are added."""
    recorded = list(conversation.tool_invocations.order_by("occurred_at"))
    for call in recorded:
        call.position = new_position.get(call.position, call.position)
    waiting, place = list(recorded), 0
    for index, entry in enumerate(told):
        place = told_at.get(index, place)
        for tool in entry.tools:
            twin = _twin(waiting, tool)
            if twin is None:
                _add_tool(conversation, tool, place, entry.said_at(began_at))
                continue
            waiting.remove(twin)
            twin.position = place
    ToolInvocation.objects.bulk_update(recorded, ["position"])


def _twin(recorded: Sequence[ToolInvocation], tool: ToolTold) -> ToolInvocation | None:
    """The same call as we recorded it: by name and arguments, else the first of that name."""
    named = [call for call in recorded if call.tool == tool.name]
    exact = (call for call in named if call.arguments.items() <= tool.arguments.items())
    return next(exact, named[0] if named else None)


def _add_tool(conversation: Conversation, tool: ToolTold, place: int, said_at: datetime.datetime) -> None:
    added = ToolInvocation.objects.create(
        tenant_id=conversation.tenant_id,
        conversation=conversation,
        position=place,
        tool=tool.name,
        arguments=tool.arguments,
        answer=tool.answer,
        succeeded=not tool.failed,
        duration_ms=tool.duration_ms,
    )
    ToolInvocation.objects.filter(pk=added.pk).update(occurred_at=said_at)


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
