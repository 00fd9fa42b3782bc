"""Twilio's webhooks: verified, parsed, acted on once, answered in TwiML."""

import datetime
import itertools
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from django.db.models import F
from django.test import Client
from twilio.request_validator import RequestValidator

from agents.models import Conversation
from telephony import calls
from telephony.errors import StreamRefused
from telephony.frames import StreamStarted
from telephony.models import Call, CallEvent, PhoneNumber
from tenants.credentials import set_secret
from tenants.models import Credential, Tenant
from tenants.scoping import platform_scope, tenant_scope
from tests.conftest import CALLER
from tests.statements import claim_stream
from tonris import demo

TOKEN = "0123456789abcdef0123456789abcdef"
BASE = "http://127.0.0.1:8000"
PREFIX = "/api/webhooks/twilio/"
SALON_NUMBER = demo.SALON.number


def fields(**changes: str) -> dict[str, str]:
    given = {
        "CallSid": "CA123456789",
        "AccountSid": "AC" + "0" * 32,
        "From": CALLER,
        "To": SALON_NUMBER,
        "CallStatus": "ringing",
        "Direction": "inbound",
        "FromCity": "",
    }
    return {**given, **changes}


def post(
    path: str,
    params: dict[str, str],
    *,
    token: str = TOKEN,
    signature: str | None = None,
    base: str = BASE,
    **headers: str,
):
    url = base + PREFIX + path
    if signature is None:
        signature = RequestValidator(token).compute_signature(url, params)
    if signature:
        headers["X-Twilio-Signature"] = signature
    return Client().post(
        PREFIX + path,
        urlencode(params),
        content_type="application/x-www-form-urlencoded",
        headers=headers,
    )


def ring(**changes: str):
    return post("elevenlabs", fields(**changes))


def parameters(answer) -> dict[str, str]:
    parsed = ElementTree.fromstring(answer.content)
    return {one.attrib["name"]: one.attrib["value"] for one in parsed.iter("Parameter")}


def said(answer) -> list[str]:
    return [say.text or "" for say in ElementTree.fromstring(answer.content).iter("Say")]


# --- An incoming call ----------------------------------------------------------------------------


def test_an_incoming_call_is_connected_to_our_stream(salon):
    answer = ring()
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/xml")
    assert answer.content.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    root = ElementTree.fromstring(answer.content)
    assert root.tag == "Response"
    assert [verb.tag for verb in root] == ["Connect", "Redirect"]
    assert root[0].get("action") == f"{BASE}/api/webhooks/twilio/stream-ended"
    assert root[0][0].get("url") == "ws://127.0.0.1:8000/media-stream"
    told = parameters(answer)
    assert set(told) == {"agent_id", "tenant_id", "call_sid", "business_name", "token"}
    assert told["agent_id"] == "agent_demo_salon"
    assert told["tenant_id"] == str(salon.pk)
    assert told["call_sid"] == "CA123456789"
    assert told["business_name"] == "Test Salon"
    with tenant_scope(salon):
        call = Call.objects.get()
        assert (call.state, call.from_e164, call.conversation.agent_id) == (
            "ringing",
            CALLER,
            "agent_demo_salon",
        )
        assert told["token"] not in str(vars(call))


def test_the_stream_is_secure_where_the_application_is(salon, settings):
    settings.APP_BASE_URL = settings.MEDIA_BASE_URL = "https://tonris.example"
    params = fields()
    signature = RequestValidator(TOKEN).compute_signature(
        "https://tonris.example/api/webhooks/twilio/elevenlabs", params
    )
    answer = post("elevenlabs", params, signature=signature)
    assert b"wss://tonris.example/media-stream" in answer.content


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (lambda salon, settings: None, "This number is not in service."),
        (lambda salon, settings: suspend(salon), "This number is not in service."),
        (lambda salon, settings: no_key(settings), "Our AI assistant is temporarily unavailable."),
        (lambda salon, settings: no_agent(salon), "Our AI assistant is not properly configured."),
    ],
    ids=["unknown number", "suspended", "no key", "no agent"],
)
def test_what_keeps_a_caller_from_the_agent_is_said(salon, settings, prepare, sentence, request):
    prepare(salon, settings)
    unknown = "unknown number" in request.node.name
    answer = ring(To="+15550009999" if unknown else SALON_NUMBER)
    assert (answer.status_code, said(answer)) == (200, [sentence])
    assert b"<Hangup" in answer.content
    with platform_scope():
        assert Call.objects.count() == (0 if unknown else 1)


