"""What becomes of an appointment: moves, cancellations and their undoing, one at a time and all at once."""

import datetime
import random
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.utils import timezone

from appointments import holds, lifecycle, locks
from appointments.booking import Contact, book
from appointments.errors import NotAllowed, NotBookable, NotFound, SlotTaken, TooLate
from appointments.lifecycle import MOVES, Changed, cancel, complete, confirm, no_show, reschedule, uncancel
from appointments.models import (
    AddOn,
    Appointment,
    AppointmentChange,
    Employee,
    EmployeeService,
    OutboxMessage,
    Resource,
    ResourceUse,
    Service,
    ServiceResource,
)
from appointments.slots import Reason
from tenants.scoping import tenant_scope
from tests.appointments.invariants import at_once, broken, deadlocks

NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
NINE = datetime.datetime(2026, 11, 23, 14, tzinfo=datetime.UTC)  # 09:00 in New York
MINUTE = datetime.timedelta(minutes=1)
HOUR = 60 * MINUTE
JOHN = Contact("John Doe", "+15559876543")
JANE = Contact("Jane Roe", "+15551110000")
Status = Appointment.Status


def haircut() -> Service:
    return Service.objects.get(name="Haircut")


def employee(name: str = "Ana") -> Employee:
    return Employee.objects.get(name=name)


def booked(salon, start=NINE, contact=JOHN, *, who: str = "Ana", service=None, **kwargs) -> Appointment:
    return book(
        salon, service or haircut(), start, contact, employee=employee(who), now=NOW, **kwargs
    ).appointment


def in_status(appointment: Appointment, status: str) -> Appointment:
    Appointment.objects.filter(pk=appointment.pk).update(status=status)
    return appointment


# --- The table of moves --------------------------------------------------------------------------

VERBS: dict[str, Callable[..., Changed]] = {
    Status.CONFIRMED: confirm,
    Status.COMPLETED: complete,
    Status.NO_SHOW: lambda *args: no_show(*args, now=NINE + HOUR),
    Status.CANCELLED: lambda *args: cancel(*args, now=NOW),
    Status.SCHEDULED: lambda *args: uncancel(*args, now=NOW),
}


@pytest.mark.parametrize("before", Status.values)
@pytest.mark.parametrize("after", Status.values)
def test_every_move_is_in_the_table_or_refused(salon, before, after):
    with tenant_scope(salon):
        appointment = in_status(booked(salon), before)
        if before == after:
            assert not VERBS[after](salon, appointment.pk).changed
        elif after in MOVES[before]:
            assert VERBS[after](salon, appointment.pk).appointment.status == after
        elif (before, after) == (Status.CONFIRMED, Status.SCHEDULED):
            assert not VERBS[after](salon, appointment.pk).changed  # it is coming, which is what was asked
        else:
            with pytest.raises(NotAllowed) as refused:
                VERBS[after](salon, appointment.pk)
            assert refused.value.code == "NOT_ALLOWED"


def test_repeated_verbs_change_nothing_and_answer_the_same(salon):
    with tenant_scope(salon):
        pk = booked(salon).pk
        first = cancel(salon, pk, reason="ill", actor="call 7", now=NOW)
        again = cancel(salon, pk, reason="ill", actor="call 7", now=NOW)
        assert (first.changed, again.changed) == (True, False)
        assert first.appointment == again.appointment
        assert AppointmentChange.objects.filter(kind="cancelled").count() == 1
        assert OutboxMessage.objects.filter(kind="cancelled").count() == 1


def test_the_history_tells_who_did_what_and_what_it_was_before(salon):
    with tenant_scope(salon):
        pk = booked(salon).pk
        reschedule(salon, pk, NINE + HOUR, actor="call 7", reason="train", now=NOW)
        cancel(salon, pk, actor="kim", now=NOW)
        booked_, moved, cancelled = AppointmentChange.objects.filter(appointment=pk)
        assert (booked_.kind, booked_.before) == ("booked", {})
        assert (moved.kind, moved.actor, moved.reason) == ("moved", "call 7", "train")
        assert (moved.before["startsAt"], moved.after["startsAt"]) == (
            NINE.isoformat(),
            (NINE + HOUR).isoformat(),
        )
        assert (cancelled.kind, cancelled.actor, cancelled.after["status"]) == (
            "cancelled",
            "kim",
            "cancelled",
        )


