"""The menu, one answer at a time: whose state it takes, what a repeat does, and what words mean."""

import datetime
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit
from xml.etree import ElementTree

import pytest
import time_machine
from django.test import Client
from twilio.request_validator import RequestValidator

from agents.models import Conversation, ToolInvocation
from appointments.holds import TTL
from appointments.models import Appointment, Hold
from telephony import calls
from telephony.keypad.heard import Heard, Option, name_in
from telephony.keypad.place import Place, decode, encode
from telephony.models import Call
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.telephony.test_twilio_webhooks import (
    BASE,
    TOKEN,
    fields,
    post,
    ring,
    said,
    state_of,
    status,
    suspend,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def early_on_a_wednesday() -> Iterator[None]:
    """With the whole day's times ahead: in the evening there are fewer than a question can offer."""
    now = datetime.datetime.now(datetime.UTC)
    wednesday = now + datetime.timedelta(days=(2 - now.weekday()) % 7 or 7)
    with time_machine.travel(wednesday.replace(hour=5, minute=0, second=0)):
        yield


@pytest.fixture
def menu(salon) -> str:
    """The address to which the main menu's answer goes; nobody to be put through to."""
    with tenant_scope(salon):
        settings_ = {"elevenLabsAgentId": "agent_demo_salon", "keypadMenu": True}
        Tenant.objects.filter(pk=salon.pk).update(settings=settings_)
    ring()
    return where(post("stream-ended", fields(CallStatus="in-progress")))


def where(answer) -> str:
    return next(ElementTree.fromstring(answer.content).iter("Gather")).attrib["action"]


def press(url: str, keys: str = "", *, words: str = "", **changes: str):
    params = fields(CallStatus="in-progress", **({"Digits": keys} if keys else {}), **changes)
    if words:
        params["SpeechResult"] = words
    signature = RequestValidator(TOKEN).compute_signature(url, params)
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == BASE
    return Client().post(
        f"{parts.path}?{parts.query}",
        urlencode(params),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": signature},
    )


def walk(url: str, *keys: str):
    answer = None
    for key in keys:
        answer = press(url, key)
        url = where(answer)
    return answer


def test_every_question_has_at_most_four_options_and_can_be_repeated(salon, menu):
    url = menu
    for key in ("1", "2", "1"):
        answer = press(url, key)
        assert 1 <= len([one for one in said(answer) if "press" in one]) <= 5  # the fifth repeats
        assert "To hear this again, press the star key." in said(answer)
        again = [press(where(answer), one) for one in ("*", "9")]
        assert [one.status_code for one in again] == [200, 200]
        assert all(said(one) == said(answer) for one in again)
        url = where(answer)


def test_a_slot_is_held_while_the_caller_confirms_and_for_as_long_as_they_listen(salon, menu):
    answer = walk(menu, "1", "2", "1")
    with tenant_scope(salon):
        held = Hold.objects.get()
        assert held.holder == str(Conversation.objects.get().pk)
    later = datetime.datetime.now(datetime.UTC) + TTL - datetime.timedelta(seconds=5)
    with time_machine.travel(later, tick=False):
        press(where(answer), "*")
        with tenant_scope(salon):
            assert Hold.objects.get().expires_at == later + TTL


def test_a_repeated_callback_books_once_and_gets_the_same_answer(salon, menu):
    name = where(walk(menu, "1", "2", "1", "1"))
    first, second = press(name, words="Grace Hopper"), press(name, words="Grace Hopper")
    assert said(first) == said(second)
    assert said(first)[0].startswith("You're booked for Haircut")
    with tenant_scope(salon):
        assert Appointment.objects.count() == 1


def test_a_repeated_cancellation_gets_the_same_answer(salon, menu):
    press(where(walk(menu, "1", "2", "1", "1")), words="Grace Hopper")
    yes = where(walk(menu, "2", "1"))
    assert said(press(yes, "1")) == said(press(yes, "1"))
    with tenant_scope(salon):
        assert Appointment.objects.get().status == Appointment.Status.CANCELLED


def test_a_state_is_good_for_its_own_call_alone(salon, menu):
    confirm = where(walk(menu, "1", "2", "1"))
    ring(CallSid="CA2")
    answer = press(confirm, "1", CallSid="CA2")
    assert "To book an appointment, press 1." in said(answer)  # the other caller begins anew
    with tenant_scope(salon):
        assert not Appointment.objects.exists()
        assert not ToolInvocation.objects.filter(tool="book_appointment").exists()


@pytest.mark.parametrize("state", ["", "x", "eyJ:1:abc", "\x80", "A" * 9000])
def test_a_state_that_nobody_signed_begins_anew(salon, menu, state):
    answer = press(f"{BASE}/api/webhooks/twilio/menu?{urlencode({'s': state})}", "1")
    assert "To book an appointment, press 1." in said(answer)


def test_a_state_is_signed_and_names_nobody(salon):
    text = encode(Place("confirm", {"slot": ["2026-11-24T14:00:00Z", "x"]}, turns=3), "CA1")
    assert decode(text, "CA1") == Place("confirm", {"slot": ["2026-11-24T14:00:00Z", "x"]}, turns=3)
    assert decode(text, "CA2") is None
    assert decode(text[:-1] + ("A" if text[-1] != "A" else "B"), "CA1") is None
    with time_machine.travel(datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=7)):
        assert decode(text, "CA1") is None