def suspend(salon: Tenant) -> None:
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(status=Tenant.Status.SUSPENDED)


def no_key(settings) -> None:
    settings.ELEVENLABS_API_KEY = ""


def no_agent(salon: Tenant) -> None:
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(settings={})


def test_an_agent_of_the_installation_stands_in_for_a_tenants_own(salon, settings):
    no_agent(salon)
    settings.ELEVENLABS_AGENT_ID = "agent_default"
    assert parameters(ring())["agent_id"] == "agent_default"


@pytest.mark.parametrize(
    "start", ["", " ", "tel:+"], ids=["no plus", "a plus that is not encoded", "a tel URI"]
)
def test_the_called_number_is_known_however_it_is_written(salon, start):
    answer = ring(To=start + SALON_NUMBER.removeprefix("+"), From=" " + CALLER.removeprefix("+"))
    assert (answer.status_code, b"<Stream" in answer.content) == (200, True)
    with platform_scope():
        call = Call.objects.get()
    assert (call.tenant_id, call.from_e164) == (salon.pk, CALLER)


def test_a_caller_without_a_plus_is_not_guessed(salon):
    ring(From="5559876543")
    with platform_scope():
        assert Call.objects.get().from_e164 == ""


@pytest.mark.parametrize("down", ["telephony.calls.find_call", "telephony.calls.open_call"])
@pytest.mark.parametrize("path", ["elevenlabs", "fallback"])
def test_when_the_database_is_away_the_caller_hears_the_apology(salon, monkeypatch, caplog, path, down):
    from django.db import OperationalError

    def away(*args: object) -> None:
        raise OperationalError("away")

    ring()
    monkeypatch.setattr(down, away)
    if (path, down) != ("fallback", "telephony.calls.open_call"):
        assert said(post(path, fields())) == ["We encountered an error. Please try again later."]
        assert "The database cannot be reached" in caplog.text


APOLOGY = "We encountered an error. Please try again later."
HEARD = ["elevenlabs", "voice", "menu", "stream-ended", "dialed", "recorded", "fallback"]
"""What they answer a caller listens to."""


def test_a_call_id_of_another_tenants_is_no_outage(salon, garage, caplog):
    ring()
    answer = ring(To=demo.GARAGE.number)
    assert (answer.status_code, said(answer)) == (200, [APOLOGY])
    assert "The database refused what a webhook was to write" in caplog.text
    assert "cannot be reached" not in caplog.text
    with platform_scope():
        assert Call.objects.get().tenant_id == salon.pk


@pytest.mark.parametrize("name", ["CallSid", "MessageSid", "To", "From", "FromCity"])
def test_characters_that_no_form_has_are_apologised_for_or_400(salon, caplog, name):
    params = fields(**{name: "CA\x001"})
    for path in HEARD:
        answer = post(path, params)
        assert (answer.status_code, said(answer)) == (200, [APOLOGY])
        assert post(path, params, signature="").status_code == 403
    assert caplog.text.count("The form has characters that no form has") == len(HEARD)
    for path in ("status", "sms", "sms-status"):
        assert post(path, params).status_code == 400
        assert post(path, params, signature="").status_code == 403
    with platform_scope():
        assert not Call.objects.exists()


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded; charset=utf-16", "multipart/form-data"]
)
def test_a_body_that_cannot_be_read_is_400(salon, content_type):
    answer = Client().post(PREFIX + "elevenlabs", urlencode(fields()).encode(), content_type=content_type)
    assert (answer.status_code, answer.json()["success"]) == (400, False)


