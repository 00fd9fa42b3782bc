"""The only writer of Call and CallEvent, but for the first moments of calls that we place (`outbound.attempts`).

A call moves forward only, whatever order its callbacks arrive in:

    queued -> ringing -> in-progress -> completed | busy | no-answer | canceled | failed

and never leaves one of the last five.
"""

import asyncio
import datetime
import hashlib
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone

from agents.conversations import end_conversation, open_conversation, resume_conversation
from agents.models import Conversation
from agents.so_far import Resumption
from telephony import breaker, limits
from telephony.carriers.registry import DEFAULT
from telephony.dialplan import Destination, Route
from telephony.errors import OverLimit, StreamRefused
from telephony.feel.record import Record
from telephony.frames import StreamStarted
from telephony.handover import Handover, prepare, seal, unseal, unseal_url, wire_format
from telephony.incoming import CallStatus, IncomingCall
from telephony.models import Call, CallEvent, Carrier
from telephony.spend import meters
from tenants.encryption import encrypt
from tenants.models import Tenant
from tenants.scoping import Statement, in_tenant, platform_scope, tenant_scope
from tenants.trips import arrivals, as_records

logger = logging.getLogger(__name__)
State = Call.State
RANK: dict[str, int] = {
    State.QUEUED: 0,
    State.RINGING: 1,
    State.IN_PROGRESS: 2,
    **dict.fromkeys((State.COMPLETED, State.BUSY, State.NO_ANSWER, State.CANCELED, State.FAILED), 3),
}
ENDED = 3

# Outcomes after which the caller has been served: nothing more is said when the stream ends.
AGENT_ENDED, CALLER_HUNG_UP = "agent_ended", "caller_hung_up"
GOOD_ENDINGS = frozenset({AGENT_ENDED, CALLER_HUNG_UP})
TRANSFER = "transfer"
"""The agent puts the caller through to a person: who that is, and whether anybody comes, is not known yet."""
TRANSFERRED = "transferred"
"""A person has taken the call."""
RETURNING = "returning"
"""Nobody took it: the agent comes back, and has not yet."""
MENU = "menu"
"""The caller wants keys instead of the agent."""
TIME_LIMIT = "time_limit"
SILENCE = "silence"
"""Nobody had said anything for a long time."""
MACHINE = "machine"
"""Of a call that we placed: an answering machine has it. The kind of the event that says so, too."""
MEDIA_LOST = "media_lost"
"""The process that carried the call was gone before it could write anything down."""
KEYPAD = "keypad"
"""The provider of conversations that no agent leads."""
STREAM_LOST = "stream_lost"
"""The carrier's socket broke; the caller may well be on the line still."""
WRONG_SAMPLE_RATE = "wrong_sample_rate"
"""The carrier's leg is not configured as we are: no agent's fault."""
AFTERCARE = "aftercare"
"""The kind of event that stands where a caller was given somebody or something else."""
WITHOUT_AGENT = "without_agent"
UNANSWERED = "unanswered"
"""The carrier did not get an answer from us, and asked for its fallback."""
SERVED = GOOD_ENDINGS | {TRANSFERRED, MACHINE}
"""Nothing more is done for the caller."""
ON_PURPOSE = GOOD_ENDINGS | {TRANSFER, TRANSFERRED, MACHINE}
"""Anything else cut the caller off."""
LEAST_SECONDS = 30.0
"""An agent that comes back to a caller has time for a sentence, however long the call has lasted."""
CALLERS_CHOICE = frozenset({CALLER_HUNG_UP, STREAM_LOST, MENU})
"""Who ends the call like this wants to hear no more of what was being said."""


@dataclass(frozen=True, slots=True)
class ClaimedCall:
    """The call that a media stream has proved to be for."""

    tenant_id: UUID
    call_id: UUID
    conversation_id: UUID
    carrier_call_id: str
    handover: Handover = field(repr=False)
    session_url: str = field(repr=False, default="")
    carrier: str = DEFAULT


@dataclass(frozen=True, slots=True)
class LastAgent:
    """Who was on the line when a stream ended: of that one its outcome tells."""

    provider: str
    agent_id: str
    was_heard: bool


