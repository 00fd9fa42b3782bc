"""Callers see and change their own appointments and nobody else's, whatever a model asks for."""

import datetime
import json

import pytest
from celery import current_app

from agents.models import Conversation, OneTimeCode, ToolInvocation
from agents.speech import speech_for
from agents.tools import identity, lookups, proofs
from agents.tools.facts import read_slot_id
from appointments.extras import write_add_ons
from appointments.models import AddOn, Appointment, Service
from tenants.scoping import tenant_scope
from tests.agents.toolbox import (
    ANA,
    HAIRCUT,
    SOMEBODY_ELSE,
    Call,
    NoCall,
    appointment_of,
    drawn,
    next_monday,
    set_settings,
    status_of,
)
from tests.conftest import CALLER

HOUR = datetime.timedelta(hours=1)
committing = pytest.mark.django_db(transaction=True)
"""For what happens once the tool's transaction is committed."""


@pytest.fixture
def mine(salon) -> Appointment:
    return appointment_of(salon, next_monday(salon, 10))


@pytest.fixture
def theirs(salon) -> Appointment:
    return appointment_of(salon, next_monday(salon, 14), SOMEBODY_ELSE, "Mary Victim")


def test_a_caller_finds_what_is_booked_under_the_number_that_they_call_from(salon, mine, theirs):
    data = Call(salon).data("find_appointment")
    assert data["total"] == 1
    [found] = data["appointments"]
    assert (found["serviceName"], found["employeeName"]) == ("Haircut", "Ana")
    assert found["startTimeLocal"] == next_monday(salon, 10).isoformat(timespec="minutes")
    assert "Haircut" in data["message"]
    assert "Ana" in data["message"]
    assert str(mine.pk) not in json.dumps(data)


@pytest.mark.parametrize(
    "asked",
    [
        {"customerPhone": SOMEBODY_ELSE},
        {"customerPhone": "555-333-2211"},
        {"customerEmail": "mary@example.com"},
        {"customerPhone": SOMEBODY_ELSE, "customerEmail": "mary@example.com"},
        {"tenantId": "5b0d1a52-7a3e-4a39-9a53-2f6d6f3f0c11", "caller": SOMEBODY_ELSE},
        {"caller_number": SOMEBODY_ELSE, "callerE164": SOMEBODY_ELSE},
    ],
)
def test_a_model_that_names_somebody_else_is_shown_nothing_of_theirs(salon, theirs, asked):
    call = Call(salon)
    answer = json.dumps(call("find_appointment", **asked))
    assert "Mary" not in answer
    assert str(theirs.pk) not in answer
    assert json.loads(answer)["data"]["appointments"] == []


def test_the_same_is_said_whether_or_not_there_is_such_a_customer(salon, theirs):
    known = Call(salon, sid="CA1")("find_appointment", customerPhone=SOMEBODY_ELSE)
    unknown = Call(salon, sid="CA2")("find_appointment", customerPhone="+15550009999")
    assert known == unknown


def test_a_handle_means_something_in_its_own_call_only(salon, mine):
    first, second = Call(salon, sid="CA1"), Call(salon, SOMEBODY_ELSE, sid="CA2")
    [found] = first.data("find_appointment")["appointments"]
    assert second.refusal("cancel_appointment", appointmentId=found["appointmentId"])["code"] == "NOT_FOUND"
    assert status_of(salon, mine) == "scheduled"
    first.data("cancel_appointment", appointmentId=found["appointmentId"])
    assert status_of(salon, mine) == "cancelled"


@pytest.mark.parametrize("tool", ["cancel_appointment", "reschedule_appointment"])
def test_knowing_the_id_of_somebody_elses_appointment_changes_nothing(salon, theirs, tool):
    arguments = {"appointmentId": str(theirs.pk), "startTime": next_monday(salon, 11).isoformat()}
    for call in (Call(salon), NoCall(salon)):
        refused = call.refusal(tool, **arguments)
        missing = call.refusal(tool, **{**arguments, "appointmentId": "00000000-0000-4000-8000-000000000000"})
        assert refused == missing
        assert refused["code"] == "NOT_FOUND"
    with tenant_scope(salon):
        theirs.refresh_from_db()
        assert theirs.status == "scheduled"
        assert theirs.starts_at.astimezone(salon.zone).hour == 14


def test_another_tenants_appointment_does_not_exist(salon, garage, mine):
    call = Call(garage)
    assert call.refusal("cancel_appointment", appointmentId=str(mine.pk))["code"] == "NOT_FOUND"
    assert call.data("find_appointment")["total"] == 0


