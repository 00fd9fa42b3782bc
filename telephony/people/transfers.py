"""The only writer of Transfer and TransferLeg: every step is taken once, whoever asks for it again, and however late.

All functions lock the transfer, open the tenant's scope themselves, and tell what holds then.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.utils import timezone

from agents.live_calls import Reach
from agents.models import Conversation, ToolInvocation
from telephony import calls
from telephony.models import Call
from telephony.people import directory
from telephony.people.models import Transfer, TransferLeg
from tenants.models import Tenant
from tenants.scoping import platform_scope, tenant_scope

State, Purpose, LegState = Transfer.State, Transfer.Purpose, TransferLeg.State

MOST_PER_CALL = 3
"""Whoever was not there three times will not be there the fourth time; and each attempt costs money."""
LONGEST_REASON = 240
OPEN = (LegState.RINGING, LegState.LISTENING)
UNREACHED = {
    "busy": LegState.BUSY,
    "no-answer": LegState.NO_ANSWER,
    "failed": LegState.FAILED,
    "canceled": LegState.STOPPED,
}
"""By the carrier's state of a leg that is over."""


# --- Beginning -----------------------------------------------------------------------------------


def reach(conversation: Conversation) -> Reach:
    """What the agent can promise. Needs the tenant's scope."""
    tenant = Tenant.objects.get(pk=conversation.tenant_id)
    tried = Transfer.objects.for_tenant(tenant).filter(call__conversation=conversation).count()
    return Reach.NOBODY if tried >= MOST_PER_CALL else directory.reach(tenant, timezone.now())


def begin(call: Call, purpose: Transfer.Purpose) -> Transfer | None:
    """The transfer that goes on, or a new one; None where nobody can be rung, or not again."""
    with tenant_scope(call.tenant_id):
        row = Call.objects.select_for_update(no_key=True).get(pk=call.pk)
        earlier = _earlier(row)
        if earlier and earlier[-1].state == State.RINGING:
            return earlier[-1]
        if len(earlier) >= MOST_PER_CALL or calls.RANK[row.state] == calls.ENDED:
            return None
        if earlier and (purpose == Purpose.INSTEAD or _is_same_wish(earlier[-1], row, purpose)):
            return None
        tenant = row.tenant = Tenant.objects.get(pk=call.tenant_id)
        found = directory.rounds(tenant, timezone.now())
        if not found:
            return None
        transfer = Transfer.objects.create(
            tenant=tenant,
            call=row,
            purpose=purpose,
            is_warm=directory.is_warm(tenant),
            reason=_reason(row) if purpose == Purpose.WANTED else "",
            episode=row.stream_id,
            rounds=[_as_json(one) for one in found],
        )
        _start_round(transfer)
        return transfer


def may_begin(call: Call, purpose: Transfer.Purpose) -> bool:
    """Whether `begin` would find somebody. Needs no scope."""
    with tenant_scope(call.tenant_id):
        earlier = _earlier(call)
        if earlier and earlier[-1].state == State.RINGING:
            return True
        if len(earlier) >= MOST_PER_CALL:
            return False
        if earlier and (purpose == Purpose.INSTEAD or _is_same_wish(earlier[-1], call, purpose)):
            return False
        return bool(directory.rounds(Tenant.objects.get(pk=call.tenant_id), timezone.now()))


def _earlier(call: Call) -> list[Transfer]:
    rows = Transfer.objects.select_related("call__tenant", "tenant")
    return list(rows.filter(call=call).order_by("started_at"))


def _is_same_wish(last: Transfer, call: Call, purpose: str) -> bool:
    """The end of one stream leads to one transfer, however often it is told."""
    return purpose == Purpose.WANTED and last.purpose == purpose and last.episode == call.stream_id


def _reason(call: Call) -> str:
    asked = ToolInvocation.objects.filter(conversation_id=call.conversation_id, tool="transfer_to_human")
    last = asked.order_by("-occurred_at").first() if call.conversation_id else None
    reason = last.arguments.get("reason") if last else ""
    return " ".join(reason.split())[:LONGEST_REASON] if isinstance(reason, str) else ""


def _as_json(one: directory.Round) -> dict[str, Any]:
    people = [{"name": person.name, "e164": person.e164} for person in one.people]
    return {"people": people, "rings": one.rings_seconds}


# --- Looking -------------------------------------------------------------------------------------


def find(transfer_id: UUID) -> Transfer | None:
    """With its call and tenant, before any tenant is known."""
    with platform_scope():
        return Transfer.objects.select_related("call__tenant", "tenant").filter(pk=transfer_id).first()