def test_a_time_that_is_gone_is_said_and_others_are_offered(salon, menu):
    times = where(walk(menu, "1", "2"))
    for number, sid in enumerate(("CA2", "CA3")):  # one picks Ana, one Ben
        caller = {"CallSid": sid, "From": f"+1555333221{number}"}
        ring(**caller)
        other = where(post("stream-ended", fields(CallStatus="in-progress", **caller)))
        for key in ("1", "2", "1"):
            other = where(press(other, key, **caller))
    with tenant_scope(salon):
        assert len(set(Hold.objects.values_list("employee", "starts_at"))) == 2
        assert len(set(Hold.objects.values_list("starts_at"))) == 1
    answer = press(times, "1")
    assert said(answer)[0].startswith("That time is already taken.")
    assert said(answer)[-2] == "For another day, press 4."
    with tenant_scope(salon):
        assert Hold.objects.count() == 2


def test_after_the_end_of_a_call_a_late_answer_does_nothing(salon, menu):
    name = where(walk(menu, "1", "2", "1", "1"))
    status("completed", 3)
    assert b"<Hangup" in press(name, words="Grace").content
    with tenant_scope(salon):
        assert not Appointment.objects.exists()
        assert not Hold.objects.exists()
        assert Conversation.objects.get().ended_at


def test_a_suspended_tenants_menu_is_closed(salon, menu):
    suspend(salon)
    assert said(press(menu, "1")) == ["This number is not in service."]


def test_two_silent_rounds_end_in_goodbye_and_one_answer_starts_the_count_anew(salon, menu):
    once = press(menu)
    assert b"<Gather" in once.content
    service = where(press(where(once), "1"))
    assert b"<Gather" in press(service).content
    assert said(press(where(press(service)))) == ["Thank you for calling. Goodbye!"]


def test_what_is_not_understood_counts_as_silence_and_is_said(salon, menu):
    once = press(menu, "7")
    assert said(once)[0] == "I'm sorry, I did not get that."
    assert said(press(where(once), words="qwertz")) == ["Thank you for calling. Goodbye!"]


def test_the_menu_ends_when_a_call_has_lasted_as_long_as_it_may(salon, menu):
    with tenant_scope(salon):
        Tenant.objects.update(settings={"maxCallSeconds": 60})
        Call.objects.update(created_at=datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=61))
    assert said(press(menu, "1"))[0].startswith("I'm sorry, this call has lasted")


