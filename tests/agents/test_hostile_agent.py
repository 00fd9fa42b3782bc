"""What a caller who lies, a model that was talked over, or a stranger with an id may try, by the real doors."""

import json
from uuid import uuid4

import pytest
from celery import current_app

from agents.conversations import adopt
from agents.live_calls import Act
from agents.models import Conversation, Message, ToolInvocation
from agents.tools import lookups, people, proofs, waiting
from agents.tools.wishes import MAX_ADD_ONS
from appointments.models import AddOn, Appointment, Hold, Service, WaitlistEntry
from telephony import line
from tenants.scoping import tenant_scope
from tests.agents.test_webhooks import INITIATION, SALON_SECRET, WEBHOOK, bearer, post, secrets  # noqa: F401
from tests.agents.toolbox import (
    ANA,
    HAIRCUT,
    SOMEBODY_ELSE,
    Call,
    appointment_of,
    drawn,
    next_monday,
    set_settings,
    status_of,
)
from tests.conftest import CALLER

committing = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tool(salon, secrets):  # noqa: F811
    def ask(name, conversation="conv_x", secret=SALON_SECRET, **arguments):
        body = {"conversation_id": conversation, **arguments} if conversation else arguments
        return post(f"/api/ai/tools/{name}", body, bearer(secret))

    return ask


# --- Whose is it? --------------------------------------------------------------------------------


@pytest.fixture
def theirs(salon) -> Appointment:
    """Mary's, with what only she and the salon know."""
    appointment = appointment_of(salon, next_monday(salon, 14), SOMEBODY_ELSE, "Mary Victim")
    with tenant_scope(salon):
        appointment.customer.email = "mary@private.example"
        appointment.customer.save()
        appointment.notes = "allergic to ammonia"
        appointment.save()
    return appointment


def as_mary(salon, hour: int, **more: str) -> dict[str, str]:
    return {
        "customerName": "Mari Victim",
        "customerPhone": SOMEBODY_ELSE,
        "serviceId": HAIRCUT,
        "startTime": next_monday(salon, hour).isoformat(),
        **more,
    }


def test_guessing_a_booking_tells_neither_its_code_nor_what_else_is_known(salon, theirs):
    thief = Call(salon)
    told = json.dumps(thief("book_appointment", **as_mary(salon, 14)))
    for secret in (theirs.code, str(theirs.pk), "mary@private.example", "ammonia", "Mary"):
        assert secret not in told
    assert thief.data("find_appointment")["total"] == 0


def test_booking_for_a_customer_does_not_tell_their_address(salon, theirs, tool, secrets):  # noqa: F811
    wish = as_mary(salon, 9, customerName="mary victim")
    assert "private" not in json.dumps(Call(salon)("book_appointment", **wish))
    wish = as_mary(salon, 10, customerName="mary victim")
    assert "private" not in tool("book_appointment", conversation="", **wish).content.decode()
    wish = as_mary(salon, 11, customerName="mary victim", employeeId=ANA)
    answer = post("/api/webhooks/elevenlabs/appointments", wish, bearer(SALON_SECRET))
    assert answer.status_code == 201
    assert "private" not in answer.content.decode()


def test_the_customer_is_told_what_the_salon_knows_of_them(salon, theirs):
    booked = Call(salon, SOMEBODY_ELSE).data(
        "book_appointment", **as_mary(salon, 9, customerName="Mary Victim")
    )
    assert booked["appointment"]["customerEmail"] == "mary@private.example"


def test_times_of_somebody_else_are_not_guessed_for_ever_by_booking(salon, theirs, monkeypatch):
    monkeypatch.setattr(lookups, "FAILED_BOOKINGS_PER_CALL", 3)
    thief = Call(salon)
    for _ in range(3):
        thief("book_appointment", **as_mary(salon, 14, customerName="Nobody Else", employeeId=ANA))
    assert thief.refusal("book_appointment", **as_mary(salon, 14))["code"] == "TOO_MANY_LOOKUPS"
    own = {"customerPhone": CALLER, "customerName": "John Doe"}
    assert thief.data("book_appointment", **as_mary(salon, 9, **own)), "their own they may book"


