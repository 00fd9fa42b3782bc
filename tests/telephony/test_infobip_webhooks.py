"""Infobip's events: who may send them, what they lead to, and what repeated, late and strange ones do not."""

import asyncio
import base64
import json
import socket

import httpx2
import pytest
from django.test import Client
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from telephony import calls
from telephony.carriers.infobip import errands, events, steps
from telephony.carriers.infobip.addresses import is_private, media_secret, read_media_secret
from telephony.dialplan import find_destination, route
from telephony.incoming import IncomingCall
from telephony.ladder import Rung
from telephony.models import Call, Carrier, PhoneNumber
from telephony.simulators.infobip import Faults
from telephony.simulators.infobip.account import Account
from telephony.simulators.infobip.refusals import Refused
from telephony.simulators.twilio import FarEnd, Script
from tenants.credentials import set_secret
from tenants.models import Credential, Tenant
from tenants.scoping import in_tenant, in_thread, platform_scope, tenant_scope
from tests.exchange import (
    CALLER,
    INFOBIP_NUMBER,
    INFOBIP_SECRET,
    UNHEARD_OF,
    add_infobip_number,
    open_infobip_exchange,
)
from tests.telephony.far_ends import received
from tonris import demo

pytestmark = pytest.mark.django_db(transaction=True)

EVENTS = "/api/webhooks/infobip/calls"


@pytest.fixture
def asked(monkeypatch) -> list[tuple]:
    """What would be done at Infobip after an event."""
    wanted: list[tuple] = []
    monkeypatch.setattr(errands, "run", lambda work, after_s=0.0: wanted.append(work))
    return wanted


@pytest.fixture
def salon_line(salon, settings) -> Tenant:
    settings.INFOBIP_WEBHOOK_SECRET = INFOBIP_SECRET
    add_infobip_number(salon)
    return salon


def basic(password: str = INFOBIP_SECRET, user: str = "tonris") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def post(event, path: str = EVENTS, headers: dict[str, str] | None = None):
    body = event if isinstance(event, str | bytes) else json.dumps(event)
    sent = basic() if headers is None else headers
    return Client().post(path, body, content_type="application/json", headers=sent)


def finished(call_id: str, state: str = "FINISHED", kind: str = "CALL_FINISHED", **more):
    log = {
        "callId": call_id, "state": state, "direction": "INBOUND", "duration": 190, "to": INFOBIP_NUMBER[1:],
        "from": CALLER[1:], "endpoint": {"type": "PHONE", "phoneNumber": CALLER[1:]}, **more,
    }  # fmt: skip
    return {
        "type": kind, "callId": call_id, "timestamp": "2026-11-20T09:03:12.500+0000", "properties": {"callLog": log}
    }  # fmt: skip


def established(call_id: str):
    return {**received(call_id), "type": "CALL_ESTABLISHED"}


def recorded() -> list[Call]:
    with platform_scope():
        return list(Call.objects.filter(carrier=Carrier.INFOBIP))


# --- Where we ask --------------------------------------------------------------------------------


async def test_whatever_base_an_event_names_the_configured_one_is_asked(salon):
    """All of a call's events name a server of somebody else's, which listens: our key must not get there."""
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        theirs = f"http://127.0.0.1:{elsewhere.getsockname()[1]}"
        async with open_infobip_exchange(salon) as exchange:
            event = received("foreign-1")
            event["properties"]["apiBaseUrl"] = theirs
            event["apiBaseUrl"] = theirs
            async with httpx2.AsyncClient(trust_env=False) as client:
                for kind in ("CALL_RECEIVED", "CALL_ESTABLISHED"):
                    sent = {**event, "type": kind}
                    answer = await client.post(exchange.base_url + EVENTS, json=sent, headers=basic())
                    assert answer.status_code == 200
                    await in_thread(errands.finish)
            asked = [path for _, path, _, _ in exchange.infobip.rest.requests]
        assert any("foreign-1" in path for path in asked)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


# --- Who may send them ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", [EVENTS, "/webhook"])
def test_basic_authentication_opens_both_addresses(salon_line, asked, path):
    assert post(received("c1"), path).status_code == 200
    assert len(asked) == 1