def test_a_number_that_its_carrier_does_not_vouch_for_opens_nothing(salon, mine):
    forged = Call(salon, caller_vouched_for=False)
    assert forged.data("find_appointment")["total"] == 0
    assert forged.refusal("cancel_appointment", appointmentId=str(mine.pk))["code"] == "NOT_FOUND"
    assert Call(salon, sid="CA2", caller_vouched_for=True).data("find_appointment")["total"] == 1


def test_what_a_call_has_booked_it_may_change_whatever_number_it_comes_from(salon):
    withheld = Call(salon, caller="")
    booked = withheld.data(
        "book_appointment",
        customerName="Kim Secret",
        customerPhone="+15557770000",
        serviceId=HAIRCUT,
        startTime=next_monday(salon, 9).isoformat(),
    )["appointment"]
    assert withheld.data("find_appointment")["total"] == 1
    moved = withheld.data(
        "reschedule_appointment",
        appointmentId=booked["id"],
        startTime=next_monday(salon, 12).isoformat(),
    )
    assert moved["appointment"]["startTimeLocal"] == next_monday(salon, 12).isoformat(timespec="minutes")
    withheld.data("cancel_appointment", appointmentId=booked["id"])
    other = Call(salon, caller="", sid="CA2")
    assert other.refusal("cancel_appointment", appointmentId=booked["id"])["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("called", "said", "e164"),
    [
        ("+493012345678", "0171 1234567", "+491711234567"),  # the called number's country
        ("+493012345678", "(212) 555-0123", "+12125550123"),  # the tenant's
        ("+493012345678", "+32 471 23 45 67", "+32471234567"),
        ("", "212 555 0123", "+12125550123"),
        ("", "555 777 0000", "+15557770000"),  # not assigned, and possible
    ],
)
def test_a_national_number_is_of_the_country_where_it_is_valid(salon, called, said, e164):
    withheld = Call(salon, caller="")
    with tenant_scope(salon):
        Conversation.objects.update(called_e164=called)
    booked = withheld.data(
        "book_appointment",
        customerName="Kim Secret",
        customerPhone=said,
        serviceId=HAIRCUT,
        startTime=next_monday(salon, 9).isoformat(),
    )["appointment"]
    assert booked["customerPhone"] == e164


def test_guessing_the_details_of_a_booking_does_not_make_it_the_callers(salon, theirs):
    thief = Call(salon)
    thief.data(  # the very same wish is answered, as a repeat is
        "book_appointment",
        customerName="Mary Victim",
        customerPhone=SOMEBODY_ELSE,
        serviceId=HAIRCUT,
        employeeId=ANA,
        startTime=next_monday(salon, 14).isoformat(),
    )
    assert thief.refusal("cancel_appointment", appointmentId=str(theirs.pk))["code"] == "NOT_FOUND"
    assert thief.data("find_appointment")["total"] == 0


def test_the_booking_code_shows_and_opens_one_appointment(salon, theirs):
    call = Call(salon)
    spelt = " ".join(theirs.code.lower())
    [found] = call.data("find_appointment", bookingCode=spelt)["appointments"]
    assert found["startTimeLocal"].endswith("T14:00")
    assert "Mary" not in json.dumps(found)
    call.data("cancel_appointment", appointmentId=found["appointmentId"])
    assert status_of(salon, theirs) == "cancelled"


@pytest.mark.parametrize(
    ("name", "said"),
    [("Mary Victim", "victim"), ("José Müller", "MULLER"), ("Jan van der Berg", "Van der Berg")],
)
def test_the_surname_and_the_time_open_one_appointment(salon, name, said):
    appointment_of(salon, next_monday(salon, 14), SOMEBODY_ELSE, name)
    at = next_monday(salon, 14).isoformat()
    assert Call(salon).data("find_appointment", lastName=said, startTime=at)["total"] == 1


def test_a_surname_at_another_time_opens_nothing(salon, theirs):
    call = Call(salon)
    at = next_monday(salon, 15).isoformat()
    assert call.refusal("find_appointment", lastName="Victim", startTime=at)["code"] == "NOT_FOUND"
    assert call.data("find_appointment")["total"] == 0