def test_nobody_is_a_no_show_before_the_time_has_come(salon):
    with tenant_scope(salon):
        pk = booked(salon).pk
        with pytest.raises(NotAllowed):
            no_show(salon, pk, now=NINE - MINUTE)
        assert no_show(salon, pk, now=NINE).changed


def test_nor_by_hand(salon):
    with tenant_scope(salon):
        row = booked(salon)
        row.status, row.starts_at = Status.NO_SHOW, timezone.now() + 24 * HOUR
        with pytest.raises(NotAllowed):
            lifecycle.edit(row)


def test_another_tenants_appointment_is_not_found(salon, garage):
    with tenant_scope(salon):
        pk = booked(salon).pk
    with tenant_scope(garage), pytest.raises(NotFound):
        cancel(garage, pk, now=NOW)


# --- Cut-offs ------------------------------------------------------------------------------------


def test_customers_may_cancel_and_move_until_the_cut_off_and_staff_beyond(salon):
    with tenant_scope(salon):
        Service.objects.filter(name="Haircut").update(cancel_notice_minutes=120)
        pk = booked(salon).pk
        late = NINE - 119 * MINUTE
        with pytest.raises(TooLate) as refused:
            cancel(salon, pk, by_customer=True, now=late)
        assert (refused.value.code, refused.value.notice_minutes) == ("TOO_LATE", 120)
        with pytest.raises(TooLate):
            reschedule(salon, pk, NINE + 3 * HOUR, by_customer=True, now=late)
        assert reschedule(salon, pk, NINE + 3 * HOUR, by_customer=True, now=NINE - 120 * MINUTE).changed
        assert cancel(salon, pk, now=NINE + 3 * HOUR - MINUTE).changed


# --- Rescheduling --------------------------------------------------------------------------------


def test_a_moved_appointment_keeps_its_id_and_frees_its_old_time(salon):
    with tenant_scope(salon):
        appointment = booked(salon)
        moved = reschedule(salon, appointment.pk, NINE + 2 * HOUR, now=NOW).appointment
        assert (moved.pk, moved.starts_at, moved.ends_at) == (
            appointment.pk,
            NINE + 2 * HOUR,
            NINE + 3 * HOUR,
        )
        assert booked(salon, contact=JANE).starts_at == NINE
        assert not reschedule(salon, appointment.pk, NINE + 2 * HOUR, now=NOW).changed


def test_an_appointment_does_not_collide_with_its_own_old_time(salon):
    with tenant_scope(salon):
        Service.objects.filter(name="Haircut").update(buffer_after_minutes=20)
        pk = booked(salon).pk
        assert reschedule(salon, pk, NINE + 30 * MINUTE, now=NOW).changed
        assert broken() == {}


def test_moving_keeps_the_rules_of_booking(salon):
    with tenant_scope(salon):
        pk = booked(salon).pk
        booked(salon, NINE + 2 * HOUR, JANE)
        with pytest.raises(SlotTaken) as taken:
            reschedule(salon, pk, NINE + 2 * HOUR, now=NOW)
        assert all(slot.employee == employee() for slot in taken.value.nearest)
        with pytest.raises(NotBookable) as refused:
            reschedule(salon, pk, NINE + 12 * HOUR, now=NOW)
        assert refused.value.reasons[0] == Reason.OUTSIDE_HOURS
        with pytest.raises(NotBookable) as refused:
            reschedule(salon, pk, NINE + 7 * MINUTE, now=NOW)
        assert refused.value.reasons == [Reason.OFF_GRID]
        assert Appointment.objects.get(pk=pk).starts_at == NINE
        in_status(Appointment(pk=pk), Status.COMPLETED)
        with pytest.raises(NotAllowed):
            reschedule(salon, pk, NINE + 5 * HOUR, now=NOW)


def test_a_refused_move_offers_the_times_that_only_its_own_old_one_keeps(salon):
    with tenant_scope(salon):
        pk = booked(salon, NINE + 90 * MINUTE).pk
        with pytest.raises(NotBookable) as refused:
            reschedule(salon, pk, NINE + 105 * MINUTE, now=NOW)
        offered = [slot.start for slot in refused.value.nearest]
        assert offered == [NINE + minutes * MINUTE for minutes in (30, 60, 120, 150)]  # and not where it is
        assert all(reschedule(salon, pk, start, now=NOW).changed for start in offered)


