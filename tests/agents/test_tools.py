"""Each tool's answer: small, speakable, in the tenant's language, and true to the data that it carries."""

import datetime
import io
import json
import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import call_command

from agents.models import Message, ToolInvocation
from agents.providers.openai_realtime.tool_definitions import functions
from agents.speech import LANGUAGES, MAX_OPTIONS, speech_for
from agents.tools import registry
from agents.tools.contract import Trust
from appointments import holds, lifecycle, waitlist
from appointments.availability import free_slots
from appointments.booking import Contact
from appointments.holds import TTL
from appointments.models import AddOn, Appointment, Employee, Hold, Service, SpecialHours, WaitlistEntry
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.agents.toolbox import (
    ANA,
    HAIRCUT,
    SOMEBODY_ELSE,
    Call,
    NoCall,
    appointment_of,
    next_monday,
    set_settings,
)
from tests.conftest import CALLER


@pytest.fixture(params=sorted(LANGUAGES))
def speaking(salon, request) -> Tenant:
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(language=request.param)
        salon.refresh_from_db()
    return salon


def local(facts: dict) -> datetime.datetime:
    return datetime.datetime.fromisoformat(facts["startTimeLocal"])


def today_of(tenant: Tenant) -> datetime.date:
    return datetime.datetime.now(tenant.zone).date()


# --- The message is made of the data -------------------------------------------------------------


def test_services_are_told_by_name_four_at_most(speaking):
    with tenant_scope(speaking):
        for number in range(4):
            Service.objects.create(tenant=speaking, name=f"Extra {number}", duration_minutes=10, price=1)
    data = Call(speaking).data("get_services")
    assert data["total"] == len(data["services"]) == 7
    said = [one["name"] for one in data["services"] if one["name"] in data["message"]]
    assert said == [one["name"] for one in data["services"]][:MAX_OPTIONS]
    limited = Call(speaking, sid="CA2").data("get_services", limit=2)
    assert [one["name"] in limited["message"] for one in data["services"][:3]] == [True, True, False]


@pytest.mark.parametrize(
    ("limit", "told"), [(2, 2), (2.0, 2), ("2", 2), ("2.0", 2), (1000, 3), (1e30, 3), ("", 3), (None, 3)]
)
def test_a_limit_is_any_whole_number_from_one_on(salon, limit, told):
    assert len(Call(salon).data("get_services", limit=limit)["services"]) == told


@pytest.mark.parametrize("limit", [0, -1, -2.0, 0.5, 2.5, "many", True, [2], "nan", "inf"])
def test_any_other_limit_is_refused(salon, limit):
    refused = Call(salon).refusal("get_services", limit=limit)
    assert refused["code"] == "VALIDATION_ERROR"
    assert refused["error"].startswith("limit: must be ")


def test_a_limit_above_the_most_is_the_most(salon):
    with tenant_scope(salon):
        Service.objects.bulk_create(
            Service(tenant=salon, name=f"Extra {number}", duration_minutes=10, price=1)
            for number in range(98)
        )
    data = Call(salon).data("get_services", limit=1000)
    assert (len(data["services"]), data["total"]) == (100, 101)


def test_the_details_of_a_service_are_told(speaking):
    with tenant_scope(speaking):
        haircut = Service.objects.get(pk=HAIRCUT)
        AddOn.objects.exclude(name="Beard trim").delete()
        AddOn.objects.filter(service=haircut).update(minutes=15, price=20)
    data = Call(speaking).data("get_service_details", serviceId=HAIRCUT)
    service = data["service"]
    assert [one["name"] for one in service["employees"]] == ["Ana", "Ben"]
    assert service["addOns"][0] | {"id": ""} == {"id": "", "name": "Beard trim", "duration": 15, "price": 20}
    for told in (service["name"], "Beard trim", "50"):
        assert told in data["message"]


def test_hours_are_told_by_the_days_and_times_in_the_data(speaking):
    data = Call(speaking).data("get_business_hours")
    speech = speech_for(speaking.language)
    assert data["businessHours"]["monday"]["open"] == "09:00"
    assert data["businessHours"]["sunday"]["enabled"] is False
    for told in (speech.weekdays[0], speech.weekdays[4]):
        assert told.lower() in data["message"].lower()
    assert speech.weekdays[6].lower() not in data["message"].lower()


def test_the_business_and_its_time_are_told(speaking):
    call = Call(speaking)
    info = call.data("get_tenant_info")
    assert set(info) >= {"name", "phone", "timezone", "address", "language"}
    assert info["name"] in info["message"]
    now = call.data("get_current_datetime")
    moment = datetime.datetime.fromisoformat(now["now"])
    assert (moment.date().isoformat(), f"{moment:%H:%M}") == (now["date"], now["time"])
    assert speech_for(speaking.language).clock(moment) in now["message"]


def test_availability_offers_times_of_the_day_that_it_names(speaking):
    day = next_monday(speaking).date()
    data = Call(speaking).data("check_availability", serviceId=HAIRCUT, date=day.isoformat())
    speech = speech_for(speaking.language)
    assert data["date"] == day.isoformat()
    assert [one["startTimeLocal"][11:] for one in data["slots"]][:3] == ["09:00", "09:30", "10:00"]
    offered = [one for one in data["slots"] if one["spoken"] in data["message"]]
    assert 1 <= len(offered) <= 2 * MAX_OPTIONS  # `1 PM` is in `11 PM`, too
    assert data["slots"][0]["spoken"] in data["message"]
    assert speech.on(day, today_of(speaking)) in data["message"]
    assert len(data["message"]) < 200


