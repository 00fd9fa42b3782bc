"""Paid time: held before it is used, never more than the caps allow, and given back whatever becomes of a call."""

import datetime
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from telephony import closing_time as closing
from telephony.errors import BudgetSpent
from telephony.models import Call, Meter
from telephony.signal import Signal
from telephony.spend import meters
from telephony.spend.caps import (
    HORIZON_SECONDS,
    LEAST_SECONDS,
    TICK_SECONDS,
    Amount,
    Cap,
    Window,
    caps_of,
    grant,
    micros_per_second,
)
from telephony.spend.leases import LAST_WORDS_SECONDS, Lease
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.telephony.test_limits import limited, outcome_of
from tests.telephony.test_twilio_webhooks import ring, said

pytestmark = pytest.mark.django_db
CALLER = "+15559876543"
UNAVAILABLE = "Our AI assistant is temporarily unavailable."
OFTEN = "I'm sorry, you have called us very often today. Please call again tomorrow."


# --- Arithmetic ----------------------------------------------------------------------------------


def test_what_is_no_positive_number_is_no_cap():
    odd = {"maxMinutesPerDay": 0, "maxSpendPerDay": "x", "maxSpendPerCall": True, "maxMinutesPerMonth": [3]}
    assert caps_of(odd) == {}
    assert caps_of({"maxSpendPerDay": "12.50"}) == {Window.DAY: Cap(None, 12_500_000)}
    assert caps_of({"maxMinutesPerCallerDay": 1.5}) == {Window.CALLER: Cap(90, None)}


def test_a_second_costs_its_share_of_a_minute_rounded_up():
    assert micros_per_second({}, Decimal("0.15")) == 2500
    assert micros_per_second({"pricePerMinute": "0.10"}, Decimal("0.15")) == 1667


def test_the_narrowest_window_decides_and_is_named():
    caps = caps_of({"maxMinutesPerDay": 10, "maxSpendPerCallerDay": 1})
    taken = {Window.DAY: Amount(seconds=500), Window.CALLER: Amount(micros=900_000)}
    assert grant(0, 2500, caps, taken) == (type(grant(0, 0, {}, {}))(40, Window.CALLER))
    assert grant(60, 2500, caps, {}).seconds == 60 + HORIZON_SECONDS
    assert grant(60, 2500, {}, {}).seconds is None


@profile(max_examples=200, deadline=None)
@given(cap=st.integers(30, 900), moves=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), max_size=80))
def test_no_order_of_ringing_ticking_and_hanging_up_passes_the_cap(cap: int, moves: list[tuple[int, int]]):
    """Six lines; a move is a line and how many seconds it talks before it is looked at (7: it hangs up)."""
    caps = {Window.DAY: Cap(cap, None)}
    used, held, settled = dict[int, int](), dict[int, int](), 0
    for line, seconds in moves:
        others = settled + sum(held.values()) - held.get(line, 0)
        if line not in held:
            granted = grant(0, 0, caps, {Window.DAY: Amount(others)}).seconds or 0
            if granted >= LEAST_SECONDS:
                held[line], used[line] = granted, 0
        elif seconds == 7:
            settled += used.pop(line)
            del held[line]
        else:
            used[line] = min(used[line] + seconds * 7, held[line])  # a lease that is over ends its call
            held[line] = grant(used[line], 0, caps, {Window.DAY: Amount(others)}).seconds or 0
        assert settled + sum(held.values()) <= cap
        assert all(used[one] <= held[one] for one in held)


def test_a_lease_counts_by_itself_and_keeps_the_last_words_back():
    now = [100.0]
    lease = Lease(UUID(int=1), UUID(int=2), 90, lambda: now[0])
    now[0] = 130.2
    assert lease.used_seconds == 31
    assert lease.seconds_left() == pytest.approx(90 - LAST_WORDS_SECONDS - 30.2)
    lease.granted_seconds = None
    assert lease.seconds_left() == float("inf")


# --- In the database -----------------------------------------------------------------------------


def call_of(tenant: Tenant, sid: str, caller: str = CALLER) -> UUID:
    with tenant_scope(tenant):
        call = Call.objects.create(
            tenant=tenant, carrier_call_id=sid, from_e164=caller, to_e164="+15551234567"
        )
        return call.pk


