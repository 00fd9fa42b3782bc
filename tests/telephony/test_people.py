"""Whom a business lets us ring, when, and what each webhook does to a transfer: by the documents, without audio."""

import datetime
import io
import re
import wave
from urllib.parse import urlencode
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone
from twilio.request_validator import RequestValidator

from agents.live_calls import Reach
from agents.tools import registry
from appointments.models import Closure, SpecialHours
from telephony import calls
from telephony.admin_people import problems_with
from telephony.models import Call, CallEvent, RingGroup, RingHours, RingPerson, Transfer
from telephony.outbound.numbers import objection_to
from telephony.people import directory, numbers, transfers
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.agents.toolbox import set_settings
from tests.telephony.test_twilio_webhooks import BASE, PREFIX, TOKEN, fields, parameters, post, ring, said

pytestmark = pytest.mark.django_db

ANA, BEN, CARA = "+15550002221", "+15550002222", "+15550002223"
NEW_YORK = ZoneInfo("America/New_York")
MONDAY_TEN = datetime.datetime(2026, 11, 23, 10, tzinfo=NEW_YORK)
MONDAY_NIGHT = datetime.datetime(2026, 11, 23, 22, tzinfo=NEW_YORK)


def group_of(tenant: Tenant, *people: str, name: str = "Desk", when: str = "always", **more) -> RingGroup:
    with tenant_scope(tenant):
        group = RingGroup.objects.create(tenant=tenant, name=name, when=when, **more)
        for place, e164 in enumerate(people):
            RingPerson.objects.create(
                tenant=tenant, group=group, name=f"P{place + 1}", e164=e164, position=place
            )
        return group


def rounds_at(tenant: Tenant, now: datetime.datetime) -> list[list[str]]:
    with tenant_scope(tenant):
        found = directory.rounds(Tenant.objects.get(pk=tenant.pk), now)
        return [[person.e164 for person in one.people] for one in found]


# --- Who, and when -------------------------------------------------------------------------------


def test_groups_are_rung_in_their_order_and_the_transfer_number_last(salon):
    group_of(salon, CARA, name="Boss", position=2)
    group_of(salon, ANA, BEN, name="Desk", position=1)
    assert rounds_at(salon, MONDAY_TEN) == [[ANA], [BEN], [CARA], ["+15550001111"]]


def test_several_at_once_are_one_round(salon):
    group_of(salon, ANA, BEN, order="at_once")
    assert rounds_at(salon, MONDAY_TEN)[0] == [ANA, BEN]


def test_opening_hours_with_their_closures_decide_for_a_group_that_keeps_them(salon):
    set_settings(salon, transferNumber="")
    group_of(salon, ANA, when="opening")
    assert rounds_at(salon, MONDAY_TEN) == [[ANA]]
    assert rounds_at(salon, MONDAY_NIGHT) == []
    with tenant_scope(salon):
        tenant = Tenant.objects.get(pk=salon.pk)
        assert directory.reach(tenant, MONDAY_NIGHT) == Reach.CLOSED
        SpecialHours.objects.create(tenant=salon, date=MONDAY_TEN.date())
    assert rounds_at(salon, MONDAY_TEN) == []
    with tenant_scope(salon):
        SpecialHours.objects.all().delete()
        Closure.objects.create(
            tenant=salon, starts_at=MONDAY_TEN, ends_at=MONDAY_TEN + datetime.timedelta(hours=1)
        )
    assert rounds_at(salon, MONDAY_TEN) == []
    assert rounds_at(salon, MONDAY_TEN + datetime.timedelta(hours=1)) == [[ANA]]


def test_hours_of_its_own_may_last_into_the_night(salon):
    set_settings(salon, transferNumber="")
    group = group_of(salon, ANA, when="own")
    with tenant_scope(salon):
        RingHours.objects.create(
            tenant=salon, group=group, weekday=0, opens=datetime.time(21), closes=datetime.time(2)
        )
    assert rounds_at(salon, MONDAY_TEN) == []
    assert rounds_at(salon, MONDAY_NIGHT) == [[ANA]]
    assert rounds_at(salon, MONDAY_NIGHT + datetime.timedelta(hours=3)) == [[ANA]]
    assert rounds_at(salon, MONDAY_NIGHT + datetime.timedelta(hours=5)) == []