def admit(incoming: IncomingCall, destination: Destination) -> None:
    """Record a call that comes in. Raises OverLimit, and leaves the reason for staff, when it is one too many."""
    with tenant_scope(destination.tenant_id):
        call, created = _get_or_create(incoming, destination)
        if created:
            others = Call.objects.exclude(pk=call.pk)
            try:
                limits.check(Tenant.objects.get(pk=destination.tenant_id), incoming.from_e164, others=others)
            except OverLimit as over:
                call.outcome = over.outcome
                call.save(update_fields=["outcome"])
    over_limit = limits.refusal_of(call.outcome)
    if over_limit is not None:
        raise over_limit


def _get_or_create(incoming: IncomingCall, destination: Destination, **more: Any) -> tuple[Call, bool]:
    """The call's row, locked. Needs the tenant's scope."""
    call, created = Call.objects.select_for_update().get_or_create(
        carrier=incoming.carrier,
        carrier_call_id=incoming.carrier_call_id,
        defaults={
            "tenant_id": destination.tenant_id,
            "carrier_account_id": incoming.account_id,
            "from_e164": incoming.from_e164,
            "to_e164": incoming.to_e164,
            "number_id": destination.number_id,
            **more,
        },
    )
    return call, created


def open_call(incoming: IncomingCall, route: Route) -> str | None:
    """Record the call and return its stream token; a repeat gets a fresh one, and the older dies.

    None when the stream has started: a captured webhook must not open a second one.
    """
    token = secrets.token_urlsafe(32)
    with tenant_scope(route.tenant_id):
        call, created = _get_or_create(incoming, route.destination)
        if not created and (call.stream_started_at or RANK[call.state] == ENDED):
            return None
        if call.conversation_id is None:
            call.conversation = open_conversation(
                tenant_id=route.tenant_id,
                provider=route.provider,
                agent_id=route.agent_id,
                caller_e164=incoming.from_e164,
                caller_vouched_for=incoming.vouched_for,
                called_e164=incoming.to_e164,
                carrier_call_id=incoming.carrier_call_id,
            )
        tenant = Tenant.objects.get(pk=route.tenant_id)
        spoken = wire_format(incoming.carrier, route.provider)
        ready = prepare(
            tenant,
            call.conversation.pk,
            spoken,
            incoming.carrier,
            granted_seconds=meters.granted_to(call.pk),
        )
        call.handover, call.session_url = seal(ready), ""
        call.stream_token_hash, call.stream_token_expires_at = _digest(token), token_expires_at()
        call.save()
    return token


def token_expires_at() -> Combinable:
    """Of a token that is written down now, by the database's clock: whoever takes the stream may be another host."""
    return Now() + datetime.timedelta(seconds=settings.STREAM_TOKEN_SECONDS)


def reserve_time(incoming: IncomingCall, destination: Destination) -> None:
    """Before an agent takes the call: hold the first minutes of it. Raises BudgetSpent."""
    with tenant_scope(destination.tenant_id):
        call, _ = _get_or_create(incoming, destination)
        tenant = Tenant.objects.get(pk=destination.tenant_id)
        meters.reserve(tenant, call.pk, incoming.from_e164)


def note_session(token: str, session_url: str) -> None:
    """Where the agent waits for the call whose stream has this token. Needs the tenant's scope."""
    Call.objects.filter(stream_token_hash=_digest(token)).update(session_url=encrypt(session_url))


def record_refused(incoming: IncomingCall, destination: Destination, outcome: str) -> bool:
    """A call that no agent takes; staff should see it all the same, and why.

    False when an agent has taken it: a captured webhook must not change what becomes of a call.
    """
    with tenant_scope(destination.tenant_id):
        call, _ = _get_or_create(incoming, destination)
        if call.stream_started_at is not None:
            return False
        if not call.outcome:
            call.outcome = outcome
            call.save(update_fields=["outcome"])
        add_event(
            destination.tenant_id,
            call.pk,
            WITHOUT_AGENT,
            dedupe_key=WITHOUT_AGENT,
            outcome=outcome,
            vouched_for=incoming.vouched_for,
        )
    return True