def test_a_provider_that_is_not_there_is_not_configured(salon):
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(settings={"agentProvider": "nobody"})
        set_secret(salon, Credential.Name.OPENAI_API_KEY, "sk-x")
    assert said(ring()) == ["Our AI assistant is temporarily unavailable."]


def test_a_secret_that_no_key_opens_is_its_own_tenants_trouble(salon, garage):
    from django.db import connection

    with tenant_scope(garage):
        set_secret(garage, Credential.Name.ELEVENLABS_API_KEY, "x")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE tenants_credential SET value = 'gAAAAAbad'")
    assert b"<Connect" in ring().content
    answer = ring(To=demo.GARAGE.number, CallSid="CA77")
    assert said(answer) == ["Unser KI-Assistent ist vorübergehend nicht erreichbar."]
    assert b'language="de-DE"' in answer.content


@pytest.mark.parametrize(
    "caller",
    ["anonymous", "Restricted", "", "+266696687", "+86282452253", "+7378742833", "client:alice", "sip:a@b"],
)
def test_a_withheld_caller_id_is_no_obstacle_and_nobodys_number(salon, caller):
    assert b"<Connect" in ring(From=caller).content
    with tenant_scope(salon):
        assert Call.objects.get().from_e164 == ""


@pytest.mark.parametrize(
    ("line", "caller", "e164"),
    [
        ("+3225550100", "0471 234 567", "+32471234567"),
        ("+3225550100", "0471/23.45.67", "+32471234567"),
        ("+3225550100", "32471234567", "+32471234567"),
        ("+3225550100", "0049 171 1234567", "+491711234567"),
        ("+15551234567", "4155550123", "+14155550123"),
        ("+15551234567", "(415) 555-0123", "+14155550123"),
        ("+15551234567", "14155550123", "+14155550123"),
        ("+15551234567", "0471234567", ""),
        ("+15551234567", "7378742833", ""),
        ("+15551234567", "266696687", ""),
        ("+15551234567", "1001", ""),
        ("+15551234567", "0000000000", ""),
        ("+15551234567", "client:4155550123", ""),
        ("+15551234567", "sip:4155550123@trunk.example.com", ""),
        ("+15551234567", "415FLOWERS", ""),
        ("+493012345678", "12345678", ""),
        ("+34915550100", "612 345 678", "+34612345678"),
    ],
)
def test_a_caller_in_national_format_is_read_by_the_called_numbers_country(salon, line, caller, e164):
    with tenant_scope(salon):
        PhoneNumber.objects.update(e164=line)
    assert b"<Connect" in ring(From=caller, To=line).content
    with tenant_scope(salon):
        assert Call.objects.get().from_e164 == e164


def test_names_cannot_add_verbs_to_the_call(salon):
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(name='"/><Dial>+19005551234</Dial>\x01<Say x="' + "é" * 60)
    root = ElementTree.fromstring(ring().content)
    assert [verb.tag for verb in root] == ["Connect", "Redirect"]
    assert not list(root.iter("Dial"))


def test_a_repeated_webhook_gets_a_fresh_token_and_the_older_dies(salon):
    first, second = parameters(ring())["token"], parameters(ring())["token"]
    assert first != second
    with pytest.raises(StreamRefused):
        claim_stream(StreamStarted("MZ1", "CA123456789", {"token": first}))
    assert claim_stream(StreamStarted("MZ1", "CA123456789", {"token": second})).tenant_id == salon.pk
    with tenant_scope(salon):
        assert Call.objects.count() == Conversation.objects.count() == 1


def test_a_captured_webhook_opens_no_second_stream(salon):
    claim_stream(StreamStarted("MZ1", "CA123456789", {"token": parameters(ring())["token"]}))
    answer = ring()
    assert b"<Stream" not in answer.content
    assert said(answer) == ["We encountered an error. Please try again later."]