@pytest.mark.parametrize(
    ("e164", "word"),
    [
        ("+19005551234", "special rates"),
        ("+4930123456", "another country"),
        ("+18765551234", "another country"),
        ("+881612345678", "special rates"),
        ("+447012345678", "another country"),
        ("+15551234567", "back to the assistant"),
        (ANA, ""),
    ],
)
def test_numbers_that_may_cost_or_go_round_are_refused(e164, word):
    refusal = numbers.refusal(e164, home=["+15551234567"], ours=["+15551234567"])
    assert word in refusal if word else not refusal


@pytest.mark.parametrize(
    ("e164", "home"),
    [
        ("+447012345678", "+442079460000"),  # personal numbers, which forward for money
        ("+445501234567", "+442079460000"),
        ("+491802123456", "+4930123456"),
        ("+493212345678", "+4930123456"),
        ("+18005551234", "+15551234567"),
        ("+12129761234", "+15551234567"),
    ],
)
def test_whom_we_may_not_call_we_do_not_ring_either(e164, home):
    """One rule: at home, too."""
    assert bool(objection_to(e164)) == numbers.is_costly(e164) == bool(numbers.refusal(e164, home=[home]))


def test_a_personal_number_at_home_is_not_rung():
    assert "personal number" in numbers.refusal("+447012345678", home=["+442079460000"])


def test_the_platform_may_allow_a_number_abroad_and_never_one_that_goes_round():
    home = ["+15551234567"]
    assert not numbers.refusal("+4930123456", home=home, ours=home, may_cost=True)
    assert numbers.refusal("+15551234567", home=home, ours=home, may_cost=True)


def test_a_number_that_may_not_be_dialled_is_not_whoever_wrote_it_down(salon):
    set_settings(salon, transferNumber="+19005551234")
    group = group_of(salon, "+4930123456", "+19005551234", ANA)
    assert rounds_at(salon, MONDAY_TEN) == [[ANA]]
    with tenant_scope(salon):
        RingPerson.objects.filter(group=group, e164="+4930123456").update(may_cost=True)
    assert rounds_at(salon, MONDAY_TEN) == [["+4930123456"], [ANA]]


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ({"transferNumber": "+19005551234"}, "special rates"),
        ({"transferNumber": "+4930123456"}, "another country"),
        ({"transferNumber": "call me"}, "transferNumber"),
        ({"transferMode": "hot"}, "transferMode"),
        ({"messageAlerts": ["+15550002221"]}, "messageAlerts"),
        ({"messageAlerts": {"sms": ["desk"]}}, "desk"),
        ({"messageAlerts": {"email": ["desk"]}}, "desk"),
        ({"messageReceipt": "yes"}, "messageReceipt"),
        ({"transferNumber": "+4930123456", "transferAbroad": True, "transferMode": "warm"}, ""),
    ],
)
def test_settings_that_make_no_sense_are_refused(written, word):
    found = problems_with(written, ["+15551234567"])
    assert any(word in problem for problem in found) if word else not found


# --- Twilio's documents --------------------------------------------------------------------------


def leg_post(url: str, **form: str):
    """To an address that we gave Twilio for a leg, signed as Twilio signs it."""
    path, _, query = url.removeprefix(BASE).partition("?")
    sent = {"CallSid": "CAleg", "ParentCallSid": "CA123456789", "From": "+15551234567", "To": ANA, **form}
    signature = RequestValidator(TOKEN).compute_signature(url, sent)
    return Client().post(
        f"{path}?{query}",
        urlencode(sent),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": signature},
    )


def dialed(url: str, **form: str):
    path = url.removeprefix(BASE + PREFIX)
    return post(path, fields(CallStatus="in-progress", **form))