def reserve(tenant: Tenant, call_id: UUID, caller: str = CALLER) -> int | None:
    with tenant_scope(tenant):
        meters.reserve(Tenant.objects.get(pk=tenant.pk), call_id, caller)
        return meters.granted_to(call_id)


def read(tenant: Tenant, call_id: UUID, seconds: int) -> int | None:
    with tenant_scope(tenant):
        return meters.read(tenant.pk, {call_id: seconds})[call_id]


def test_time_is_held_when_it_rings_and_again_with_each_tick(salon):
    limited(salon, maxMinutesPerDay=4)
    one, two = call_of(salon, "CA1"), call_of(salon, "CA2")
    assert reserve(salon, one) == reserve(salon, one) == HORIZON_SECONDS
    assert reserve(salon, two) == 120
    assert read(salon, one, 40) == 120  # the other one holds the rest
    with tenant_scope(salon):
        meters.settle(two, 30)
    assert read(salon, one, 41) == 161
    assert read(salon, one, 100) == 210


def test_a_settled_meter_is_not_opened_again_by_a_reading_that_was_under_way(salon):
    limited(salon, maxMinutesPerDay=4)
    one = call_of(salon, "CA1")
    reserve(salon, one)
    with tenant_scope(salon):
        meters.settle(one, 30)
    read(salon, one, 29)
    with tenant_scope(salon):
        meter = Meter.objects.get()
    assert (meter.used_seconds, meter.closed_at is None) == (30, False)


def test_a_business_without_paid_time_says_so_and_goes_on_to_a_person_or_hangs_up(salon):
    limited(salon, maxMinutesPerDay=1)
    assert b"<Connect" in ring(CallSid="CA1").content
    assert b"<Connect" in ring(CallSid="CA1").content
    answer = ring(CallSid="CA2", From="+15553332211")
    assert said(answer) == [UNAVAILABLE]
    assert b"<Redirect" not in answer.content
    assert outcome_of(salon, "CA2") == "budget_spent"
    limited(salon, maxMinutesPerDay=1, transferNumber="+15550001111")
    answer = ring(CallSid="CA3", From="+15553332211")
    assert said(answer) == [UNAVAILABLE]
    assert b"<Redirect" in answer.content


def test_a_caller_who_has_used_up_their_share_is_asked_to_call_tomorrow_and_others_are_not(salon):
    limited(salon, maxSpendPerCallerDay="0.30", pricePerMinute="0.15")
    assert b"<Connect" in ring(CallSid="CA1").content
    assert said(ring(CallSid="CA2")) == [OFTEN]
    assert outcome_of(salon, "CA2") == "caller_budget_spent"
    assert b"<Connect" in ring(CallSid="CA3", From="+15553332211").content
    for n in range(4):  # whoever withholds their number is not one caller
        assert b"<Connect" in ring(CallSid=f"CAx{n}", From="anonymous").content


def test_one_business_does_not_pay_for_another(salon, garage):
    limited(salon, maxMinutesPerDay=2)
    limited(garage, maxMinutesPerDay=2)
    assert reserve(salon, call_of(salon, "CA1")) == 120
    assert reserve(garage, call_of(garage, "CA2")) == 120


def test_a_month_counts_all_its_days_and_no_other_months(salon):
    limited(salon, maxMinutesPerMonth=5)
    today = timezone.now().astimezone(salon.zone).date()
    first = today.replace(day=1)
    for nth, day in enumerate((first, first - datetime.timedelta(days=1))):
        with tenant_scope(salon):
            Meter.objects.create(
                tenant=salon, call_id=call_of(salon, f"CA{nth}"), day=day, micros_per_second=0,
                used_seconds=200, closed_at=timezone.now(),
            )  # fmt: skip
    assert reserve(salon, call_of(salon, "CA9")) == 100