@pytest.mark.parametrize("path", ["elevenlabs", "voice"])
def test_a_captured_webhook_changes_nothing_of_a_call_that_goes_on(salon, monkeypatch, path):
    from telephony import live

    claim_stream(StreamStarted("MZ1", "CA123456789", {"token": parameters(ring())["token"]}))
    before = state_of(salon)
    monkeypatch.setattr(live, "_draining", True)
    assert said(post(path, fields())) == ["We encountered an error. Please try again later."]
    after = state_of(salon)
    assert (after.outcome, after.stream_ended_at) == (before.outcome, None)
    with tenant_scope(salon):
        assert Conversation.objects.get().ended_at is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"CallSid": ""}, "CallSid: this field is required"),
        ({"CallSid": "CA" + "1" * 63}, "CallSid: longer than 64 characters"),
        ({"To": ""}, "To: this field is required"),
        ({"To": SALON_NUMBER + "0" * 60}, "To: longer than 64 characters"),
    ],
)
@pytest.mark.parametrize("path", ["elevenlabs", "voice"])
def test_without_what_twilio_always_sends_the_caller_hears_the_apology(salon, caplog, path, changes, problem):
    params = {name: value for name, value in fields(**changes).items() if value or name not in changes}
    answer = post(path, params)
    assert (answer.status_code, said(answer)) == (200, [APOLOGY])
    assert b"<Hangup" in answer.content
    assert problem in caplog.text
    assert CALLER not in caplog.text
    assert post(path, params, token="wrong").status_code == 403


@pytest.mark.parametrize("path", HEARD[2:])
def test_without_a_call_id_whoever_is_on_the_line_hears_the_apology(salon, path):
    assert said(post(path, fields(CallSid=""))) == [APOLOGY]


def test_a_status_without_what_twilio_always_sends_is_400(salon):
    answer = post("status", fields(CallSid=""))
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["error"] == "CallSid: this field is required"


# --- Signatures ----------------------------------------------------------------------------------


GOOD = RequestValidator(TOKEN).compute_signature(BASE + PREFIX + "elevenlabs", fields())


@pytest.mark.parametrize(
    "signature",
    [
        "",
        " ",
        "x",
        "A" * 27 + "=",
        GOOD.lower(),
        "Ä" + GOOD[1:],
        RequestValidator("wrong").compute_signature(BASE + PREFIX + "elevenlabs", fields()),
        RequestValidator(TOKEN).compute_signature(BASE + PREFIX + "status", fields()),
        RequestValidator(TOKEN).compute_signature(
            BASE.replace("http", "https") + PREFIX + "elevenlabs", fields()
        ),
        RequestValidator(TOKEN).compute_signature(BASE + PREFIX + "elevenlabs/", fields()),
        RequestValidator(TOKEN).compute_signature(BASE + PREFIX + "elevenlabs?x=1", fields()),
        RequestValidator(TOKEN).compute_signature(BASE + PREFIX + "elevenlabs", fields(From="+15550000000")),
        RequestValidator(TOKEN).compute_signature(
            BASE + PREFIX + "elevenlabs", {k: v for k, v in fields().items() if v}
        ),
    ],
)
def test_a_wrong_signature_is_403_and_nothing_is_done(salon, signature):
    answer = post("elevenlabs", fields(), signature=signature or " ")
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    with platform_scope():
        assert not Call.objects.exists()


def test_no_signature_is_403(salon):
    answer = post("elevenlabs", fields(), signature="")
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "elevenlabs",
        "voice",
        "menu",
        "status",
        "stream-status",
        "stream-ended",
        "dialed",
        "recorded",
        "fallback",
    ],
)
def test_every_twilio_path_asks_for_the_signature(salon, path):
    assert post(path, fields(), signature="").status_code == 403
    assert post(path, fields(DialCallStatus="busy")).status_code == 200


def test_a_tenants_own_account_signs_with_its_own_token(salon, garage):
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.TWILIO_AUTH_TOKEN, "salons-own-token")
    assert post("elevenlabs", fields()).status_code == 403
    assert post("elevenlabs", fields(), token="salons-own-token").status_code == 200
    garage_call = fields(To=demo.GARAGE.number, CallSid="CA2")
    assert post("elevenlabs", garage_call, token="salons-own-token").status_code == 403


# --- Status --------------------------------------------------------------------------------------