def test_a_booking_is_told_as_it_was_made(speaking):
    at = next_monday(speaking, 10)
    data = Call(speaking).data(
        "book_appointment", customerName="John Doe", serviceId=HAIRCUT, startTime=at.isoformat()
    )
    booked = data["appointment"]
    assert booked["customerPhone"] == CALLER
    assert local(booked) == at
    for told in (booked["serviceName"], booked["employeeName"], speech_for(speaking.language).clock(at)):
        assert told in data["message"]


def test_changes_are_told_as_they_were_made(speaking):
    appointment = appointment_of(speaking, next_monday(speaking, 10))
    call, speech = Call(speaking), speech_for(speaking.language)
    [found] = call.data("find_appointment")["appointments"]
    moved = call.data(
        "reschedule_appointment",
        appointmentId=found["appointmentId"],
        startTime=next_monday(speaking, 15).isoformat(),
    )
    for told in ("Haircut", "Ana", speech.clock(local(moved["appointment"]))):
        assert told in moved["message"]
    gone = call.data("cancel_appointment", appointmentId=str(appointment.pk))
    assert gone["appointment"]["status"] == "cancelled"
    assert speech.clock(local(gone["appointment"])) in gone["message"]


def test_a_place_on_the_waitlist_is_told(speaking):
    with tenant_scope(speaking):
        at = next_monday(speaking, 0)
    call = Call(speaking)
    first = call.data("join_waitlist", serviceId=HAIRCUT, customerName="John Doe", to=at.date().isoformat())
    again = call.data("join_waitlist", serviceId=HAIRCUT, customerName="John Doe", to=at.date().isoformat())
    assert (first["waitlistId"], first["position"]) == (again["waitlistId"], again["position"])
    other = Call(speaking, SOMEBODY_ELSE, sid="CA2").data(
        "join_waitlist", serviceId=HAIRCUT, customerName="Mary"
    )
    assert (first["position"], other["position"]) == (1, 2)
    assert "Haircut" in other["message"]
    with tenant_scope(speaking):
        assert WaitlistEntry.objects.count() == 2


@pytest.mark.parametrize(
    ("wish", "first", "last"),
    [
        ({"from": "{day}T13:00", "to": "{day}T16:30"}, "13:00", "16:30"),
        ({"from": "{day} in the afternoon"}, "12:00", "17:59"),
        ({"from": "{day}T13:00"}, "13:00", "00:00"),
        ({"from": "{day}", "to": "{day}"}, "00:00", "00:00"),
    ],
)
def test_who_waits_for_a_part_of_the_day_waits_for_no_other(salon, wish, first, last):
    wish = {name: text.format(day=next_monday(salon).date()) for name, text in wish.items()}
    told = Call(salon).data("join_waitlist", serviceId=HAIRCUT, customerName="John", **wish)
    bounds = [datetime.datetime.fromisoformat(told[name]).astimezone(salon.zone) for name in ("from", "to")]
    assert [f"{one:%H:%M}" for one in bounds] == [first, last]


def test_who_was_offered_a_time_takes_it_by_telephone(salon):
    at = next_monday(salon, 10)
    gone = appointment_of(salon, at, SOMEBODY_ELSE, "Mary")
    with tenant_scope(salon):
        start, john = gone.starts_at, Contact("John Doe", CALLER)
        waitlist.join(salon, gone.service, john, earliest=start, latest=start, employee=gone.employee)
        lifecycle.cancel(salon, gone.pk)
    wanted = {"serviceId": HAIRCUT, "employeeId": ANA, "startTime": at.isoformat()}
    for stranger, name in ((Call(salon, SOMEBODY_ELSE, "CA2"), "John Doe"), (Call(salon), "Jane Doe")):
        assert (
            stranger.refusal("book_appointment", customerName=name, **wanted)["code"] == "TIME_SLOT_CONFLICT"
        )
    call = Call(salon)
    assert call.data("check_availability", **wanted)["requested"]["available"] is True
    held = call.data("hold_slot", **wanted)
    assert held["seconds"] > TTL.total_seconds()  # as long as the offer stands
    first, again = (
        call.data("book_appointment", customerName="Jon Doe", slotId=held["slot"]["slotId"]) for _ in range(2)
    )
    assert (local(first["appointment"]), again["appointment"]["id"]) == (at, first["appointment"]["id"])
    with tenant_scope(salon):
        assert WaitlistEntry.objects.get().state == WaitlistEntry.State.BOOKED
        assert not Hold.objects.exists()
        assert Appointment.objects.exclude(status="cancelled").count() == 1


def test_a_message_is_kept_for_the_team_once(speaking):
    call = Call(speaking)
    first = call.data("take_message", message="Please call me about Friday", callerName="John")
    assert call.data("take_message", message="Please call me about Friday", callerName="John") == first
    with tenant_scope(speaking):
        kept = Message.objects.get()
        assert str(kept.pk) == first["messageId"]
        assert (kept.text, kept.caller_name, kept.callback_e164) == (
            "Please call me about Friday",
            "John",
            CALLER,
        )