def test_a_new_call_belongs_to_whom_it_came_to_whatever_parent_it_names(salon_line, garage, asked):
    """One tenant's secret rings nobody else's line."""
    with tenant_scope(garage):
        set_secret(garage, Credential.Name.INFOBIP_WEBHOOK_SECRET, "garage's own")
        PhoneNumber.objects.update(carrier=Carrier.INFOBIP)
        number = PhoneNumber.objects.get().e164
    assert post(received("own", number), headers=basic("garage's own")).status_code == 200
    with tenant_scope(garage):
        Call.objects.update_or_create(
            carrier=Carrier.INFOBIP, carrier_call_id="own", defaults={"tenant": garage, "to_e164": number}
        )
    asked.clear()
    forged = received("new")
    forged["properties"]["call"]["parentCallId"] = "own"
    assert post(forged, headers=basic("garage's own")).status_code == 401
    assert post(received("own"), headers=basic("garage's own")).status_code == 403
    assert asked == []
    with tenant_scope(salon_line):
        assert not Call.objects.exists()


@pytest.mark.parametrize("path", [EVENTS, "/webhook"])
def test_the_secret_may_be_the_last_segment_of_the_path(salon_line, asked, path):
    assert post(received("c1"), f"{path}/{INFOBIP_SECRET}", {}).status_code == 200
    assert post(received("c2"), f"{path}/guessed", {}).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("wrong"),
        basic(""),
        basic(user="somebody"),
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()},
        {"Authorization": f"App {INFOBIP_SECRET}"},
        {"Authorization": f"Bearer {INFOBIP_SECRET}"},
    ],
)
@pytest.mark.parametrize("to", [INFOBIP_NUMBER, "+15550000000"])
def test_without_the_secret_nothing_happens(salon_line, asked, headers, to):
    answer = post(received("c1", to), headers=headers)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Basic")
    assert (asked, recorded()) == ([], [])


def test_without_any_secret_configured_everybody_is_refused(salon_line, asked, settings):
    settings.INFOBIP_WEBHOOK_SECRET = ""
    assert post(received("c1"), headers=basic("")).status_code == 401
    assert post(received("c1"), headers={}).status_code == 401


def test_a_tenants_own_secret_takes_the_place_of_the_platforms(salon_line, asked):
    with tenant_scope(salon_line):
        set_secret(salon_line, Credential.Name.INFOBIP_WEBHOOK_SECRET, "salons-own")
    assert post(received("c1")).status_code == 401
    assert post(received("c1"), headers=basic("salons-own")).status_code == 200


def test_a_tenants_secret_is_not_good_for_another_tenants_number(salon_line, garage, asked):
    add_infobip_number(garage, "+15551230002")
    with tenant_scope(salon_line):
        set_secret(salon_line, Credential.Name.INFOBIP_WEBHOOK_SECRET, "salons-own")
    assert post(received("c1", "+15551230002"), headers=basic("salons-own")).status_code == 401


@pytest.mark.parametrize(
    ("own", "others", "status"),
    [("simulated", None, 200), (None, None, 200), ("mine", None, 403), (None, "simulated", 403)],
)
def test_the_calls_configuration_must_be_that_of_the_number(salon_line, garage, asked, own, others, status):
    for tenant, configuration in ((salon_line, own), (garage, others)):
        if configuration:
            with tenant_scope(tenant):
                row = Tenant.objects.get(pk=tenant.pk)
                row.settings["infobipCallsConfigurationId"] = configuration
                row.save()
    assert post(received("c1")).status_code == status
    assert len(asked) == len(recorded()) == (status == 200)


def test_the_called_number_decides_whatever_carrier_it_was_written_down_for(salon_line, asked):
    assert post(received("c1", demo.SALON.number)).status_code == 200
    (call,) = recorded()
    assert (call.tenant_id, call.carrier) == (salon_line.pk, Carrier.INFOBIP)


def test_calls_over_infobip_may_have_an_agent_of_their_own(salon_line, asked):
    with tenant_scope(salon_line):
        row = Tenant.objects.get()
        row.settings["infobipAgentId"] = "agent_wideband"
        row.save()
    destination = find_destination(INFOBIP_NUMBER)
    assert route(destination, Carrier.INFOBIP).agent_id == "agent_wideband"
    assert route(destination).agent_id == "agent_demo_salon"


# --- What they say -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", ["{", "[]", "{}", '{"type":7}', '{"type":"CALL_RECEIVED","callId":"%s"}' % ("x" * 129)]
)
def test_what_is_no_event_is_told_so(salon_line, asked, body):
    assert post(body).status_code == 400
    assert post(body, headers={}).status_code == 401