def test_a_moved_appointment_lasts_as_long_as_staff_have_made_it(salon):
    with tenant_scope(salon):
        appointment = booked(salon)
        appointment.ends_at = NINE + 150 * MINUTE
        lifecycle.edit(appointment)
        booked(salon, NINE + 6 * HOUR, JANE)
        with pytest.raises(SlotTaken) as taken:
            reschedule(salon, appointment.pk, NINE + 4 * HOUR, now=NOW)
        assert {slot.end - slot.start for slot in taken.value.nearest} == {150 * MINUTE}
        moved = reschedule(salon, appointment.pk, NINE + 3 * HOUR, now=NOW).appointment
        assert moved.ends_at - moved.starts_at == 150 * MINUTE
        assert broken() == {}


def test_a_moved_appointment_keeps_its_minutes_when_the_service_takes_others_by_now(salon):
    with tenant_scope(salon):
        beard = AddOn.objects.create(tenant=salon, service=haircut(), name="Beard", minutes=20, price=15)
        pk = booked(salon, add_ons=[beard]).pk
        Service.objects.filter(name="Haircut").update(duration_minutes=15)
        moved = reschedule(salon, pk, NINE + HOUR, now=NOW).appointment
        assert moved.ends_at - moved.starts_at == 80 * MINUTE


def test_with_another_employee_their_own_duration_and_price_hold(salon):
    with tenant_scope(salon):
        EmployeeService.objects.filter(employee=employee("Ben"), service=haircut()).update(
            duration_minutes=90, price=80
        )
        beard = AddOn.objects.create(tenant=salon, service=haircut(), name="Beard", minutes=20, price=15)
        pk = booked(salon, add_ons=[beard]).pk
        AddOn.objects.update(minutes=5, price=5, is_active=False)
        moved = reschedule(salon, pk, NINE, employee=employee("Ben"), now=NOW).appointment
        assert moved.employee == employee("Ben")
        assert (moved.ends_at - moved.starts_at, int(moved.price)) == (110 * MINUTE, 95)


def test_a_call_moves_an_appointment_to_the_slot_that_it_holds(salon):
    with tenant_scope(salon):
        pk = booked(salon).pk
        holds.hold(salon, haircut(), employee(), NINE + 3 * HOUR, holder="call 7", now=NOW)
        with pytest.raises(SlotTaken):
            reschedule(salon, pk, NINE + 3 * HOUR, now=NOW)
        assert reschedule(salon, pk, NINE + 3 * HOUR, holder="call 7", now=NOW).changed
        assert holds.release(salon, "call 7") == 0


# --- Un-cancelling -------------------------------------------------------------------------------


def test_a_cancelled_appointment_comes_back_if_its_time_is_still_free(salon):
    with tenant_scope(salon):
        pk = booked(salon).pk
        cancel(salon, pk, now=NOW)
        assert uncancel(salon, pk, now=NOW).appointment.status == Status.SCHEDULED
        cancel(salon, pk, now=NOW)
        booked(salon, NINE + 30 * MINUTE, JANE)
        with pytest.raises(SlotTaken) as taken:
            uncancel(salon, pk, now=NOW)
        assert taken.value.nearest
        assert broken() == {}


def test_it_does_not_come_back_over_a_hold(salon):
    with tenant_scope(salon):
        pk = booked(salon).pk
        cancel(salon, pk, now=NOW)
        holds.hold(salon, haircut(), employee(), NINE, holder="call 7", now=NOW)
        with pytest.raises(SlotTaken):
            uncancel(salon, pk, now=NOW)


def test_it_does_not_come_back_over_a_hold_of_what_staff_have_added_to_it(salon):
    with tenant_scope(salon):
        appointment = booked(salon)
        appointment.ends_at = NINE + 2 * HOUR
        lifecycle.edit(appointment)
        cancel(salon, appointment.pk, now=NOW)
        holds.hold(salon, haircut(), employee(), NINE + HOUR, holder="call 7", now=NOW)
        with pytest.raises(SlotTaken):
            uncancel(salon, appointment.pk, now=NOW)