def attend(call: Call) -> Conversation:
    """The caller is with the menu: the conversation of their call, begun or resumed. Needs the tenant's scope."""
    call = Call.objects.select_for_update().get(pk=call.pk)
    Call.objects.filter(pk=call.pk).update(seen_at=Now())
    if call.conversation_id is not None:
        return resume_conversation(call.tenant_id, call.conversation_id)
    call.conversation = open_conversation(
        tenant_id=call.tenant_id,
        provider=KEYPAD,
        agent_id="",
        caller_e164=call.from_e164,
        caller_vouched_for=vouched_for(call),
        called_e164=call.to_e164,
        carrier_call_id=call.carrier_call_id,
    )
    call.save(update_fields=["conversation"])
    return call.conversation


def vouched_for(call: Call) -> bool | None:
    """What the carrier said of the number of a call that no agent took; None for nothing. Needs the tenant's scope.

    Whoever is not known to be vouched for because nobody wrote it down is not vouched for.
    """
    told = call.events.filter(kind=WITHOUT_AGENT).first()
    return told.detail.get("vouched_for") if told else False


def reopen(call: Call, resumption: Resumption) -> str | None:
    """A person was fetched in vain, and the agent goes on with the same caller: the token of its new stream.

    A repeat gets a fresh one, and the older dies. None when the call is over, or the agent has come back already.
    """
    token = secrets.token_urlsafe(32)
    with tenant_scope(call.tenant_id):
        row = Call.objects.select_for_update().get(pk=call.pk)
        if RANK[row.state] == ENDED or row.conversation_id is None or row.stream_ended_at is None:
            return None
        tenant = Tenant.objects.get(pk=call.tenant_id)
        conversation = resume_conversation(call.tenant_id, row.conversation_id)
        spoken = wire_format(row.carrier, conversation.provider)
        longest = limits.longest_call_seconds(tenant)
        spent = (timezone.now() - row.created_at).total_seconds()
        ready = prepare(
            tenant,
            conversation.pk,
            spoken,
            row.carrier,
            granted_seconds=meters.granted_to(row.pk),
        )
        ready = replace(
            ready,
            opening=resumption.opening,
            history=resumption.history,
            used_seconds=meters.used_by(row.pk),
            max_seconds=max(longest - spent, LEAST_SECONDS) if longest else ready.max_seconds,
        )
        row.handover, row.session_url, row.outcome = seal(ready), "", RETURNING
        row.stream_token_hash, row.stream_token_expires_at = _digest(token), token_expires_at()
        row.save()
    return token


def was_transferred(call: Call) -> None:
    """A person has taken it. Of a call that the agent failed, that stays what is told. Needs the tenant's scope."""
    Call.objects.filter(pk=call.pk, outcome=TRANSFER).update(outcome=TRANSFERRED)


def seen_again(call: Call) -> None:
    """It goes on without a stream. Needs the tenant's scope."""
    Call.objects.filter(pk=call.pk).update(seen_at=Now())


def was_not_transferred(call: Call) -> None:
    """They could not be put together after all. Needs the tenant's scope."""
    Call.objects.filter(pk=call.pk, outcome=TRANSFERRED).update(outcome=TRANSFER)


def _claiming(of_locked: str) -> str:
    """`of_locked`: what to do about a call that somebody else is writing about just now."""
    return f"""
WITH found AS (
  SELECT nth, call.id, tenant_id, conversation_id, handover, session_url, asked.stream
  FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS asked (token_hash, carriers_id, stream, nth)
    JOIN {Call._meta.db_table} call ON stream_token_hash = token_hash AND carrier_call_id = carriers_id
  WHERE stream_token_hash <> '' AND carrier = %s AND stream_token_expires_at > statement_timestamp()
    AND (%s OR tenant_id = %s) AND conversation_id IS NOT NULL
  FOR UPDATE OF call {of_locked}
)
UPDATE {Call._meta.db_table} claimed SET stream_token_hash = '', stream_token_expires_at = NULL, handover = '',
  session_url = '', stream_id = found.stream, stream_started_at = %s, stream_ended_at = NULL,
  seen_at = statement_timestamp(), state = '{State.IN_PROGRESS.value}'
FROM found WHERE claimed.id = found.id
RETURNING nth, found.id, found.tenant_id, found.conversation_id, found.handover, found.session_url
"""  # noqa: S608 - put together of constants


_CLAIM, _CLAIM_UNLOCKED = _claiming(""), _claiming("SKIP LOCKED")


