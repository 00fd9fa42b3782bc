"""A customer's answer acts on the appointment that we wrote to them about, on nobody else's, and only once."""

from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.utils import timezone

from agents.models import Message
from appointments import lifecycle, waitlist
from appointments.booking import Contact
from appointments.chains import Stop, book_visit
from appointments.models import Appointment, AppointmentChange, Employee, Service, WaitlistEntry
from telephony.models import Call, InboundText, Notification, OptOut
from telephony.notifications import planner, replies
from tenants.credentials import set_secret
from tenants.models import Credential, Tenant
from tenants.scoping import tenant_scope
from tests.agents.toolbox import SOMEBODY_ELSE, next_monday, status_of
from tests.conftest import CALLER
from tests.telephony.letters import DAY, HOUR, booked, last_text, post, rows, states, tells, text_in
from tonris import demo

pytestmark = pytest.mark.django_db(transaction=True)


def said(answer) -> str:
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/xml")
    return " ".join(one.text or "" for one in ElementTree.fromstring(answer.content).iter("Message"))


def reply(body: str, **kwargs: str) -> str:
    return said(post("sms", text_in(body, **kwargs)))


def told(tenant: Tenant, hour: int = 10, *, sent_at=None, **kwargs) -> Appointment:
    """Booked, and the text of it sent."""
    tells(tenant)
    appointment = booked(tenant, hour, **kwargs)
    planner.plan(tenant.pk)
    sent_at = sent_at or timezone.now()
    with tenant_scope(tenant):
        customer = Appointment.objects.select_related("customer").get(pk=appointment.pk).customer
        waiting = Notification.objects.filter(appointment=appointment)
        waiting.update(state="sent", to_address=customer.phone_e164, claimed_at=sent_at)
    return appointment


# --- C, R and X --------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["C", "c", " c. ", "C!"])
def test_c_confirms(salon, word):
    appointment = told(salon)
    assert reply(word).startswith("Thank you. Haircut Monday, ")
    assert status_of(salon, appointment) == "confirmed"
    with tenant_scope(salon):
        assert AppointmentChange.objects.get(kind="confirmed").actor == "text message"
    assert last_text(salon).appointment_id == appointment.pk


def test_x_cancels_and_says_so_once(salon):
    appointment = told(salon)
    answer = reply("X")
    assert "is cancelled. To book again, call +15551234567." in answer
    assert status_of(salon, appointment) == "cancelled"
    planner.plan(salon.pk)
    assert ("cancelled", "waiting") not in states(salon)  # the answer has told it


def test_a_text_is_signed_by_the_business_that_it_came_to_whatever_call_it_names(salon, garage):
    appointment = told(salon)
    with tenant_scope(garage):
        set_secret(garage, Credential.Name.TWILIO_AUTH_TOKEN, "garage-token")
        Call.objects.create(tenant=garage, carrier_call_id="CAgarage", to_e164="+15557654321")
    forged = post("sms", {**text_in("X"), "CallSid": "CAgarage"}, token="garage-token")
    assert forged.status_code == 403
    assert status_of(salon, appointment) == "scheduled"


def test_r_gives_the_way_to_another_time(salon):
    appointment = told(salon)
    assert reply("R").startswith("Choose another time: http://127.0.0.1:8000/a/")
    assert status_of(salon, appointment) == "scheduled"


def test_an_answer_in_the_tenants_language(salon):
    appointment = told(salon)
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(language="es")
    assert reply("C").startswith("Gracias. Haircut, lunes ")
    assert status_of(salon, appointment) == "confirmed"


def test_the_same_message_again_does_nothing_and_gets_the_same_answer(salon):
    told(salon)
    form = text_in("C")
    answers = {said(post("sms", form)) for _ in range(3)}
    assert len(answers) == 1
    with tenant_scope(salon):
        assert AppointmentChange.objects.filter(kind="confirmed").count() == 1
        assert InboundText.objects.count() == 1


def test_ten_of_the_same_message_at_once_are_one(salon):
    told(salon)
    form = text_in("X")

    def send(_: int) -> str:
        try:
            return said(post("sms", form))
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(send, range(10)))) == 1
    with tenant_scope(salon):
        assert AppointmentChange.objects.filter(kind="cancelled").count() == 1


