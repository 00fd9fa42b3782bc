"""Customers are told what they should know: once, in time, of what is still true, and only where it was wished."""

import asyncio
import datetime
import logging
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core import mail
from django.db import connection
from django.utils import timezone

from appointments import lifecycle, waitlist
from appointments.booking import Contact
from appointments.chains import Stop, book_visit
from appointments.models import Appointment, AppointmentChange, Employee, OutboxMessage, Service
from appointments.series import book_series
from telephony import tasks
from telephony.models import MessageTemplate, Notification, OptOut, PhoneNumber
from telephony.notifications import dispatcher, due, planner, unanswered
from telephony.simulators.twilio import TwilioRestSimulator
from tenants.models import Tenant
from tenants.scoping import in_thread, tenant_scope
from tests.agents.toolbox import next_monday, set_settings
from tests.conftest import CALLER
from tests.exchange import serving
from tests.telephony.letters import (
    DAY,
    HOUR,
    NUMBER,
    booked,
    change,
    give_mail,
    remind,
    row_of,
    rows,
    send_at,
    states,
    tells,
    work,
)
from tonris import demo

pytestmark = pytest.mark.django_db(transaction=True)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
async def carrier(salon, settings):
    account = settings.TWILIO_ACCOUNT_SID
    async with TwilioRestSimulator(account, settings.TWILIO_AUTH_TOKEN, numbers=(NUMBER,)) as simulator:
        settings.TWILIO_BASE_URL = simulator.base_url
        await in_thread(tells, salon)
        yield simulator


def send_in_thread(tenant: Tenant) -> int:
    try:
        return dispatcher.send_due(tenant.pk)
    finally:
        connection.close()


# --- Who is told -----------------------------------------------------------------------------------


async def test_a_business_that_has_settled_nothing_sends_nothing(salon, carrier):
    await in_thread(set_settings, salon, notifications=False)
    await in_thread(booked, salon)
    await in_thread(work, salon)
    assert carrier.messages == []
    assert await in_thread(rows, salon) == []

    def unhandled() -> int:
        with tenant_scope(salon):
            return OutboxMessage.objects.filter(handled_at=None).count()

    assert await in_thread(unhandled) == 0


async def test_who_has_booked_is_told_once_from_the_tenants_own_number(salon, carrier):
    appointment = await in_thread(booked, salon)
    for _ in range(3):
        await in_thread(work, salon)
    [text] = carrier.messages
    assert (text["from"], text["to"]) == (NUMBER, CALLER)
    local = appointment.starts_at.astimezone(NEW_YORK)
    assert text["body"] == (
        f"Test Salon: your appointment is booked. Haircut with Ana, Monday, {local:%B} {local.day} at 10 AM. "
        "Reply C to confirm, R for another time, X if you cannot come."
    )
    [row] = await in_thread(rows, salon)
    assert row.appointment_id == appointment.pk
    assert (row.kind, row.attempts, row.segments) == ("booked", 1, 1)


async def test_a_move_and_a_cancellation_are_told_too(salon, carrier):
    def changes() -> None:
        appointment = booked(salon)
        work(salon)
        with tenant_scope(salon):
            lifecycle.reschedule(salon, appointment.pk, appointment.starts_at + HOUR)
        work(salon)
        with tenant_scope(salon):
            lifecycle.cancel(salon, appointment.pk)
        work(salon)

    await in_thread(changes)
    told = [text["body"] for text in carrier.messages]
    assert [said.split(".")[0] for said in told[:2]] == [
        "Test Salon: your appointment is booked",
        "Test Salon: your appointment has a new time",
    ]
    assert "at 11 AM" in told[1]
    assert "is cancelled" in told[2]
    assert "Reply" not in told[2]


async def test_what_another_change_has_overtaken_is_not_told(salon, carrier):
    def changes() -> None:
        appointment = booked(salon)
        planner.plan(salon.pk)
        with tenant_scope(salon):
            lifecycle.cancel(salon, appointment.pk)
        work(salon)

    await in_thread(changes)
    assert [text["body"].split(" is ")[1][:9] for text in carrier.messages] == ["cancelled"]
    assert sorted(await in_thread(states, salon)) == [("booked", "superseded"), ("cancelled", "sent")]