def test_what_a_killed_process_held_is_settled_where_it_was_last_seen(salon):
    limited(salon, maxMinutesPerDay=4)
    talking, ringing, alive = (call_of(salon, f"CA{n}") for n in range(3))
    reserve(salon, talking), reserve(salon, ringing)
    read(salon, talking, 33)
    later = timezone.now() + datetime.timedelta(minutes=4)
    assert meters.reap(timezone.now()) == 0
    assert meters.reap(later) == 2
    assert meters.reap(later) == 0
    with tenant_scope(salon):
        used = dict(Meter.objects.values_list("call_id", "used_seconds"))
    assert used == {talking: 33 + int(TICK_SECONDS), ringing: 0}
    assert reserve(salon, alive) == HORIZON_SECONDS
    assert read(salon, alive, 119) == 240 - 38


@pytest.mark.django_db(transaction=True)
def test_calls_at_once_on_a_real_database_never_use_more_than_there_is(salon):
    """Each thread is a media process: it rings, talks for as long as its lease lets it, and hangs up or is killed."""
    cap = 600
    limited(salon, maxMinutesPerDay=cap // 60)
    calls = [call_of(salon, f"CA{n}", f"+1555000{n:04}") for n in range(12)]
    talked, lock = dict[UUID, int](), threading.Lock()

    def carry(nth: int) -> None:
        dice, used = random.Random(nth), 0
        try:
            granted = reserve(salon, calls[nth], f"+1555000{nth:04}")
            while granted is not None and used < granted:
                used = min(used + dice.randint(20, 110), granted)
                with lock:
                    talked[calls[nth]] = used
                if dice.random() < 0.1:  # killed
                    return
                granted = read(salon, calls[nth], used)
            with tenant_scope(salon):
                meters.settle(calls[nth], used)
        except BudgetSpent:
            pass
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as processes:
        list(processes.map(carry, range(12)))
    assert cap - LEAST_SECONDS - HORIZON_SECONDS * 3 <= sum(talked.values()) <= cap
    meters.reap(timezone.now() + datetime.timedelta(hours=1))
    with tenant_scope(salon):
        assert sum(Meter.objects.values_list("used_seconds", flat=True)) <= cap
        assert not Meter.objects.filter(closed_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_of_calls_that_ring_at_once_only_as_many_are_begun_as_can_be_paid(salon):
    limited(salon, maxMinutesPerDay=1)
    calls = [call_of(salon, f"CA{n}", f"+1555000{n:04}") for n in range(8)]
    together = threading.Barrier(len(calls))

    def ring_up(nth: int) -> int:
        try:
            with tenant_scope(salon):  # each has its connection and its tenant before the race begins
                tenant = Tenant.objects.get(pk=salon.pk)
                together.wait(30)
                meters.reserve(tenant, calls[nth], f"+1555000{nth:04}")
                return 1
        except BudgetSpent:
            return 0
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as lines:
        assert sum(lines.map(ring_up, range(len(calls)))) == 1


# --- The end that is known beforehand ------------------------------------------------------------


async def watched(
    left: list[float], *, max_seconds: float = 0, silent: bool = False
) -> tuple[str, list[str]]:
    """`left`: of the budget, at one look after the other."""
    told, looks = list[str](), iter(left)
    ready = Signal()
    if not silent:
        ready.set()

    async def tell(text: str) -> None:
        told.append(text)

    async def last_words() -> None:
        told.append("(heard out)")

    outcome = await closing.closing_time(
        max_seconds=max_seconds,
        budget_left=lambda: next(looks),
        agent_ready=ready,
        tell=tell,
        last_words=last_words,
    )
    return outcome, told


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(closing, "LOOK_SECONDS", 0.001)


async def test_the_agent_is_told_once_a_minute_before_and_heard_out(quick):
    outcome, told = await watched([float("inf"), 61, 60, 59, 30, 0])
    assert (outcome, told) == ("spend_limit", [closing.WRAP_UP, "(heard out)"])


async def test_an_agent_that_got_more_time_is_told_again_when_that_ends(quick):
    _, told = await watched([50, 50, 90, 55, 55, 0])
    assert told == [closing.WRAP_UP, closing.WRAP_UP, "(heard out)"]


async def test_the_clock_may_end_it_before_the_budget(quick):
    outcome, told = await watched([1000.0] * 99, max_seconds=0.02)
    assert (outcome, told) == ("time_limit", [closing.WRAP_UP, "(heard out)"])


async def test_an_agent_that_is_not_there_yet_is_not_told(quick):
    assert (await watched([50, 40, 0], silent=True))[1] == ["(heard out)"]