def status(state: str, sequence: int | None = None, **changes: str):
    extra = {"SequenceNumber": str(sequence)} if sequence is not None else {}
    return post("status", fields(CallStatus=state, **extra, **changes))


def state_of(salon: Tenant) -> Call:
    with tenant_scope(salon):
        return Call.objects.get()


def test_a_call_goes_forward_to_its_end(salon):
    ring()
    for number, state in enumerate(["ringing", "in-progress"]):
        assert status(state, number).status_code == 200
        assert state_of(salon).state == state
    status("completed", 2, CallDuration="49", Duration="1")
    call = state_of(salon)
    assert (call.state, call.duration_seconds, call.ended_at is not None) == ("completed", 49, True)


@pytest.mark.parametrize("order", list(itertools.permutations(["ringing", "in-progress", "completed"])))
def test_in_whatever_order_callbacks_come_the_end_is_the_same(salon, order):
    ring()
    numbers = {"ringing": 0, "in-progress": 1, "completed": 2}
    for state in order:
        status(state, numbers[state], CallDuration="7")
    assert (state_of(salon).state, state_of(salon).duration_seconds) == ("completed", 7)


@pytest.mark.parametrize("end", ["completed", "busy", "no-answer", "canceled", "failed"])
def test_an_end_is_final(salon, end):
    ring()
    status(end, 1)
    for number, state in enumerate(["ringing", "in-progress", "completed", "failed"]):
        status(state, 10 + number)
    assert state_of(salon).state == end


def test_a_repeated_callback_is_one_event(salon):
    ring()
    for _ in range(3):
        status("completed", 4, CallDuration="5")
    with tenant_scope(salon):
        assert CallEvent.objects.filter(kind="status:completed").count() == 1


def test_an_ended_calls_token_opens_nothing(salon):
    token = parameters(ring())["token"]
    status("completed", 1)
    with pytest.raises(StreamRefused):
        claim_stream(StreamStarted("MZ1", "CA123456789", {"token": token}))


def test_a_status_of_an_unknown_call_or_kind_is_acknowledged(salon, caplog):
    with caplog.at_level("INFO", logger="telephony"):
        assert status("completed", CallSid="CA999").status_code == 200
    assert "A status came for a call that is not ours: CA999" in caplog.messages
    ring()
    assert status("teleported").status_code == 200
    assert state_of(salon).state == "ringing"


def test_a_duration_that_is_no_number_is_ignored(salon):
    ring()
    status("completed", 1, CallDuration="a while")
    assert state_of(salon).duration_seconds is None


# --- After the stream ----------------------------------------------------------------------------


def ended(salon: Tenant, outcome: str, **settings_: object):
    ring()
    with tenant_scope(salon):
        Call.objects.update(outcome=outcome)
        if settings_:
            Tenant.objects.filter(pk=salon.pk).update(settings=settings_)
    return post("stream-ended", fields(CallStatus="in-progress"))


def test_who_has_hung_up_is_not_put_through_to_anybody(salon):
    ring()
    root = ElementTree.fromstring(post("stream-ended", fields(CallStatus="completed")).content)
    assert [verb.tag for verb in root] == ["Hangup"]


def test_a_suspended_tenants_staff_are_not_rung(salon):
    ring()
    suspend(salon)
    assert b"<Dial" not in post("stream-ended", fields(CallStatus="in-progress")).content


def test_a_broken_stream_of_a_call_that_ended_well_was_the_caller_leaving(salon):
    ring()
    with tenant_scope(salon):
        Call.objects.update(outcome=calls.STREAM_LOST)
    status("completed", 3)
    assert state_of(salon).outcome == calls.CALLER_HUNG_UP


@pytest.mark.parametrize("outcome", ["agent_ended", "caller_hung_up"])
def test_after_a_good_ending_the_line_is_hung_up(salon, outcome):
    root = ElementTree.fromstring(ended(salon, outcome).content)
    assert [verb.tag for verb in root] == ["Hangup"]