async def test_who_has_been_is_not_told_to_come(salon, carrier):
    def visit() -> None:
        appointment = booked(salon)
        planner.plan(salon.pk)
        with tenant_scope(salon):
            lifecycle.complete(salon, appointment.pk)
        work(salon)

    await in_thread(visit)
    assert carrier.messages == []
    assert await in_thread(states, salon) == [("booked", "superseded")]


async def test_nothing_is_claimed_while_a_change_waits_to_be_read(salon, carrier):
    """The move is committed and not planned yet: the reminder of the old time must not slip out before it."""

    def changes() -> None:
        tells(salon, reminders=[{"hoursBefore": 24}], notifications=False)
        appointment = booked(salon, weeks=2)
        remind(salon, appointment.starts_at - DAY - HOUR)
        planner.plan(salon.pk)
        with tenant_scope(salon):  # and back: by its start alone nobody could tell
            start = appointment.starts_at
            lifecycle.reschedule(salon, appointment.pk, start + HOUR)
            lifecycle.reschedule(salon, appointment.pk, start)
        assert send_at(salon, start - DAY + HOUR) == 0
        planner.plan(salon.pk)
        assert send_at(salon, start - DAY + HOUR) == 1

    await in_thread(changes)
    assert len(carrier.messages) == 1


async def test_a_row_that_somebody_is_changing_is_left_for_later(salon, carrier):
    def changes() -> None:
        appointment = booked(salon)
        planner.plan(salon.pk)
        with ThreadPoolExecutor(1) as other, tenant_scope(salon):
            Appointment.objects.select_for_update().get(pk=appointment.pk)
            assert other.submit(send_in_thread, salon).result(20) == 0
        assert dispatcher.send_due(salon.pk) == 1

    await in_thread(changes)


async def test_a_visit_and_a_series_are_told_as_one(salon, carrier):
    def book() -> None:
        with tenant_scope(salon):
            ana = Employee.objects.get(name="Ana")
            haircut, styling = Service.objects.get(name="Haircut"), Service.objects.get(name="Styling")
            start = next_monday(salon, 9).replace(tzinfo=NEW_YORK)
            contact = Contact("John Doe", CALLER)
            book_visit(salon, [Stop(haircut, ana), Stop(styling, ana)], start, contact)
            later = next_monday(salon, 14).replace(tzinfo=NEW_YORK)
            book_series(salon, haircut, later, Contact("Eve", "+15553332211"), employee=ana, count=4)
        work(salon)

    await in_thread(book)
    # Two texts that are due at the same moment leave side by side, in no order.
    bodies = [message["body"] for message in carrier.messages]
    assert len(bodies) == 2
    assert sum("Haircut + Styling with Ana" in body for body in bodies) == 1


async def test_old_changes_are_not_told_when_a_business_switches_messages_on(salon, carrier):
    def before() -> None:
        booked(salon)
        with tenant_scope(salon):
            OutboxMessage.objects.update(created_at=timezone.now() - 7 * HOUR)
        work(salon)

    await in_thread(before)
    assert carrier.messages == []


async def test_an_offer_is_told_to_who_waits_and_not_once_it_has_lapsed(salon, carrier):
    def offer() -> None:
        appointment = booked(salon)
        day = appointment.starts_at
        with tenant_scope(salon):
            for number, name in (("+15554440001", "Eve"), ("+15554440002", "Mia")):
                service = Service.objects.get(name="Haircut")
                waitlist.join(salon, service, Contact(name, number), earliest=day, latest=day + HOUR)
            lifecycle.cancel(salon, appointment.pk)
        planner.plan(salon.pk)
        with tenant_scope(salon):
            told = Notification.objects.select_related("waitlist_entry").get(kind="offered")
            waitlist.decline(salon, told.waitlist_entry.pk)  # it goes on to the next in line
        work(salon)

    await in_thread(offer)
    texts = {text["to"]: text["body"] for text in carrier.messages}
    assert "+15554440001" not in texts
    assert "is free Monday" in texts["+15554440002"]
    assert "Reply C to take it, X to leave it. We keep it until" in texts["+15554440002"]


# --- Reminders -------------------------------------------------------------------------------------