def test_what_only_a_live_call_can_do_is_not_promised_without_one(speaking):
    for tool in ("transfer_to_human", "end_call"):
        for call in (NoCall(speaking), Call(speaking, sid=tool)):
            data = call.data(tool)
            assert data[{"transfer_to_human": "transferring", "end_call": "ending"}[tool]] is False


def test_every_tool_refuses_in_the_tenants_language(speaking):
    call = Call(speaking)
    english = speech_for("en")
    for tool, arguments in {
        "book_appointment": {"customerName": "John", "serviceId": "nonsense", "startTime": "soon"},
        "check_availability": {"serviceId": "00000000-0000-4000-8000-000000000000"},
        "cancel_appointment": {"appointmentId": "apt_nothing"},
        "take_message": {},
        "no_such_tool": {},
    }.items():
        message = call.refusal(tool, **arguments)["message"]
        if speaking.language != "en":
            assert message not in {english.say_again, english.service_not_found, english.cannot_do_that}


# --- Times that end with Z -----------------------------------------------------------------------


NEW_YORK = ZoneInfo("America/New_York")


def with_z(local: datetime.datetime) -> str:
    return local.replace(tzinfo=NEW_YORK).astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_models_write(local: datetime.datetime) -> str:
    """A local time that is said to be UTC."""
    return local.strftime("%Y-%m-%dT%H:%M:%SZ")


written = pytest.mark.parametrize("write", [with_z, as_models_write])
WHOEVER: list[dict[str, Any]] = [{}, {"employeeId": ANA}]


@written
@pytest.mark.parametrize("who", WHOEVER, ids=["anybody", "somebody"])
def test_a_repeated_booking_with_z_is_the_same_appointment(salon, write, who):
    at = next_monday(salon, 10)
    wanted = {"customerName": "John", "serviceId": HAIRCUT, "startTime": write(at), **who}
    booked = [Call(salon, sid=f"CA{number}").data("book_appointment", **wanted) for number in range(3)]
    assert {local(one["appointment"]) for one in booked} == {at}
    assert len({one["appointment"]["id"] for one in booked}) == 1
    with tenant_scope(salon):
        assert Appointment.objects.count() == 1


def test_it_is_so_when_nobody_else_is_free_any_more(salon):
    at = next_monday(salon, 10)
    wanted = {"customerName": "John", "serviceId": HAIRCUT, "startTime": with_z(at)}
    first = Call(salon).data("book_appointment", **wanted)
    for number in range(2):
        Call(salon, SOMEBODY_ELSE, sid=f"CB{number}")(
            "book_appointment", customerName=f"Mary {number}", serviceId=HAIRCUT, startTime=at.isoformat()
        )
    assert (
        Call(salon, sid="CA2").data("book_appointment", **wanted)["appointment"]["id"]
        == (first["appointment"]["id"])
    )


@written
def test_what_is_held_with_z_is_what_is_booked_with_it(salon, write):
    at, call = next_monday(salon, 10), Call(salon)
    wanted = {"serviceId": HAIRCUT, "employeeId": ANA, "startTime": write(at)}
    held = [call.data("hold_slot", **wanted)["slot"]["startTime"] for _ in range(2)]
    booked = call.data("book_appointment", customerName="John", **wanted)["appointment"]
    assert {*held, booked["startTime"]} == {with_z(at)}


@written
def test_a_repeated_move_with_z_moves_nothing(salon, write):
    appointment = appointment_of(salon, next_monday(salon, 15))
    at, call = next_monday(salon, 10), Call(salon)
    moved = [
        call.data("reschedule_appointment", appointmentId=str(appointment.pk), startTime=write(at))
        for _ in range(3)
    ]
    assert {local(one["appointment"]) for one in moved} == {at}


@written
def test_a_move_with_z_may_overlap_its_own_old_time(salon, write):
    appointment = appointment_of(salon, next_monday(salon, 10))
    at = next_monday(salon, 10) + datetime.timedelta(minutes=30)
    moved = Call(salon).data("reschedule_appointment", appointmentId=str(appointment.pk), startTime=write(at))
    assert local(moved["appointment"]) == at


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y%m%d"])
def test_a_day_without_a_time_is_not_midnight(salon, form):
    day = next_monday(salon, 10)
    wanted = {"serviceId": HAIRCUT, "startTime": day.strftime(form)}
    refused = Call(salon).refusal("book_appointment", customerName="John", **wanted)
    assert (refused["code"], refused["message"]) == ("VALIDATION_ERROR", speech_for("en").time_needed)
    free = Call(salon, sid="CA2").data("check_availability", **wanted)
    assert (free["date"], bool(free["slots"])) == (day.date().isoformat(), True)


# --- Whom one may ask for ------------------------------------------------------------------------