def test_too_late_is_said_and_nothing_is_done(salon):
    appointment = told(salon)
    with tenant_scope(salon):
        Service.objects.update(cancel_notice_minutes=60 * 24 * 60)
    assert reply("X").startswith("It is too late to change Haircut Monday, ")
    assert status_of(salon, appointment) == "scheduled"


# --- Whose appointment -------------------------------------------------------------------------------


def test_another_number_changes_nothing(salon):
    appointment = told(salon)
    for word in ("C", "X", "R", "X1"):
        assert reply(word, from_=SOMEBODY_ELSE).startswith("We have no coming appointment")
    assert status_of(salon, appointment) == "scheduled"


def test_a_number_that_is_no_longer_the_customers_changes_nothing(salon):
    appointment = told(salon)
    with tenant_scope(salon):
        appointment.customer.phone_e164 = SOMEBODY_ELSE
        appointment.customer.save()
    assert reply("X").startswith("We have no coming appointment")
    assert status_of(salon, appointment) == "scheduled"


def test_what_nobody_wrote_about_is_not_touched(salon):
    tells(salon, notifications=False)
    appointment = booked(salon)
    assert reply("X").startswith("We have no coming appointment")
    assert status_of(salon, appointment) == "scheduled"


def test_a_text_to_one_business_touches_nothing_of_another(salon, garage):
    appointment = told(salon)
    assert not reply("X", to=demo.GARAGE.number).startswith("Haircut")
    assert status_of(salon, appointment) == "scheduled"
    with tenant_scope(salon):
        assert not InboundText.objects.exists()


def test_what_is_over_or_cancelled_is_not_meant(salon):
    appointment = told(salon)
    with tenant_scope(salon):
        lifecycle.cancel(salon, appointment.pk)
    assert reply("C").startswith("We have no coming appointment")


def test_the_one_that_was_written_about_last_is_meant(salon):
    early = told(salon, 9, sent_at=timezone.now() - 2 * DAY)
    late = told(salon, 15)
    reply("X")
    assert (status_of(salon, early), status_of(salon, late)) == ("scheduled", "cancelled")


def test_two_on_one_day_are_not_guessed_between(salon):
    first, second = told(salon, 9), told(salon, 15)
    answer = reply("X")
    assert answer.startswith("Which one? Reply X1, X2. 1: Haircut, Monday, ")
    assert {status_of(salon, first), status_of(salon, second)} == {"scheduled"}
    assert "is cancelled" in reply("X2")
    assert (status_of(salon, first), status_of(salon, second)) == ("scheduled", "cancelled")


def test_a_number_that_is_not_in_the_list_means_nothing(salon):
    first, second = told(salon, 9), told(salon, 15)
    assert reply("X1").startswith("We have no coming")  # nobody has asked yet
    reply("X")
    assert reply("X3").startswith("We have no coming")
    assert {status_of(salon, first), status_of(salon, second)} == {"scheduled"}


def test_a_number_in_the_list_stays_that_appointments(salon):
    first, second = told(salon, 9), told(salon, 15)
    reply("X")
    with tenant_scope(salon):
        lifecycle.cancel(salon, first.pk)
    assert reply("X1").startswith("We have no coming")
    assert status_of(salon, second) == "scheduled"


def test_a_visit_is_cancelled_as_a_whole(salon):
    tells(salon)
    with tenant_scope(salon):
        ana, ben = Employee.objects.get(name="Ana"), Employee.objects.get(name="Ben")
        stops = [
            Stop(Service.objects.get(name="Haircut"), ana),
            Stop(Service.objects.get(name="Styling"), ben),
        ]
        start = next_monday(salon, 9).replace(tzinfo=salon.zone)
        book_visit(salon, stops, start, Contact("John Doe", CALLER))
    planner.plan(salon.pk)
    with tenant_scope(salon):
        Notification.objects.update(state="sent", to_address=CALLER, claimed_at=timezone.now())
    assert reply("R") == "That can't be done by text. Please call +15551234567."
    assert reply("X").startswith("Haircut + Styling Monday")
    with tenant_scope(salon):
        assert set(Appointment.objects.values_list("status", flat=True)) == {"cancelled"}