async def test_a_reminder_goes_out_when_it_is_due_and_only_once(salon, carrier):
    def time_passes() -> datetime.datetime:
        tells(salon, notifications=False, reminders=[{"hoursBefore": 24}])
        start = booked(salon, weeks=2).starts_at
        assert remind(salon, start - 3 * DAY) == 0
        assert remind(salon, start - 2 * DAY) == 1
        assert remind(salon, start - 2 * DAY) == 0
        planner.plan(salon.pk)
        assert send_at(salon, start - DAY - HOUR) == 0
        assert send_at(salon, start - DAY) == 1
        assert remind(salon, start - DAY) == 0
        assert send_at(salon, start - DAY) == 0
        return start

    await in_thread(time_passes)
    [text] = carrier.messages
    assert text["body"].startswith("Reminder from Test Salon: Haircut with Ana, Monday, ")


async def test_who_books_within_the_hour_of_the_reminder_is_not_reminded(salon, carrier):
    def book() -> int:
        tells(salon, reminders=[{"hoursBefore": 24}])
        start = booked(salon, weeks=2).starts_at
        with tenant_scope(salon):
            AppointmentChange.objects.update(changed_at=start - DAY - HOUR / 2)
        return remind(salon, start - DAY - HOUR / 4)

    assert await in_thread(book) == 0


async def test_a_moved_appointment_is_reminded_of_its_new_time_only(salon, carrier):
    def move() -> None:
        tells(salon, notifications=False, reminders=[{"hoursBefore": 24}])
        appointment = booked(salon, weeks=2)
        start = appointment.starts_at
        remind(salon, start - DAY - HOUR)
        with tenant_scope(salon):
            lifecycle.reschedule(salon, appointment.pk, start + DAY)
        planner.plan(salon.pk)
        assert send_at(salon, start - DAY) == 0
        remind(salon, start)
        assert send_at(salon, start) == 1

    await in_thread(move)
    assert "Tuesday" in carrier.messages[0]["body"]
    assert await in_thread(states, salon) == [("reminder", "superseded"), ("reminder", "sent")]


async def test_a_reminder_that_was_switched_off_is_not_sent(salon, carrier):
    def switch() -> None:
        tells(salon, notifications=False, reminders=[{"hoursBefore": 24}])
        start = booked(salon, weeks=2).starts_at
        remind(salon, start - DAY - HOUR)
        planner.plan(salon.pk)
        tells(salon, notifications=False, reminders=[])
        send_at(salon, start - DAY)

    await in_thread(switch)
    assert carrier.messages == []
    assert await in_thread(states, salon) == [("reminder", "skipped")]


async def test_what_comes_late_into_the_night_waits_for_the_morning(salon, carrier):
    def night() -> Notification:
        tells(salon, notifications=False, reminders=[{"hoursBefore": 24}])
        start = booked(salon, weeks=2).starts_at  # Monday, 10:00
        remind(salon, start - DAY - HOUR)
        planner.plan(salon.pk)
        assert send_at(salon, start - 9 * HOUR) == 0  # workers were down until 01:00
        [row] = rows(salon)
        return row

    row = await in_thread(night)
    assert row.due_at.astimezone(NEW_YORK).time() == datetime.time(8)
    assert row.state == "waiting"


async def test_a_reminder_that_comes_too_late_is_dropped(salon, carrier):
    def late() -> None:
        tells(salon, notifications=False, reminders=[{"hoursBefore": 24}])
        start = booked(salon, weeks=2).starts_at
        remind(salon, start - DAY - HOUR)
        planner.plan(salon.pk)
        assert send_at(salon, start - HOUR / 2) == 0

    await in_thread(late)
    assert await in_thread(states, salon) == [("reminder", "expired")]


# --- By mail, or not at all --------------------------------------------------------------------------


def test_who_has_left_an_address_alone_gets_mail_with_a_link(salon, settings):
    settings.EMAIL_CONFIGURED = True
    settings.DEFAULT_FROM_EMAIL = "noreply@phone.example.com"
    tells(salon)
    booked(salon)
    give_mail(salon)
    work(salon)
    [sent] = mail.outbox
    assert sent.to == ["john@example.com"]
    assert sent.from_email == "Test Salon <noreply@phone.example.com>"
    assert sent.subject == "Your appointment at Test Salon"
    assert "Confirm, change or cancel: http://127.0.0.1:8000/a/" in sent.body
    [row] = rows(salon)
    assert (row.channel, row.state, row.segments) == ("email", "sent", None)


def test_a_business_cannot_add_headers_to_its_mails(salon, settings):
    settings.EMAIL_CONFIGURED = True
    tells(salon)
    booked(salon)
    give_mail(salon)
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(name="Salon\nBcc: everybody@example.com")
    work(salon)
    [sent] = mail.outbox
    assert sent.recipients() == ["john@example.com"]
    assert "\n" not in sent.subject + sent.from_email


