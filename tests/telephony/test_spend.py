"""Paid time: held before it is used, never more than the caps allow, and given back whatever becomes of a call."""

import datetime
import math
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
from telephony.models import Call, Meter, OutboundCall
from telephony.outbound import orders, placing
from telephony.outbound.errors import TooManyCalls
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


PRICES = (0, 1, 1667, 2500)
"""Of a second, in millionths."""


@dataclass
class Talk:
    """A call as its meter knows it: on which day it began, what it costs, used and held."""

    caller: int
    day: int
    price: int
    held: int
    used: int = 0

    def counts_with(self, other: "Talk", window: Window) -> bool:
        """Months have two days."""
        return {
            Window.CALL: self is other,
            Window.CALLER: (self.caller, self.day) == (other.caller, other.day),
            Window.DAY: self.day == other.day,
            Window.MONTH: self.day // 2 == other.day // 2,
        }[window]


def amount_of(talks: list[Talk], of: Talk, window: Window) -> Amount:
    counted = [one for one in talks if one.counts_with(of, window)]
    return Amount(sum(one.held for one in counted), sum(one.held * one.price for one in counted))


def granted_beside(talks: list[Talk], talk: Talk, caps: dict[Window, Cap]) -> int:
    others = [one for one in talks if one is not talk]
    taken = {window: amount_of(others, talk, window) for window in caps}
    return grant(talk.used, talk.price, caps, taken).seconds or 0


def too_much(taken: Amount, cap: Cap) -> bool:
    return (cap.seconds is not None and taken.seconds > cap.seconds) or (
        cap.micros is not None and taken.micros > cap.micros
    )


SOME_SECONDS, SOME_MONEY = st.integers(20, 900), st.integers(20_000, 2_000_000)
CAPS = st.dictionaries(
    st.sampled_from(Window),
    st.builds(Cap, SOME_SECONDS, SOME_MONEY)
    | st.builds(Cap, SOME_SECONDS)
    | st.builds(Cap, st.none(), SOME_MONEY),
    min_size=1,
)
MOVES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8), st.sampled_from(PRICES)), max_size=80)


@profile(max_examples=200, deadline=None)
@given(caps=CAPS, moves=MOVES)
def test_no_order_of_ringing_ticking_and_hanging_up_passes_any_cap(
    caps: dict[Window, Cap], moves: list[tuple[int, int, int]]
):
    """Six lines of three callers; a move is a line and how long it talks before it is looked at (7: it hangs up, 8:
    it is midnight), and what a second costs if it rings now."""
    talks, today = list[Talk](), 0
    live = dict[int, Talk]()
    for line, seconds, price in moves:
        talk = live.get(line)
        if seconds == 8:
            today += 1
        elif talk is None:
            talk = Talk(line % 3, today, price, 0)
            talk.held = granted_beside(talks, talk, caps)
            if talk.held >= LEAST_SECONDS:
                live[line] = talk
                talks.append(talk)
        elif seconds == 7:
            talk.held = live.pop(line).used
        else:
            talk.used = min(talk.used + seconds * 7, talk.held)  # a lease that is over ends its call
            talk.held = granted_beside(talks, talk, caps)
        assert [
            window
            for window, cap in caps.items()
            if any(too_much(amount_of(talks, one, window), cap) for one in talks)
        ] == []
        assert all(one.used <= one.held for one in talks)


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


@pytest.mark.parametrize("limits", [{"maxMinutesPerDay": 4}, {}])
def test_a_settled_meter_is_not_opened_again_by_a_reading_that_was_under_way(salon, limits):
    limited(salon, **limits)
    one = call_of(salon, "CA1")
    reserve(salon, one)
    with tenant_scope(salon):
        meters.settle(one, 30)
        meters.read(salon.pk, {one: 29})
        meter = Meter.objects.get()
        assert (meter.used_seconds, meter.closed_at is None) == (30, False)
        meters.read(salon.pk, {one: 31})  # it goes on, with another agent
        meter = Meter.objects.get()
    assert (meter.used_seconds, meter.closed_at is None) == (31, True)


def test_without_a_cap_all_meters_are_read_at_once_and_each_counts_its_own(salon, garage):
    one, two, three = (call_of(salon, f"CA{n}") for n in range(3))
    others = call_of(garage, "CB1")
    for tenant, call_id in ((salon, one), (salon, two), (garage, others)):
        reserve(tenant, call_id)
    with tenant_scope(salon):
        assert meters.read(salon.pk, {one: 7, two: 9, three: 11, others: 13}) == {one: None, two: None}
        first = Meter.objects.get(call_id=one)
        meters.read(salon.pk, {one: 5, two: 20})
        again = {meter.call_id: meter for meter in Meter.objects.all()}
    assert {call_id: meter.used_seconds for call_id, meter in again.items()} == {one: 7, two: 20}
    assert again[one].begun_at == first.begun_at
    assert again[one].seen_at > first.seen_at
    with tenant_scope(garage):
        assert Meter.objects.get().begun_at is None