@pytest.mark.parametrize("tool", ["check_availability", "book_appointment", "hold_slot"])
@pytest.mark.parametrize(
    "when", [{"startTime": "{at}Z"}, {"startTime": "{at}"}, {"when": "montag um 10 uhr"}]
)
def test_who_does_not_perform_the_service_is_no_reason_to_give_up(garage, tool, when):
    at = next_monday(garage, 10).replace(tzinfo=None).isoformat(timespec="seconds")
    asked = {name: value.format(at=at) for name, value in when.items()}
    answer = Call(garage)(tool, customerName="John", serviceId="Inspection", employeeId="Dirk", **asked)
    if tool == "check_availability":
        assert not answer["data"]["slots"]
        assert [one["code"] for one in answer["data"]["requested"]["reasons"]] == ["NOT_FOUND"]
    else:
        assert answer["code"] == "NOT_FOUND"


# --- Time in words -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "next monday at ten"),
        ("de", "nächsten Montag um zehn"),
        ("es", "el próximo lunes a las diez"),
        ("fr", "lundi prochain à dix heures"),
    ],
)
def test_words_for_a_time_are_resolved_here_and_not_by_the_model(salon, language, words):
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(language=language)
    call = Call(salon)
    data = call.data("check_availability", serviceId=HAIRCUT, when=words)
    requested = data["requested"]
    assert requested["available"] is True
    assert requested["startTimeLocal"].endswith("T10:00")
    assert datetime.date.fromisoformat(data["date"]).weekday() == 0
    assert data["today"] == today_of(salon).isoformat()
    booked = call.data("book_appointment", customerName="John", serviceId=HAIRCUT, when=words)
    assert booked["appointment"]["startTimeLocal"] == requested["startTimeLocal"]


@pytest.mark.parametrize("words", ["next monday at ten", "{day} 10:00 AM", "{day} at 10"])
def test_words_in_the_place_of_a_start_are_understood(salon, words):
    call, at = Call(salon), next_monday(salon, 10)
    wanted = {"serviceId": HAIRCUT, "startTime": words.format(day=at.date())}
    assert call.data("check_availability", **wanted)["requested"]["startTimeLocal"] == f"{at:%Y-%m-%dT%H:%M}"
    booked = call.data("book_appointment", customerName="John Smith", **wanted)["appointment"]
    assert local(booked) == at
    stranger = Call(salon, SOMEBODY_ELSE, "CA2")
    found = stranger.data("find_appointment", lastName="Smith", startTime=wanted["startTime"])
    moved = stranger.data(
        "reschedule_appointment",
        appointmentId=found["appointments"][0]["id"],
        startTime=f"{at.date()} at 2 pm",
    )
    assert local(moved["appointment"]).hour == 14


def test_who_comes_at_any_time_is_offered_the_first_that_is_free(salon):
    call = Call(salon)
    first = call.data("check_availability", serviceId=HAIRCUT)["slots"][0]["startTime"]
    soon = call.data("check_availability", serviceId=HAIRCUT, when="as soon as possible")
    assert soon["slots"][0]["startTime"] == first
    day = next_monday(salon, weeks=3).date()
    told = call.data("check_availability", serviceId=HAIRCUT, date=str(day), when="any time")
    assert (told["date"], len(told["slots"])) == (str(day), 15)
    refused = call.refusal("book_appointment", customerName="John", serviceId=HAIRCUT, when="whenever")
    assert refused["message"] == speech_for("en").time_needed


def test_a_start_without_a_day_is_on_the_date_beside_it(salon):
    day = next_monday(salon, weeks=2).date()
    data = Call(salon).data("check_availability", serviceId=HAIRCUT, date=str(day), startTime="3 pm")
    assert data["requested"]["startTimeLocal"] == f"{day}T15:00"


def test_a_part_of_the_day_narrows_what_is_offered(salon):
    data = Call(salon).data("check_availability", serviceId=HAIRCUT, when="next monday after three")
    assert [one["startTimeLocal"][11:] for one in data["slots"]] == ["15:00", "15:30", "16:00"]


def test_an_evening_without_a_free_time_is_no_day_without_one(speaking):
    day = next_monday(speaking, 9)
    free = Call(speaking).data(
        "check_availability", serviceId=HAIRCUT, date=day.date().isoformat(), when="8 pm"
    )
    assert free["requested"]["available"] is False
    words = {"en": "in the evening", "de": "am Abend", "es": "por la noche", "fr": "le soir"}
    free = Call(speaking, sid="CA2").data(
        "check_availability",
        serviceId=HAIRCUT,
        date=day.date().isoformat(),
        when=words[speaking.language],
    )
    assert not free["slots"]
    speech = speech_for(speaking.language)
    assert free["message"].startswith(speech.nothing_at_that_time)
    assert free["nextAvailable"]["spoken"] in free["message"]


def test_of_a_day_with_more_times_than_are_told_the_answer_names_those_that_are(salon):
    with tenant_scope(salon):
        Service.objects.filter(pk=HAIRCUT).update(slot_step_minutes=1)
    day = next_monday(salon, 9).date().isoformat()
    free = Call(salon).data("check_availability", serviceId=HAIRCUT, date=day)
    assert len(free["slots"]) == 100
    told = [one["spoken"] for one in free["slots"]]
    assert (told[0], told[-1]) == ("9 AM", "4 PM")
    named = re.findall(r"\d+(?::\d\d)? [AP]M", free["message"])
    assert len(named) > 1
    assert set(named) <= set(told)
    asked = Call(salon, sid="CA2").data("check_availability", serviceId=HAIRCUT, startTime=f"{day}T13:07:00")
    assert asked["requested"]["available"]
    assert (len(asked["slots"]), "1:07 PM" in [one["spoken"] for one in asked["slots"]]) == (100, True)


