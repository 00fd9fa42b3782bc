"""TwiML is obeyed as the carrier obeys it: what it forgives, what it refuses, and what the caller hears."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from telephony.simulators.twilio import FarEnd, Script, SimulatedCall, TwilioSimulator
from telephony.simulators.twilio.twiml import TwimlError, parse
from telephony.simulators.twilio.webhooks import signed_url
from tests.peers import Business, Reply, Request, twiml

ACCOUNT, TOKEN = "AC" + "1" * 32, "0123456789abcdef0123456789abcdef"
VOICE = "/api/webhooks/twilio/elevenlabs"
FALLBACK = "/api/webhooks/twilio/fallback"
STATUS = "/api/webhooks/twilio/status"
QUICK = 2000.0  # characters a second
Answer = Reply | Callable[[Request], Reply]


@pytest.fixture
async def shop() -> AsyncIterator[Business]:
    async with Business() as business:
        business.replies[STATUS] = twiml("")
        yield business


async def ring(shop: Business, voice: Answer, script: Script | None = None, **choices: Any) -> SimulatedCall:
    """One call from its first ring to its end."""
    shop.replies[VOICE] = voice
    settings = {"say_chars_per_second": QUICK, "record_s": 0.05, **choices}
    async with TwilioSimulator(shop.base_url, ACCOUNT, TOKEN, **settings) as carrier:
        call = await carrier.place_call("+15551234567", "+15559876543", script)
        await call.wait(5)
    return call


def codes(call: SimulatedCall) -> list[int]:
    return [alert.code for alert in call.warnings]


# --- Webhooks ------------------------------------------------------------------------------------


async def test_the_first_request_is_signed_and_has_every_field(shop):
    await ring(shop, twiml("<Hangup/>"))
    (request,) = shop.to(VOICE)
    form = request.form
    assert form["CallStatus"] == "ringing"
    assert form["From"] == form["Caller"] == "+15559876543"
    assert form["To"] == form["Called"] == "+15551234567"
    assert (form["AccountSid"], form["Direction"], form["FromCity"]) == (ACCOUNT, "inbound", "")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    signed = shop.base_url + VOICE + "".join(name + form[name] for name in sorted(form))
    digest = hmac.new(TOKEN.encode(), signed.encode(), hashlib.sha1).digest()
    assert request.headers["x-twilio-signature"] == base64.b64encode(digest).decode()


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        ("https://u:p@voice.example.com:8443/a?b=1#rc=2", "https://voice.example.com/a?b=1"),
        ("http://127.0.0.1:8000/a", "http://127.0.0.1:8000/a"),
        ("wss://media.example.com/stream/", "wss://media.example.com/stream/"),
    ],
)
def test_the_signed_url_has_no_user_no_fragment_and_no_port_over_tls(url, signed):
    assert signed_url(url) == signed


async def test_a_number_reports_the_end_of_a_call_with_its_duration(shop):
    call = await ring(shop, twiml("<Pause length='0.6'/>"))
    (report,) = shop.to(STATUS)
    assert report.form["CallStatus"] == "completed"
    assert (report.form["CallDuration"], report.form["Duration"]) == ("1", "1")
    assert report.form["CallbackSource"] == "call-progress-events"
    assert call.talked_s == pytest.approx(0.6, abs=0.2)
    assert call.status == "completed"


async def test_all_of_a_calls_progress_can_be_reported(shop):
    await ring(shop, twiml("<Say>Hi</Say>"), status_events=("ringing", "in-progress", "completed"))
    reports = sorted(
        (int(request.form["SequenceNumber"]), request.form["CallStatus"]) for request in shop.to(STATUS)
    )
    assert reports == [(0, "ringing"), (1, "in-progress"), (2, "completed")]


async def test_a_failing_webhook_sends_the_call_to_the_fallback(shop):
    shop.replies[FALLBACK] = twiml("<Say>One moment.</Say>")
    call = await ring(shop, (500, "text/plain", b"broken"))
    assert call.timeline.says == ["One moment."]
    (request,) = shop.to(FALLBACK)
    assert request.form["ErrorCode"] == "11200"
    assert request.form["ErrorUrl"].endswith(VOICE)
    assert codes(call) == [11200]


async def test_without_a_fallback_the_caller_hears_the_carriers_apology(shop):
    call = await ring(shop, (403, "application/json", b"{}"), fallback_path=None)
    assert "application error" in call.timeline.says[0]
    assert call.status == "completed"


async def test_a_server_that_is_not_there_is_a_failed_fetch():
    async with TwilioSimulator("http://127.0.0.1:9", ACCOUNT, TOKEN, say_chars_per_second=QUICK) as carrier:
        call = await carrier.place_call("+1", "+2")
        await call.wait(5)
    assert 11200 in codes(call)
    assert "application error" in call.timeline.says[0]


# --- Documents -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("application/json", b"<Response/>", 12300),
        (None, b"<Response/>", 12300),
        ("text/xml", b"<Response>", 12100),
        ("text/xml", b"", 12100),
        ("text/xml", b"<html/>", 12100),
        ("text/xml", b"<response/>", 12100),
        ("text/xml", b"<Response>" + b" " * 70_000 + b"</Response>", 11750),
    ],
)
def test_what_is_no_twiml_is_refused(content_type, body, code):
    with pytest.raises(TwimlError) as refused:
        parse(content_type, body)
    assert refused.value.code == code


def test_plain_text_is_read_aloud_unless_it_is_twiml():
    assert parse("text/plain", b"Hello").verbs[0].text == "Hello"
    assert parse("text/plain; charset=utf-8", b"<Response><Hangup/></Response>").verbs[0].name == "Hangup"


@pytest.mark.parametrize(
    "document",
    [
        "<Shout>Hi</Shout>",
        "<Say Voice='x'>Hi</Say>",
        "<Connect><Strem url='wss://h'/></Connect>",
        "<say>Hi</say>",
    ],
)
def test_unknown_names_are_passed_over_and_noted(document):
    assert len(parse("text/xml", f"<Response>{document}</Response>".encode()).warnings) == 1


def test_ssml_inside_say_is_spoken():
    (verb,) = parse("text/xml", b"<Response><Say>Hi <break/> <emphasis>Al</emphasis></Say></Response>").verbs
    assert verb.text.split() == ["Hi", "Al"]


# --- Verbs ---------------------------------------------------------------------------------------


async def test_verbs_run_in_order_and_the_end_of_the_document_hangs_up(shop):
    call = await ring(shop, twiml("<Say>One</Say><Pause length='0.1'/><Say loop='2'>Two</Say>"))
    assert call.timeline.says == ["One", "Two", "Two"]
    assert call.ended_by == "carrier"
    assert call.timeline.sound_at(0) == "ringing"
    assert call.timeline.at(call.now_ms()) is None


async def test_hang_up_ends_the_call_there(shop):
    call = await ring(shop, twiml("<Say>One</Say><Hangup/><Say>Two</Say>"))
    assert call.timeline.says == ["One"]
    assert call.ended_by == "server"


async def test_reject_does_not_answer_and_must_come_first(shop):
    call = await ring(shop, twiml("<Reject reason='busy'/>"))
    assert (call.status, call.answered_ms) == ("busy", None)
    assert shop.to(STATUS)[0].form["CallStatus"] == "busy"
    call = await ring(shop, twiml("<Say>Hi</Say><Reject/>"))
    assert (call.status, codes(call)) == ("completed", [12200])


async def test_redirect_leaves_the_document(shop):
    shop.replies["/next"] = twiml("<Say>There</Say>")
    call = await ring(shop, twiml("<Redirect method='POST'>/next</Redirect><Say>Here</Say>"))
    assert call.timeline.says == ["There"]
    assert shop.to("/next")[0].form["CallStatus"] == "in-progress"


async def test_documents_that_go_in_circles_are_stopped(shop):
    call = await ring(shop, twiml(f"<Redirect>{VOICE}</Redirect>"))
    assert codes(call) == [12101]


@pytest.mark.parametrize(
    ("outcome", "status"), [("answered", "completed"), ("busy", "busy"), ("no-answer", "no-answer")]
)
async def test_dial_tells_its_action_how_it_went(shop, outcome, status):
    shop.replies["/dialed"] = twiml("<Hangup/>")
    far_end = FarEnd(outcome, rings_s=0.01, talks_s=0.01)
    document = twiml(
        "<Dial action='/dialed' timeout='5'><Number>+15550001111</Number></Dial><Say>Never</Say>"
    )
    call = await ring(shop, document, far_end=far_end)
    form = shop.to("/dialed")[0].form
    assert form["DialCallStatus"] == status
    assert ("DialCallDuration" in form) is (outcome == "answered")
    assert call.timeline.all_of("dial")[0].text == "+15550001111"
    assert call.timeline.says == []


async def test_dial_without_an_action_goes_on_with_the_next_verb(shop):
    call = await ring(
        shop, twiml("<Dial>+15550001111</Dial><Say>Sorry</Say>"), far_end=FarEnd("busy", rings_s=0)
    )
    assert call.timeline.says == ["Sorry"]


async def test_a_recording_is_announced_to_its_action_and_its_callback(shop):
    shop.replies["/recorded"] = shop.replies["/stored"] = twiml("<Hangup/>")
    document = twiml(
        "<Record action='/recorded' maxLength='120' recordingStatusCallback='/stored'/><Say>No</Say>"
    )
    call = await ring(shop, document)
    assert shop.to("/recorded")[0].form["RecordingSid"].startswith("RE")
    assert shop.to("/recorded")[0].form["RecordingDuration"] == "1"
    assert shop.to("/stored")[0].form["RecordingStatus"] == "completed"
    assert call.timeline.all_of("record")
    assert call.timeline.says == []


async def test_gather_posts_the_digits_or_moves_on(shop):
    shop.replies["/digits"] = twiml("<Say>Thank you</Say>")
    document = twiml(
        "<Gather action='/digits' numDigits='1' timeout='0.05'><Say>Press one</Say></Gather><Say>Bye</Say>"
    )
    call = await ring(shop, document, Script(digits="1"))
    assert shop.to("/digits")[0].form["Digits"] == "1"
    assert call.timeline.says == ["Press one", "Thank you"]
    call = await ring(shop, document)
    assert call.timeline.says == ["Press one", "Bye"]


@pytest.mark.parametrize(
    ("attributes", "answer", "posted"),
    [
        ("", "12#34", {"Digits": "12"}),
        ("numDigits='1'", "12", {"Digits": "1"}),
        ("numDigits='1'", "#", None),  # the finishing key counts only after others
        ("numDigits='1' finishOnKey=''", "#", {"Digits": "#"}),
        ("numDigits='1' finishOnKey=''", "*", {"Digits": "*"}),
        ("finishOnKey='*'", "5#5*1", {"Digits": "5#5"}),
        ("", "a haircut", None),
        ("input='speech'", "1", None),
        ("input='speech'", "a haircut", {"SpeechResult": "a haircut", "Confidence": "0.9"}),
        ("input='dtmf speech'", "a haircut", {"SpeechResult": "a haircut", "Confidence": "0.9"}),
        ("input='dtmf speech'", "1#", {"Digits": "1"}),
        ("input='dtmf speech' actionOnEmptyResult='true'", "", {"Digits": ""}),
        ("input='dtmf speech'", "", None),
    ],
)
async def test_gather_listens_to_what_it_asks_for(shop, attributes, answer, posted):
    shop.replies["/answered"] = twiml("<Hangup/>")
    document = twiml(f"<Gather action='/answered' {attributes}><Say>Well</Say></Gather><Say>Bye</Say>")
    call = await ring(shop, document, Script(answers=(answer,)), silence_s=0.02)
    asked = [request.form for request in shop.to("/answered")]
    assert [{key: form[key] for key in posted or {} if key in form} for form in asked] == (
        [] if posted is None else [posted]
    )
    assert call.timeline.says == (["Well", "Bye"] if posted is None else ["Well"])
    assert call.warnings == []


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ("input='voice'", 12200),
        ("finishOnKey='##'", 13310),
        ("method='PUT'", 13312),
        ("timeout='0.5'", 13313),
        ("numDigits='0'", 13314),
        ("input='speech' speechTimeout='now'", 13327),
        ("input='speech' speechTimeout='auto' speechModel='phone_call'", 13327),
        ("input='speech' language='English'", 12200),
    ],
)
async def test_gather_warns_of_what_it_cannot_read(shop, attributes, code):
    call = await ring(shop, twiml(f"<Gather {attributes}/>"), silence_s=0.02)
    assert codes(call) == [code]


async def test_gather_without_an_action_asks_its_own_document_again(shop):
    call = await ring(
        shop,
        lambda request: twiml("<Hangup/>" if "Digits" in request.form else "<Gather numDigits='1'/>"),
        Script(answers=("1",)),
    )
    assert [request.form.get("Digits") for request in shop.to(VOICE)] == [None, "1"]
    assert call.ended_by == "server"


async def test_a_caller_may_hang_up_at_any_verb(shop):
    call = await ring(shop, twiml("<Pause length='30'/>"), Script(hang_up_after_s=0.05))
    assert call.ended_by == "caller"
    assert (call.ended_ms or 0) < 2000


# --- <Connect><Stream> ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        ("<Stream url='wss://127.0.0.1/media-stream?token=1'/>", 31920),
        ("<Stream url='ws://media.example.com/media-stream'/>", 31922),
        ("<Stream url='wss://127.0.0.1/media-stream' track='both_tracks'/>", 31941),
        ("<Stream url='ws://127.0.0.1:9/media-stream'/>", 31902),
        ("", 12200),
    ],
)
async def test_a_stream_that_cannot_be_opened_goes_on_to_the_action(shop, stream, code):
    shop.replies["/ended"] = twiml("<Say>We are sorry.</Say>")
    call = await ring(shop, twiml(f"<Connect action='/ended'>{stream}</Connect><Say>Next</Say>"))
    assert code in codes(call)
    assert call.timeline.says == ["We are sorry."]


async def test_a_refused_handshake_is_reported_to_the_streams_callback(shop):
    shop.replies["/stream"] = twiml("")
    stream = f"<Stream url='{shop.stream_url}' name='a' statusCallback='/stream'/>"
    document = f"<Connect>{stream}</Connect><Say>Next</Say>"
    call = await ring(shop, twiml(document))
    assert codes(call) == [31920]
    assert call.timeline.says == ["Next"]
    form = shop.to("/stream")[0].form
    assert (form["StreamEvent"], form["StreamName"]) == ("stream-error", "a")
    assert "403" in form["StreamError"]
    assert form["Timestamp"].endswith("Z")


async def test_a_parameter_of_500_characters_is_lost(shop):
    parameters = f"<Parameter name='long' value='{'x' * 496}'/><Parameter name='token' value='t'/>"
    document = f"<Connect><Stream url='ws://127.0.0.1:9/'>{parameters}</Stream></Connect>"
    call = await ring(shop, twiml(document))
    assert call.stream.parameters == {"token": "t"}
    assert 12200 in codes(call)