# --- Offers -------------------------------------------------------------------------------------------


@pytest.fixture
def offered(salon):
    tells(salon)
    appointment = booked(salon, phone=SOMEBODY_ELSE, name="Eve")
    start = appointment.starts_at
    with tenant_scope(salon):
        service = Service.objects.get(name="Haircut")
        joined = waitlist.join(
            salon, service, Contact("John Doe", CALLER), earliest=start, latest=start + HOUR
        )
        lifecycle.cancel(salon, appointment.pk)
    planner.plan(salon.pk)
    with tenant_scope(salon):
        sent = {"state": "sent", "to_address": CALLER, "claimed_at": timezone.now()}
        Notification.objects.filter(kind="offered").update(**sent)
    return joined.entry


def test_c_takes_what_was_offered(salon, offered):
    assert reply("C").startswith("It is yours: Haircut with Ana, Monday, ")
    with tenant_scope(salon):
        made = Appointment.objects.get(customer__phone_e164=CALLER)
        assert made.status == "scheduled"
    planner.plan(salon.pk)
    assert rows(salon, kind="booked", appointment=made) == []  # the answer has told it


def test_x_leaves_an_offer_to_the_next(salon, offered):
    assert reply("X") == "All right. You are still on the waiting list."
    with tenant_scope(salon):
        assert WaitlistEntry.objects.get(pk=offered.pk).state == "waiting"


def test_an_offer_that_has_lapsed_books_nothing(salon, offered):
    with tenant_scope(salon):
        WaitlistEntry.objects.get(pk=offered.pk).hold.delete()
    assert reply("C").startswith("We have no coming appointment")


# --- STOP, START, and everything else --------------------------------------------------------------------


@pytest.mark.parametrize("word", ["STOP", "stop.", "Unsubscribe", "CANCEL", "end", "QUIT"])
def test_stop_is_honoured_and_answered_by_the_carrier_alone(salon, word):
    appointment = told(salon)
    assert reply(word) == ""
    with tenant_scope(salon):
        assert OptOut.objects.get().e164 == CALLER
    assert status_of(salon, appointment) == "scheduled"
    assert reply("START") == ""
    with tenant_scope(salon):
        assert not OptOut.objects.exists()


@pytest.mark.parametrize("said", ["X", "C9", "I'll be ten minutes late"])
def test_who_wants_no_texts_gets_no_answers_and_is_heard_all_the_same(salon, said):
    appointment = told(salon)
    reply("STOP")
    assert reply(said) == ""
    assert status_of(salon, appointment) == ("cancelled" if said == "X" else "scheduled")
    with tenant_scope(salon):
        assert InboundText.objects.exclude(understood="stop").get().answer == ""
    reply("START")
    assert reply("C") != ""


def test_what_the_carrier_has_classified_needs_no_word_of_ours(salon):
    assert reply("BAJA por favor", OptOutType="STOP") == ""
    with tenant_scope(salon):
        assert OptOut.objects.filter(e164=CALLER).exists()


def test_our_own_words_never_ask_for_what_a_carrier_takes_as_an_opt_out():
    from telephony.notifications.wording import LANGUAGES

    taken = replies.STOP | replies.START | replies.HELP
    for wording in LANGUAGES.values():
        asked = f"{wording.replies} {wording.offer_replies} {wording.passed_on}".replace(".", " ")
        assert not [word for word in asked.split() if word.isupper() and word.casefold() in taken]


def test_anything_else_goes_to_the_team_and_is_answered_once_a_day(salon):
    told(salon)
    assert "passed your message on" in reply("I'll be ten minutes late")
    assert reply("Thanks!") == ""
    with tenant_scope(salon):
        notes = list(Message.objects.order_by("taken_at").values_list("text", "caller_name", "callback_e164"))
    assert notes == [("I'll be ten minutes late", "John Doe", CALLER), ("Thanks!", "John Doe", CALLER)]