async def claim_stream(started: StreamStarted, *, carrier: str = DEFAULT) -> ClaimedCall:
    """Use up the token that a stream presents: once, in time, for its own call, tenant and carrier.

    Raises StreamRefused. Of many sockets with one token, one is let in.
    """
    for _, row in await _claim(_CLAIM, told_tenant(started), [started], carrier):
        return await _carried(row, started, carrier)
    raise StreamRefused("a token that is unknown, used, expired, or another call's")


async def claim_streams(
    tenant_id: UUID | None, started: Sequence[StreamStarted], *, carrier: str
) -> list[ClaimedCall | None]:
    """`claim_stream` of many that name this tenant, or with None name none, in one trip that waits for nobody.

    None: ask for it alone.
    """
    claimed: list[ClaimedCall | None] = [None] * len(started)
    for place, row in await _claim(_CLAIM_UNLOCKED, tenant_id, started, carrier):
        try:
            claimed[place] = await _carried(row, started[place], carrier)
        except Exception:  # one call's trouble is not the others'
            logger.exception("A call cannot be carried")
        await asyncio.sleep(0)  # audio of calls that are there goes first
    return claimed


async def _claim(
    statement: str, tenant_id: UUID | None, started: Sequence[StreamStarted], carrier: str
) -> list[tuple[int, Sequence[Any]]]:
    """Which of them were claimed, and what `_carried` needs to know."""
    hashes = [_digest(one.parameters.get("token", "")) for one in started]
    ids, streams = [one.carrier_call_id for one in started], [one.stream_id[:64] for one in started]
    whose = [str(carrier), tenant_id is None, tenant_id]
    rows = await arrivals.make(tenant_id, (statement, [hashes, ids, streams, *whose, timezone.now()]))
    return [(nth - 1, row) for nth, *row in rows]


async def _carried(row: Sequence[Any], started: StreamStarted, carrier: str) -> ClaimedCall:
    call_id, tenant_id, conversation_id, sealed, session_url = row
    handover = unseal(sealed)
    if handover is None:
        handover = await in_tenant(tenant_id, _prepared, tenant_id, conversation_id, carrier)
    return ClaimedCall(
        tenant_id,
        call_id,
        conversation_id,
        started.carrier_call_id,
        handover,
        unseal_url(session_url),
        carrier,
    )


def told_tenant(started: StreamStarted) -> UUID | None:
    """The tenant that the stream itself names: it narrows where its token is looked for, and gives no right."""
    told = started.parameters.get("tenant_id")
    if told is None:
        return None
    try:
        return UUID(told)
    except ValueError:
        raise StreamRefused("a tenant_id that is none") from None


def _prepared(tenant_id: UUID, conversation_id: UUID, carrier: str) -> Handover:
    """Needs the tenant's scope."""
    provider = Conversation.objects.get(pk=conversation_id).provider
    spoken = wire_format(carrier, provider)
    return prepare(Tenant.objects.get(pk=tenant_id), conversation_id, spoken, carrier)


def tenant_of_stream(started: StreamStarted) -> UUID | None:
    """Whose call its token is for, before it is used up."""
    with platform_scope():
        digest = _digest(started.parameters.get("token", ""))
        return Call.objects.filter(stream_token_hash=digest).values_list("tenant_id", flat=True).first()


def finish_stream(
    claimed: ClaimedCall,
    outcome: str,
    *,
    first_audio_ms: int | None,
    feel: Record | None = None,
    last_agent: LastAgent | None = None,
) -> None:
    """The bridge is done. Needs the tenant's scope. The carrier's own callback ends the call; a browser has none."""
    # Locked: the callback that says so may be about to be written down at this moment.
    states = Call.objects.select_for_update(no_key=True).filter(pk=claimed.call_id)
    if outcome == STREAM_LOST and State.COMPLETED in states.values_list("state", flat=True):
        outcome = CALLER_HUNG_UP  # the carrier was faster to say so than its socket
    if outcome in CALLERS_CHOICE and Call.objects.filter(pk=claimed.call_id, events__kind=MACHINE).exists():
        outcome = MACHINE  # it was we who took the stream away
    Call.objects.filter(pk=claimed.call_id).update(
        stream_ended_at=timezone.now(),
        outcome=outcome,
        first_agent_audio_ms=first_audio_ms,
        feel=feel or {},
    )
    add_event(claimed.tenant_id, claimed.call_id, "stream_ended", outcome=outcome)
    if claimed.carrier == Carrier.BROWSER:
        _end_with_its_stream(claimed.call_id)
    if last_agent is None:
        led = Conversation.objects.get(pk=claimed.conversation_id)
        last_agent = LastAgent(led.provider, led.agent_id, was_heard=first_audio_ms is not None)
    circuit = breaker.Circuit(claimed.tenant_id, last_agent.provider, last_agent.agent_id)
    heard = last_agent.was_heard
    transaction.on_commit(lambda: breaker.note(circuit, outcome, agent_was_heard=heard))


