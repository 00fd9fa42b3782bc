"""Holds: a slot is kept for the call that picked it, for a while, and for nobody longer than is fair."""

import datetime
from collections import Counter
from functools import partial
from unittest.mock import patch

import pytest

from appointments import holds, tasks
from appointments.availability import free_slots
from appointments.booking import Contact, book
from appointments.errors import NotBookable, NotFound, SlotTaken
from appointments.models import Appointment, Employee, Hold, Resource, Service, ServiceResource
from appointments.slots import Reason
from tenants.scoping import tenant_scope
from tests.appointments.invariants import at_once, broken

NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
NINE = datetime.datetime(2026, 11, 23, 14, tzinfo=datetime.UTC)  # 09:00 in New York
HOUR = datetime.timedelta(hours=1)
SECOND = datetime.timedelta(seconds=1)
JOHN = Contact("John Doe", "+15559876543")


def haircut() -> Service:
    return Service.objects.get(name="Haircut")


def ana() -> Employee:
    return Employee.objects.get(name="Ana")


def hold(salon, start=NINE, *, holder="call 1", now=NOW, **kwargs) -> Hold:
    return holds.hold(salon, haircut(), ana(), start, holder=holder, now=now, **kwargs)


def is_free(salon, start=NINE, *, now=NOW) -> bool:
    return start in {slot.start for slot in free_slots(salon, haircut(), start.date(), ana(), now=now)}


def test_what_is_held_is_free_for_its_holder_alone(salon):
    with tenant_scope(salon):
        hold(salon)
        assert not is_free(salon)
        with pytest.raises(SlotTaken) as taken:
            book(salon, haircut(), NINE, JOHN, employee=ana(), holder="call 2", now=NOW)
        assert taken.value.reasons == [Reason.HELD]
        assert book(salon, haircut(), NINE, JOHN, employee=ana(), holder="call 1", now=NOW).created


def test_the_booking_uses_up_its_hold_and_no_other(salon):
    with tenant_scope(salon):
        hold(salon, caller_e164=JOHN.phone_e164)
        other = hold(salon, NINE + 2 * HOUR, caller_e164=JOHN.phone_e164)
        book(salon, haircut(), NINE, JOHN, employee=ana(), holder="call 1", now=NOW)
        assert Hold.objects.get() == other


def test_a_hold_keeps_the_rules_of_booking(salon):
    with tenant_scope(salon):
        with pytest.raises(NotBookable) as refused:
            hold(salon, NINE - HOUR)
        assert refused.value.reasons[0] == Reason.OUTSIDE_HOURS
        cleo = Employee.objects.create(tenant=salon, name="Cleo")
        with pytest.raises(NotFound):
            holds.hold(salon, haircut(), cleo, NINE, holder="call 1", now=NOW)


def test_a_hold_is_free_exactly_when_it_expires_though_nobody_tidies_up(salon):
    with tenant_scope(salon):
        held = hold(salon, ttl=60 * SECOND)
        assert held.expires_at == NOW + 60 * SECOND
        assert not is_free(salon, now=NOW + 59 * SECOND)
        assert is_free(salon, now=NOW + 60 * SECOND)


def test_the_call_refreshes_what_it_holds_but_not_what_it_has_lost(salon):
    with tenant_scope(salon):
        hold(salon, ttl=60 * SECOND)
        assert holds.refresh(salon, "call 1", ttl=60 * SECOND, now=NOW + 50 * SECOND) == 1
        assert not is_free(salon, now=NOW + 100 * SECOND)
        assert holds.refresh(salon, "call 1", now=NOW + 110 * SECOND) == 0
        assert is_free(salon, now=NOW + 110 * SECOND)


def test_a_call_that_ends_frees_its_holds_at_once(salon):
    with tenant_scope(salon):
        hold(salon)
        hold(salon, NINE + HOUR, holder="call 2")
        assert holds.release(salon, "call 1") == 1
        assert is_free(salon)
        assert not is_free(salon, NINE + HOUR)


def test_a_call_that_drops_keeps_its_holds_for_some_minutes(salon):
    with tenant_scope(salon):
        hold(salon, caller_e164=JOHN.phone_e164)
        assert holds.keep(salon, "call 1", minutes=5, now=NOW) == 1
        assert not is_free(salon, now=NOW + 299 * SECOND)
        assert is_free(salon, now=NOW + 300 * SECOND)


def test_the_callers_next_call_takes_over_what_was_kept_and_nobody_elses_does(salon):
    with tenant_scope(salon):
        hold(salon, caller_e164=JOHN.phone_e164)
        assert holds.hand_over(salon.pk, JOHN.phone_e164, "call 2", now=NOW) == 0, "the first call goes on"
        holds.keep(salon, "call 1", now=NOW)
        assert holds.hand_over(salon.pk, "+15550000000", "call 3", now=NOW) == 0
        assert holds.hand_over(salon.pk, JOHN.phone_e164, "call 2", now=NOW) == 1
        assert book(salon, haircut(), NINE, JOHN, employee=ana(), holder="call 2", now=NOW).created