@pytest.mark.parametrize("configured", [True, False])
def test_without_a_mail_server_nobody_is_promised_mail(salon, settings, configured):
    settings.EMAIL_CONFIGURED = configured
    tells(salon, notifications="email")
    booked(salon)
    give_mail(salon)
    work(salon)
    [row] = rows(salon)
    assert (row.state, "EMAIL_URL" in row.error) == (("sent", False) if configured else ("skipped", True))


async def test_who_has_said_stop_gets_no_text(salon, carrier):
    def stop() -> None:
        booked(salon)
        planner.plan(salon.pk)
        with tenant_scope(salon):
            OptOut.objects.create(tenant=salon, e164=CALLER)
        work(salon)
        booked(salon, 14)
        work(salon)

    await in_thread(stop)
    assert carrier.messages == []
    assert await in_thread(states, salon) == [("booked", "skipped")] * 2


async def test_a_suspended_business_tells_nobody_anything(salon, carrier):
    def suspend() -> None:
        booked(salon)
        planner.plan(salon.pk)
        with tenant_scope(salon):
            Tenant.objects.filter(pk=salon.pk).update(status="suspended")
        work(salon)

    await in_thread(suspend)
    assert carrier.messages == []


async def test_a_business_without_a_number_says_so_in_the_list(salon, carrier):
    def without() -> None:
        booked(salon)
        with tenant_scope(salon):
            PhoneNumber.objects.update(is_active=False)
        work(salon)

    await in_thread(without)
    [row] = await in_thread(rows, salon)
    assert (row.state, row.error) == ("failed", "The business has no number to send texts from.")


async def test_a_business_has_words_of_its_own_in_its_own_language(salon, carrier):
    def own() -> None:
        with tenant_scope(salon):
            Tenant.objects.filter(pk=salon.pk).update(language="de")
            text = "Hallo {name}, bis {when}! {replies}"
            MessageTemplate.objects.create(tenant=salon, kind="booked", text=text)
        booked(salon)
        work(salon)

    await in_thread(own)
    body = carrier.messages[0]["body"]
    assert body.startswith("Hallo John Doe, bis Montag, ")
    assert body.endswith("um 10 Uhr! Antworten Sie C = ich komme, R = andere Zeit, X = ich kann nicht.")


async def test_one_tenants_workers_never_touch_anothers_rows(salon, garage, carrier):
    def both() -> None:
        booked(salon)
        planner.plan(salon.pk)
        due.work_for(garage.pk)

    await in_thread(both)
    assert carrier.messages == []


# --- What carriers do --------------------------------------------------------------------------------


async def test_a_carrier_that_is_busy_is_asked_again_later_and_not_at_once(salon, carrier):
    carrier.desk.faults += [429]
    await in_thread(booked, salon)
    await in_thread(work, salon)
    [row] = await in_thread(rows, salon)
    assert (row.state, row.attempts, row.error_code) == ("waiting", 1, "20429")
    pause = (row.due_at - timezone.now()).total_seconds()
    assert 15 < pause < 45
    await in_thread(work, salon)
    assert carrier.messages == []
    await in_thread(change, row, due_at=timezone.now())
    await in_thread(work, salon)
    assert len(carrier.messages) == 1


async def test_attempts_have_an_end(salon, carrier):
    await in_thread(booked, salon)
    await in_thread(planner.plan, salon.pk)
    [row] = await in_thread(rows, salon)
    for _ in range(dispatcher.MOST_ATTEMPTS + 2):
        carrier.desk.faults[:] = [429]
        await in_thread(change, row, due_at=timezone.now())
        await in_thread(work, salon)
    row = await in_thread(row_of, row)
    assert (row.state, row.attempts) == ("failed", dispatcher.MOST_ATTEMPTS)
    assert carrier.messages == []


@pytest.mark.parametrize(("number", "code"), [("+15005550001", "21211"), ("+15005550009", "21614")])
async def test_a_number_that_cannot_be_written_to_is_not_tried_again(salon, carrier, number, code):
    await in_thread(booked, salon, phone=number)
    await in_thread(work, salon)
    [row] = await in_thread(rows, salon)
    assert (row.state, row.attempts, row.error_code) == ("failed", 1, code)