def test_it_comes_back_even_when_callers_could_not_book_that_time(salon):
    with tenant_scope(salon):
        pk = booked(salon).pk
        cancel(salon, pk, now=NOW)
        assert uncancel(salon, pk, now=NINE + HOUR).changed


# --- Resources and groups ------------------------------------------------------------------------


@pytest.fixture
def yoga(salon) -> Service:
    """Three seats, and one room for all groups."""
    with tenant_scope(salon):
        service = Service.objects.create(
            tenant=salon, name="Yoga", duration_minutes=60, price=12, seats=3, slot_step_minutes=30
        )
        for one in Employee.objects.all():
            EmployeeService.objects.create(tenant=salon, employee=one, service=service)
        room = Resource.objects.create(tenant=salon, name="Room", capacity=1)
        ServiceResource.objects.create(tenant=salon, service=service, resource=room)
        return service


def group(salon, yoga, count: int, start=NINE) -> list[Appointment]:
    return [
        booked(salon, start, Contact(f"Guest {index}", f"+1555400{index:04d}"), service=yoga)
        for index in range(count)
    ]


def seats(*appointments: Appointment) -> list[int]:
    found = dict(Appointment.objects.values_list("pk", "seat"))
    return [found[one.pk] for one in appointments]


def test_when_the_first_seat_leaves_another_keeps_the_time_and_the_room(salon, yoga):
    with tenant_scope(salon):
        first, second, third = group(salon, yoga, 3)
        cancel(salon, first.pk, now=NOW)
        assert seats(second, third) == [1, 3]
        assert ResourceUse.objects.get(is_active=True).appointment == second
        with pytest.raises(SlotTaken):
            booked(salon, contact=JANE)
        assert broken() == {}


def test_when_the_first_seat_moves_the_others_stay(salon, yoga):
    with tenant_scope(salon):
        first, second = group(salon, yoga, 2)
        moved = reschedule(salon, first.pk, NINE + 2 * HOUR, now=NOW).appointment
        assert seats(moved, second) == [1, 1]
        assert ResourceUse.objects.filter(is_active=True).count() == 2
        assert broken() == {}


def test_who_moves_to_another_group_ends_with_it(salon, yoga):
    with tenant_scope(salon):
        longer = booked(salon, service=yoga)
        longer.ends_at = NINE + 90 * MINUTE
        lifecycle.edit(longer)
        booked(salon, NINE + 2 * HOUR, JANE, service=yoga)
        booked(salon, NINE + 3 * HOUR, JANE)
        moved = reschedule(salon, longer.pk, NINE + 2 * HOUR, now=NOW).appointment
        assert (moved.seat, moved.ends_at) == (2, NINE + 3 * HOUR)
        assert broken() == {}


def test_who_comes_back_to_a_group_takes_a_free_seat(salon, yoga):
    with tenant_scope(salon):
        first, second = group(salon, yoga, 2)
        cancel(salon, first.pk, now=NOW)
        uncancel(salon, first.pk, now=NOW)
        assert seats(first, second) == [2, 1]
        cancel(salon, first.pk, now=NOW)
        booked(salon, contact=JANE, service=yoga)
        booked(salon, contact=JOHN, service=yoga)
        with pytest.raises(SlotTaken):
            uncancel(salon, first.pk, now=NOW)
        assert broken() == {}


def test_a_group_can_be_joined_by_moving(salon, yoga):
    with tenant_scope(salon):
        first, second = group(salon, yoga, 2)
        (alone,) = group(salon, yoga, 1, NINE + 3 * HOUR)
        assert reschedule(salon, alone.pk, NINE, now=NOW).appointment.seat == 3
        assert ResourceUse.objects.filter(is_active=True).count() == 1
        assert seats(first, second) == [1, 2]
        assert broken() == {}


def test_a_room_is_free_again_after_a_cancellation_and_not_for_two(salon, yoga):
    with tenant_scope(salon):
        (first,) = group(salon, yoga, 1)
        cancel(salon, first.pk, now=NOW)
        booked(salon, contact=JANE, who="Ben", service=yoga)
        with pytest.raises(SlotTaken):
            uncancel(salon, first.pk, now=NOW)
        assert broken() == {}