def latest(call: Call) -> Transfer | None:
    with tenant_scope(call.tenant_id):
        return (
            Transfer.objects.select_related("call__tenant", "tenant")
            .filter(call=call)
            .order_by("-started_at")
            .first()
        )


def find_leg(carrier_leg_id: str) -> TransferLeg | None:
    """By the carrier's id, with transfer and call, before any tenant is known."""
    if not carrier_leg_id:
        return None
    with platform_scope():
        legs = TransferLeg.objects.select_related("transfer__call__tenant", "transfer__tenant")
        return legs.filter(carrier_leg_id=carrier_leg_id).first()


def name_leg(call: Call, reference: str, carrier_leg_id: str) -> None:
    """The carrier tells its own name of a leg beside ours: its answer, which should have, may have been lost."""
    try:
        pk = UUID(reference)
    except ValueError:
        return
    with tenant_scope(call.tenant_id):
        unnamed = TransferLeg.objects.filter(pk=pk, transfer__call_id=call.pk, carrier_leg_id="")
        unnamed.update(carrier_leg_id=carrier_leg_id[:128])


def times_returned(call: Call) -> int:
    """How often the agent came back to the caller."""
    with tenant_scope(call.tenant_id):
        return Transfer.objects.filter(call=call, state=State.RETURNED).count()


def count(call: Call) -> int:
    with tenant_scope(call.tenant_id):
        return Transfer.objects.filter(call=call).count()


def legs_of(transfer: Transfer, *, everywhere: bool = False) -> list[TransferLeg]:
    """Of the round that is being rung, or of all rounds."""
    with tenant_scope(transfer.tenant_id):
        rows = TransferLeg.objects.filter(transfer=transfer)
        return list(rows if everywhere else rows.filter(round=transfer.position))


def is_round_over(transfer: Transfer) -> bool:
    """Whether nobody of the round that is being rung can take the call any more."""
    return not any(leg.state in OPEN for leg in legs_of(transfer))


def rings_seconds(transfer: Transfer) -> int:
    return int(transfer.rounds[transfer.position]["rings"])


# --- Steps ---------------------------------------------------------------------------------------


@contextmanager
def _locked(transfer: Transfer) -> Iterator[Transfer]:
    with tenant_scope(transfer.tenant_id):
        row = Transfer.objects.select_related("call__tenant", "tenant")
        yield row.select_for_update(of=("self",), no_key=True).get(pk=transfer.pk)


def rung(leg: TransferLeg, carrier_leg_id: str) -> None:
    """The carrier has given the leg an id."""
    with tenant_scope(leg.tenant_id):
        TransferLeg.objects.filter(pk=leg.pk).update(carrier_leg_id=carrier_leg_id[:128])


def listens(transfer: Transfer, leg: TransferLeg, carrier_leg_id: str = "") -> bool:
    """Somebody picked up. Whether they are to hear who calls: nobody was first, and the caller is there."""
    with _locked(transfer) as row:
        if not _is_open(row, leg):
            return False
        changes: dict[str, Any] = {"state": LegState.LISTENING}
        if carrier_leg_id:
            changes["carrier_leg_id"] = carrier_leg_id[:128]
        if TransferLeg.objects.filter(pk=leg.pk, state=LegState.RINGING).update(**changes):
            _note(row, "person_listens", leg, name=leg.name)
        return TransferLeg.objects.filter(pk=leg.pk, state=LegState.LISTENING).exists()


def takes(transfer: Transfer, leg: TransferLeg) -> bool:
    """Somebody takes the call: the first who does, and of a repeat the same one again."""
    with _locked(transfer) as row:
        if row.state == State.JOINED:
            return TransferLeg.objects.filter(pk=leg.pk, state=LegState.TOOK).exists()
        if not _is_open(row, leg):
            return False
        if not TransferLeg.objects.filter(pk=leg.pk, state__in=OPEN).update(state=LegState.TOOK):
            return False
        others = TransferLeg.objects.filter(transfer=row, state__in=OPEN)
        others.update(state=LegState.STOPPED)
        row.state, row.taken_by, row.taken_at = State.JOINED, leg.name, timezone.now()
        row.save(update_fields=["state", "taken_by", "taken_at"])
        calls.was_transferred(row.call)
        _note(row, "person_accepted", leg, name=leg.name)
        return True


def could_not_join(transfer: Transfer, leg: TransferLeg) -> None:
    """The carrier would not put the two together: as if nobody had taken it."""
    with _locked(transfer) as row:
        if row.state != State.JOINED or row.ended_at:
            return
        TransferLeg.objects.filter(pk=leg.pk, state=LegState.TOOK).update(state=LegState.FAILED)
        row.state, row.taken_by, row.taken_at = State.RINGING, "", None
        row.save(update_fields=["state", "taken_by", "taken_at"])
        calls.was_not_transferred(row.call)
        _note(row, "person_lost", leg, name=leg.name)


