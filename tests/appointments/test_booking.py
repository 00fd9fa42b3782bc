"""Booking: all of it or none of it, and never two at once."""

import datetime
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from unittest.mock import patch

import pytest
from django.db import OperationalError, connection
from django.db.models import F

from appointments import booking, history
from appointments.availability import Calendar, free_slots
from appointments.booking import Contact, book
from appointments.errors import IdempotencyConflict, Invalid, NotBookable, NotFound, SlotTaken
from appointments.models import (
    AddOn,
    Appointment,
    AppointmentAddOn,
    AppointmentChange,
    Customer,
    Employee,
    EmployeeService,
    IdempotencyRecord,
    OutboxMessage,
    Resource,
    ResourceUse,
    Service,
    ServiceResource,
)
from appointments.slots import Reason
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.appointments.invariants import at_once, broken, without_constraints

NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
MONDAY = datetime.date(2026, 11, 23)
NINE = datetime.datetime(2026, 11, 23, 14, tzinfo=datetime.UTC)  # 09:00 in New York
JOHN = Contact("John Doe", "+15559876543")
TIMES = ("starts_at", "ends_at", "blocked_from", "blocked_until")


def haircut() -> Service:
    return Service.objects.get(name="Haircut")


def overlaps() -> int:
    """Pairs of appointments of one employee whose blocked times meet, counted without the constraint's help."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM appointments_appointment a JOIN appointments_appointment b"
            " ON a.id < b.id AND a.employee_id = b.employee_id AND a.status <> 'cancelled' AND b.status <> 'cancelled'"
            " AND a.blocked_from < b.blocked_until AND b.blocked_from < a.blocked_until"
        )
        return cursor.fetchone()[0]


def test_a_day_offers_every_half_hour_of_both_employees(salon):
    with tenant_scope(salon):
        slots = free_slots(salon, haircut(), MONDAY, now=NOW)
        assert len(slots) == 30
        assert [slot.employee.name for slot in slots[:2]] == ["Ana", "Ben"]
        assert (slots[0].start, slots[0].end) == (NINE, NINE + datetime.timedelta(hours=1))
        assert slots[-1].end == NINE + datetime.timedelta(hours=8)


def test_a_day_takes_four_queries(salon, django_assert_max_num_queries):
    with tenant_scope(salon):
        service = haircut()
        with django_assert_max_num_queries(4):
            assert free_slots(salon, service, MONDAY, now=NOW)


def test_a_booking_blocks_its_time_and_nothing_else(salon):
    with tenant_scope(salon):
        ana = Employee.objects.get(name="Ana")
        booked = book(salon, haircut(), NINE, JOHN, employee=ana, now=NOW)
        assert booked.created
        assert booked.appointment.price == 50
        left = free_slots(salon, haircut(), MONDAY, employee=ana, now=NOW)
        assert left[0].start == NINE + datetime.timedelta(hours=1)
        assert len(free_slots(salon, haircut(), MONDAY, now=NOW)) == 28


def test_buffers_keep_neighbours_away(salon):
    with tenant_scope(salon):
        Service.objects.filter(name="Haircut").update(buffer_before_minutes=10, buffer_after_minutes=20)
        ana = Employee.objects.get(name="Ana")
        book(salon, haircut(), NINE + datetime.timedelta(hours=2), JOHN, employee=ana, now=NOW)
        left = [
            slot.start.hour * 60 + slot.start.minute
            for slot in free_slots(salon, haircut(), MONDAY, ana, now=NOW)
        ]
        assert 14 * 60 + 30 in left  # 09:30 to 10:30 and its buffer end at 10:50, where 11:00's begins
        assert 15 * 60 not in left
        assert 17 * 60 not in left
        assert 17 * 60 + 30 in left


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (NINE - datetime.timedelta(hours=1), Reason.OUTSIDE_HOURS),
        (NINE + datetime.timedelta(hours=7, minutes=30), Reason.OUTSIDE_HOURS),
        (NINE - datetime.timedelta(days=7), Reason.IN_THE_PAST),
        (NINE + datetime.timedelta(days=98), Reason.TOO_FAR),
        (NINE + datetime.timedelta(minutes=10), Reason.OFF_GRID),
        (NINE - datetime.timedelta(days=1), Reason.OUTSIDE_HOURS),
    ],
)
def test_the_rules_are_asked(salon, start, reason):
    with tenant_scope(salon), pytest.raises(NotBookable) as refused:
        book(salon, haircut(), start, JOHN, now=NOW)
    assert refused.value.reasons[0] == reason
    assert refused.value.nearest


def test_a_taken_slot_comes_with_alternatives(salon):
    with tenant_scope(salon):
        ana = Employee.objects.get(name="Ana")
        book(salon, haircut(), NINE, JOHN, employee=ana, now=NOW)
        with pytest.raises(SlotTaken) as taken:
            book(salon, haircut(), NINE, Contact("Jane", "+15551110000"), employee=ana, now=NOW)
        assert [slot.start for slot in taken.value.nearest][0] == NINE + datetime.timedelta(hours=1)
        assert all(slot.employee == ana for slot in taken.value.nearest)


def test_with_anybody_a_second_caller_gets_the_colleague(salon):
    with tenant_scope(salon):
        first = book(salon, haircut(), NINE, JOHN, now=NOW).appointment
        second = book(salon, haircut(), NINE, Contact("Jane", "+15551110000"), now=NOW).appointment
        assert {first.employee.name, second.employee.name} == {"Ana", "Ben"}
        with pytest.raises(SlotTaken):
            book(salon, haircut(), NINE, Contact("Jim", "+15551110001"), now=NOW)


def test_the_same_wish_again_is_the_same_appointment(salon):
    with tenant_scope(salon):
        first = book(salon, haircut(), NINE, JOHN, now=NOW)
        again = book(salon, haircut(), NINE, Contact("Jon Doe", JOHN.phone_e164), now=NOW)
        assert (again.created, again.appointment.pk) == (False, first.appointment.pk)
        assert Appointment.objects.count() == 1


def test_the_same_wish_with_and_without_a_name_of_the_team_is_one_appointment(salon):
    with tenant_scope(salon):
        first = book(salon, haircut(), NINE, JOHN, now=NOW).appointment
        again = book(salon, haircut(), NINE, JOHN, employee=first.employee, now=NOW)
        assert (again.created, again.appointment.pk) == (False, first.pk)


@pytest.mark.parametrize(
    ("name", "other"),
    [("Ann", "Beth"), ("Tom Miller", "Ann Miller"), ("John Smith", "Jane Smith"), ("Ann", "Tom Miller")],
)
def test_somebody_else_at_the_same_phone_gets_an_appointment_of_their_own(salon, name, other):
    with tenant_scope(salon):
        first = book(salon, haircut(), NINE, Contact(name, JOHN.phone_e164), now=NOW).appointment
        second = book(salon, haircut(), NINE, Contact(other, JOHN.phone_e164), now=NOW)
        assert second.created
        assert second.appointment.customer.name == other
        again = book(salon, haircut(), NINE, Contact(name, JOHN.phone_e164), now=NOW)
        assert (again.created, again.appointment.pk) == (False, first.pk)


@pytest.mark.parametrize(
    ("name", "heard"),
    [
        ("John Doe", "Jon Doe"),
        ("Stephen King", "Steven King"),
        ("John Doe", "Mr John Doe"),
        ("John Doe", "john  doe"),
        ("Catherine Deneuve", "Kathrin Denöv"),
    ],
)
def test_a_name_that_was_heard_otherwise_is_the_same_person(salon, name, heard):
    with tenant_scope(salon):
        first = book(salon, haircut(), NINE, Contact(name, JOHN.phone_e164), now=NOW).appointment
        again = book(salon, haircut(), NINE, Contact(heard, JOHN.phone_e164), now=NOW)
        assert (again.created, again.appointment.pk) == (False, first.pk)


def test_an_appointment_that_was_moved_does_not_answer_for_its_old_time(salon):
    with tenant_scope(salon):
        first = book(salon, haircut(), NINE, JOHN, now=NOW).appointment
        later = datetime.timedelta(hours=5)
        Appointment.objects.filter(pk=first.pk).update(
            starts_at=F("starts_at") + later,
            ends_at=F("ends_at") + later,
            blocked_from=F("blocked_from") + later,
            blocked_until=F("blocked_until") + later,
        )
        again = book(salon, haircut(), NINE, JOHN, now=NOW)
        assert again.created
        assert again.appointment.starts_at == NINE


def test_after_a_cancellation_the_same_wish_books_anew(salon):
    with tenant_scope(salon):
        first = book(salon, haircut(), NINE, JOHN, now=NOW).appointment
        Appointment.objects.filter(pk=first.pk).update(status=Appointment.Status.CANCELLED)
        again = book(salon, haircut(), NINE, JOHN, now=NOW)
        assert again.created
        assert again.appointment.pk != first.pk


def test_a_refused_wish_leaves_nothing_behind(salon):
    with tenant_scope(salon):
        with pytest.raises(NotBookable):
            book(salon, haircut(), NINE - datetime.timedelta(hours=3), JOHN, now=NOW)
        assert not Customer.objects.exists()
        assert not IdempotencyRecord.objects.exists()


def test_the_same_phone_and_name_is_the_same_customer(salon):
    with tenant_scope(salon):
        for hour in range(3):
            book(salon, haircut(), NINE + datetime.timedelta(hours=hour), JOHN, now=NOW)
        book(
            salon,
            haircut(),
            NINE + datetime.timedelta(hours=3),
            Contact("Jane Doe", JOHN.phone_e164),
            now=NOW,
        )
        assert Counter(Customer.objects.values_list("name", flat=True)) == {"John Doe": 1, "Jane Doe": 1}


@pytest.mark.parametrize(
    ("contact", "field"),
    [
        (Contact("  ", "+15559876543"), "customerName"),
        (Contact("John"), "customerPhone"),
        (Contact("John", "", "not an address"), "customerEmail"),
        (Contact("J" * 121, "+15559876543"), "customerName"),
    ],
)
def test_a_contact_that_makes_no_sense_names_the_field(salon, contact, field):
    with tenant_scope(salon), pytest.raises(Invalid) as invalid:
        book(salon, haircut(), NINE, contact, now=NOW)
    assert invalid.value.field == field


def test_only_who_performs_a_service_can_be_booked_for_it(salon):
    with tenant_scope(salon):
        cleo = Employee.objects.create(tenant=salon, name="Cleo")
        with pytest.raises(NotFound):
            book(salon, haircut(), NINE, JOHN, employee=cleo, now=NOW)
        Service.objects.filter(name="Haircut").update(is_active=False)
        with pytest.raises(NotFound):
            book(salon, haircut(), NINE, JOHN, now=NOW)


# --- Races, on real connections ------------------------------------------------------------------


def race(salon: Tenant, contenders: int, start, *, contact=None) -> Counter[str]:
    """So many bookings of one start at once; how each ended."""
    barrier = threading.Barrier(contenders)

    def contend(index: int) -> str:
        barrier.wait(10)
        who = contact or Contact(f"Caller {index}", f"+1555300{index:04d}")
        try:
            with tenant_scope(salon):
                return "booked" if book(salon, haircut(), start, who, now=NOW).created else "repeated"
        except SlotTaken:
            return "taken"
        except (
            OperationalError
        ):  # a deadlock or too long a wait, which only a race without its locks may have
            return "failed"
        finally:
            connection.close()

    with ThreadPoolExecutor(contenders) as pool:
        return Counter(pool.map(contend, range(contenders)))


@pytest.mark.django_db(transaction=True)
def test_of_fifty_callers_at_one_slot_as_many_book_as_can_serve(salon):
    assert race(salon, 50, NINE) == {"booked": 2, "taken": 48}  # Ana and Ben
    with tenant_scope(salon):
        assert overlaps() == 0


@pytest.mark.django_db(transaction=True)
def test_forty_deliveries_of_one_request_book_once(salon):
    assert race(salon, 40, NINE, contact=JOHN) == {"booked": 1, "repeated": 39}
    with tenant_scope(salon):
        assert Appointment.objects.count() == Customer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_constraint_still_has_the_last_word(salon):
    with patch.object(booking, "lock_calendars"):
        outcomes = race(salon, 12, NINE)
    assert outcomes["booked"] <= 2
    with tenant_scope(salon):
        assert overlaps() == 0


@pytest.mark.django_db(transaction=True)
def test_without_lock_and_constraint_the_race_is_lost(salon):
    """The test above can fail: with both guards off, the same race books one calendar twice."""
    with without_constraints("appointment_no_double_booking", "appointment_seat_once"):
        lost = False
        for hour in range(8):
            with patch.object(booking, "lock_calendars"):
                race(salon, 12, NINE + datetime.timedelta(hours=hour % 7))
            with tenant_scope(salon):
                lost = lost or overlaps() > 0
            if lost:
                break
        with tenant_scope(salon):
            Appointment.objects.all().delete()
        assert lost


@pytest.mark.django_db(transaction=True)
def test_without_the_claim_a_repeated_request_is_not_recognised(salon):
    with patch.object(booking, "_answered", return_value=None):
        outcomes = race(salon, 6, NINE, contact=JOHN)
    assert outcomes["booked"] == 2


def test_the_nearest_slots_are_in_order_and_around_the_wish(salon):
    with tenant_scope(salon):
        calendar = Calendar(salon, haircut(), now=NOW)
        wish = NINE + datetime.timedelta(hours=2, minutes=5)
        nearest = calendar.nearest(wish)
        starts = [slot.start for slot in nearest]
        assert starts == sorted(starts)
        assert len(set(starts)) == 4
        assert max(abs(start - wish) for start in starts) <= datetime.timedelta(hours=1)


def test_blocked_time_is_kept_beside_the_appointment(salon):
    with tenant_scope(salon):
        Service.objects.filter(name="Haircut").update(buffer_after_minutes=15)
        appointment = book(salon, haircut(), NINE, JOHN, now=NOW).appointment
        kept = Appointment.objects.annotate(after=F("blocked_until") - F("ends_at")).get(pk=appointment.pk)
        assert kept.after == datetime.timedelta(minutes=15)


# --- Keys of the caller's own ----------------------------------------------------------------------


def test_the_same_key_again_is_the_same_appointment_even_when_that_was_cancelled(salon):
    with tenant_scope(salon):
        first = book(salon, haircut(), NINE, JOHN, idempotency_key="abc", now=NOW).appointment
        Appointment.objects.filter(pk=first.pk).update(status=Appointment.Status.CANCELLED)
        again = book(salon, haircut(), NINE, JOHN, idempotency_key="abc", now=NOW)
        assert (again.created, again.appointment.pk) == (False, first.pk)


@pytest.mark.parametrize("other", ["contact", "start", "notes"])
def test_the_same_key_with_another_body_is_a_conflict(salon, other):
    with tenant_scope(salon):
        book(salon, haircut(), NINE, JOHN, idempotency_key="abc", now=NOW)
        start = NINE + datetime.timedelta(hours=3) if other == "start" else NINE
        contact = Contact("Jane", "+15551110000") if other == "contact" else JOHN
        with pytest.raises(IdempotencyConflict) as conflict:
            book(
                salon,
                haircut(),
                start,
                contact,
                notes="By the window" if other == "notes" else "",
                idempotency_key="abc",
                now=NOW,
            )
        assert conflict.value.code == "IDEMPOTENCY_CONFLICT"
        assert Appointment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_forty_requests_with_one_key_get_one_answer(salon):
    def ask():
        booked = book(salon, haircut(), NINE, JOHN, idempotency_key="abc", now=NOW)
        return booked.appointment.pk, booked.appointment.employee.name, booked.appointment.starts_at

    answers = at_once(salon, [ask] * 40)
    assert len(set(answers)) == 1
    with tenant_scope(salon):
        assert Appointment.objects.count() == OutboxMessage.objects.count() == 1


def test_a_wish_whose_appointment_was_moved_is_a_new_one(salon):
    with tenant_scope(salon):
        first = book(salon, haircut(), NINE, JOHN, now=NOW).appointment
        later = {name: getattr(first, name) + datetime.timedelta(hours=3) for name in TIMES}
        Appointment.objects.filter(pk=first.pk).update(**later)
        assert book(salon, haircut(), NINE, JOHN, now=NOW).created


# --- What is written -------------------------------------------------------------------------------


def test_a_booking_is_told_once_and_kept_in_the_history(salon):
    with tenant_scope(salon):
        for _ in range(2):
            appointment = book(salon, haircut(), NINE, JOHN, actor="call 7", now=NOW).appointment
        change, message = AppointmentChange.objects.get(), OutboxMessage.objects.get()
        assert (change.kind, change.actor, change.appointment_id) == ("booked", "call 7", appointment.pk)
        assert change.after["startsAt"] == NINE.isoformat()
        assert (message.kind, message.handled_at) == ("booked", None)


def test_history_and_outbox_name_nobody(salon):
    with tenant_scope(salon):
        book(salon, haircut(), NINE, JOHN, now=NOW)
        for body in (AppointmentChange.objects.get().after, OutboxMessage.objects.get().body):
            assert JOHN.name not in str(body)
            assert JOHN.phone_e164 not in str(body)


def test_add_ons_add_their_minutes_and_prices(salon):
    with tenant_scope(salon):
        beard = AddOn.objects.create(tenant=salon, service=haircut(), name="Beard", minutes=20, price=15)
        appointment = book(salon, haircut(), NINE, JOHN, add_ons=[beard, beard], now=NOW).appointment
        assert appointment.ends_at - appointment.starts_at == datetime.timedelta(minutes=80)
        assert appointment.price == 65
        kept = AppointmentAddOn.objects.get()
        assert (kept.appointment_id, kept.minutes, kept.price) == (appointment.pk, 20, 15)


def test_an_add_on_of_another_service_is_refused(salon):
    with tenant_scope(salon):
        toner = AddOn.objects.create(tenant=salon, service=Service.objects.get(name="Coloring"), name="Toner")
        with pytest.raises(Invalid) as invalid:
            book(salon, haircut(), NINE, JOHN, add_ons=[toner], now=NOW)
        assert invalid.value.field == "addOns"


def test_an_employee_has_a_duration_and_a_price_of_their_own(salon):
    with tenant_scope(salon):
        ana = Employee.objects.get(name="Ana")
        EmployeeService.objects.filter(employee=ana, service=haircut()).update(duration_minutes=40, price=70)
        hers = book(salon, haircut(), NINE, JOHN, employee=ana, now=NOW).appointment
        assert (hers.ends_at - hers.starts_at, int(hers.price)) == (datetime.timedelta(minutes=40), 70)


def test_anybody_means_whoever_has_least_to_do_that_week(salon):
    with tenant_scope(salon):
        ana, ben = Employee.objects.get(name="Ana"), Employee.objects.get(name="Ben")
        book(salon, haircut(), NINE, JOHN, employee=ana, now=NOW)
        tuesday = NINE + datetime.timedelta(days=1)
        assert book(salon, haircut(), tuesday, JOHN, now=NOW).appointment.employee == ben


# --- Resources -------------------------------------------------------------------------------------


def needs(salon, service: Service, name: str = "Chair", capacity: int = 1) -> Resource:
    resource = Resource.objects.create(tenant=salon, name=name, capacity=capacity)
    ServiceResource.objects.create(tenant=salon, service=service, resource=resource)
    return resource


def test_one_chair_serves_one_at_a_time_whoever_is_free(salon):
    with tenant_scope(salon):
        needs(salon, haircut())
        book(salon, haircut(), NINE, JOHN, now=NOW)
        with pytest.raises(SlotTaken) as taken:
            book(salon, haircut(), NINE, Contact("Jane", "+15551110000"), now=NOW)
        assert taken.value.reasons == [Reason.RESOURCE_FULL]


def test_the_lowest_free_unit_is_taken(salon):
    with tenant_scope(salon):
        needs(salon, haircut(), capacity=2)
        for index in range(2):
            book(salon, haircut(), NINE, Contact(f"Caller {index}", f"+1555300000{index}"), now=NOW)
        assert sorted(ResourceUse.objects.values_list("unit", flat=True)) == [1, 2]
        assert broken() == {}


@pytest.mark.django_db(transaction=True)
def test_a_race_for_one_chair_has_one_winner(salon):
    with tenant_scope(salon):
        needs(salon, haircut())
    assert race(salon, 12, NINE) == {"booked": 1, "taken": 11}


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_chair_is_still_used_once(salon):
    with tenant_scope(salon):
        needs(salon, haircut())
    with patch.object(booking, "lock_calendars"):
        assert race(salon, 12, NINE)["booked"] <= 1
    with tenant_scope(salon):
        assert broken() == {}


# --- Groups ----------------------------------------------------------------------------------------


@pytest.fixture
def yoga(salon) -> Service:
    with tenant_scope(salon):
        service = Service.objects.create(
            tenant=salon, name="Yoga", duration_minutes=60, price=12, seats=3, slot_step_minutes=30
        )
        for employee in Employee.objects.all():
            EmployeeService.objects.create(tenant=salon, employee=employee, service=service)
        return service


def join(salon, service: Service, index: int, **kwargs) -> Appointment:
    who = Contact(f"Guest {index}", f"+1555400{index:04d}")
    return book(salon, service, NINE, who, now=NOW, **kwargs).appointment


def test_a_group_shares_one_time_until_its_seats_are_taken(salon, yoga):
    with tenant_scope(salon):
        ana = Employee.objects.get(name="Ana")
        assert [join(salon, yoga, index, employee=ana).seat for index in range(3)] == [1, 2, 3]
        with pytest.raises(SlotTaken):
            join(salon, yoga, 3, employee=ana)
        assert broken() == {}


def test_a_group_and_an_appointment_keep_each_other_away(salon, yoga):
    with tenant_scope(salon):
        ana = Employee.objects.get(name="Ana")
        join(salon, yoga, 0, employee=ana)
        with pytest.raises(SlotTaken):
            book(salon, haircut(), NINE, JOHN, employee=ana, now=NOW)


def test_a_group_begins_and_ends_together(salon, yoga):
    with tenant_scope(salon):
        ana = Employee.objects.get(name="Ana")
        first = join(salon, yoga, 0, employee=ana)
        Service.objects.filter(pk=yoga.pk).update(duration_minutes=45)
        yoga.refresh_from_db()
        assert join(salon, yoga, 1, employee=ana).ends_at == first.ends_at
        stretch = AddOn.objects.create(tenant=salon, service=yoga, name="Stretching", minutes=10)
        with pytest.raises(Invalid):
            join(salon, yoga, 2, employee=ana, add_ons=[stretch])


@pytest.mark.django_db(transaction=True)
def test_a_race_for_three_seats_has_three_winners(salon, yoga):
    with tenant_scope(salon):
        ana = Employee.objects.get(name="Ana")

    def take(index: int) -> int:
        return join(salon, yoga, index, employee=ana).seat

    outcomes = at_once(salon, [partial(take, index) for index in range(12)])
    assert sorted(one for one in outcomes if isinstance(one, int)) == [1, 2, 3]
    assert all(isinstance(one, SlotTaken) for one in outcomes if not isinstance(one, int))


def is_lost(contend, is_broken, attempts: int = 12) -> bool:
    """Whether a race without its guards breaks the calendar: in one of a few attempts, as races go."""

    def lingering(*args, **kwargs) -> None:
        time.sleep(0.05)  # written, not committed: so long nobody else can see it
        record(*args, **kwargs)

    record = history.record
    for attempt in range(attempts):
        with patch.object(booking, "lock_calendars"), patch.object(history, "record", lingering):
            contend(NINE + attempt % 7 * datetime.timedelta(hours=1))
        if is_broken():
            return True
    return False


@pytest.mark.django_db(transaction=True)
def test_without_lock_and_constraint_one_chair_serves_two(salon):
    with tenant_scope(salon):
        needs(salon, haircut())

    def contend(start: datetime.datetime) -> None:
        def take(name: str) -> None:
            who = Contact(name, f"+1555300000{len(name)}{name == 'Ana':d}")
            book(salon, haircut(), start, who, employee=Employee.objects.get(name=name), now=NOW)

        at_once(salon, [partial(take, name) for name in ("Ana", "Ben")])

    def is_broken() -> bool:
        with tenant_scope(salon):
            return "units used twice" in broken()

    with without_constraints("resource_unit_used_once"):
        lost = is_lost(contend, is_broken)
        with tenant_scope(salon):
            Appointment.objects.all().delete()
    assert lost


@pytest.mark.django_db(transaction=True)
def test_without_lock_and_constraints_a_seat_is_sold_twice(salon, yoga):
    def contend(start: datetime.datetime) -> None:
        def take(index: int) -> None:
            ana = Employee.objects.get(name="Ana")
            book(salon, yoga, start, Contact(f"Guest {index}", f"+1555400{index:04d}"), employee=ana, now=NOW)

        at_once(salon, [partial(take, index) for index in range(8)])

    def is_broken() -> bool:
        with tenant_scope(salon):
            return "groups without one first seat" in broken()

    with without_constraints("appointment_no_double_booking", "appointment_seat_once"):
        lost = is_lost(contend, is_broken)
        with tenant_scope(salon):
            Appointment.objects.all().delete()
    assert lost


# --- By hand ---------------------------------------------------------------------------------------


def by_hand(salon, start=NINE, employee: str = "Ana", **fields) -> Appointment:
    customer, _ = Customer.objects.get_or_create(tenant=salon, name="Kim Low", phone_e164="+15552223333")
    return Appointment(
        tenant=salon,
        service=haircut(),
        employee=Employee.objects.get(name=employee),
        customer=customer,
        starts_at=start,
        price=50,
        currency="USD",
        **fields,
    )


def test_staff_book_any_free_minute_and_nobody_twice(salon):
    with tenant_scope(salon):
        odd = NINE - datetime.timedelta(hours=2, minutes=7)
        first = by_hand(salon, odd)
        booking.place(first)
        other = by_hand(salon, odd + datetime.timedelta(minutes=30))
        assert booking.collision(other) == first
        with pytest.raises(SlotTaken):
            booking.place(other)


def test_staff_use_up_chairs_too(salon):
    with tenant_scope(salon):
        needs(salon, haircut())
        first = by_hand(salon)
        booking.place(first)
        assert booking.collision(by_hand(salon, employee="Ben")) == first
        with pytest.raises(SlotTaken):
            book(salon, haircut(), NINE, JOHN, now=NOW)
        assert broken() == {}


def test_what_staff_change_is_in_the_history(salon):
    with tenant_scope(salon):
        appointment = by_hand(salon)
        booking.place(appointment)
        appointment.starts_at += datetime.timedelta(hours=2)
        appointment.ends_at += datetime.timedelta(hours=2)
        booking.change(appointment, actor="kim")
        appointment.status = Appointment.Status.CANCELLED
        booking.change(appointment, actor="kim")
        kinds = list(AppointmentChange.objects.values_list("kind", "actor"))
        assert kinds == [("booked", "staff"), ("moved", "kim"), ("cancelled", "kim")]


def test_a_seat_that_staff_hold_open_in_a_form_is_not_lost(salon, yoga):
    """A form that was opened before the first seat went to this appointment must not put it back."""
    with tenant_scope(salon):
        ana = Employee.objects.get(name="Ana")
        first, second = join(salon, yoga, 0, employee=ana), join(salon, yoga, 1, employee=ana)
        first.status = Appointment.Status.CANCELLED
        booking.change(first)
        second.notes = "Brings a mat"
        booking.change(second)
        second.refresh_from_db()
        assert (second.seat, second.notes) == (1, "Brings a mat")
        assert broken() == {}