def test_whose_cap_is_lifted_goes_on_for_as_long_as_they_like(salon):
    limited(salon, maxMinutesPerDay=4)
    one = call_of(salon, "CA1")
    assert reserve(salon, one) == HORIZON_SECONDS
    limited(salon)
    assert read(salon, one, 10) is None
    with tenant_scope(salon):
        assert meters.granted_to(one) is None


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


def test_a_call_of_ours_that_cannot_be_paid_is_not_placed_and_waits_until_it_can(salon, monkeypatch):
    limited(salon, maxMinutesPerDay=2, outboundQuietHours=False)
    monkeypatch.setattr(placing, "place", lambda order_id, wanted: None)
    talking = call_of(salon, "CA1")
    order = orders.make(salon.pk, orders.Wish(to=CALLER, consent=True)).order
    reserve(salon, talking)
    assert placing.place_due(salon.pk) == 0
    with pytest.raises(TooManyCalls) as refused:
        placing.order_and_place(salon.pk, orders.Wish(to="+15557770000", consent=True))
    assert (refused.value.code, refused.value.status) == ("BUDGET_SPENT", 429)
    with tenant_scope(salon):
        row = OutboundCall.objects.get()
        assert (row.pk, row.state, row.error_code) == (order.pk, "waiting", "BUDGET_SPENT")
        assert (row.attempts, row.call, row.due_at > timezone.now()) == (0, None, True)
        assert not Call.objects.filter(direction=Call.Direction.OUTBOUND).exists()
        meters.settle(talking, 30)
        OutboundCall.objects.update(due_at=timezone.now())
    assert placing.place_due(salon.pk) == 1
    with tenant_scope(salon):
        row = OutboundCall.objects.get()
        assert (row.state, row.error_code, meters.granted_to(row.call_id)) == ("placing", "", 90)


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


def test_a_call_that_goes_on_past_midnight_leaves_the_month_to_the_calls_of_the_new_day(salon):
    limited(salon, maxMinutesPerMonth=4)
    last_night, now_on = call_of(salon, "CA1"), call_of(salon, "CA2")
    reserve(salon, last_night)
    with tenant_scope(salon):  # both days are of one month
        Meter.objects.update(day=timezone.now().astimezone(salon.zone).date().replace(day=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: now_of_the_second(salon))
        assert reserve(salon, now_on) == HORIZON_SECONDS
        assert read(salon, last_night, 100) == HORIZON_SECONDS
    with tenant_scope(salon):
        assert sum(Meter.objects.values_list("granted_seconds", flat=True)) == 240


def now_of_the_second(salon: Tenant) -> datetime.datetime:
    """Noon, on the second day of this month."""
    return datetime.datetime.now(salon.zone).replace(day=2, hour=12)


def test_one_call_costs_no_more_than_a_call_may_and_leaves_the_others_theirs(salon):
    limited(salon, maxSpendPerCall="0.40", pricePerMinute="0.15")
    one, two = call_of(salon, "CA1"), call_of(salon, "CA2")
    assert reserve(salon, one) == HORIZON_SECONDS
    assert read(salon, one, 100) == 160
    assert read(salon, one, 158) == read(salon, one, 160) == 160
    assert reserve(salon, two) == HORIZON_SECONDS
    assert read(salon, two, 100) == 160


def test_a_call_that_could_not_pay_for_its_first_half_minute_is_not_begun(salon):
    limited(salon, maxSpendPerCall="0.07", pricePerMinute="0.15")
    assert said(ring(CallSid="CA1")) == [UNAVAILABLE]
    assert outcome_of(salon, "CA1") == "budget_spent"


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
@pytest.mark.parametrize(
    "capped",
    [
        {"maxMinutesPerDay": 10},
        {"maxSpendPerDay": 6},
        {"maxMinutesPerCallerDay": 10},
        {"maxSpendPerCallerDay": 6},
        {"maxMinutesPerMonth": 10},
        {"maxSpendPerMonth": 6, "maxSpendPerCall": 1},
    ],
    ids=lambda capped: "-".join(capped),
)
def test_calls_at_once_on_a_real_database_never_use_more_than_there_is(salon, capped):
    """Each thread is a media process: it rings, talks for as long as its lease lets it, and hangs up or is killed."""
    cap = 600
    limited(salon, pricePerMinute="0.60", **capped)
    calls = [call_of(salon, f"CA{n}") for n in range(12)]
    talked, killed, lock = dict[UUID, int](), list[int](), threading.Lock()

    def carry(nth: int) -> None:
        dice, used = random.Random(f"{capped} {nth}"), 0
        try:
            granted = reserve(salon, calls[nth])
            while granted is not None and used < granted:
                used = min(used + dice.randint(20, 110), granted)
                with lock:
                    talked[calls[nth]] = used
                if dice.random() < 0.1:
                    killed.append(nth)
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
    assert cap - LEAST_SECONDS - HORIZON_SECONDS * len(killed) <= sum(talked.values()) <= cap
    assert max(talked.values()) <= (100 if "maxSpendPerCall" in capped else cap)
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

    ends_at = time.monotonic() + max_seconds if max_seconds else math.inf
    outcome = await closing.closing_time(
        lambda: (ends_at - time.monotonic(), next(looks)),
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
