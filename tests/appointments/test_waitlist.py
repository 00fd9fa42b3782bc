"""The waitlist: freed time is offered in order, kept for an hour, and goes on to the next."""

import datetime
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import time_machine

from appointments import holds, tasks, waitlist
from appointments.availability import free_slots
from appointments.booking import Contact, book
from appointments.errors import Invalid, NotAllowed, NotFound, OfferExpired, SlotTaken
from appointments.lifecycle import cancel, edit, reschedule
from appointments.models import (
    Appointment,
    Employee,
    Hold,
    OutboxMessage,
    Service,
    TimeOff,
    WaitlistEntry,
)
from appointments.waitlist import OFFER_STANDS, Joined
from tenants.scoping import tenant_scope
from tests.appointments.invariants import at_once, broken, deadlocks

NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
MONDAY = datetime.date(2026, 11, 23)
NINE = datetime.datetime(2026, 11, 23, 14, tzinfo=datetime.UTC)  # 09:00 in New York
FIVE = datetime.datetime(2026, 11, 23, 22, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
JOHN = Contact("John Doe", "+15559876543")
State = WaitlistEntry.State


def haircut() -> Service:
    return Service.objects.get(name="Haircut")


def employee(name: str = "Ana") -> Employee:
    return Employee.objects.get(name=name)


def guest(index: int) -> Contact:
    return Contact(f"Guest {index}", f"+1555400{index:04d}")


def join(salon, index: int, *, service=None, earliest=NINE, latest=FIVE, **kwargs) -> Joined:
    return waitlist.join(
        salon, service or haircut(), guest(index), earliest=earliest, latest=latest, now=NOW, **kwargs
    )


def booked(salon, start=NINE, **kwargs) -> Appointment:
    return book(salon, haircut(), start, JOHN, employee=employee(), now=NOW, **kwargs).appointment


def states(*joined: Joined) -> list[str]:
    found = dict(WaitlistEntry.objects.values_list("pk", "state"))
    return [found[one.entry.pk] for one in joined]


# --- Standing in line ----------------------------------------------------------------------------


def test_who_joins_later_stands_behind(salon):
    with tenant_scope(salon):
        assert [join(salon, index).position for index in range(3)] == [1, 2, 3]
        styling = Service.objects.get(name="Styling")
        assert join(salon, 9, service=styling).position == 1


def test_joining_again_keeps_the_place(salon):
    with tenant_scope(salon):
        first = join(salon, 0)
        join(salon, 1)
        again = join(salon, 0)
        assert (again.created, again.entry, again.position) == (False, first.entry, 1)
        assert join(salon, 0, employee=employee()).created


@pytest.mark.parametrize("given", [{}, {"earliest": NINE}, {"latest": FIVE}], ids=["none", "from", "to"])
def test_joining_again_without_bounds_keeps_the_place_on_another_day_too(salon, given):
    bounds = {"earliest": None, "latest": None, **given}
    with tenant_scope(salon):
        first = join(salon, 0, **bounds)
        WaitlistEntry.objects.update(created_at=NOW)
        join(salon, 1, **bounds)
        for later in HOUR, 24 * HOUR:
            again = waitlist.join(salon, haircut(), guest(0), **bounds, now=NOW + later)
            assert (again.created, again.entry, again.position) == (False, first.entry, 1)
        assert join(salon, 0, earliest=NINE, latest=FIVE).created, "that is another wish"


def test_who_names_no_bounds_waits_from_today_on_for_all_that_can_be_booked(salon):
    with tenant_scope(salon):
        entry = join(salon, 0, earliest=None, latest=None).entry
        today = NOW.astimezone(salon.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        assert entry.earliest == today
        assert entry.latest == today + (haircut().booking_window_days + 1) * 24 * HOUR


def test_who_leaves_makes_room_in_line(salon):
    with tenant_scope(salon):
        first, second = join(salon, 0), join(salon, 1)
        waitlist.leave(salon, first.entry.pk, now=NOW)
        assert states(first, second) == [State.LEFT, State.WAITING]
        assert join(salon, 1).position == 1


def test_a_wish_that_cannot_come_true_is_refused(salon):
    with tenant_scope(salon):
        for earliest, latest in ((FIVE, NINE), (NOW - 2 * HOUR, NOW - HOUR)):
            with pytest.raises(Invalid) as invalid:
                join(salon, 0, earliest=earliest, latest=latest)
            assert invalid.value.field == "to"
        with pytest.raises(NotFound):
            join(salon, 0, employee=Employee.objects.create(tenant=salon, name="Cleo"))


# --- Offers --------------------------------------------------------------------------------------


def test_a_cancellation_is_offered_to_the_first_in_line(salon):
    with tenant_scope(salon):
        appointment = booked(salon)
        first, second = join(salon, 0), join(salon, 1)
        cancel(salon, appointment.pk, now=NOW)
        assert states(first, second) == [State.OFFERED, State.WAITING]
        offered = Hold.objects.get()
        assert (offered.starts_at, offered.employee.name) == (NINE, "Ana")
        assert offered.expires_at == NOW + OFFER_STANDS
        message = OutboxMessage.objects.get(kind="offered")
        assert message.body["waitlistEntry"] == str(first.entry.pk)


def test_what_is_offered_is_kept(salon):
    with tenant_scope(salon):
        appointment = booked(salon)
        join(salon, 0)
        cancel(salon, appointment.pk, now=NOW)
        assert NINE not in {slot.start for slot in free_slots(salon, haircut(), MONDAY, employee(), now=NOW)}
        with pytest.raises(SlotTaken):
            booked(salon)


def test_a_moved_appointment_frees_its_time_too(salon):
    with tenant_scope(salon):
        appointment = booked(salon)
        first = join(salon, 0, latest=NINE)
        reschedule(salon, appointment.pk, NINE + 3 * HOUR, now=NOW)
        assert states(first) == [State.OFFERED]
        assert broken() == {}


def test_a_refused_cancellation_offers_nothing(salon):
    with tenant_scope(salon):
        Service.objects.filter(name="Haircut").update(cancel_notice_minutes=120)
        appointment = booked(salon)
        first = join(salon, 0)
        with pytest.raises(Exception, match="too late"):
            cancel(salon, appointment.pk, by_customer=True, now=NINE - HOUR)
        assert states(first) == [State.WAITING]


@pytest.mark.parametrize(
    "unsuited",
    [
        {"earliest": NINE + 2 * HOUR},
        {"earliest": NOW, "latest": NINE - HOUR},
        {"employee": "Ben"},
        {"service": "Coloring"},  # takes two hours, and another comes after one
    ],
)
def test_who_cannot_use_the_time_is_passed_over(salon, unsuited):
    with tenant_scope(salon):
        appointment = booked(salon)
        booked(salon, NINE + HOUR)
        if "employee" in unsuited:
            unsuited = {"employee": employee(unsuited["employee"])}
        if "service" in unsuited:
            unsuited = {"service": Service.objects.get(name=unsuited["service"])}
        first, second = join(salon, 0, **unsuited), join(salon, 1)
        cancel(salon, appointment.pk, now=NOW)
        assert states(first, second) == [State.WAITING, State.OFFERED]


def test_two_are_offered_when_there_is_room_for_two(salon):
    with tenant_scope(salon):
        coloring = Service.objects.get(name="Coloring")
        appointment = book(salon, coloring, NINE, JOHN, employee=employee(), now=NOW).appointment
        for hour in range(2, 8):
            booked(salon, NINE + hour * HOUR)
        entries = [join(salon, index) for index in range(3)]
        cancel(salon, appointment.pk, now=NOW)
        assert states(*entries) == [State.OFFERED, State.OFFERED, State.WAITING]
        assert set(Hold.objects.values_list("starts_at", flat=True)) == {NINE, NINE + HOUR}


def offered(salon, count: int = 2) -> list[Joined]:
    """Guests in line on a day without other room; the first has an offer."""
    appointment = booked(salon)
    for hour in range(1, 8):
        booked(salon, NINE + hour * HOUR)
    entries = [join(salon, index) for index in range(count)]
    cancel(salon, appointment.pk, now=NOW)
    return entries


def test_who_accepts_has_an_appointment_and_accepting_again_answers_the_same(salon):
    with tenant_scope(salon):
        first, _ = offered(salon)
        made = waitlist.accept(salon, first.entry.pk, actor="call 7", now=NOW + HOUR / 2)
        assert (made.appointment.starts_at, made.appointment.customer.name) == (NINE, "Guest 0")
        again = waitlist.accept(salon, first.entry.pk, now=NOW + 5 * HOUR)
        assert (again.created, again.appointment) == (False, made.appointment)
        assert states(first) == [State.BOOKED]
        assert not Hold.objects.exists()
        assert broken() == {}


def test_an_offer_that_nobody_takes_goes_to_the_next(salon):
    with tenant_scope(salon):
        first, second, third = offered(salon, 3)
        assert waitlist.advance_offers(salon, now=NOW + OFFER_STANDS - HOUR / 60) == 0
        later = NOW + OFFER_STANDS
        assert waitlist.advance_offers(salon, now=later) == 1
        assert states(first, second, third) == [State.WAITING, State.OFFERED, State.WAITING]
        with pytest.raises(OfferExpired) as expired:
            waitlist.accept(salon, first.entry.pk, now=later)
        assert expired.value.code == "OFFER_EXPIRED"
        assert waitlist.accept(salon, second.entry.pk, now=later).created
        assert OutboxMessage.objects.filter(kind="offered").count() == 2


def test_when_all_have_passed_the_time_is_free(salon):
    with tenant_scope(salon):
        offered(salon, 2)
        for hours in (1, 2):
            assert waitlist.advance_offers(salon, now=NOW + hours * OFFER_STANDS) == 1
        assert not Hold.objects.exists()
        assert set(WaitlistEntry.objects.values_list("state", flat=True)) == {State.WAITING}
        assert booked(salon).starts_at == NINE


def test_an_expired_offer_cannot_be_accepted_though_nobody_swept(salon):
    with tenant_scope(salon):
        first, _ = offered(salon)
        with pytest.raises(OfferExpired):
            waitlist.accept(salon, first.entry.pk, now=NOW + OFFER_STANDS)


def test_who_declines_waits_on_and_who_leaves_does_not(salon):
    with tenant_scope(salon):
        first, second, third = offered(salon, 3)
        waitlist.decline(salon, first.entry.pk, now=NOW)
        assert states(first, second, third) == [State.WAITING, State.OFFERED, State.WAITING]
        waitlist.leave(salon, second.entry.pk, now=NOW)
        assert states(first, second, third) == [State.WAITING, State.LEFT, State.OFFERED]


def test_an_offer_is_not_booked_into_time_off(salon):
    with tenant_scope(salon):
        first, _ = offered(salon)
        TimeOff.objects.create(tenant=salon, employee=employee(), starts_at=NINE, ends_at=FIVE)
        with pytest.raises(Exception, match="outside our opening hours"):
            waitlist.accept(salon, first.entry.pk, now=NOW)
        assert states(first) == [State.OFFERED]


def test_the_sweep_of_holds_leaves_offers_to_the_waitlist(salon):
    with tenant_scope(salon):
        first, second = offered(salon)
        assert holds.forget_expired(NOW + 2 * OFFER_STANDS) == 0
        assert waitlist.advance_offers(salon, now=NOW + 2 * OFFER_STANDS) == 1
        assert states(first, second) == [State.WAITING, State.OFFERED]


def test_an_offer_whose_hold_is_gone_lapses(salon):
    with tenant_scope(salon):
        first, _ = offered(salon)
        Hold.objects.all().delete()
        with pytest.raises(OfferExpired):
            waitlist.accept(salon, first.entry.pk, now=NOW)
        assert waitlist.advance_offers(salon, now=NOW) == 1
        assert states(first) == [State.WAITING]


def test_the_task_looks_after_every_tenant(salon, garage):
    with tenant_scope(salon):
        offered(salon)
        Hold.objects.update(expires_at=datetime.datetime.now(datetime.UTC) - HOUR)
    assert tasks.advance_offers() == 1


# --- Races ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_accepting_and_lapsing_at_once_has_one_outcome(salon):
    """At the very end of an offer the guest accepts while the sweep takes it back."""
    with tenant_scope(salon):
        first, second = offered(salon)
    end = NOW + OFFER_STANDS
    work: list[Callable[[], Any]] = [
        lambda: waitlist.accept(salon, first.entry.pk, now=end - HOUR / 3600),
        lambda: waitlist.advance_offers(salon, now=end),
    ]
    outcomes = at_once(salon, work * 5)
    booked_ = [one for one in outcomes if not isinstance(one, Exception | int)]
    with tenant_scope(salon):
        expected = [State.BOOKED, State.WAITING] if booked_ else [State.WAITING, State.OFFERED]
        assert states(first, second) == expected
        assert Appointment.objects.filter(customer__name="Guest 0").count() == bool(booked_)
        assert broken() == {}


@pytest.mark.django_db(transaction=True)
def test_two_cancellations_at_once_do_not_offer_one_guest_two_slots(salon):
    with tenant_scope(salon):
        hers = booked(salon).pk
        his = book(salon, haircut(), NINE, JOHN, employee=employee("Ben"), now=NOW).appointment.pk
        entries = [join(salon, index, latest=NINE) for index in range(2)]
    before = deadlocks()
    outcomes = at_once(salon, [partial(cancel, salon, pk, now=NOW) for pk in (hers, his)])
    assert all(one.changed for one in outcomes)
    with tenant_scope(salon):
        assert Hold.objects.count() == len({hold.holder for hold in Hold.objects.all()})
        assert states(*entries).count(State.OFFERED) == Hold.objects.count() >= 1
    assert deadlocks() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["cancelled", "moved"])
@time_machine.travel(NOW)
def test_time_that_staff_free_by_hand_is_offered_too(salon, how):
    with tenant_scope(salon):
        appointment = booked(salon)
        waiting = join(salon, 1)
    with tenant_scope(salon):
        row = Appointment.objects.select_related("service", "employee").get(pk=appointment.pk)
        if how == "cancelled":
            row.status = "cancelled"
        else:
            row.starts_at += datetime.timedelta(days=1)
            row.ends_at += datetime.timedelta(days=1)
        edit(row)
        assert states(waiting) == ["waiting"], "not before it is certain"
    with tenant_scope(salon):
        assert states(waiting) == ["offered"]


def test_what_staff_leave_where_it_is_is_offered_to_nobody(salon, django_capture_on_commit_callbacks):
    with tenant_scope(salon):
        row = Appointment.objects.select_related("service", "employee").get(pk=booked(salon).pk)
        waiting = join(salon, 1)
    with django_capture_on_commit_callbacks(execute=True) as callbacks, tenant_scope(salon):
        row.notes = "Prefers tea"
        edit(row)
    assert callbacks == []
    with tenant_scope(salon):
        assert states(waiting) == ["waiting"]


def test_staff_move_statuses_by_the_same_table(salon):
    with tenant_scope(salon):
        row = Appointment.objects.select_related("service", "employee").get(pk=booked(salon).pk)
        row.status = "completed"
        edit(row)
        row.status = "scheduled"
        with pytest.raises(NotAllowed):
            edit(row)