def test_what_is_free_only_in_months_is_found(salon):
    with tenant_scope(salon):
        Service.objects.filter(pk=HAIRCUT).update(minimum_notice_minutes=45 * 24 * 60)
    free = Call(salon).data("check_availability", serviceId=HAIRCUT)
    first = datetime.date.fromisoformat(free["nextAvailable"]["startTimeLocal"][:10])
    assert (first - today_of(salon)).days >= 45
    assert free["nextAvailable"]["spoken"] in free["message"]


def test_words_in_the_place_of_a_date_are_understood(salon):
    assert Call(salon).data("check_availability", serviceId=HAIRCUT, date="next monday")["slots"]


@pytest.mark.parametrize("date", ["{day}", "{day}T00:00:00Z", "{day}T12:00:00-05:00"])
def test_of_a_date_with_a_time_only_the_date_counts(salon, date):
    day = next_monday(salon).date()
    data = Call(salon).data("check_availability", serviceId=HAIRCUT, date=date.format(day=day))
    assert (data["date"], len(data["slots"]), "requested" in data) == (day.isoformat(), 15, False)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "in the afternoon"),
        ("en", "monday afternoon"),
        ("de", "am Nachmittag"),
        ("es", "por la tarde"),
        ("fr", "l'après-midi"),
        ("de", "in the afternoon"),
    ],
)
@pytest.mark.parametrize("date", ["{day}", "{day}T00:00:00Z"])
def test_a_part_of_the_day_is_that_of_the_date_beside_it(salon, language, words, date):
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(language=language)
    day = next_monday(salon, weeks=3).date()
    call = Call(salon)
    data = call.data("check_availability", serviceId=HAIRCUT, date=date.format(day=day), when=words)
    offered = {local(one) for one in data["slots"]}
    all_day = {
        local(one) for one in call.data("check_availability", serviceId=HAIRCUT, date=str(day))["slots"]
    }
    assert offered == {one for one in all_day if one.hour >= 12}
    assert data["date"] == day.isoformat()


def test_a_time_is_that_of_the_date_beside_it(salon):
    at = next_monday(salon, 15, weeks=3)
    for day in (at.date().isoformat(), f"{at:%B} {at.day}"):
        data = Call(salon).data("check_availability", serviceId=HAIRCUT, date=day, when="at three")
        assert data["requested"]["startTimeLocal"] == f"{at:%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize("words", ["tuesday afternoon", "tomorrow at three", "2031-01-01"])
def test_a_date_and_words_that_name_another_day_are_asked_for_again(salon, words):
    day = next_monday(salon, weeks=3).date()
    refused = Call(salon).refusal("check_availability", serviceId=HAIRCUT, date=str(day), when=words)
    assert (refused["code"], refused["error"]) == ("VALIDATION_ERROR", "when: does not agree with date")


def test_words_without_sense_are_asked_for_again(salon):
    refused = Call(salon).refusal("check_availability", serviceId=HAIRCUT, when="when the cows come home")
    assert refused["code"] == "VALIDATION_ERROR"


# --- The hour that comes twice -------------------------------------------------------------------


SECOND_PASS = "2027-11-07T01:30:00-05:00"


@pytest.fixture
def long_night(speaking):
    """The salon is open while the clocks go back: from midnight to five, six hours on."""
    with time_machine.travel("2027-11-01T12:00:00Z", tick=False):
        with tenant_scope(speaking):
            SpecialHours.objects.create(
                tenant=speaking,
                date=datetime.date(2027, 11, 7),
                opens=datetime.time(0),
                closes=datetime.time(5),
            )
        yield speaking


def test_a_time_that_comes_twice_is_the_first_and_the_answer_says_so(long_night):
    first, second = speech_for(long_night.language).passes
    call, once = Call(long_night), "2027-11-07T01:30"
    free = call.data("check_availability", serviceId=HAIRCUT, startTime=once)
    booked = call.data("book_appointment", customerName="John Doe", serviceId=HAIRCUT, startTime=once)
    assert free["requested"]["startTime"] == booked["appointment"]["startTime"] == "2027-11-07T05:30:00Z"
    assert booked["appointment"]["startTimeLocal"] == once
    found = call.data("find_appointment")
    handle = found["appointments"][0]["appointmentId"]
    call.data("reschedule_appointment", appointmentId=handle, startTime="2027-11-07T03:00")
    moved = call.data("reschedule_appointment", appointmentId=handle, startTime=once)
    for told in (free, booked, found, moved, call.data("cancel_appointment", appointmentId=handle)):
        assert first in told["message"]
        assert second not in told["message"]