def _end_with_its_stream(call_id: UUID) -> None:
    call = Call.objects.get(pk=call_id)
    _move(call, State.COMPLETED)
    if call.stream_started_at and call.stream_ended_at:
        call.duration_seconds = round((call.stream_ended_at - call.stream_started_at).total_seconds())
    call.save(update_fields=["state", "outcome", "ended_at", "duration_seconds"])


def abandon_stream(call: Call) -> None:
    """Whoever carried the stream is gone and has written nothing down: it is over. Needs the tenant's scope."""
    ended = Call.objects.filter(pk=call.pk, stream_started_at__isnull=False, stream_ended_at=None)
    if ended.update(stream_ended_at=timezone.now(), outcome=MEDIA_LOST):
        add_event(call.tenant_id, call.pk, "stream_ended", outcome=MEDIA_LOST)
        if call.conversation_id is not None:
            end_conversation(call.tenant_id, call.conversation_id, cut_off=True)
        call.refresh_from_db(fields=["stream_ended_at", "outcome"])


def apply_status(status: CallStatus) -> bool:
    """Move a call forward; late, repeated and unknown callbacks change nothing. Whether it is ours."""
    with platform_scope():
        call = Call.objects.filter(carrier=status.carrier, carrier_call_id=status.carrier_call_id).first()
    if call is None:
        return False
    state = {"initiated": State.QUEUED}.get(status.state, status.state)
    if state not in RANK:
        return True  # a status that Twilio has added since
    with tenant_scope(call.tenant_id):
        call = Call.objects.select_for_update().get(pk=call.pk)
        key = f"status:{status.sequence or '-'}:{state}"
        if not add_event(
            call.tenant_id, call.pk, f"status:{state}", dedupe_key=key, sequence=status.sequence
        ):
            return True
        if RANK[state] > RANK[call.state]:
            _move(call, state)
        if RANK[state] == ENDED and call.state == state and status.duration_seconds is not None:
            call.duration_seconds = status.duration_seconds
        call.save()
        streaming = (
            call.stream_started_at and not call.stream_ended_at
        )  # whoever carries it ends it, or the sweep
        if RANK[call.state] == ENDED and call.conversation_id is not None and not streaming:
            cut_off = bool(call.outcome) and call.outcome not in ON_PURPOSE | {MENU}
            end_conversation(call.tenant_id, call.conversation_id, cut_off=cut_off)
    return True


def _move(call: Call, state: str) -> None:
    call.state = state
    if RANK[state] == ENDED:
        call.ended_at = timezone.now()
        went_on = call.events.filter(kind=AFTERCARE).exists()
        if call.outcome == STREAM_LOST and state == State.COMPLETED and not went_on:
            call.outcome = CALLER_HUNG_UP  # the socket was gone before the carrier could say so
        call.stream_token_hash, call.stream_token_expires_at = "", None
        call.handover = call.session_url = ""


def find_call(carrier_call_id: str, carrier: str = DEFAULT) -> Call | None:
    """By the carrier's id, with its tenant, before any tenant is known."""
    with platform_scope():
        return (
            Call.objects.select_related("tenant")
            .filter(carrier=carrier, carrier_call_id=carrier_call_id)
            .first()
        )


def add_event(tenant_id: UUID, call_id: UUID, kind: str, *, dedupe_key: str = "", **detail: Any) -> bool:
    """Note what happened to a call; False if it was noted before. Needs the tenant's scope."""
    if not dedupe_key:
        add_events([event(tenant_id, call_id, kind, **detail)])
        return True
    with transaction.atomic():
        _, created = CallEvent.objects.get_or_create(
            call_id=call_id,
            dedupe_key=dedupe_key[:200],
            defaults={"tenant_id": tenant_id, "kind": kind[:48], "detail": detail},
        )
    return created