def wanted(tenant: Tenant, *people: str, mode: str = "warm", **group):
    """The agent has said that it connects the caller: what Twilio is answered when the stream is over."""
    set_settings(tenant, transferMode=mode, transferNumber="")
    group_of(tenant, *people, **group)
    ring()
    with tenant_scope(tenant):
        now = timezone.now()
        Call.objects.update(
            outcome=calls.TRANSFER,
            stream_id="MZ1",
            stream_started_at=now,
            stream_ended_at=now,
            state="in-progress",
        )
    return post("stream-ended", fields(CallStatus="in-progress"))


def dial_of(answer) -> ElementTree.Element:
    found = ElementTree.fromstring(answer.content).find("Dial")
    assert found is not None, answer.content
    return found


def outcome(tenant: Tenant) -> str:
    with tenant_scope(tenant):
        return Call.objects.get().outcome


def kinds(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant):
        return list(CallEvent.objects.order_by("occurred_at").values_list("kind", flat=True))


def test_a_warm_transfer_rings_with_a_whisper_and_the_caller_hears_it_ring(salon):
    dial = dial_of(wanted(salon, ANA, BEN))
    number = dial[0]
    assert [one.text for one in dial] == [ANA]
    assert dial.get("answerOnBridge") == "true"
    assert dial.get("callerId") == "+15551234567"
    assert number.get("url", "").startswith(f"{BASE}{PREFIX}people/whisper?l=")
    whisper = ElementTree.fromstring(leg_post(number.get("url", "")).content)
    assert [verb.tag for verb in whisper] == ["Gather", "Hangup"]
    assert whisper[0].get("numDigits") == "1"
    assert "A call for Test Salon" in (whisper[0][0].text or "")


def test_one_joins_the_two_and_only_that(salon):
    number = dial_of(wanted(salon, ANA, BEN))[0]
    gather = ElementTree.fromstring(leg_post(number.get("url", "")).content)[0]
    assert outcome(salon) == "transfer"
    joined = ElementTree.fromstring(leg_post(gather.get("action", ""), Digits="1").content)
    assert list(joined) == []
    assert outcome(salon) == "transferred"
    again = ElementTree.fromstring(leg_post(gather.get("action", ""), Digits="1").content)
    assert list(again) == []
    assert kinds(salon).count("person_accepted") == 1


@pytest.mark.parametrize("digits", ["2", "", "11"])
def test_any_other_key_is_a_no(salon, digits):
    dial = dial_of(wanted(salon, ANA, BEN))
    gather = ElementTree.fromstring(leg_post(dial[0].get("url", "")).content)[0]
    declined = ElementTree.fromstring(leg_post(gather.get("action", ""), Digits=digits).content)
    assert [verb.tag for verb in declined] == ["Hangup"]
    # Twilio says "completed" of a leg that picked up, whatever came of it.
    answer = dialed(dial.get("action", ""), DialCallStatus="completed", DialBridged="false")
    assert [one.text for one in dial_of(answer)] == [BEN]
    assert outcome(salon) == "transfer"


def test_after_the_last_the_agent_comes_back_with_a_token_of_its_own(salon):
    dial = dial_of(wanted(salon, ANA))
    answer = dialed(dial.get("action", ""), DialCallStatus="no-answer")
    root = ElementTree.fromstring(answer.content)
    assert [verb.tag for verb in root] == ["Connect", "Redirect"]
    assert root[0].get("action", "").endswith("stream-ended?e=1")
    assert parameters(answer)["call_sid"] == "CA123456789"
    again = dialed(dial.get("action", ""), DialCallStatus="no-answer")
    assert parameters(again)["token"] != parameters(answer)["token"]
    with tenant_scope(salon):
        assert Transfer.objects.count() == 1
    assert kinds(salon).count("agent_returns") == 1