async def test_a_phone_that_has_opted_out_at_the_carrier_has_opted_out_here(salon, carrier):
    await in_thread(booked, salon, phone="+15005550004")
    await in_thread(work, salon)

    def opted_out() -> bool:
        with tenant_scope(salon):
            return OptOut.objects.filter(e164="+15005550004").exists()

    assert await in_thread(opted_out)


@pytest.mark.parametrize(("fault", "taken"), [("lost", 1), ("error", 1), ("drop", 0), (500, 0), (503, 0)])
async def test_what_may_have_gone_out_is_looked_up_and_sent_at_most_once(salon, carrier, fault, taken):
    carrier.desk.faults.append(fault)
    await in_thread(booked, salon)
    await in_thread(work, salon)
    [row] = await in_thread(rows, salon)
    assert row.state == "unknown"
    for _ in range(3):  # nobody asks before the claim is certainly over, and then once
        await in_thread(work, salon)
    assert len(carrier.messages) == taken
    await in_thread(change, row, claimed_at=timezone.now() - unanswered.UNANSWERED)
    for _ in range(3):
        await in_thread(work, salon)
    row = await in_thread(row_of, row)
    assert row.state == "sent"
    assert [text["sid"] for text in carrier.messages] == [row.carrier_message_id]


async def test_who_looks_it_up_by_a_clock_that_is_fast_finds_it_all_the_same(salon, carrier):
    carrier.desk.faults.append("lost")
    await in_thread(booked, salon)
    await in_thread(work, salon)
    [row] = await in_thread(rows, salon)
    fast = timezone.now() + datetime.timedelta(seconds=90)
    await in_thread(change, row, created_at=fast, claimed_at=fast)
    with time_machine.travel(fast + unanswered.UNANSWERED):
        await in_thread(work, salon)
    row = await in_thread(row_of, row)
    assert [text["sid"] for text in carrier.messages] == [row.carrier_message_id]


async def test_a_claim_whose_worker_died_is_looked_up_too(salon, carrier):
    def die() -> None:
        booked(salon)
        planner.plan(salon.pk)
        looked = dispatcher.claim_next(salon.pk)
        assert looked is not None
        assert looked.claim is not None

    await in_thread(die)
    assert await in_thread(work, salon) == 0
    [row] = await in_thread(rows, salon)
    await in_thread(change, row, claimed_at=timezone.now() - unanswered.UNANSWERED)
    assert await in_thread(work, salon) == 1
    assert len(carrier.messages) == 1


async def test_the_same_words_of_an_earlier_text_are_not_taken_for_this_one(salon, carrier):
    """Moved there, back, and there again: two texts in the same words, and the second one was lost."""

    def twice() -> Notification:
        appointment = booked(salon)
        start = appointment.starts_at
        for to in (start + HOUR, start):
            with tenant_scope(salon):
                lifecycle.reschedule(salon, appointment.pk, to)
            work(salon)
        carrier.desk.faults.append("drop")
        with tenant_scope(salon):
            lifecycle.reschedule(salon, appointment.pk, start + HOUR)
        work(salon)
        [row] = rows(salon, state="unknown")
        change(row, created_at=timezone.now() - HOUR, claimed_at=timezone.now() - unanswered.UNANSWERED)
        work(salon)
        return row_of(row)

    row = await in_thread(twice)
    assert row.state == "sent"
    first, _, last = carrier.messages
    assert first["body"] == last["body"]
    assert row.carrier_message_id == last["sid"]


async def test_a_process_that_was_asleep_since_its_claim_does_not_send(salon, carrier):
    def sleep() -> None:
        booked(salon)
        planner.plan(salon.pk)
        looked = dispatcher.claim_next(salon.pk, now=timezone.now() - dispatcher.CLAIM_STANDS)
        assert looked is None  # it was not due then

    def claim_and_sleep() -> None:
        [row] = rows(salon)
        change(row, due_at=timezone.now() - HOUR)
        looked = dispatcher.claim_next(salon.pk, now=timezone.now() - 2 * dispatcher.CLAIM_STANDS)
        assert looked is not None
        assert looked.claim is not None
        dispatcher.deliver(looked.claim)

    await in_thread(sleep)
    await in_thread(claim_and_sleep)
    assert carrier.messages == []