def test_star_in_a_call_with_the_agent_leads_to_the_menu_even_with_a_person_there(salon):
    ring()
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(settings={**salon.settings, "keypadMenu": True})
        Call.objects.update(outcome=calls.MENU)
    answer = post("stream-ended", fields(CallStatus="in-progress"))
    assert said(answer)[0] == "To book an appointment, press 1."
    assert "To speak with someone, press 0." in said(answer)
    answer = press(where(answer), "0")
    assert ElementTree.fromstring(answer.content).findtext("Dial/Number") == "+15550001111"


def test_what_was_held_for_the_agents_call_is_held_for_the_menu(salon):
    from agents.conversations import end_conversation
    from agents.tools import registry
    from tests.agents.toolbox import HAIRCUT

    ring()
    with tenant_scope(salon):
        conversation = Conversation.objects.get()
    free = registry.run(salon.pk, conversation, "check_availability", {"serviceId": HAIRCUT}).envelope
    registry.run(salon.pk, conversation, "hold_slot", {"slotId": free["data"]["slots"][0]["slotId"]})
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(settings={**salon.settings, "keypadMenu": True})
        end_conversation(salon.pk, conversation.pk, cut_off=calls.MENU not in calls.ON_PURPOSE)
        Call.objects.update(outcome=calls.MENU)
    post("stream-ended", fields(CallStatus="in-progress"))
    with tenant_scope(salon):
        assert Hold.objects.get().holder == str(conversation.pk)
        assert Conversation.objects.get().ended_at is None


def test_a_caller_nobody_vouches_for_is_not_known_by_their_number(salon, settings):
    settings.ELEVENLABS_API_KEY = ""
    ring(StirVerstat="TN-Validation-Failed-A")
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(settings={"keypadMenu": True})
    post("stream-ended", fields(CallStatus="in-progress"))
    with tenant_scope(salon):
        assert Conversation.objects.get().caller_vouched_for is False


@pytest.mark.parametrize(
    ("settings_", "verbs"),
    [
        ({}, ["Say", "Hangup"]),
        ({"voicemail": True}, ["Say", "Record", "Redirect"]),
        ({"keypadMenu": True, "voicemail": True}, ["Gather", "Redirect"]),
        ({"keypadMenu": True}, ["Gather", "Redirect"]),
        ({"transferNumber": "+15550001111"}, ["Say", "Dial"]),
        ({"transferNumber": "+15550001111", "keypadMenu": True}, ["Say", "Dial"]),
    ],
)
def test_the_ladder_is_person_menu_voicemail_apology(salon, settings_, verbs):
    ring()
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(settings=settings_)
    answer = post("stream-ended", fields(CallStatus="in-progress"))
    assert [one.tag for one in ElementTree.fromstring(answer.content)] == verbs


def test_when_time_is_up_nobody_is_rung(salon):
    ring()
    with tenant_scope(salon):
        Call.objects.update(outcome=calls.TIME_LIMIT)
    answer = post("stream-ended", fields(CallStatus="in-progress"))
    assert [one.tag for one in ElementTree.fromstring(answer.content)] == ["Say", "Hangup"]


def test_a_voicemail_that_nobody_spoke_into_is_none(salon):
    ring()
    assert said(post("recorded", fields())) == ["Thank you for calling. Goodbye!"]


def test_a_lost_process_is_written_down_when_the_carrier_asks_what_is_next(salon, monkeypatch):
    monkeypatch.setattr("telephony.ladder.SETTLE_SECONDS", 0)
    ring()
    with tenant_scope(salon):
        Call.objects.update(stream_started_at=datetime.datetime.now(datetime.UTC), state="in-progress")
    post("stream-ended", fields(CallStatus="in-progress"))
    call = state_of(salon)
    assert (call.outcome, call.stream_ended_at is not None) == (calls.MEDIA_LOST, True)


# --- What was said -------------------------------------------------------------------------------

MAIN = (Option("1", "book"), Option("2", "appointments"), Option("3", "message"), Option("0", "person"))
SERVICES = (Option("1", "a", "Haircut"), Option("2", "b", "Hair coloring"), Option("3", "more"))
TIMES = (
    Option("1", "x", "9 AM"),
    Option("2", "y", "1:30 PM"),
    Option("3", "z", "3 PM"),
    Option("4", "another_day"),
    Option("", "earlier"),
    Option("", "later"),
)
MINE = (Option("1", "cancel 1"), Option("2", "cancel 2"), Option("3", "main"))
CONFIRM = (Option("1", "confirm"), Option("2", "another_time"), Option("3", "main"))