def test_what_a_withheld_number_held_is_free_at_once(salon):
    with tenant_scope(salon):
        hold(salon)
        assert holds.keep(salon, "call 1", now=NOW) == 0
        assert is_free(salon)


def test_holding_the_same_slot_again_keeps_one_hold(salon):
    with tenant_scope(salon):
        first = hold(salon)
        again = hold(salon, now=NOW + 10 * SECOND)
        assert (again.pk, again.expires_at) == (first.pk, first.expires_at + 10 * SECOND)


def test_a_call_from_a_withheld_number_holds_one_and_the_oldest_goes(salon):
    with tenant_scope(salon):
        for index in range(3):
            hold(salon, NINE + index * HOUR, now=NOW + index * SECOND)
        assert [held.starts_at for held in Hold.objects.all()] == [NINE + 2 * HOUR]


def test_a_caller_holds_two_over_all_calls_and_the_oldest_goes(salon):
    with tenant_scope(salon):
        for index in range(3):
            hold(
                salon,
                NINE + index * HOUR,
                holder=f"call {index}",
                caller_e164=JOHN.phone_e164,
                now=NOW + index * SECOND,
            )
        assert set(Hold.objects.values_list("holder", flat=True)) == {"call 1", "call 2"}


def test_a_held_chair_is_nobody_elses(salon):
    with tenant_scope(salon):
        chair = Resource.objects.create(tenant=salon, name="Chair", capacity=1)
        ServiceResource.objects.create(tenant=salon, service=haircut(), resource=chair)
        hold(salon)
        ben = Employee.objects.get(name="Ben")
        with pytest.raises(SlotTaken) as taken:
            book(salon, haircut(), NINE, JOHN, employee=ben, now=NOW)
        assert taken.value.reasons == [Reason.RESOURCE_FULL]
        assert book(salon, haircut(), NINE, JOHN, employee=ben, holder="call 1", now=NOW).created


def test_expired_holds_are_swept_away_and_live_ones_are_not(salon):
    with tenant_scope(salon):
        now = datetime.datetime.now(datetime.UTC)
        Hold.objects.bulk_create(
            Hold(
                tenant=salon,
                employee=ana(),
                service=haircut(),
                starts_at=NINE,
                ends_at=NINE + HOUR,
                blocked_from=NINE,
                blocked_until=NINE + HOUR,
                holder=holder,
                expires_at=expires_at,
            )
            for holder, expires_at in (("old", now - SECOND), ("live", now + HOUR))
        )
    assert tasks.forget_expired_holds() == 1
    with tenant_scope(salon):
        assert Hold.objects.get().holder == "live"


# --- Races ---------------------------------------------------------------------------------------


def contest(salon, rounds: int = 1) -> Counter[str]:
    """Ten calls want to hold a slot and ten callers to book it; who got it, by kind."""
    won: Counter[str] = Counter()
    for index in range(rounds):
        start = NINE + index * HOUR

        def keep(number: int, start=start) -> str:
            hold(salon, start, holder=f"call {number}")
            return "held"

        def take(number: int, start=start) -> str:
            who = Contact(f"Caller {number}", f"+1555300{number:04d}")
            book(salon, haircut(), start, who, employee=ana(), now=NOW)
            return "booked"

        work = [partial(act, number) for number in range(10) for act in (keep, take)]
        outcomes = at_once(salon, work)
        won.update(one if isinstance(one, str) else type(one).__name__ for one in outcomes)
    return won


@pytest.mark.django_db(transaction=True)
def test_when_a_hold_and_a_booking_race_one_wins(salon):
    won = contest(salon, 3)
    assert won["held"] + won["booked"] == 3
    assert won["SlotTaken"] == 57
    with tenant_scope(salon):
        assert broken() == {}


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_both_would_win(salon):
    """The race above can be lost: a hold has no constraint, only the lock."""
    from appointments import booking

    with patch.object(holds, "lock_calendars"), patch.object(booking, "lock_calendars"):
        won = contest(salon, 5)
    assert won["held"] + won["booked"] > 5


@pytest.mark.django_db(transaction=True)
def test_a_caller_on_many_lines_at_once_still_holds_two(salon):
    def ask(index: int) -> Hold:
        return hold(salon, NINE + index * HOUR, holder=f"call {index}", caller_e164=JOHN.phone_e164)

    work = [partial(ask, index) for index in range(7)]
    assert all(isinstance(one, Hold) for one in at_once(salon, work))
    with tenant_scope(salon):
        assert Hold.objects.count() == 2
        assert not Appointment.objects.exists()