def test_a_stream_that_was_told_of_before_ends_nothing_of_the_agent_that_came_back(salon):
    dial = dial_of(wanted(salon, ANA))
    dialed(dial.get("action", ""), DialCallStatus="no-answer")
    with tenant_scope(salon):
        Call.objects.update(stream_id="MZ2", stream_ended_at=None, stream_token_hash="")
    late = post("stream-ended", fields(CallStatus="in-progress"))
    assert [verb.tag for verb in ElementTree.fromstring(late.content)] == ["Hangup"]
    with tenant_scope(salon):
        call = Call.objects.get()
        assert (call.stream_ended_at, call.outcome) == (None, "returning")
    repeated = dialed(dial.get("action", ""), DialCallStatus="no-answer")
    assert [verb.tag for verb in ElementTree.fromstring(repeated.content)] == ["Hangup"]


def test_an_agent_that_cannot_come_back_rings_nobody_anew(salon):
    dial = dial_of(wanted(salon, ANA))
    dialed(dial.get("action", ""), DialCallStatus="busy")
    lost = post("stream-ended?e=1", fields(CallStatus="in-progress"))
    assert [verb.tag for verb in ElementTree.fromstring(lost.content)][-2:] == ["Record", "Redirect"]


def test_of_several_at_once_those_who_lost_their_ringing_to_a_machine_are_rung_again(salon):
    dial = dial_of(wanted(salon, ANA, BEN, CARA, order="at_once"))
    assert [one.text for one in dial] == [ANA, BEN, CARA]
    leg_post(dial[1].get("url", ""))
    leg_post(dial[1].get("statusCallback", ""), CallStatus="completed")
    leg_post(dial[0].get("statusCallback", ""), CallStatus="no-answer")
    answer = dialed(dial.get("action", ""), DialCallStatus="completed", DialBridged="false")
    assert [one.text for one in dial_of(answer)] == [ANA, CARA]


def test_whoever_presses_second_hears_that_nobody_waits(salon):
    dial = dial_of(wanted(salon, ANA, BEN, order="at_once"))
    accepts = [
        ElementTree.fromstring(leg_post(one.get("url", "")).content)[0].get("action", "") for one in dial
    ]
    assert list(ElementTree.fromstring(leg_post(accepts[0], Digits="1").content)) == []
    assert said(leg_post(accepts[1], Digits="1")) == ["Thank you, nobody is waiting any more. Goodbye."]


def test_a_key_that_comes_when_the_caller_has_left_joins_nobody(salon):
    dial = dial_of(wanted(salon, ANA))
    accept = ElementTree.fromstring(leg_post(dial[0].get("url", "")).content)[0].get("action", "")
    post("status", fields(CallStatus="completed", CallDuration="9"))
    answer = ElementTree.fromstring(leg_post(accept, Digits="1").content)
    assert "Hangup" in [verb.tag for verb in answer]
    with tenant_scope(salon):
        assert Transfer.objects.get().state == "stopped"
    assert outcome(salon) != "transferred"
    late = dialed(dial.get("action", ""), DialCallStatus="no-answer")
    assert [verb.tag for verb in ElementTree.fromstring(late.content)] == ["Hangup"]


def test_when_the_person_hangs_up_the_caller_is_sent_off_politely(salon):
    dial = dial_of(wanted(salon, ANA))
    accept = ElementTree.fromstring(leg_post(dial[0].get("url", "")).content)[0].get("action", "")
    leg_post(accept, Digits="1")
    answer = dialed(dial.get("action", ""), DialCallStatus="completed", DialBridged="true")
    assert said(answer) == ["Thank you for calling. Goodbye!"] or "Goodbye" in said(answer)[0]
    assert ElementTree.fromstring(answer.content)[-1].tag == "Hangup"


def test_a_blind_transfer_is_one_from_the_answer_on(salon):
    dial = dial_of(wanted(salon, ANA, mode="blind"))
    assert dial[0].get("url") is None
    assert outcome(salon) == "transfer"
    leg_post(dial[0].get("statusCallback", ""), CallStatus="in-progress")
    assert outcome(salon) == "transferred"
    answer = dialed(dial.get("action", ""), DialCallStatus="completed")
    assert [verb.tag for verb in ElementTree.fromstring(answer.content)] == ["Hangup"]