def test_the_second_pass_is_answered_as_it_was_asked_for(long_night):
    first, second = speech_for(long_night.language).passes
    call = Call(long_night)
    free = call.data("check_availability", serviceId=HAIRCUT, startTime=SECOND_PASS)
    booked = call.data("book_appointment", customerName="John", serviceId=HAIRCUT, startTime=SECOND_PASS)
    for told, start in ((free, free["requested"]), (booked, booked["appointment"])):
        assert (start["startTime"], start["startTimeLocal"]) == ("2027-11-07T06:30:00Z", "2027-11-07T01:30")
        assert second in told["message"]
        assert first not in told["message"]


def test_a_first_pass_that_is_taken_offers_the_second(long_night):
    for name in ("Ana", "Ben"):
        appointment_of(long_night, datetime.datetime(2027, 11, 7, 1, 30), SOMEBODY_ELSE, name, employee=name)
    asked = {"serviceId": HAIRCUT, "date": "2027-11-07", "when": "01:30"}
    data = Call(long_night).data("check_availability", **asked)
    assert data["requested"]["startTime"] == "2027-11-07T05:30:00Z"
    assert [one["code"] for one in data["requested"]["reasons"]] == ["TIME_SLOT_CONFLICT"]
    [other] = [one for one in data["nearest"] if one["startTimeLocal"] == "2027-11-07T01:30"]
    assert other["startTime"] == "2027-11-07T06:30:00Z"
    assert other["spoken"] in data["message"]


def test_each_slot_of_the_hour_that_comes_twice_is_said_differently(long_night):
    slots = Call(long_night).data("check_availability", serviceId=HAIRCUT, date="2027-11-07")["slots"]
    said = [one["spoken"] for one in slots]
    assert len(set(said)) == len(said)
    first, second = speech_for(long_night.language).passes
    told = [one["startTime"][11:16] for one in slots if first in one["spoken"] or second in one["spoken"]]
    assert told == ["05:00", "05:30", "06:00", "06:30"]


# --- Why not -------------------------------------------------------------------------------------


def test_a_wished_time_that_is_taken_says_so_and_what_is_near(salon):
    at = next_monday(salon, 14)
    for employee in ("Ana", "Ben"):
        appointment_of(salon, at, SOMEBODY_ELSE, f"Mary {employee}", employee=employee)
    data = Call(salon).data("check_availability", serviceId=HAIRCUT, when="next monday at two")
    assert data["requested"]["available"] is False
    assert [one["code"] for one in data["requested"]["reasons"]] == ["TIME_SLOT_CONFLICT"]
    assert 1 <= len(data["nearest"]) <= 4
    assert data["nearest"][0]["spoken"] in data["message"]


def test_every_reason_is_given_by_the_code_that_goes_out(salon):
    at = next_monday(salon, 20, 10)
    data = Call(salon).data("check_availability", serviceId=HAIRCUT, startTime=at.isoformat())
    reasons = data["requested"]["reasons"]
    assert reasons[0]["code"] == "OUTSIDE_HOURS"
    assert all(one["message"] for one in reasons)
    assert len({one["code"] for one in reasons}) == len(reasons)


@pytest.mark.parametrize(("days", "code"), [(91, "TOO_FAR"), (4000, "TOO_FAR"), (-1, "IN_THE_PAST")])
def test_a_day_that_cannot_be_booked_is_refused_as_its_times_are(speaking, days, code):
    day = today_of(speaking) + datetime.timedelta(days=days)
    call = Call(speaking)
    data = call.data("check_availability", serviceId=HAIRCUT, date=day.isoformat())
    assert (data["date"], data["slots"], data["requested"]["available"]) == (day.isoformat(), [], False)
    [reason] = data["requested"]["reasons"]
    assert reason["code"] == code
    assert reason["message"] in data["message"]
    at_noon = call.data("check_availability", serviceId=HAIRCUT, startTime=f"{day}T12:00")
    assert (data["message"], reason) == (at_noon["message"], at_noon["requested"]["reasons"][0])
    assert data["nearest"][0]["spoken"] in data["message"]
    assert (
        data["nextAvailable"]["startTime"]
        == call.data("check_availability", serviceId=HAIRCUT)["slots"][0]["startTime"]
    )


def test_what_is_next_after_the_last_days_of_the_window_is_the_first_of_all(salon):
    last = today_of(salon) + datetime.timedelta(days=90)
    with tenant_scope(salon):
        SpecialHours.objects.create(tenant=salon, date=last)
    call = Call(salon)
    data = call.data("check_availability", serviceId=HAIRCUT, date=last.isoformat())
    first = call.data("check_availability", serviceId=HAIRCUT)["slots"][0]
    assert (data["slots"], data["nextAvailable"]["startTime"]) == ([], first["startTime"])
    assert data["nextAvailable"]["spoken"] in data["message"]


# --- Slots and holds -----------------------------------------------------------------------------


def test_an_offered_slot_carries_its_extras(salon):
    with tenant_scope(salon):
        haircut = Service.objects.get(pk=HAIRCUT)
        trim = AddOn.objects.create(tenant=salon, service=haircut, name="Shave", minutes=30, price=20)
    call = Call(salon)
    day = next_monday(salon).date().isoformat()
    slot = call.data("check_availability", serviceId=HAIRCUT, date=day, addOns=[str(trim.pk)])["slots"][0]
    booked = call.data("book_appointment", customerName="John Doe", slotId=slot["slotId"])["appointment"]
    assert (booked["startTime"], booked["endTime"]) == (slot["startTime"], slot["endTime"])
    with tenant_scope(salon):
        assert Appointment.objects.get(pk=booked["id"]).price == 70