@pytest.mark.parametrize(
    "event",
    [
        {"type": "CALL_RECEIVED"},
        {"type": "CALL_RECEIVED", "properties": []},
        {"type": "CALL_RECEIVED", "callId": "c1", "properties": {"call": {"to": 7, "endpoint": []}}},
        {"type": "WEATHER_CHANGED", "callId": "c1", "properties": {"x": [None]}},
        {"type": "CONFERENCE_STARTED", "conferenceId": "f1"},
        {
            "type": "DIALOG_FINISHED",
            "dialogId": "d1",
            "properties": {"dialog": {"parentCall": {"id": "nobody"}}},
        },
        finished("unknown", to=""),
        {
            **received("child"),
            "properties": {"call": {"id": "child", "direction": "OUTBOUND", "parentCallId": "p"}},
        },
    ],
)
def test_strange_and_unknown_events_are_acknowledged(salon_line, asked, event):
    assert post(event).status_code == 200
    assert (asked, recorded()) == ([], [])


def test_an_event_of_an_unknown_call_is_acknowledged_and_logged(salon_line, asked, caplog):
    with caplog.at_level("INFO", logger="telephony.carriers.infobip.course"):
        assert post(established("c999")).status_code == 200
    assert "Infobip told of a call that is not ours: CALL_ESTABLISHED of c999" in caplog.messages
    assert (asked, recorded()) == ([], [])


@pytest.mark.parametrize(
    ("own", "garages", "step"),
    [
        (
            "mine",
            "",
            "it is nobody's here, salon has 'mine'. Run `manage.py provision salon --carrier-only`, and",
        ),
        ("mine", "another", "it is another business's, salon has 'mine'. Run `manage.py provision salon"),
        ("", "another", "salon has none yet. Run `manage.py provision salon --carrier-only`."),
    ],
)
def test_an_event_of_another_configuration_is_refused_with_a_reason_and_the_log_names_the_step(
    salon_line, garage, asked, caplog, own, garages, step
):
    for tenant, configuration in ((salon_line, own), (garage, garages)):
        with tenant_scope(tenant):
            row = Tenant.objects.get(pk=tenant.pk)
            row.settings["infobipCallsConfigurationId"] = configuration
            row.save()
    with caplog.at_level("WARNING", logger="tonris.security"):
        answer = post(received("c1", callsConfigurationId="another"))
    assert (answer.status_code, answer.json()) == (
        403,
        {
            "success": False,
            "error": "The calls configuration is not that of the called number",
            "code": "FORBIDDEN",
        },
    )
    [logged] = [one for one in caplog.messages if "calls configuration" in one]
    assert logged.startswith("An event came over another calls configuration ('another') than the number's: ")
    assert step.replace("salon", salon_line.slug) in logged
    assert (asked, recorded()) == ([], [])


def test_a_number_comes_with_and_without_its_plus(salon_line, asked):
    event = received("c1")
    event["properties"]["call"]["to"] = INFOBIP_NUMBER
    event["properties"]["call"]["from"] = "anonymous"
    event["properties"]["call"]["endpoint"] = {"type": "PHONE"}
    post(event)
    (call,) = recorded()
    assert (call.to_e164, call.from_e164, call.state) == (INFOBIP_NUMBER, "", Call.State.RINGING)


@pytest.mark.parametrize(
    ("told", "e164"), [("(212) 555-0123", "+12125550123"), ("12125550123", "+12125550123"), ("1001", "")]
)
def test_a_caller_in_national_format_is_read_by_the_called_numbers_country(salon_line, asked, told, e164):
    event = received("c1", demo.SALON.number)
    event["properties"]["call"]["from"] = told
    post(event)
    assert [call.from_e164 for call in recorded()] == [e164]


def test_ids_have_as_many_characters_as_infobip_gives_them(salon_line, asked):
    """128: its SDK says so. Ids that differ in the last one are two."""
    call_id, legs = "c" * 128, [f"{'l' * 127}{nth}" for nth in range(2)]
    assert post(received(call_id, callsConfigurationId="k" * 128)).status_code == 200
    (call,) = recorded()
    assert (call.carrier_call_id, call.carrier_account_id) == (call_id, "k" * 128)
    with tenant_scope(salon_line):
        assert call.conversation.carrier_call_id == call_id
        noted = [
            calls.add_event(salon_line.pk, call.pk, "leg_over", dedupe_key=f"over:{leg}") for leg in legs
        ]
    assert noted == [True, True]