def test_what_a_call_has_booked_does_not_open_what_else_the_customer_has(salon, theirs):
    thief = Call(salon)
    thief.data("book_appointment", **as_mary(salon, 9, customerName="Mary Victim"))
    [found] = thief.data("find_appointment", customerPhone=SOMEBODY_ELSE)["appointments"]
    assert "T09:00" in found["startTimeLocal"]
    at = next_monday(salon, 14).isoformat()
    refused = thief.refusal("cancel_appointment", appointmentId=str(theirs.pk), startTime=at)
    assert refused["code"] == "NOT_FOUND"
    assert status_of(salon, theirs) == "scheduled"


# --- Guessing codes ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cancel_appointment", "reschedule_appointment"])
def test_after_too_many_guesses_the_right_code_changes_nothing_either(salon, theirs, name):
    thief = Call(salon)
    for number in range(lookups.PER_CALL):
        thief(name, bookingCode=f"WRNG{number:02}")
    refused = thief.refusal(name, bookingCode=theirs.code, startTime=next_monday(salon, 9).isoformat())
    assert refused["code"] == "TOO_MANY_LOOKUPS"
    assert status_of(salon, theirs) == "scheduled"


def test_a_change_by_booking_code_is_answered_alike_again(salon, theirs):
    call = Call(salon)
    first = call("cancel_appointment", bookingCode=theirs.code)
    assert first["success"]
    assert call("cancel_appointment", bookingCode=theirs.code) == first


def test_a_code_is_no_more_than_a_tenant_takes_it_for(salon, theirs):
    set_settings(salon, requiredTrust={"cancel_appointment": "code"})
    assert Call(salon).refusal("cancel_appointment", bookingCode=theirs.code)["code"] == "NOT_FOUND"
    assert status_of(salon, theirs) == "scheduled"


# --- Forged numbers ------------------------------------------------------------------------------


def test_a_forged_number_does_not_take_what_is_held_for_its_owner(salon):
    owner, forger = Call(salon, sid="CA1"), Call(salon, sid="CA2", caller_vouched_for=False)
    owner.data("hold_slot", serviceId=HAIRCUT, startTime=next_monday(salon, 9).isoformat())
    for hour in (10, 11, 12):
        forger.data("hold_slot", serviceId=HAIRCUT, startTime=next_monday(salon, hour).isoformat())
    with tenant_scope(salon):
        assert Hold.objects.filter(holder=str(owner.id)).count() == 1


def test_a_forged_number_is_not_told_whether_it_is_a_customers(salon, theirs):
    known = Call(salon, SOMEBODY_ELSE, sid="CA1", caller_vouched_for=False)
    unknown = Call(salon, "+15550009999", sid="CA2", caller_vouched_for=False)
    assert known("join_waitlist", serviceId=HAIRCUT) == unknown("join_waitlist", serviceId=HAIRCUT)
    assert Call(salon, SOMEBODY_ELSE, sid="CA3").data("join_waitlist", serviceId=HAIRCUT)["position"] == 1


def test_a_forged_number_does_not_use_up_its_owners_tries(salon, theirs, monkeypatch):
    monkeypatch.setattr(lookups, "PER_NUMBER_A_DAY", 3)
    for number in range(4):
        forger = Call(salon, SOMEBODY_ELSE, sid=f"CA{number}", caller_vouched_for=False)
        forged = forger("find_appointment", bookingCode="WRONG1")
    assert forged["code"] == "TOO_MANY_LOOKUPS", "it is held against those who forge it"
    assert Call(salon, SOMEBODY_ELSE, sid="CA9").data("find_appointment")["total"] == 1


# --- Floods --------------------------------------------------------------------------------------


@committing
def test_a_call_has_few_phones_texted(salon, monkeypatch):
    sent: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: sent.append(drawn(args)[0]))
    call = Call(salon)
    phones = [f"+1555900000{number}" for number in range(proofs.CODES_PER_CALL + 2)]
    for number, phone in enumerate(phones):
        appointment_of(salon, next_monday(salon, 9 + number), phone, f"Customer {number}")
    answers = [call("send_code", customerPhone=phone) for phone in phones]
    assert sent == phones[: proofs.CODES_PER_CALL]
    assert all(answer["success"] for answer in answers), "who asks is not told"