def leg_ends(transfer: Transfer, leg: TransferLeg, how: str) -> None:
    """A leg is over that nobody took the call on; `how` is a LegState. Whoever listened has declined."""
    with _locked(transfer) as row:
        now = TransferLeg.objects.get(pk=leg.pk)
        if now.state not in OPEN:
            return
        state = LegState.DECLINED if now.state == LegState.LISTENING else LegState(how)
        TransferLeg.objects.filter(pk=leg.pk).update(state=state)
        _note(row, "person_unreached", leg, name=leg.name, why=str(state))


def round_ends(
    transfer: Transfer, position: int, how: str = LegState.NO_ANSWER, *, again: bool = False
) -> tuple[Transfer, bool]:
    """A round is over and nobody took the call: on to the next, or nobody did. False for one that was over before.

    `again`: one picked up in vain, a voicemail perhaps, and cost the others their ringing; they are rung once more.
    """
    with _locked(transfer) as row:
        if row.state != State.RINGING or row.position != position:
            return row, False
        legs = list(TransferLeg.objects.filter(transfer=row, round=position))
        for leg in legs:
            leg_ends(row, leg, how)
        ended = {leg.pk: leg.state for leg in TransferLeg.objects.filter(transfer=row, round=position)}
        picked_up = [leg for leg in legs if ended[leg.pk] == LegState.DECLINED]
        others = [leg for leg in legs if ended[leg.pk] in {LegState.NO_ANSWER, LegState.STOPPED}]
        if again and picked_up and others:
            people = [{"name": leg.name, "e164": leg.e164} for leg in others]
            row.rounds.insert(position + 1, {"people": people, "rings": row.rounds[position]["rings"]})
        if position + 1 < len(row.rounds):
            row.position = position + 1
            row.save(update_fields=["position", "rounds"])
            _start_round(row)
        else:
            _end(row, State.NOBODY)
            _note(row, "nobody_came", None)
        return row, True


def caller_left(call: Call) -> list[TransferLeg]:
    """Nobody waits any more: the legs that are to be hung up."""
    with tenant_scope(call.tenant_id):
        last = Transfer.objects.filter(call=call).order_by("-started_at").first()
    if last is None:
        return []
    with _locked(last) as row:
        open_legs = list(TransferLeg.objects.filter(transfer=row, state__in=(*OPEN, LegState.TOOK)))
        if row.state == State.RINGING:
            _end(row, State.STOPPED)
            TransferLeg.objects.filter(transfer=row, state__in=OPEN).update(state=LegState.STOPPED)
            _note(row, "ringing_stopped", None)
        elif row.state == State.JOINED:
            _end(row, State.OVER)
        else:
            return []
        return open_legs


def is_over(transfer: Transfer) -> bool:
    """The person has hung up. False if that was told before, or nobody had taken the call."""
    with _locked(transfer) as row:
        if row.state != State.JOINED:
            return False
        _end(row, State.OVER)
        _note(row, "person_left", None, name=row.taken_by)
        return True


def returned(transfer: Transfer) -> None:
    """The agent goes on with the caller."""
    with _locked(transfer) as row:
        if row.state == State.NOBODY:
            row.state = State.RETURNED
            row.save(update_fields=["state"])
            _note(row, "agent_returns", None)


# --- Inside --------------------------------------------------------------------------------------


def _is_open(row: Transfer, leg: TransferLeg) -> bool:
    return (
        row.state == State.RINGING
        and leg.transfer_id == row.pk
        and leg.round == row.position
        and calls.RANK[row.call.state] != calls.ENDED
    )


def _start_round(row: Transfer) -> None:
    calls.seen_again(row.call)
    people: Sequence[dict[str, str]] = row.rounds[row.position]["people"]
    for place, one in enumerate(people):
        leg = TransferLeg.objects.create(
            tenant_id=row.tenant_id,
            transfer=row,
            round=row.position,
            place=place,
            name=one["name"],
            e164=one["e164"],
        )
        _note(row, "person_rung", leg, name=leg.name, round=row.position + 1)


def _end(row: Transfer, state: Transfer.State) -> None:
    row.state, row.ended_at = state, timezone.now()
    row.save(update_fields=["state", "ended_at"])


def _note(row: Transfer, kind: str, leg: TransferLeg | None, **detail: Any) -> None:
    calls.add_event(row.tenant_id, row.call_id, kind, **detail)