def test_a_call_that_is_received_twice_is_answered_once(salon_line, asked):
    for _ in range(3):
        assert post(received("c1")).status_code == 200
    assert len(asked) == 1
    (call,) = recorded()
    assert call.stream_token_hash  # and the token of the dialog that is being made is still the one


@pytest.mark.parametrize("kind", ["CALL_FINISHED", "CALL_FAILED"])
def test_a_call_that_has_ended_stays_ended_whatever_comes_late(salon_line, asked, kind):
    post(received("c1"))
    post(finished("c1", kind=kind, state="FINISHED"))
    post(established("c1"))
    post(received("c1"))
    (call,) = recorded()
    assert (call.state, call.duration_seconds) == (Call.State.COMPLETED, 190)
    assert call.stream_token_hash == ""


@pytest.mark.parametrize(
    ("state", "ours"),
    [
        ("NO_ANSWER", "no-answer"),
        ("BUSY", "busy"),
        ("CANCELLED", "canceled"),
        ("FAILED", "failed"),
        ("", "failed"),
    ],
)
def test_how_a_call_failed_is_told_in_our_words(salon_line, asked, state, ours):
    post(received("c1"))
    post(finished("c1", state, "CALL_FAILED"))
    assert recorded()[0].state == ours


@pytest.mark.parametrize("agent", ["agent_demo_salon", ""])
def test_an_end_that_comes_before_its_beginning_leaves_nothing_to_answer(salon_line, asked, agent):
    with tenant_scope(salon_line):
        row = Tenant.objects.get()
        row.settings["elevenLabsAgentId"] = agent
        row.save()
    post(finished("c1"))
    post(received("c1"))
    assert asked == []
    assert recorded()[0].state == Call.State.COMPLETED


def test_events_read_both_generations_of_names():
    event = events.parse({"type": "CALL_RECEIVED", "callId": "c1", "applicationId": "old"})
    assert event.configuration_id == "old"


def test_addresses_of_media_sockets_are_of_one_tenant_and_rate(salon, garage):
    secret = media_secret(salon.pk, 16000)
    assert read_media_secret(secret) == (salon.pk, 16000)
    for wrong in (
        secret.replace("16000", "24000"),
        secret.replace(salon.pk.hex, garage.pk.hex),
        secret[:-1],
        secret + "0",
        "",
        "x",
    ):
        assert read_media_secret(wrong) is None


@pytest.mark.parametrize(
    ("url", "debug", "private"),
    [
        ("wss://media.example.com/x", False, True),
        ("ws://127.0.0.1:8000/x", True, True),
        ("ws://localhost/x", True, True),
        ("ws://127.0.0.1:8000/x", False, False),
        ("ws://media.example.com/x", True, False),
        ("ws://10.0.0.1/x", True, False),
    ],
)
def test_only_this_machine_may_be_called_without_tls(settings, url, debug, private):
    settings.DEBUG = debug
    assert is_private(url) is private


# --- With Infobip at the other end ---------------------------------------------------------------


async def test_a_number_that_is_nobodys_is_rejected(salon, settings):
    async with open_infobip_exchange(salon) as exchange:
        call = await exchange.call(Script(hang_up_after_s=5.0), to="+15550009999")
    assert [status for _, status in call.events] == [200, 200]
    assert call.actions == [("hangup", {"errorCode": "REJECTED"})]
    assert call.answered_ms is None


async def test_the_dialog_is_as_the_vendor_wants_it_and_goes_to_the_configured_host(salon, settings):
    async with open_infobip_exchange(salon) as exchange:
        call = await exchange.call(Script(hang_up_after_s=1.0))
        await exchange.settled(call)
        (made,) = [body for name, body in call.actions if name == "dialogs"]
        (config,) = exchange.infobip.account.media_configs.values()
    child = made["childCallRequest"]
    assert child["endpoint"] == {"type": "WEBSOCKET", "websocketEndpointConfigId": config["id"]}
    assert child["customData"].keys() == {"callId", "token"}
    assert child["customData"]["callId"] == call.sid
    assert made["propagationOptions"] == {"childCallHangup": False}
    assert made["maxDuration"] == settings.MAX_CALL_SECONDS + 60
    assert (config["type"], config["sampleRate"]) == ("WEBSOCKET_ENDPOINT", "16000")
    # The events named another host as their base: nothing went there, or nothing would have come of it.
    assert call.warnings == []