def test_without_an_heir_a_group_would_lose_its_time(salon, yoga):
    """The invariants notice when nobody takes the first seat over."""
    with tenant_scope(salon):
        first, _ = group(salon, yoga, 2)
        with patch("appointments.by_hand.promote"):
            cancel(salon, first.pk, now=NOW)
        assert "groups without one first seat" in broken()


# --- Races ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_forty_cancellations_at_once_are_one(salon):
    with tenant_scope(salon):
        pk = booked(salon).pk
    outcomes = at_once(salon, [lambda: cancel(salon, pk, now=NOW).changed] * 40)
    assert Counter(outcomes) == {True: 1, False: 39}
    with tenant_scope(salon):
        assert OutboxMessage.objects.filter(kind="cancelled").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_slot_goes_to_one_of_those_who_want_it(salon):
    """Its owner wants it back, others want to book it, and one to move there."""
    with tenant_scope(salon):
        pk = booked(salon).pk
        other = booked(salon, NINE + 3 * HOUR, JANE).pk
        cancel(salon, pk, now=NOW)

    def ask(index: int) -> Appointment:
        return booked(salon, contact=Contact(f"Caller {index}", f"+1555300{index:04d}"))

    work: list[Callable[[], Any]] = [
        lambda: uncancel(salon, pk, now=NOW),
        lambda: reschedule(salon, other, NINE, now=NOW),
    ]
    work += [partial(ask, index) for index in range(8)]
    outcomes = at_once(salon, work)
    assert sum(isinstance(one, SlotTaken) for one in outcomes) == 9
    with tenant_scope(salon):
        assert broken() == {}


@pytest.mark.django_db(transaction=True)
def test_appointments_that_change_places_do_not_deadlock(salon):
    """Ana's goes to Ben's calendar while Ben's goes to Ana's."""
    with tenant_scope(salon):
        hers, his = booked(salon).pk, booked(salon, NINE + HOUR, JANE, who="Ben").pk
        ana, ben = employee("Ana"), employee("Ben")
    before = deadlocks()
    for index in range(6):
        to_ben, to_ana = (ben, ana) if index % 2 == 0 else (ana, ben)
        outcomes = at_once(
            salon,
            [
                partial(reschedule, salon, hers, NINE, employee=to_ben, now=NOW),
                partial(reschedule, salon, his, NINE + HOUR, employee=to_ana, now=NOW),
            ]
            * 3,
        )
        assert not [one for one in outcomes if isinstance(one, Exception)]
    assert deadlocks() == before


class Mischief:
    """Eight threads that book, hold, move, cancel and bring back whatever they find."""

    def __init__(self, salon, seconds: float) -> None:
        self.salon, self.until = salon, time.monotonic() + seconds
        with tenant_scope(salon):
            self.services = list(Service.objects.all())
            self.employees = list(Employee.objects.all())
        self.done: Counter[str] = Counter()
        self.broken: dict[str, int] = {}
        self.slowest = 0.0

    def work(self, seed: int):
        dice = random.Random(seed)
        acts = [self.book, self.book, self.hold, self.move, self.move, self.cancel, self.cancel, self.back]
        acts += [self.release]
        while time.monotonic() < self.until:
            act = dice.choice(
                [self.book, self.book, self.hold, self.move, self.cancel, self.back, self.release]
            )
            began = time.monotonic()
            try:
                with tenant_scope(self.salon):
                    act(dice)
                outcome = act.__name__
            except (NotBookable, NotAllowed) as error:
                outcome = type(error).__name__
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.done[outcome] += 1
            if dice.random() < 0.05:
                with tenant_scope(self.salon):
                    self.broken |= broken()

    def start(self, dice: random.Random) -> datetime.datetime:
        return NINE + dice.randrange(3) * 24 * HOUR + dice.randrange(16) * 30 * MINUTE

    def book(self, dice: random.Random) -> None:
        number = dice.randrange(10_000)
        who = Contact(f"Caller {number}", f"+1555300{number:04d}")
        chosen = dice.choice([None, *self.employees])
        book(
            self.salon,
            dice.choice(self.services),
            self.start(dice),
            who,
            employee=chosen,
            holder=f"call {dice.randrange(6)}",
            now=NOW,
        )

    def hold(self, dice: random.Random) -> None:
        one, service = dice.choice(self.employees), dice.choice(self.services)
        holds.hold(
            self.salon,
            service,
            one,
            self.start(dice),
            holder=f"call {dice.randrange(6)}",
            caller_e164=f"+1555300000{dice.randrange(4)}",
            now=NOW,
        )

    def release(self, dice: random.Random) -> None:
        holds.release(self.salon, f"call {dice.randrange(6)}")

    def move(self, dice: random.Random) -> None:
        reschedule(
            self.salon,
            self.any(dice),
            self.start(dice),
            employee=dice.choice([None, *self.employees]),
            now=NOW,
        )

    def cancel(self, dice: random.Random) -> None:
        cancel(self.salon, self.any(dice), now=NOW)

    def back(self, dice: random.Random) -> None:
        uncancel(self.salon, self.any(dice), now=NOW)

    def any(self, dice: random.Random):
        pks = list(Appointment.objects.order_by("-created_at").values_list("pk", flat=True)[:40])
        if not pks:
            raise NotAllowed("not there", "changed")
        return dice.choice(pks)