def test_extras_are_known_by_their_names_and_in_any_form_of_a_list(salon):
    with tenant_scope(salon):
        trim, mask = AddOn.objects.get(name="Beard trim"), AddOn.objects.get(name="Hair mask")
    call, day = Call(salon), next_monday(salon).date().isoformat()
    for said, length in (
        (["beard trim"], 75),
        ("Beard trim", 75),
        (json.dumps([str(trim.pk)]), 75),
        (["BEARD TRIM", str(mask.pk)], 75),
        ("[]", 60),
        ("none", 60),
    ):
        slot = call.data("check_availability", serviceId=HAIRCUT, date=day, addOns=said)["slots"][0]
        start, end = (datetime.datetime.fromisoformat(slot[name]) for name in ("startTime", "endTime"))
        assert end - start == datetime.timedelta(minutes=length)
    refused = call.refusal("check_availability", serviceId=HAIRCUT, date=day, addOns=["Highlights"])
    assert (refused["code"], refused["message"]) == ("NOT_FOUND", speech_for("en").extra_not_found)


@pytest.mark.parametrize("tool", ["book_appointment", "hold_slot"])
def test_what_is_free_instead_carries_the_extras_too(salon, tool):
    with tenant_scope(salon):
        haircut = Service.objects.get(pk=HAIRCUT)
        trim = AddOn.objects.create(tenant=salon, service=haircut, name="Shave", minutes=30, price=20)
    at = next_monday(salon, 10)
    appointment_of(salon, at, SOMEBODY_ELSE, "Mary")
    call, john = Call(salon), {"customerName": "John Doe"}
    wanted = {"serviceId": HAIRCUT, "employeeId": ANA, "startTime": at.isoformat(), "addOns": [str(trim.pk)]}
    [slot, *_] = call.refusal(tool, **john, **wanted)["alternatives"]
    booked = call.data("book_appointment", **john, slotId=slot["slotId"])["appointment"]
    assert (booked["startTime"], booked["endTime"]) == (slot["startTime"], slot["endTime"])
    with tenant_scope(salon):
        assert Appointment.objects.get(pk=booked["id"]).price == 70


def test_a_picked_slot_is_kept_from_others_until_the_call_books_it(salon):
    caller, rival = Call(salon), Call(salon, SOMEBODY_ELSE, sid="CA2")
    at = next_monday(salon, 10)
    held = caller.data("hold_slot", serviceId=HAIRCUT, employeeId=ANA, startTime=at.isoformat())
    assert held["held"] is True
    assert 0 < held["seconds"] <= 60
    wanted = {"serviceId": HAIRCUT, "employeeId": ANA, "startTime": at.isoformat()}
    refused = rival.refusal("book_appointment", customerName="Rival", **wanted)
    assert refused["code"] == "TIME_SLOT_CONFLICT"
    caller.data("book_appointment", customerName="John Doe", slotId=held["slot"]["slotId"])
    with tenant_scope(salon):
        assert not Hold.objects.exists()


def test_a_slot_is_held_for_a_live_call_alone(salon):
    at = next_monday(salon, 10).isoformat()
    assert NoCall(salon).refusal("hold_slot", serviceId=HAIRCUT, startTime=at)["code"] == "NO_CALL"


def test_whoever_is_free_is_held_when_anybody_will_do(salon):
    at = next_monday(salon, 10)
    appointment_of(salon, at, SOMEBODY_ELSE, "Mary")
    held = Call(salon).data("hold_slot", serviceId=HAIRCUT, startTime=at.isoformat())
    assert held["slot"]["employeeName"] == "Ben"


def test_a_caller_who_was_cut_off_finds_the_slot_still_held_when_calling_again(salon):
    from agents.conversations import end_conversation

    first = Call(salon)
    at = next_monday(salon, 10)
    wanted = {"serviceId": HAIRCUT, "employeeId": ANA, "startTime": at.isoformat()}
    first.data("hold_slot", **wanted)
    with tenant_scope(salon):
        end_conversation(salon.pk, first.id, cut_off=True)
    rival = Call(salon, SOMEBODY_ELSE, sid="CA2")
    assert rival.refusal("book_appointment", customerName="Rival", **wanted)["code"] == "TIME_SLOT_CONFLICT"
    Call(salon, sid="CA3").data("book_appointment", customerName="John Doe", **wanted)


def test_a_call_that_ends_in_peace_frees_what_it_held_at_once(salon):
    from agents.conversations import end_conversation

    call = Call(salon)
    at = next_monday(salon, 10)
    call.data("hold_slot", serviceId=HAIRCUT, employeeId=ANA, startTime=at.isoformat())
    with tenant_scope(salon):
        end_conversation(salon.pk, call.id)
        haircut, ana = Service.objects.get(pk=HAIRCUT), Employee.objects.get(pk=ANA)
        starts = [slot.start.astimezone(salon.zone) for slot in free_slots(salon, haircut, at.date(), ana)]
    assert at.replace(tzinfo=salon.zone) in starts