async def test_events_that_come_three_times_and_late_change_nothing(salon, settings):
    faults = Faults(event_copies=3, late_events=frozenset({"CALL_ESTABLISHED", "DIALOG_CREATED"}))
    async with open_infobip_exchange(salon, faults=faults) as exchange:
        call = await exchange.call(Script(hang_up_after_s=2.0))
        await exchange.settled(call)
        assert len(exchange.vendor.sessions) == 1
    assert [name for name, _ in call.actions] == ["dialogs"]
    (record,) = await in_thread(recorded)
    assert (record.state, record.outcome) == (Call.State.COMPLETED, "caller_hung_up")


async def test_a_lost_word_of_the_dialogs_end_is_made_up_for_by_its_legs(salon, settings):
    faults = Faults(lost_events=frozenset({"DIALOG_FINISHED", "DIALOG_FAILED"}))
    async with open_infobip_exchange(salon, faults=faults, default_agent=UNHEARD_OF) as exchange:
        call = await exchange.call(Script(hang_up_after_s=20.0))
        await exchange.settled(call)
    assert call.timeline.all_of("dial")
    assert call.ended_by != "caller"


async def test_a_media_configuration_that_is_gone_is_made_again(salon, settings):
    async with open_infobip_exchange(salon) as exchange:
        await exchange.call(Script(hang_up_after_s=1.0))
        exchange.infobip.account.media_configs.clear()
        call = await exchange.call(Script(hang_up_after_s=1.5))
        await exchange.settled(call)
    assert call.first_audio_ms is not None
    kept = await in_tenant(salon.pk, Tenant.objects.get)
    assert list(kept.settings["infobipMediaConfigs"].values()) == list(exchange.infobip.account.media_configs)


async def test_an_infobip_that_makes_no_dialog_leaves_the_caller_to_a_person_by_another_way(salon, settings):
    faults = Faults(rest=[("/dialogs", 500), ("/dialogs", 500)])
    async with open_infobip_exchange(salon, faults=faults) as exchange:
        call = await exchange.call(Script(hang_up_after_s=20.0))
    assert [name for name, _ in call.actions] == ["answer", "say", "connect", "hangup"]
    assert call.timeline.all_of("dial")


async def test_a_leg_that_may_have_no_second_dialog_is_connected(salon, settings):
    faults = Faults(one_dialog_only=True)
    async with open_infobip_exchange(salon, faults=faults, default_agent=UNHEARD_OF) as exchange:
        call = await exchange.call(Script(hang_up_after_s=20.0))
    assert "connect" in [name for name, _ in call.actions]
    assert call.timeline.all_of("dial")
    assert call.ended_by == "server"


async def test_a_say_that_fails_stops_nobody_on_the_ladder(salon, settings):
    async with open_infobip_exchange(
        salon, faults=Faults(say_fails=True), default_agent=UNHEARD_OF
    ) as exchange:
        call = await exchange.call(Script(hang_up_after_s=20.0))
    assert call.timeline.says == []
    assert call.timeline.all_of("dial")


async def test_a_key_ends_the_message(salon, settings):
    async with open_infobip_exchange(salon, default_agent=UNHEARD_OF, far_end=FarEnd("busy")) as exchange:
        call = await exchange.call(Script(digits="#", hang_up_after_s=30.0))
    assert call.timeline.says[-1] == "Thank you. We will call you back. Goodbye."
    assert call.ended_by == "server"


async def test_a_leg_at_another_rate_ends_politely_and_is_on_record(salon, settings):
    faults = Faults(content_type="audio/l16;rate=8000")
    async with open_infobip_exchange(salon, faults=faults) as exchange:
        call = await exchange.call(Script(hang_up_after_s=20.0))
        await exchange.settled(call)
        assert exchange.vendor.sessions == []
    (record,) = await in_thread(recorded)
    assert record.outcome == calls.WRONG_SAMPLE_RATE
    told = await in_tenant(salon.pk, lambda: record.events.get(kind="wrong_sample_rate").detail["reason"])
    assert "rate=8000" in told
    assert "16000 Hz" in told
    assert call.timeline.all_of("dial")


async def test_an_infobip_that_answers_nothing_holds_up_no_event(salon, settings):
    """Events are answered while everything that we ask of Infobip still waits for its own answer."""
    held = asyncio.Event()
    async with open_infobip_exchange(salon, faults=Faults(rest_held=held)) as exchange:
        call = await exchange.infobip.place_call(exchange.number, CALLER, Script(hang_up_after_s=10.0))
        async with asyncio.timeout(20):
            while not call.events or not exchange.infobip.rest.held:
                await asyncio.sleep(0.02)
        assert [(event["type"], answered) for event, answered in call.events] == [("CALL_RECEIVED", 200)]
        assert call.dialogs == []
        held.set()
        await asyncio.wait_for(call.agent_spoke.wait(), 20)
        call.hang_up()
        await asyncio.wait_for(call.over.wait(), 20)
        await exchange.settled(call)
    assert {answered for _, answered in call.events} == {200}