@committing
def test_a_tenant_may_ask_for_a_code_before_anything_is_changed(salon, mine):
    set_settings(salon, requiredTrust={"cancel_appointment": "code"})
    call = Call(salon)
    [found] = call.data("find_appointment")["appointments"]
    assert call.refusal("cancel_appointment", appointmentId=found["appointmentId"])["code"] == "NOT_FOUND"
    prove(salon, call, CALLER)
    call.data("cancel_appointment", appointmentId=found["appointmentId"])
    assert status_of(salon, mine) == "cancelled"


# --- One-time codes ------------------------------------------------------------------------------


@pytest.fixture
def texts(monkeypatch) -> list[tuple[str, str]]:
    """What telephony makes of what it was given to send: number and text."""
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: sent.append(drawn(args)))
    return sent


def prove(salon, call: Call, phone: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        sent: list[str] = []
        patch.setattr(current_app, "send_task", lambda name, args, **options: sent.append(drawn(args)[1]))
        call.data("send_code", customerPhone=phone)
    code = "".join(char for char in sent[0] if char.isdecimal())[-6:]
    assert call.data("verify_identity", code=code)["verified"] is True


@committing
def test_a_code_sent_to_their_number_lets_callers_in_from_any_other(salon, theirs, texts):
    call = Call(salon)
    said = call.data("send_code", customerPhone=SOMEBODY_ELSE)
    assert said["phoneEndsWith"] == "11"
    [(number, text)] = texts
    assert number == SOMEBODY_ELSE
    code = "".join(char for char in text if char.isdecimal())[-6:]
    assert code not in json.dumps(said)
    assert call.data("find_appointment")["total"] == 0
    wrong = f"{(int(code) + 1) % 10**6:06}"
    assert call.data("verify_identity", code=wrong)["verified"] is False
    assert call.data("verify_identity", code=" ".join(code))["verified"] is True
    assert call.data("find_appointment")["total"] == 1
    assert call.data("verify_identity", code=code)["verified"] is False, "once is enough"


@committing
def test_a_code_counts_in_its_own_call_and_for_ten_minutes(salon, theirs, texts):
    call, other = Call(salon, sid="CA1"), Call(salon, sid="CA2")
    call.data("send_code", customerPhone=SOMEBODY_ELSE)
    code = "".join(char for char in texts[0][1] if char.isdecimal())[-6:]
    assert other.data("verify_identity", code=code)["verified"] is False
    with tenant_scope(salon):
        OneTimeCode.objects.update(expires_at=datetime.datetime.now(datetime.UTC))
    assert call.data("verify_identity", code=code)["verified"] is False


@committing
def test_five_wrong_codes_spoil_the_right_one(salon, theirs, texts):
    call = Call(salon)
    call.data("send_code", customerPhone=SOMEBODY_ELSE)
    code = "".join(char for char in texts[0][1] if char.isdecimal())[-6:]
    for _ in range(proofs.MOST_TRIES):
        assert call.data("verify_identity", code="000000" if code != "000000" else "1")["verified"] is False
    assert call.data("verify_identity", code=code)["verified"] is False


@committing
def test_nobody_but_customers_is_sent_a_code_and_the_answer_does_not_tell(salon, theirs, texts):
    known = Call(salon, sid="CA1")("send_code", customerPhone=SOMEBODY_ELSE)
    unknown = Call(salon, sid="CA2")("send_code", customerPhone="+15550000011")
    assert known == unknown
    assert [number for number, _ in texts] == [SOMEBODY_ELSE]


# --- Limits --------------------------------------------------------------------------------------


def test_a_call_may_not_guess_for_ever(salon, theirs):
    call = Call(salon)
    codes = [
        call("find_appointment", bookingCode=f"WRONG{number}")["code"] for number in range(lookups.PER_CALL)
    ]
    assert set(codes) == {"NOT_FOUND"}
    refused = call.refusal("find_appointment", bookingCode=theirs.code)
    assert refused["code"] == "TOO_MANY_LOOKUPS"


def test_a_number_may_not_guess_for_ever_by_calling_again(salon, theirs, monkeypatch):
    monkeypatch.setattr(lookups, "PER_NUMBER_A_DAY", 3)
    for number in range(3):
        Call(salon, sid=f"CA{number}")("find_appointment", bookingCode="WRONG1")
    refused = Call(salon, sid="CA9").refusal("find_appointment", bookingCode=theirs.code)
    assert refused["code"] == "TOO_MANY_LOOKUPS"
    assert Call(salon, "+15551110000", sid="CA10")("find_appointment")["success"]


def test_many_numbers_may_not_guess_for_ever_either(salon, theirs, monkeypatch):
    monkeypatch.setattr(lookups, "FAILED_PER_TENANT_AN_HOUR", 3)
    for number in range(3):
        Call(salon, f"+1555111000{number}", sid=f"CA{number}")("find_appointment", bookingCode="WRONG1")
    refused = Call(salon, "+15551110009", sid="CA9").refusal("find_appointment", bookingCode=theirs.code)
    assert refused["code"] == "TOO_MANY_LOOKUPS"


def test_asking_for_the_same_change_again_and_again_is_no_guessing(salon, mine):
    call = Call(salon)
    first = call("cancel_appointment", appointmentId=str(mine.pk))
    assert first["success"]
    assert all(
        call("cancel_appointment", appointmentId=str(mine.pk)) == first for _ in range(lookups.PER_CALL + 1)
    )


# --- Changing ------------------------------------------------------------------------------------


def test_a_change_asked_for_twice_is_made_once_and_answered_alike(salon, mine):
    call = Call(salon)
    arguments = {"appointmentId": str(mine.pk), "startTime": next_monday(salon, 12).isoformat()}
    assert call("reschedule_appointment", **arguments) == call("reschedule_appointment", **arguments)
    with tenant_scope(salon):
        assert [change.kind for change in mine.history.order_by("changed_at")] == ["booked", "moved"]


def test_a_move_to_a_taken_time_is_refused_with_what_is_free(salon, mine, theirs):
    call = Call(salon)
    refused = call.refusal(
        "reschedule_appointment", appointmentId=str(mine.pk), startTime=next_monday(salon, 14).isoformat()
    )
    assert refused["code"] == "TIME_SLOT_CONFLICT"
    assert refused["reasons"] == [{"code": "TIME_SLOT_CONFLICT", "message": refused["reasons"][0]["message"]}]
    assert 1 <= len(refused["alternatives"]) <= 4
    assert refused["alternatives"][0]["spoken"] in refused["message"]


def test_what_a_refused_move_offers_carries_the_extras_that_can_still_be_had(salon, mine, theirs):
    with tenant_scope(salon):
        shave, gone = (
            AddOn.objects.create(tenant=salon, service=mine.service, name=name, minutes=0)
            for name in ("Shave", "Gone")
        )
        write_add_ons(mine, [shave, gone])
        AddOn.objects.filter(pk=gone.pk).update(is_active=False)
    call = Call(salon)
    refused = call.refusal(
        "reschedule_appointment", appointmentId=str(mine.pk), startTime=next_monday(salon, 14).isoformat()
    )
    slot = refused["alternatives"][0]
    assert read_slot_id(slot["slotId"]).add_on_ids == (shave.pk,)
    moved = call.data("reschedule_appointment", appointmentId=str(mine.pk), slotId=slot["slotId"])
    assert moved["appointment"]["startTime"] == slot["startTime"]


def test_an_offered_slot_can_be_moved_to(salon, mine):
    call = Call(salon)
    [slot, *_] = call.data("check_availability", serviceId=HAIRCUT, date=str(next_monday(salon).date()))[
        "slots"
    ]
    moved = call.data("reschedule_appointment", appointmentId=str(mine.pk), slotId=slot["slotId"])
    assert moved["appointment"]["startTime"] == slot["startTime"]


def test_too_late_is_said_with_the_notice_that_is_asked_for(salon, mine):
    with tenant_scope(salon):
        Service.objects.filter(pk=mine.service_id).update(cancel_notice_minutes=60 * 24 * 60)
    refused = Call(salon).refusal("cancel_appointment", appointmentId=str(mine.pk))
    assert refused["code"] == "TOO_LATE"
    assert "60 days" in refused["message"]


@pytest.mark.parametrize("tool", ["cancel_appointment", "reschedule_appointment"])
def test_a_change_of_nothing_asks_which_appointment_is_meant(salon, theirs, tool):
    for call in (Call(salon), NoCall(salon)):
        refused = call.refusal(tool)
        assert (refused["code"], refused["error"]) == (
            "VALIDATION_ERROR",
            "appointmentId: this field is required",
        )
        assert (refused["appointments"], refused["message"]) == ([], speech_for("en").no_appointments_found)


def test_whatever_was_found_can_be_moved_and_cancelled_however_many_there_are(salon):
    last = appointment_of(salon, next_monday(salon, 10, weeks=8))
    with tenant_scope(salon):
        Appointment.objects.bulk_create(
            Appointment(
                tenant=salon,
                service=last.service,
                employee=last.employee,
                customer=last.customer,
                starts_at=last.starts_at - hours * HOUR,
                ends_at=last.ends_at - hours * HOUR,
                blocked_from=last.blocked_from - hours * HOUR,
                blocked_until=last.blocked_until - hours * HOUR,
                status="cancelled" if hours > 49 else "scheduled",
                price=last.price,
            )
            for hours in range(1, 62)
        )
    call = Call(salon)
    named = call.data("find_appointment")["appointments"][-1]["appointmentId"]
    noon = next_monday(salon, 12, weeks=8).isoformat()
    call.data("reschedule_appointment", appointmentId=named, startTime=noon)
    call.data("cancel_appointment", appointmentId=named)
    call.data("cancel_appointment", appointmentId=named)
    assert status_of(salon, last) == "cancelled"


def test_the_only_appointment_needs_no_name(salon, mine):
    Call(salon).data("cancel_appointment")
    assert status_of(salon, mine) == "cancelled"


@pytest.mark.parametrize("confirmed", [{}, {"confirm": True}], ids=["at once", "in two steps"])
def test_the_only_appointment_is_cancelled_once_and_answered_alike(salon, mine, confirmed):
    set_settings(salon, confirmChanges=bool(confirmed))
    call = Call(salon)
    if confirmed:
        call.data("cancel_appointment")
    first = call("cancel_appointment", **confirmed)
    assert first["data"]["appointment"]["status"] == "cancelled"
    assert call("cancel_appointment", **confirmed) == first
    with tenant_scope(salon):
        assert [change.kind for change in mine.history.order_by("changed_at")] == ["booked", "cancelled"]


def test_what_another_call_cancelled_is_not_cancelled_again_by_this_one(salon, mine):
    Call(salon, sid="CA1").data("cancel_appointment")
    assert "appointmentId" in Call(salon, sid="CA2").refusal("cancel_appointment")["error"]


def test_an_appointment_that_is_left_is_not_taken_for_the_one_that_was_cancelled(salon, mine):
    call = Call(salon)
    call.data("cancel_appointment")
    later = appointment_of(salon, next_monday(salon, 15))
    call.data("cancel_appointment")
    assert status_of(salon, later) == "cancelled"


def test_of_several_the_caller_is_asked_which(salon, mine):
    appointment_of(salon, next_monday(salon, 15))
    refused = Call(salon).refusal("cancel_appointment")
    assert refused["code"] == "VALIDATION_ERROR"
    assert len(refused["appointments"]) == 2


def test_changes_are_confirmed_in_two_steps_where_the_tenant_wants_it(salon, mine):
    set_settings(salon, confirmChanges=True)
    call = Call(salon)
    unasked = call.data("cancel_appointment", appointmentId=str(mine.pk), confirm=True)
    assert unasked["needsConfirmation"] is True, "a yes to what was never asked is none"
    assert status_of(salon, mine) == "scheduled"
    assert "Haircut" in unasked["message"]
    assert call.data("cancel_appointment", appointmentId=str(mine.pk))["needsConfirmation"] is True
    call.data("cancel_appointment", appointmentId=str(mine.pk), confirm=True)
    assert status_of(salon, mine) == "cancelled"


def test_a_yes_to_one_time_is_no_yes_to_another(salon, mine):
    set_settings(salon, confirmChanges=True)
    call = Call(salon)
    ask = {"appointmentId": str(mine.pk)}
    call.data("reschedule_appointment", **ask, startTime=next_monday(salon, 12).isoformat())
    other = call.data(
        "reschedule_appointment", **ask, startTime=next_monday(salon, 13).isoformat(), confirm=True
    )
    assert other["needsConfirmation"] is True
    moved = call.data(
        "reschedule_appointment", **ask, startTime=next_monday(salon, 12).isoformat(), confirm=True
    )
    assert moved["appointment"]["startTimeLocal"].endswith("T12:00")


def at(salon, hour: int) -> str:
    return next_monday(salon, hour).isoformat()


def moved(call: Call, salon, mine: Appointment, hour: int) -> None:
    arguments = {"appointmentId": str(mine.pk), "startTime": at(salon, hour)}
    assert call.data("reschedule_appointment", **arguments)["needsConfirmation"] is True
    assert "needsConfirmation" not in call.data("reschedule_appointment", **arguments, confirm=True)


def test_a_yes_to_a_cancellation_is_none_once_the_appointment_was_moved(salon, mine):
    set_settings(salon, confirmChanges=True)
    call = Call(salon)
    which = {"appointmentId": str(mine.pk)}
    assert "10 AM" in call.data("cancel_appointment", **which)["message"]
    moved(call, salon, mine, 12)
    assert "12 PM" in call.data("cancel_appointment", **which, confirm=True)["message"]
    assert status_of(salon, mine) == "scheduled"
    call.data("cancel_appointment", **which, confirm=True)
    assert status_of(salon, mine) == "cancelled"


def test_a_yes_to_a_move_is_no_yes_to_a_cancellation(salon, mine):
    set_settings(salon, confirmChanges=True)
    call = Call(salon)
    call.data("reschedule_appointment", appointmentId=str(mine.pk), startTime=at(salon, 12))
    assert call.data("cancel_appointment", appointmentId=str(mine.pk), confirm=True)["needsConfirmation"]
    assert status_of(salon, mine) == "scheduled"


@pytest.mark.parametrize(
    ("asked", "confirmed"), [({}, {"employeeId": "Ben"}), ({"employeeId": "Ben"}, {})], ids=["Ben", "nobody"]
)
def test_a_yes_to_one_employee_is_no_yes_to_another(salon, mine, asked, confirmed):
    set_settings(salon, confirmChanges=True)
    call = Call(salon)
    move = {"appointmentId": str(mine.pk), "startTime": at(salon, 12)}
    first = call.data("reschedule_appointment", **move, **asked)
    other = call.data("reschedule_appointment", **move, **confirmed, confirm=True)
    assert other["needsConfirmation"] is True
    assert ["Ben" in one["message"] for one in (first, other)] == ["employeeId" in asked, bool(confirmed)]
    done = call.data("reschedule_appointment", **move, **confirmed, confirm=True)["appointment"]
    assert done["employeeName"] == ("Ben" if confirmed else "Ana")


def test_a_question_of_before_is_no_question_of_now(salon, mine):
    """Not though the appointment is where it was when that was asked."""
    set_settings(salon, confirmChanges=True)
    call = Call(salon)
    to_noon = {"appointmentId": str(mine.pk), "startTime": at(salon, 12), "confirm": True}
    moved(call, salon, mine, 12)
    moved(call, salon, mine, 13)
    assert call.data("reschedule_appointment", **to_noon)["needsConfirmation"] is True
    moved(call, salon, mine, 10)
    assert call.data("reschedule_appointment", **to_noon)["needsConfirmation"] is True


def test_a_confirmed_change_asked_for_twice_is_answered_alike(salon, mine):
    set_settings(salon, confirmChanges=True)
    call = Call(salon)
    which = {"appointmentId": str(mine.pk)}
    for tool, arguments in [
        ("reschedule_appointment", {"startTime": at(salon, 12), "employeeId": "Ben"}),
        ("cancel_appointment", {}),
    ]:
        call.data(tool, **which, **arguments)
        first = call(tool, **which, **arguments, confirm=True)
        assert "needsConfirmation" not in first["data"]
        assert call(tool, **which, **arguments, confirm=True) == first


def test_a_time_that_cannot_be_booked_is_refused_rather_than_read_back(salon, mine, theirs):
    set_settings(salon, confirmChanges=True)
    call = Call(salon)
    for hour, code in (14, "TIME_SLOT_CONFLICT"), (3, "OUTSIDE_HOURS"):
        refused = call.refusal(
            "reschedule_appointment", appointmentId=str(mine.pk), startTime=at(salon, hour)
        )
        assert (refused["code"], bool(refused["alternatives"])) == (code, True)


def test_an_agent_without_a_call_may_change_what_it_booked_without_one(salon, mine):
    agent = NoCall(salon)
    booked = agent.data(
        "book_appointment",
        customerName="Ann Web",
        customerPhone="+15557770001",
        serviceId=HAIRCUT,
        startTime=next_monday(salon, 11).isoformat(),
    )["appointment"]
    assert agent.data("find_appointment", customerPhone="+15557770001")["total"] == 0
    agent.data("cancel_appointment", appointmentId=booked["id"])
    assert agent.refusal("cancel_appointment", appointmentId=str(mine.pk))["code"] == "NOT_FOUND"


def test_what_was_found_is_told_with_the_call_and_nothing_else_is_kept(salon, mine):
    call = Call(salon)
    call.data("cancel_appointment", appointmentId=str(mine.pk))
    with tenant_scope(salon):
        invocation = ToolInvocation.objects.get()
        assert invocation.appointment_id == mine.pk
        assert Conversation.objects.get().proven_phones == []
        assert identity.BOOKING_TOOLS == ("book_appointment", "create_appointment")