@pytest.mark.parametrize(
    "outcome", ["agent_refused", "agent_lost", "", "error", "bad_frames", "stream_lost", "drained"]
)
def test_after_a_bad_one_a_person_is_rung(salon, outcome):
    root = ElementTree.fromstring(ended(salon, outcome).content)
    assert [verb.tag for verb in root] == ["Say", "Dial"]
    assert root[1].findtext("Number") == "+15550001111"
    assert root[1].get("callerId") == SALON_NUMBER


def test_when_nobody_picks_up_there_is_voicemail(salon):
    ended(salon, "agent_lost")
    assert b"<Record" in post("dialed", fields(DialCallStatus="no-answer")).content
    assert b"<Record" not in post("dialed", fields(DialCallStatus="completed")).content
    assert said(post("recorded", fields(RecordingSid="RE1"))) == [
        "Thank you. We will call you back. Goodbye."
    ]
    with tenant_scope(salon):
        assert CallEvent.objects.filter(kind="voicemail").count() == 1


def test_with_nothing_else_left_the_apology_is_said(salon):
    answer = ended(salon, "agent_lost", elevenLabsAgentId="x", keypadMenu=False)
    assert said(answer) == ["We encountered an error. Please try again later."]


def test_the_fallback_of_a_call_to_nobody_still_says_something(salon):
    assert said(post("fallback", fields(CallSid="CA404", To="+15550009999"))) == [
        "We encountered an error. Please try again later."
    ]


def test_the_fallback_of_a_call_that_we_never_answered_goes_down_its_numbers_ladder(salon):
    answer = post("fallback", fields(CallSid="CA404", CallStatus="in-progress", ErrorCode="11200"))
    assert b"+15550001111" in answer.content
    with tenant_scope(salon):
        assert Call.objects.get(carrier_call_id="CA404").outcome == "unanswered"


def test_the_fallback_of_a_call_that_is_over_leaves_nothing(salon):
    post("fallback", fields(CallSid="CA404", CallStatus="completed"))
    with tenant_scope(salon):
        assert not Call.objects.exists()


# --- Tokens and sweeps ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"carrier_call_id": "CA999"},
        {"parameters": {}},
        {"parameters": {"token": ""}},
        {"parameters": {"token": "guessed"}},
        {"tenant": "00000000-0000-0000-0000-000000000000"},
    ],
)
def test_a_token_opens_only_its_own_calls_stream(salon, changes):
    told = parameters(ring())
    given = {"token": told["token"], "tenant_id": changes.get("tenant", told["tenant_id"])}
    started = StreamStarted(
        "MZ1", changes.get("carrier_call_id", "CA123456789"), changes.get("parameters", given)
    )
    with pytest.raises(StreamRefused):
        claim_stream(started)


def test_a_token_lives_for_a_minute(salon):
    token = parameters(ring())["token"]
    started = StreamStarted("MZ1", "CA123456789", {"token": token})
    one_second, rest = datetime.timedelta(seconds=1), datetime.timedelta(seconds=59)
    older_by(rest + 2 * one_second, salon)
    with pytest.raises(StreamRefused):
        claim_stream(started)
    older_by(-2 * one_second, salon)
    assert claim_stream(started).tenant_id == salon.pk


def older_by(age: datetime.timedelta, salon: Tenant) -> None:
    with tenant_scope(salon):
        Call.objects.update(stream_token_expires_at=F("stream_token_expires_at") - age)


def test_the_sweep_ends_what_never_ended(salon):
    from telephony.tasks import sweep_calls

    ring()
    ring(CallSid="CA2")
    now = datetime.datetime.now(datetime.UTC)
    with tenant_scope(salon):
        Call.objects.filter(carrier_call_id="CA2").update(
            stream_started_at=now, stream_ended_at=now - datetime.timedelta(minutes=6), state="in-progress"
        )
    assert sweep_calls() == 1
    with tenant_scope(salon):
        Call.objects.update(created_at=now - datetime.timedelta(hours=3))
    assert sweep_calls() == 1
    with tenant_scope(salon):
        assert dict(Call.objects.values_list("carrier_call_id", "state")) == {
            "CA123456789": "no-answer",
            "CA2": "completed",
        }
    assert sweep_calls() == 0