@pytest.mark.parametrize(
    ("options", "language", "words", "key"),
    [
        (MAIN, "en", "I'd like to book a haircut", "1"),
        (MAIN, "en", "Cancel my booking, please.", "2"),
        (MAIN, "en", "number two", "2"),
        (MAIN, "en", "talk to a human", "0"),
        (MAIN, "en", "hmm", None),
        (MAIN, "de-AT", "Termin buchen", "1"),
        (MAIN, "de", "Ich möchte meinen Termin absagen", "2"),
        (MAIN, "de", "eine Nachricht", "3"),
        (MAIN, "es", "quiero reservar una cita", "1"),
        (MAIN, "es", "hablar con alguien", "0"),
        (MAIN, "fr", "prendre un rendez-vous", "1"),
        (MAIN, "fr", "parler à quelqu\u2019un", "0"),
        (SERVICES, "en", "a haircut please", "1"),
        (SERVICES, "en", "hair coloring", "2"),
        (SERVICES, "en", "hair", None),
        (TIMES, "en", "one thirty", None),
        (TIMES, "en", "1:30 PM", "2"),
        (TIMES, "en", "three o'clock", None),
        (TIMES, "en", "number three", "3"),
        (TIMES, "en", "the first one", "1"),  # and not the first of the month, at one
        (TIMES, "en", "The second one, please.", "2"),
        (TIMES, "en", "one or two", None),
        (TIMES, "de", "die erste bitte", "1"),
        (TIMES, "en", "another day", "4"),
        (TIMES, "en", "the last one", "3"),
        (TIMES, "en", "I'll take the last one, please", "3"),
        (TIMES, "en", "the second", "2"),
        (TIMES, "en", "the first of December", None),
        (TIMES, "en", "neither", "4"),
        (TIMES, "en", "none of these", "4"),
        (TIMES, "de", "den letzten bitte", "3"),
        (TIMES, "de", "ich nehme den zweiten Termin", "2"),
        (TIMES, "de", "keiner von denen", "4"),
        (TIMES, "es", "la última", "3"),
        (TIMES, "es", "quiero la primera", "1"),
        (TIMES, "es", "ninguna de esas", "4"),
        (TIMES, "fr", "le dernier s'il vous plaît", "3"),
        (TIMES, "fr", "je prends le deuxième", "2"),
        (TIMES, "fr", "aucun", "4"),
        (MINE, "en", "cancel the first one", "1"),
        (MINE, "en", "I want to cancel my last appointment", "2"),
        (MINE, "en", "cancel number two", "2"),
        (MINE, "en", "neither of them", "3"),
        (MINE, "de", "den ersten Termin absagen", "1"),
        (MINE, "es", "cancelar la segunda cita", "2"),
        (MINE, "fr", "annuler le premier rendez-vous", "1"),
        (MAIN, "en", "cancel the first one", "2"),
        (MAIN, "en", "neither", None),
        (CONFIRM, "en", "no that's not right", "2"),
        (CONFIRM, "en", "I'm not sure", "2"),
        (CONFIRM, "en", "yes that's right", "1"),
        ((Option("1", "yes"), Option("2", "no")), "en", "no that's not right", "2"),
        ((Option("1", "yes"), Option("2", "no")), "es", "sí", "1"),
    ],
)
def test_words_mean_an_option_or_none(options, language, words, key):
    chosen = Heard(words=words).choice(options, language)
    assert (chosen.key if chosen else None) == key