@committing
def test_a_tenants_callers_have_only_so_many_phones_texted(salon, theirs, monkeypatch):
    sent: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: sent.append(drawn(args)[0]))
    monkeypatch.setattr(proofs, "CODES_PER_TENANT_AN_HOUR", 2)
    for number in range(3):
        Call(salon, sid=f"CA{number}").data("send_code", customerPhone=SOMEBODY_ELSE)
    assert len(sent) == 2


@committing
def test_using_a_code_makes_no_room_for_another(salon, theirs, monkeypatch):
    sent: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: sent.append(drawn(args)[1]))
    monkeypatch.setattr(proofs, "CODES_PER_PHONE_A_DAY", 2)
    for number in range(4):
        call = Call(salon, sid=f"CA{number}")
        call.data("send_code", customerPhone=SOMEBODY_ELSE)
        code = "".join(char for char in sent[-1] if char.isdecimal())[-6:]
        assert call.data("verify_identity", code=code)["verified"] is (number < 2)
    assert len(sent) == 2


def test_a_call_leaves_so_many_messages_and_no_more(salon, monkeypatch):
    monkeypatch.setattr(people, "MESSAGES_PER_CALL", 2)
    call = Call(salon)
    first = call("take_message", message="call me back")
    call.data("take_message", message="it is about Monday")
    assert call.refusal("take_message", message="and Tuesday")["code"] == "TOO_MANY_MESSAGES"
    assert call("take_message", message="call me back") == first, "what was taken stays taken"
    with tenant_scope(salon):
        assert Message.objects.count() == 2


def test_a_call_does_not_fill_the_waiting_list(salon, monkeypatch):
    monkeypatch.setattr(waiting, "PLACES_PER_CALL", 2)
    call = Call(salon)
    wish = {"serviceId": HAIRCUT, "customerName": "John Doe"}
    days = [str(next_monday(salon, weeks=weeks).date()) for weeks in (1, 2, 3)]
    first = call("join_waitlist", **wish, **{"from": days[0]})
    call.data("join_waitlist", **wish, **{"from": days[1]})
    assert call.refusal("join_waitlist", **wish, **{"from": days[2]})["code"] == "TOO_MANY_WISHES"
    assert call("join_waitlist", **wish, **{"from": days[0]}) == first
    with tenant_scope(salon):
        assert WaitlistEntry.objects.count() == 2


def test_what_no_tool_takes_is_not_kept_either(salon, tool):
    huge = "x" * 500_000
    assert tool("end_call", reason=huge).status_code == 200
    event = {"type": "tool_call", "data": {"tool_name": huge, "conversation_id": "conv_x", "parameters": {}}}
    assert len(post(WEBHOOK, event, bearer(SALON_SECRET)).content) < 1000
    with tenant_scope(salon):
        kept = [(one.arguments, one.answer) for one in ToolInvocation.objects.all()]
    assert len(kept) == 2
    assert len(json.dumps(kept)) < 20_000


@pytest.mark.parametrize("text", ["9999-12-31", "9999-12-31T23:59", "0001-01-01", "31.12.9999"])
@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("check_availability", "date"),
        ("check_availability", "when"),
        ("join_waitlist", "from"),
        ("join_waitlist", "to"),
        ("book_appointment", "when"),
    ],
)
def test_an_absurd_date_is_not_said_to_be_a_fault_of_the_calendar(salon, name, field, text):
    answer = Call(salon)(name, serviceId=HAIRCUT, customerName="John Doe", **{field: text})
    assert answer.get("code", "VALIDATION_ERROR") == "VALIDATION_ERROR"


# --- Ids that do not belong together -------------------------------------------------------------