async def test_a_token_is_of_no_use_at_another_tenants_address(salon, garage, settings):
    async with open_infobip_exchange(salon) as exchange:
        token = await in_thread(_token)
        url = (
            f"{exchange.base_url.replace('http', 'ws')}/media-stream/infobip/{media_secret(garage.pk, 16000)}"
        )
        async with connect(url, proxy=None, compression=None) as socket:
            first = {"event": "websocket:connected", "callId": "c1", "token": token}
            await socket.send(json.dumps(first))
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 5)
        assert socket.close_code == 1008
        assert exchange.vendor.signed_url_requests == []


def _token() -> str | None:
    incoming = IncomingCall("c1", "", CALLER, INFOBIP_NUMBER, carrier=Carrier.INFOBIP)
    return calls.open_call(incoming, route(find_destination(INFOBIP_NUMBER)))


async def test_custom_data_in_an_object_opens_the_call_too(salon, settings):
    async with open_infobip_exchange(salon, faults=Faults(nested_custom_data=True)) as exchange:
        call = await exchange.call(Script(hang_up_after_s=1.5))
        await exchange.settled(call)
    assert call.first_audio_ms is not None


async def test_a_media_process_that_is_gone_leaves_the_caller_to_a_person(salon, settings):
    async with open_infobip_exchange(salon, faults=Faults(drops_socket_after_s=1.0)) as exchange:
        call = await exchange.call(Script(hang_up_after_s=20.0))
        await exchange.settled(call)
    assert call.timeline.all_of("dial")
    (record,) = await in_thread(recorded)
    assert record.outcome == calls.STREAM_LOST


async def test_frames_are_whole_in_time_and_never_far_ahead(salon, settings):
    async with open_infobip_exchange(salon) as exchange:
        call = await exchange.call(Script(hang_up_after_s=4.0))
        await exchange.settled(call)
        stream = call.sockets[0]
    assert {size for _, size in stream.frames_received} == {640}
    first, last = stream.frames_received[0][0], stream.frames_received[-1][0]
    sent_ms = 20 * len(stream.frames_received)
    assert sent_ms <= last - first + 200
    assert stream.audio_heard.strip(b"\x00")


async def test_no_secret_is_in_the_logs(salon, settings, caplog):
    async with open_infobip_exchange(salon) as exchange:
        call = await exchange.call(Script(hang_up_after_s=1.5))
        await exchange.settled(call)
    token = call.sockets[0].custom_data["token"]
    text = "\n".join(record.getMessage() for record in caplog.records if record.name != "httpx2")
    for secret in (
        token,
        CALLER,
        INFOBIP_NUMBER,
        INFOBIP_SECRET,
        settings.INFOBIP_API_KEY,
        media_secret(salon.pk, 16000),
    ):
        assert secret not in text


def test_each_step_of_the_ladder_is_taken_once(salon_line, asked, monkeypatch):
    acts: list[str] = []

    def ask(call: Call, action: str, *details: object) -> bool:
        acts.append(action)
        return True

    monkeypatch.setattr(steps, "_ask", ask)
    post(received("c1"))
    call = calls.find_call("c1", Carrier.INFOBIP)
    assert call
    for _ in range(3):
        steps.begin(call, Rung.APOLOGY)
    assert acts == ["answer"]
    call.state = Call.State.IN_PROGRESS
    for _ in range(3):
        steps.established(call)
        steps.said(call)
    assert acts == ["answer", "say", "hang_up"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"sampleRate": 16000},
        {"sampleRate": "48000"},
        {"url": "https://x.example.com"},
        {"url": "ws://x.example.com"},
        {"securityConfig": {}},
        {"name": "x" * 129},
    ],
)
def test_the_simulator_refuses_what_infobip_refuses(wrong: dict[str, object]):
    good = {"type": "WEBSOCKET_ENDPOINT", "name": "x", "url": "wss://x.example.com", "sampleRate": "16000"}
    account = Account("key")
    assert account.create_media_config(good)["id"]
    with pytest.raises(Refused):
        account.create_media_config({**good, **wrong})