def test_after_a_blind_one_there_is_voicemail_and_the_agent_where_there_is_none(salon):
    dial = dial_of(wanted(salon, ANA, mode="blind"))
    assert b"<Record" in dialed(dial.get("action", ""), DialCallStatus="no-answer").content


def test_the_agent_comes_back_after_a_blind_one_that_would_end_in_an_apology(salon):
    set_settings(salon, voicemail=False)
    dial = dial_of(wanted(salon, ANA, mode="blind"))
    assert b"<Stream" in dialed(dial.get("action", ""), DialCallStatus="busy").content


@pytest.mark.parametrize("name", ["people/whisper", "people/accept", "people/leg"])
def test_what_is_forged_about_a_leg_changes_nothing(salon, name):
    dial = dial_of(wanted(salon, ANA))
    url = re.sub("people/whisper", name, dial[0].get("url", ""))
    unsigned = Client().post(
        url.removeprefix(BASE),
        urlencode({"CallSid": "CAleg", "Digits": "1", "CallStatus": "in-progress"}),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": "AAAA"},
    )
    assert unsigned.status_code == 403
    another = leg_post(url[:-3] + "xyz", Digits="1")
    assert [verb.tag for verb in ElementTree.fromstring(another.content)] == ["Hangup"]
    with tenant_scope(salon):
        assert Transfer.objects.get().state == "ringing"
    assert "person_listens" not in kinds(salon)


def test_a_round_of_another_call_is_no_answer_to_this_one(salon):
    dial = dial_of(wanted(salon, ANA))
    ring(CallSid="CA2")
    path = dial.get("action", "").removeprefix(BASE + PREFIX)
    post(path, fields(CallSid="CA2", CallStatus="in-progress", DialCallStatus="no-answer"))
    with tenant_scope(salon):
        assert Transfer.objects.get().state == "ringing"


def test_there_are_not_more_transfers_in_a_call_than_is_decent(salon):
    wanted(salon, ANA)
    with tenant_scope(salon):
        call = Call.objects.get()
        Transfer.objects.update(state="returned")
        for _n in range(2):
            Transfer.objects.create(tenant=salon, call=call, purpose="wanted", is_warm=True, state="returned")
        Call.objects.update(stream_id="MZ9")
        assert transfers.reach(call.conversation) == Reach.NOBODY
    assert transfers.begin(call, Transfer.Purpose.WANTED) is None


def test_outside_of_hours_the_agent_says_so_and_no_number_of_a_models_is_dialled(salon):
    set_settings(salon, transferNumber="")
    group_of(salon, ANA, when="own")
    ring()
    with tenant_scope(salon):
        Call.objects.update(stream_started_at=timezone.now())
        conversation = Call.objects.select_related("conversation").get().conversation
    asked = {"reason": "a refund", "number": "+19005551234", "phoneNumber": BEN}
    answered = registry.run(salon.pk, conversation, "transfer_to_human", asked)
    data = answered.envelope["data"]
    assert (data["transferring"], data["closed"], answered.act) == (False, True, None)
    assert "at this hour" in data["message"]
    with tenant_scope(salon):
        RingGroup.objects.update(when="always")
    answered = registry.run(salon.pk, conversation, "transfer_to_human", asked)
    assert answered.envelope["data"]["transferring"] is True
    with tenant_scope(salon):
        now = timezone.now()
        Call.objects.update(outcome=calls.TRANSFER, stream_id="MZ1", stream_ended_at=now, state="in-progress")
    dial = dial_of(post("stream-ended", fields(CallStatus="in-progress")))
    assert [one.text for one in dial] == [ANA]
    with tenant_scope(salon):
        assert Transfer.objects.get().reason == "a refund"


def test_what_a_caller_hears_meanwhile_is_a_file_that_infobip_can_play():
    answer = Client().get("/api/webhooks/infobip/hold.wav")
    assert (answer.status_code, answer["Content-Type"]) == (200, "audio/wav")
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, 8000, 2)
        assert file.getnframes() == 3 * 8000