@pytest.mark.parametrize(
    ("language", "words", "name"),
    [
        ("en", "something later", "later"),
        ("en", "Do you have anything earlier?", "earlier"),
        ("de", "etwas später bitte", "later"),
        ("de", "geht es früher", "earlier"),
        ("es", "algo más tarde", "later"),
        ("es", "más temprano", "earlier"),
        ("fr", "un peu plus tard", "later"),
        ("fr", "plus tôt", "earlier"),
    ],
)
def test_earlier_and_later_are_understood_where_times_are_offered(language, words, name):
    chosen = Heard(words=words).choice(TIMES, language)
    assert chosen is not None
    assert chosen.name == name
    assert Heard(words=words).choice(SERVICES[:2], language) is None


@pytest.mark.parametrize(
    ("language", "words", "name"),
    [
        ("en", "Ada Lovelace.", "Ada Lovelace"),
        ("en-GB", "My name is Ada Lovelace.", "Ada Lovelace"),
        ("en", "I\u2019m Ada", "Ada"),
        ("de-AT", "Ich heiße Änne Groß", "Änne Groß"),
        ("es", "Me llamo Ana", "Ana"),
        ("fr", "Je m'appelle Zoé", "Zoé"),
        ("en", "It's", "It's"),
        ("en", "Isaac", "Isaac"),
        ("en", "", ""),
    ],
)
def test_a_name_is_what_is_left_of_a_sentence_that_tells_it(language, words, name):
    assert name_in(words, language) == name


def test_who_says_a_whole_sentence_is_booked_by_their_name(salon, menu):
    press(where(walk(menu, "1", "2", "1", "1")), words="My name is Grace Hopper.")
    with tenant_scope(salon):
        assert Appointment.objects.get().customer.name == "Grace Hopper"


def times_at(salon, url: str) -> list[datetime.datetime]:
    """What is offered at that place, by the salon's clock."""
    place = decode(parse_qs(urlsplit(url).query)["s"][0], fields()["CallSid"])
    assert place is not None
    return [datetime.datetime.fromisoformat(one).astimezone(salon.zone) for one in place.about["starts"]]


@pytest.fixture
def monday():
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False):
        yield


def test_later_and_earlier_are_what_is_free_beyond_the_times_that_were_offered(salon, monday, menu):
    offered = where(press(where(walk(menu, "1", "2")), words="tomorrow between 12 and 1 pm"))
    assert [f"{one:%d %H:%M}" for one in times_at(salon, offered)] == ["24 12:00", "24 12:30", "24 13:00"]
    assert [f"{one:%d %H:%M}" for one in times_at(salon, where(press(offered, words="something later")))] == [
        *("24 13:30", "24 14:30", "24 16:00"),
    ]
    earlier = where(press(offered, words="something earlier"))
    assert [f"{one:%d %H:%M}" for one in times_at(salon, earlier)] == ["24 09:00", "24 10:00", "24 11:30"]
    before = where(press(earlier, words="anything earlier?"))  # as early as there is anything
    assert [f"{one:%d %H:%M}" for one in times_at(salon, before)] == ["23 09:00", "23 12:30", "23 16:00"]
    later = where(press(before, words="later please"))
    assert [f"{one:%d %H:%M}" for one in times_at(salon, later)] == ["24 09:00", "24 12:30", "24 16:00"]
    nothing = press(before, words="earlier")
    assert said(nothing)[0] == "Nothing is free at that time."
    assert times_at(salon, where(nothing)) == times_at(salon, before)


def test_the_last_of_the_offered_times_is_held(salon, menu):
    times = where(walk(menu, "1", "2"))
    press(times, words="the last one")
    with tenant_scope(salon):
        assert Hold.objects.get().starts_at == times_at(salon, times)[-1]


def test_a_caller_who_says_no_books_nothing(salon, menu):
    answer = press(where(walk(menu, "1", "2", "1")), words="No, that's not right")
    assert "For another day, press 4." in said(answer)
    with tenant_scope(salon):
        assert not Appointment.objects.exists()


def test_the_first_of_ones_own_appointments_is_cancelled_in_words(salon, menu):
    press(where(walk(menu, "1", "2", "1", "1")), words="Grace Hopper")
    answer = press(where(walk(menu, "2")), words="cancel the first one")
    assert said(answer)[0].startswith("Shall I cancel your appointment for Haircut")