def test_a_mail_of_which_nothing_is_known_is_given_up(salon, settings):
    settings.EMAIL_CONFIGURED = True
    tells(salon, notifications="email")
    booked(salon)
    give_mail(salon)
    planner.plan(salon.pk)
    assert dispatcher.claim_next(salon.pk) is not None
    [row] = rows(salon)
    change(row, claimed_at=timezone.now() - unanswered.UNANSWERED)
    work(salon)
    assert row_of(row).state == "given_up"
    assert mail.outbox == []


async def test_a_carrier_that_cannot_be_asked_leaves_it_open(salon, carrier):
    carrier.desk.faults.append("lost")
    await in_thread(booked, salon)
    await in_thread(work, salon)
    [row] = await in_thread(rows, salon)
    await in_thread(change, row, claimed_at=timezone.now() - unanswered.UNANSWERED)
    carrier.failures.append(503)
    await in_thread(booked, salon, 14)
    await in_thread(work, salon)
    assert (await in_thread(row_of, row)).state == "unknown"
    assert len(carrier.messages) == 2  # and does not keep others waiting


async def test_what_cannot_be_looked_up_while_it_is_of_use_is_given_up(salon, carrier):
    carrier.desk.faults.append("lost")
    await in_thread(booked, salon)
    await in_thread(work, salon)
    [row] = await in_thread(rows, salon)
    long_ago = timezone.now() - unanswered.UNANSWERED
    await in_thread(change, row, claimed_at=long_ago, not_after=long_ago)
    carrier.failures.append(503)
    await in_thread(work, salon)
    assert (await in_thread(row_of, row)).state == "given_up"


async def test_what_was_delivered_says_so(salon, carrier):
    """Over real sockets, both ways: the carrier calls our server with what came of it."""
    carrier.desk.outcomes["+15553332211"] = ("undelivered", "30003")
    async with serving() as base_url:
        django_settings.APP_BASE_URL = base_url
        await in_thread(booked, salon)
        await in_thread(booked, salon, 14, phone="+15553332211", name="Eve")
        await in_thread(work, salon)
        async with asyncio.timeout(20):
            while len(carrier.desk.callbacks) < 4:
                await asyncio.sleep(0.02)
    assert {status for _, _, status in carrier.desk.callbacks} == {200}
    found = {row.to_address: (row.state, row.error_code) for row in await in_thread(rows, salon)}
    assert found == {CALLER: ("delivered", ""), "+15553332211": ("undelivered", "30003")}


async def test_logs_hold_no_number_and_no_words(salon, carrier, caplog):
    carrier.desk.faults += [400, "lost"]
    with caplog.at_level(logging.DEBUG, logger="telephony"):
        await in_thread(booked, salon)
        await in_thread(work, salon)
        await in_thread(booked, salon, 14)
        await in_thread(work, salon)
    assert "was refused" in caplog.text
    assert CALLER not in caplog.text
    assert "John" not in caplog.text
    assert "Haircut" not in caplog.text


# --- The tasks ----------------------------------------------------------------------------------------


def test_each_business_gets_a_task_of_its_own(salon, garage, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(tasks.send_notifications_of, "apply_async", lambda args, **_: asked.append(args[0]))
    assert tasks.send_notifications() == 0
    booked(salon)
    assert tasks.send_notifications() == 1
    assert asked == [str(salon.pk)]


def test_who_reminds_nobody_costs_no_task(salon, garage, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(tasks.plan_reminders_of, "apply_async", lambda args, **_: asked.append(args[0]))
    tells(garage, notifications=False, reminders=[{"hoursBefore": 2}])
    assert tasks.plan_reminders() == 1
    assert asked == [str(garage.pk)]


def test_two_planners_at_once_make_each_row_once(salon):
    tells(salon)
    for hour in (9, 11, 13, 15):
        booked(salon, hour)

    def plan(_: int) -> int:
        try:
            return planner.plan(salon.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(plan, range(4))) >= 4
    assert len(rows(salon)) == 4
    assert demo.SALON.number == NUMBER


def test_messages_of_a_business_are_read_by_one_planner_at_a_time(salon):
    """In their order: a move is not planned beside the booking that it follows."""
    tells(salon)
    booked(salon)

    def plan() -> int:
        try:
            return planner.plan(salon.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        with tenant_scope(salon), connection.cursor() as cursor:
            key = f"notifications {salon.pk}"
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
            assert other.submit(plan).result(20) == 0
        assert other.submit(plan).result(20) == 1