def test_two_machines_do_not_write_to_each_other_for_ever(salon):
    answers = [reply("C") for _ in range(replies.ANSWERS_AN_HOUR + 3)]
    assert [bool(answer) for answer in answers] == [True] * replies.ANSWERS_AN_HOUR + [False] * 3


def test_a_text_to_nobodys_number_is_answered_with_silence(salon):
    assert reply("C", to="+15550009999") == ""


# --- Who may say so -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["sms", "sms-status"])
@pytest.mark.parametrize("signature", ["", "wrong", "é"])
def test_an_unsigned_text_does_nothing(salon, path, signature):
    appointment = told(salon)
    form = {**text_in("X"), "MessageStatus": "failed"}
    if signature == "é":
        signature = "\xe9"
    assert post(path, form, signature=signature).status_code == 403
    assert status_of(salon, appointment) == "scheduled"
    with tenant_scope(salon):
        assert not InboundText.objects.exists()


def test_another_accounts_signature_does_not_do(salon, garage):
    appointment = told(salon)
    with tenant_scope(garage):
        set_secret(garage, Credential.Name.TWILIO_AUTH_TOKEN, "garages-own")
    assert post("sms", text_in("X"), token="garages-own").status_code == 403
    assert status_of(salon, appointment) == "scheduled"


@pytest.mark.parametrize("missing", ["MessageSid", "To"])
def test_what_twilio_always_sends_is_asked_for(salon, missing):
    form = {name: value for name, value in text_in("C").items() if name != missing}
    assert post("sms", form).status_code == 400


# --- What became of ours --------------------------------------------------------------------------------


def status_form(row, status: str, **more: str) -> dict[str, str]:
    return {
        "AccountSid": "AC" + "0" * 32,
        "From": demo.SALON.number,
        "To": CALLER,
        "MessageSid": row.carrier_message_id,
        "MessageStatus": status,
        **more,
    }


def told_row(salon) -> Notification:
    told(salon)
    with tenant_scope(salon):
        Notification.objects.update(carrier_message_id="SM" + "1" * 32, from_address=demo.SALON.number)
    [row] = rows(salon)
    return row


def state_of(salon) -> str:
    [row] = rows(salon)
    return row.state


def test_delivery_is_written_down_and_never_taken_back(salon):
    row = told_row(salon)
    for status, state in (
        ("queued", "sent"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("sent", "delivered"),
        ("failed", "delivered"),
    ):
        assert post("sms-status", status_form(row, status)).status_code == 200
        assert state_of(salon) == state


def test_what_was_not_delivered_says_why(salon):
    row = told_row(salon)
    post("sms-status", status_form(row, "undelivered", ErrorCode="30005"))
    [row] = rows(salon)
    assert (row.state, row.error_code) == ("undelivered", "30005")


def test_a_receipt_settles_what_nobody_knew(salon):
    """It came before the answer, which never did: the address of the receipt has our own id."""
    row = told_row(salon)
    with tenant_scope(salon):
        Notification.objects.update(state="unknown", carrier_message_id="")
    form = {**status_form(row, "sent"), "MessageSid": "SM" + "2" * 32}
    assert post(f"sms-status?n={row.pk}", form).status_code == 200
    [row] = rows(salon)
    assert (row.state, row.carrier_message_id) == ("sent", "SM" + "2" * 32)


def test_a_receipt_of_an_unknown_message_is_taken_and_changes_nothing(salon):
    row = told_row(salon)
    form = {**status_form(row, "failed"), "MessageSid": "SM" + "9" * 32}
    assert post("sms-status?n=nonsense", form).status_code == 200
    assert post(f"sms-status?n={row.pk}", form).status_code == 200
    assert state_of(salon) == "sent"


def test_a_receipt_is_signed_by_the_senders_own_account(salon):
    row = told_row(salon)
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.TWILIO_AUTH_TOKEN, "salons-own")
    assert post("sms-status", status_form(row, "failed")).status_code == 403
    assert post("sms-status", status_form(row, "delivered"), token="salons-own").status_code == 200
    assert state_of(salon) == "delivered"