_ADD_EVENTS = f"""
INSERT INTO {CallEvent._meta.db_table} (id, tenant_id, call_id, kind, detail, dedupe_key, occurred_at)
SELECT gen_random_uuid(), tenant_id, call_id, kind, detail, '', occurred_at
FROM json_to_recordset(%s) AS event (
  tenant_id uuid, call_id uuid, kind text, detail jsonb, occurred_at timestamptz)
"""  # noqa: S608 - put together of constants


class Happening(NamedTuple):
    """An event that is not written down yet."""

    tenant_id: UUID
    call_id: UUID
    kind: str
    detail: dict[str, Any]
    occurred_at: datetime.datetime


def adding_events(events: Sequence[Happening]) -> Statement:
    """What happened to one or several calls."""
    return _ADD_EVENTS, [as_records(events)]


def add_events(events: Sequence[Happening]) -> None:
    """Needs the tenant's scope."""
    with connection.cursor() as cursor:
        cursor.execute(*adding_events(events))


def event(tenant_id: UUID, call_id: UUID, kind: str, **detail: Any) -> Happening:
    """What happened to a call just now."""
    return Happening(tenant_id, call_id, kind[:48], detail, timezone.now())


def seen(conversation_ids: Sequence[str]) -> None:
    """The process that carries these calls lives. Needs the platform's scope.

    Told by the database's clock, as who looks for it reads that, too: a host whose own is wrong loses no call.
    """
    Call.objects.filter(conversation_id__in=conversation_ids, ended_at=None).update(seen_at=Now())


STREAM_IS_LOST = datetime.timedelta(seconds=90)
"""Without a sign of life from whoever carries it: four heartbeats."""


def sweep(now: datetime.datetime) -> int:
    """End the calls whose last callback never came, and the streams that nobody carries. How many calls."""
    with platform_scope():
        lost = list(_lost_streams().select_related("tenant"))
        endings = [(call, *ending) for call in _open() if (ending := _ending(call, now))]
    for call in lost:
        with tenant_scope(call.tenant_id):
            abandon_stream(call)
    return sum(_end(call, state, outcome, now) for call, state, outcome in endings)


def _open() -> QuerySet[Call]:
    """Whoever talks to a person has no stream, and leaves no other sign of life."""
    talks = Q(transfers__state="joined")
    too_long = Q(created_at__lt=timezone.now() - limits.surely_over())
    return Call.objects.filter(ended_at=None).exclude(talks & ~too_long)


def _lost_streams() -> QuerySet[Call]:
    streaming = Call.objects.filter(stream_started_at__isnull=False, stream_ended_at=None)
    return streaming.filter(seen_at__lt=Now() - STREAM_IS_LOST)


def _ending(call: Call, now: datetime.datetime) -> tuple[str, str] | None:
    """State and outcome of a call that must be over; the menu may be long, and shows that it lives."""
    minutes = datetime.timedelta(minutes=1)
    last_sign = max(filter(None, (call.stream_ended_at, call.seen_at)), default=None)
    streaming = call.stream_started_at is not None and call.stream_ended_at is None
    if not streaming and last_sign is not None and last_sign < now - 5 * minutes:
        return State.COMPLETED, call.outcome
    if not streaming and last_sign is None and call.created_at < now - 10 * minutes:
        return State.NO_ANSWER, call.outcome
    return (State.FAILED, "lost") if call.created_at < now - limits.surely_over() else None


def _end(call: Call, state: str, outcome: str, now: datetime.datetime) -> int:
    with tenant_scope(call.tenant_id):
        ended = Call.objects.filter(pk=call.pk, ended_at=None).update(
            state=state, outcome=outcome, ended_at=now, handover="", session_url=""
        )
        if ended and call.conversation_id is not None:
            end_conversation(call.tenant_id, call.conversation_id, cut_off=True)
    return ended


def end_unheard(call: Call, outcome: str) -> None:
    """The carrier never had this call, as far as anybody knows. Needs the tenant's scope."""
    if _end(call, State.FAILED, outcome, timezone.now()):
        add_event(call.tenant_id, call.pk, "not_placed", outcome=outcome)


def _digest(token: str) -> str:
    """Tokens are stored as digests: a dump of the database opens no stream."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