def test_another_tenants_call_is_out_of_reach_by_any_of_its_ids(salon, garage, tool):
    with tenant_scope(garage):
        adopt(garage.pk, "elevenlabs", external_id="conv_g", carrier_call_id="CAg", caller_e164=CALLER)
    for ids in (
        {"conversation": "conv_g"},
        {"conversation": "", "call_sid": "CAg"},
        {"conversation": "conv_new", "call_sid": "CAg"},
    ):
        for name in ("find_appointment", "end_call", "transfer_to_human", "send_code"):
            assert tool(name, **ids).status_code == 403
    with tenant_scope(salon):
        assert not Conversation.objects.exists()
        assert not ToolInvocation.objects.exists()


def test_two_calls_named_at_once_stay_two(salon, theirs, tool):
    with tenant_scope(salon):
        mine = adopt(salon.pk, "elevenlabs", external_id="conv_1", carrier_call_id="CA1", caller_e164=CALLER)
        adopt(salon.pk, "elevenlabs", external_id="conv_2", carrier_call_id="CA2", caller_e164=SOMEBODY_ELSE)
    found = tool("find_appointment", conversation="conv_1", call_sid="CA2").json()
    assert found["data"]["total"] == 0
    with tenant_scope(salon):
        mine.refresh_from_db()
        assert (mine.carrier_call_id, mine.caller_e164) == ("CA1", CALLER)


def test_the_ids_of_a_call_are_not_the_models_to_fill(salon, theirs, tool):
    with tenant_scope(salon):
        adopt(salon.pk, "elevenlabs", external_id="conv_2", carrier_call_id="CA2", caller_e164=SOMEBODY_ELSE)
    said = {"conversation_id": "conv_2", "call_sid": "CA2", "caller_number": SOMEBODY_ELSE}
    data = {"tool_name": "find_appointment", "conversation_id": "conv_1", "parameters": said}
    answer = post(WEBHOOK, {"type": "tool_call", "data": data}, bearer(SALON_SECRET)).json()
    assert answer["data"]["total"] == 0
    forged = {**said, "conversation_id": "conv_3"}
    del forged["call_sid"]
    assert post("/api/ai/tools/find_appointment", forged, bearer(SALON_SECRET)).json()["data"]["total"] == 0


def test_who_called_is_not_changed_by_a_later_initiation(salon, theirs, secrets):  # noqa: F811
    with tenant_scope(salon):
        call = adopt(salon.pk, "elevenlabs", external_id="conv_1", carrier_call_id="CA1", caller_e164=CALLER)
    body = {"caller_id": SOMEBODY_ELSE, "called_number": salon.phone, "agent_id": "agent_demo_salon"}
    body |= {"call_sid": "CA1", "conversation_id": "conv_1"}
    assert post(INITIATION, body, bearer(SALON_SECRET)).status_code == 200
    with tenant_scope(salon):
        call.refresh_from_db()
        assert call.caller_e164 == CALLER


def test_a_word_for_a_call_that_is_not_understood_is_passed_over(caplog):
    heard: list[Act] = []
    pk = uuid4()
    line._bridges[pk] = heard.append
    try:
        for text in (
            b"",
            b"[]",
            b"null",
            b'{"conversation": 1}',
            json.dumps({"conversation": str(pk), "act": "x"}).encode(),
        ):
            line._act(text)
        line._act(json.dumps({"conversation": str(pk), "act": "hang_up"}).encode())
    finally:
        del line._bridges[pk]
    assert heard == [Act.HANG_UP]


def test_a_slot_with_as_many_add_ons_as_there_may_be_can_be_taken(salon):
    with tenant_scope(salon):
        service = Service.objects.get(pk=HAIRCUT)
        extras = [
            AddOn.objects.create(tenant=salon, service=service, name=f"Extra {number}", minutes=0, price=0)
            for number in range(MAX_ADD_ONS)
        ]
    call, day = Call(salon), str(next_monday(salon).date())
    asked = {"serviceId": HAIRCUT, "date": day, "addOns": [str(one.pk) for one in extras]}
    [slot, *_] = call.data("check_availability", **asked)["slots"]
    assert call.data("hold_slot", slotId=slot["slotId"])["held"] is True
