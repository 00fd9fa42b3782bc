"""Streams that want to be let in: alone, together, and beside one that has to wait."""

import asyncio
from uuid import UUID, uuid4

import pytest

from telephony import calls, turnstile
from telephony.errors import StreamRefused
from telephony.frames import StreamStarted
from telephony.models import Call
from tenants.scoping import in_thread, tenant_scope
from tests.telephony.test_media_socket import ring
from tests.telephony.writers import writing_about

pytestmark = pytest.mark.django_db(transaction=True)


async def stream(tenant_id: UUID, sid: str) -> StreamStarted:
    """Of a call that waits for it."""
    return StreamStarted(f"MZ{sid}", sid, {"token": await ring(sid), "tenant_id": str(tenant_id)})


async def streams(tenant_id: UUID, number: int) -> list[StreamStarted]:
    return [await stream(tenant_id, f"CA{one}") for one in range(number)]


@pytest.fixture
def trips(monkeypatch):
    """How many streams went together each time."""
    seen: list[int] = []
    claim = calls._claim

    async def counted(statement, tenant_id, started, carrier):
        seen.append(len(started))
        return await claim(statement, tenant_id, started, carrier)

    monkeypatch.setattr(calls, "_claim", counted)
    yield seen
    assert not turnstile._turnstiles


async def test_many_at_once_are_let_in_together_and_each_to_its_own_call(salon, trips):
    waiting = await streams(salon.pk, 30)
    claimed = await asyncio.gather(*(turnstile.let_in(one, "twilio") for one in waiting))
    assert [one.carrier_call_id for one in claimed] == [one.carrier_call_id for one in waiting]
    assert len({one.conversation_id for one in claimed}) == 30
    assert all(one.handover.agent_id for one in claimed)
    assert sum(trips) == 30
    assert len(trips) < 10

    def streams_of_calls() -> dict[str, str]:
        with tenant_scope(salon):
            return dict(
                Call.objects.filter(state=Call.State.IN_PROGRESS).values_list("carrier_call_id", "stream_id")
            )

    assert await in_thread(streams_of_calls) == {one.carrier_call_id: one.stream_id for one in waiting}


async def test_of_many_with_one_token_one_is_let_in(salon, trips):
    one, others = await stream(salon.pk, "CA1"), await stream(salon.pk, "CA2")
    outcomes = await asyncio.gather(
        *(turnstile.let_in(each, "twilio") for each in [one] * 10 + [others]), return_exceptions=True
    )
    assert sum(isinstance(outcome, calls.ClaimedCall) for outcome in outcomes[:10]) == 1
    assert sum(isinstance(outcome, StreamRefused) for outcome in outcomes[:10]) == 9
    assert isinstance(outcomes[10], calls.ClaimedCall)


async def test_who_has_no_right_is_refused_and_keeps_nobody_out(salon, trips):
    good = await streams(salon.pk, 4)
    stolen, forged = good[0], StreamStarted("MZX", "CA3", {**good[3].parameters, "token": "forged"})
    of_another = StreamStarted(stolen.stream_id, "CA3", dict(stolen.parameters))
    elsewhere = StreamStarted(stolen.stream_id, "CA0", {**stolen.parameters, "tenant_id": str(uuid4())})
    bad = [forged, of_another, elsewhere]
    outcomes = await asyncio.gather(
        *(turnstile.let_in(one, "twilio") for one in [*bad, *good]), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [StreamRefused] * 3 + [calls.ClaimedCall] * 4
    with pytest.raises(StreamRefused):
        await turnstile.let_in(StreamStarted("MZ1", "CA1", {"token": "x", "tenant_id": "none"}), "twilio")


async def test_another_carriers_stream_is_refused(salon, trips):
    waiting = await streams(salon.pk, 3)
    outcomes = await asyncio.gather(
        *(turnstile.let_in(one, "infobip") for one in waiting), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [StreamRefused] * 3


async def test_a_call_that_somebody_writes_about_waits_alone(salon, trips):
    waiting, later = await streams(salon.pk, 20), await stream(salon.pk, "CA20")
    with writing_about(salon.pk, "CA0") as let_go:
        outcomes = [asyncio.create_task(turnstile.let_in(one, "twilio")) for one in waiting]
        await asyncio.wait_for(asyncio.gather(*outcomes[1:]), 2)
        await asyncio.wait_for(turnstile.let_in(later, "twilio"), 2)
        assert not outcomes[0].done()
        let_go.set()
        assert (await asyncio.wait_for(outcomes[0], 2)).carrier_call_id == "CA0"


async def test_a_call_that_cannot_be_carried_is_refused_and_keeps_nobody_out(salon, trips, monkeypatch):
    waiting = await streams(salon.pk, 5)
    carried = calls._carried

    def fails_one(row, started, carrier):
        if started.carrier_call_id.startswith("CA3"):
            raise LookupError("what it needs is gone")
        return carried(row, started, carrier)

    monkeypatch.setattr(calls, "_carried", fails_one)
    with pytest.raises(LookupError):
        await asyncio.wait_for(turnstile.let_in(await stream(salon.pk, "CA3b"), "twilio"), 2)
    outcomes = await asyncio.gather(
        *(turnstile.let_in(one, "twilio") for one in waiting), return_exceptions=True
    )
    assert isinstance(outcomes.pop(3), StreamRefused)
    assert all(isinstance(outcome, calls.ClaimedCall) for outcome in outcomes)


async def test_a_stream_that_gives_up_is_missed_by_nobody(salon, trips):
    waiting = await streams(salon.pk, 5)
    outcomes = [asyncio.create_task(turnstile.let_in(one, "twilio")) for one in waiting]
    await asyncio.sleep(0)
    outcomes[2].cancel()
    await asyncio.wait_for(asyncio.gather(*outcomes[:2], *outcomes[3:]), 5)


async def test_a_database_that_fails_tells_all_of_them(salon, monkeypatch):
    from django.db import OperationalError

    def fails(*_args):
        raise OperationalError("the server is away")

    waiting = await streams(salon.pk, 3)
    monkeypatch.setattr(calls, "_claim", fails)
    outcomes = await asyncio.gather(
        *(turnstile.let_in(one, "twilio") for one in waiting), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [OperationalError] * 3