def test_live_calls_keep_what_they_hold_and_nothing_else_is_kept(salon):
    from tenants.scoping import platform_scope

    live, dead = Call(salon), Call(salon, SOMEBODY_ELSE, sid="CA2")
    for call, hour in ((live, 10), (dead, 12)):
        call.data(
            "hold_slot", serviceId=HAIRCUT, employeeId=ANA, startTime=next_monday(salon, hour).isoformat()
        )
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
    with platform_scope():
        assert holds.refresh_live([str(live.id)], now=soon) == 1
        assert holds.refresh_live([str(dead.id)], now=soon + datetime.timedelta(minutes=2)) == 0


# --- Names for ids, and the registry -------------------------------------------------------------


def test_a_name_does_for_an_id_where_it_leaves_no_doubt(salon):
    data = Call(salon).data("check_availability", serviceId="haircut", employeeId="ben")
    assert data["service"]["id"] == HAIRCUT
    assert {one["employeeName"] for one in data["slots"]} == {"Ben"}


@pytest.mark.parametrize("anybody", ["any", "Anyone", "no preference", "egal", "none", "null", "N/A"])
def test_anybody_is_meant_by_many_words(salon, anybody):
    data = Call(salon).data("check_availability", serviceId=HAIRCUT, employeeId=anybody)
    assert {one["employeeName"] for one in data["slots"]} == {"Ana"}  # the first, where both are free


@pytest.mark.parametrize("nothing", ["N/A", "none", "unknown", "not provided", "null"])
def test_what_models_write_where_there_is_nothing_is_nothing(salon, nothing):
    fields_ = ("customerPhone", "customerEmail", "employeeId", "slotId", "when")
    wanted = {"serviceId": HAIRCUT, "startTime": next_monday(salon).isoformat()}
    booked = Call(salon).data(
        "book_appointment", customerName="John", **wanted, **dict.fromkeys(fields_, nothing)
    )["appointment"]
    assert (booked["customerPhone"], booked["customerEmail"]) == (CALLER, "")
    assert Call(salon, sid="CA2").data("find_appointment", customerPhone=nothing)["total"] == 1


def test_an_address_that_is_none_is_asked_for_again_and_not_the_name(salon):
    wanted = {"serviceId": HAIRCUT, "startTime": next_monday(salon).isoformat(), "customerName": "John"}
    refused = Call(salon).refusal("book_appointment", customerEmail="john at example", **wanted)
    assert refused["error"] == "customerEmail: must be an e-mail address"
    assert refused["message"] == speech_for("en").say_again


def test_every_tool_of_the_contract_is_there_with_its_aliases():
    names = {name for tool in registry.TOOLS for name in (tool.name, *tool.aliases)}
    assert names >= {
        "check_availability", "get_availability", "book_appointment", "create_appointment",
        "cancel_appointment", "reschedule_appointment", "find_appointment", "get_services",
        "list_services", "get_service_details", "get_business_hours", "get_hours", "get_tenant_info",
        "get_current_datetime", "transfer_to_human", "take_message", "join_waitlist", "end_call",
    }  # fmt: skip


def test_schemas_are_described_for_a_model():
    for tool in registry.TOOLS:
        assert tool.description.endswith("."), tool.name
        assert set(tool.required) <= set(tool.parameters), tool.name
        for name, schema in tool.parameters.items():
            assert schema["type"] in {"string", "number", "boolean", "array"}
            assert len(schema["description"]) > 5, (tool.name, name)
            assert not {"tenantId", "callerNumber", "phoneNumberOfCaller"} & {name}


def test_what_concerns_appointments_asks_for_trust():
    asked = {tool.name: tool.trust for tool in registry.TOOLS}
    for name in ("find_appointment", "cancel_appointment", "reschedule_appointment"):
        assert asked[name] >= Trust.CALLER_ID


def test_every_call_of_a_tool_is_told_in_order(salon):
    call = Call(salon)
    call.data("get_services")
    call.refusal("nonsense")
    with tenant_scope(salon):
        told = ToolInvocation.objects.order_by("occurred_at")
        assert [(one.tool, one.succeeded) for one in told] == [("get_services", True), ("nonsense", False)]


def test_a_tenant_setting_of_nonsense_asks_for_no_more_trust(salon):
    set_settings(salon, requiredTrust=["nonsense"])
    assert Call(salon).data("find_appointment")["total"] == 0


def test_the_tools_are_openai_functions_too():
    told = functions(registry.TOOLS)
    assert [one["name"] for one in told] == [tool.name for tool in registry.TOOLS]
    for one in told:
        assert one["type"] == "function"
        assert one["parameters"]["type"] == "object"
        assert set(one["parameters"]["required"]) <= set(one["parameters"]["properties"])
    out = io.StringIO()
    call_command("agent_tools", "--provider", "openai", stdout=out)
    assert json.loads(out.getvalue())["tools"] == told


def test_what_is_held_is_told_as_it_is_held(speaking):
    at = next_monday(speaking, 10)
    held = Call(speaking).data("hold_slot", serviceId=HAIRCUT, startTime=at.isoformat())
    speech = speech_for(speaking.language)
    assert held["slot"]["spoken"] == speech.clock(at)
    assert held["slot"]["spoken"] in held["message"]
    assert held["seconds"] == 60