@pytest.mark.django_db(transaction=True)
def test_whatever_eight_threads_do_at_once_the_calendar_stays_whole(salon, yoga):
    with tenant_scope(salon):
        Service.objects.filter(name="Haircut").update(buffer_before_minutes=5, buffer_after_minutes=10)
        chairs = Resource.objects.create(tenant=salon, name="Chair", capacity=2)
        for name in ("Haircut", "Styling"):
            ServiceResource.objects.create(
                tenant=salon, service=Service.objects.get(name=name), resource=chairs
            )
        cleo = Employee.objects.create(tenant=salon, name="Cleo")
        for service in Service.objects.all():
            EmployeeService.objects.create(tenant=salon, employee=cleo, service=service)
    before = deadlocks()
    mischief = Mischief(salon, seconds=10)
    outcomes = at_once(None, [partial(mischief.work, seed) for seed in range(8)])
    assert outcomes == [None] * 8
    assert mischief.broken == {}
    with tenant_scope(salon):
        assert broken() == {}
    assert deadlocks() == before
    assert mischief.slowest < 2
    assert all(
        mischief.done[act] for act in ("book", "hold", "move", "cancel", "back", "release", "SlotTaken")
    )


@pytest.mark.django_db(transaction=True)
def test_in_no_order_the_locks_would_deadlock(salon):
    """The tests above can fail: taken as they come, two calendars are waited for in a circle."""
    with tenant_scope(salon):
        ana, ben = employee("Ana"), employee("Ben")

    def one_by_one(keys) -> None:
        for key in keys:
            locks.lock_calendars([key])
            time.sleep(0.3)

    outcomes = at_once(salon, [lambda: one_by_one([ana.pk, ben.pk]), lambda: one_by_one([ben.pk, ana.pk])])
    assert sum(isinstance(one, OperationalError) for one in outcomes) == 1
    before = deadlocks()
    both = [lambda: locks.lock_calendars([ana.pk, ben.pk]), lambda: locks.lock_calendars([ben.pk, ana.pk])]
    assert at_once(salon, both * 8) == [None] * 16
    assert deadlocks() == before


@pytest.mark.django_db(transaction=True)
def test_an_appointment_that_changes_hands_meanwhile_is_looked_at_again(salon):
    """Between looking and locking it went to Ben: his calendar is locked then, and not hers."""
    with tenant_scope(salon):
        pk = booked(salon).pk
        ben = employee("Ben")
    locked: list[Any] = []

    def too_late(keys) -> None:
        keys = list(keys)
        if not locked:
            outcome = at_once(salon, [lambda: Appointment.objects.filter(pk=pk).update(employee=ben)])
            assert outcome == [1]
        locked.append(keys)
        locks.lock_calendars(keys)

    with patch.object(lifecycle, "lock_calendars", too_late):
        with tenant_scope(salon):
            assert cancel(salon, pk, now=NOW).appointment.employee == ben
    assert len(locked) == 2
    assert ben.pk in locked[1]
