"""The agent's server at the far end of the wire is as strict, and as rude, as the vendor's."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agents.simulators.audio import Format, mulaw_to_pcm16, pcm16_to_mulaw
from agents.simulators.elevenlabs import AgentProfile, Behaviour, Close, ElevenLabsSimulator
from agents.simulators.elevenlabs.behaviour import BAD_JSON, FLAT_ERROR, FOREVER, HUGE_FRAME
from agents.simulators.elevenlabs.postcall import sign
from agents.simulators.elevenlabs.profile import CLIENT_EVENTS, OVERRIDABLE
from agents.simulators.scenarios import BOOKING, OPENING_HOURS, Facts
from agents.simulators.tones import add_tone, heard_tones, tone_hz, tone_level
from agents.simulators.vad import Activity, VoiceActivity
from agents.simulators.voice import MULAW_8K, speak, speech_ms
from tests.peers import Business, Request, as_json

BRISK = 300.0  # characters a second: the agent's sentences take an instant
INITIATION = {"type": "conversation_initiation_client_data"}
QUIET = b"\xff" * 4800  # 600 ms: the end of anything said before
Event = dict[str, Any]


class Phone:
    """A client that behaves, unless a test makes it misbehave."""

    def __init__(self, socket: ClientConnection, *, answers_pings: bool = True) -> None:
        self.socket = socket
        self.events: list[Event] = []
        self._answers_pings = answers_pings

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def speak(self, text: str = "a few words") -> None:
        """At once, not at the speed of speech: the agent counts audio, not seconds."""
        await self.hear(speak(text) + QUIET)

    async def hear(self, audio: bytes) -> None:
        await self.send(user_audio_chunk=base64.b64encode(audio).decode())

    async def receive(self) -> Event:
        event: Event = json.loads(await asyncio.wait_for(self.socket.recv(), 5))
        self.events.append(event)
        if event["type"] == "ping" and self._answers_pings:
            await self.send(type="pong", event_id=event["ping_event"]["event_id"])
        return event

    async def until(self, *kinds: str) -> Event:
        while (event := await self.receive())["type"] not in kinds:
            pass
        return event

    async def until_said(self) -> str:
        """The agent's next sentence, all of its audio included."""
        text = (await self.until("agent_response"))["agent_response_event"]["agent_response"]
        while not (await self.until("audio"))["audio_event"].get("is_final"):
            pass
        return str(text)

    async def until_closed(self) -> tuple[int | None, str | None]:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.receive()
        return self.socket.close_code, self.socket.close_reason

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


async def signed_url(simulator: ElevenLabsSimulator, **changes: Any) -> httpx2.Response:
    request = {
        "path": "/v1/convai/conversation/get-signed-url",
        "params": {"agent_id": "agent_x"},
        "headers": {"xi-api-key": simulator.api_key},
        **changes,
    }
    async with httpx2.AsyncClient(trust_env=False, timeout=1.0) as http:
        return await http.get(simulator.base_url + request.pop("path"), **request)


@asynccontextmanager
async def phone(simulator: ElevenLabsSimulator, url: str = "", **choices: Any) -> AsyncIterator[Phone]:
    url = url or (await signed_url(simulator)).json()["signed_url"]
    async with connect(url, proxy=None, compression=None, max_size=2**24, max_queue=None) as socket:
        yield Phone(socket, **choices)


@pytest.fixture
async def simulator() -> AsyncIterator[ElevenLabsSimulator]:
    async with ElevenLabsSimulator(chars_per_second=BRISK) as simulator:
        yield simulator


# --- Signed URLs ---------------------------------------------------------------------------------


async def test_a_signed_url_needs_the_key_an_agent_and_one_that_exists():
    async with ElevenLabsSimulator(agents=[AgentProfile("agent_x")]) as simulator:
        refused = await signed_url(simulator, headers={"xi-api-key": "wrong"})
        assert (refused.status_code, refused.json()["detail"]["status"]) == (401, "invalid_api_key")
        assert (await signed_url(simulator, headers={})).status_code == 401
        assert (await signed_url(simulator, params={})).json()["detail"][0]["loc"] == ["query", "agent_id"]
        assert (await signed_url(simulator, params={"agent_id": "agent_y"})).status_code == 404
        url = (await signed_url(simulator)).json()["signed_url"]
        assert url.startswith(
            f"ws://127.0.0.1:{simulator.base_url.rpartition(':')[2]}/v1/convai/conversation?"
        )
        assert "conversation_signature=cvtkn_" in url


async def test_the_older_spelling_still_works(simulator):
    answer = await signed_url(simulator, path="/v1/convai/conversation/get_signed_url")
    assert answer.status_code == 200


async def test_a_signed_url_can_be_refused_or_never_come(simulator):
    simulator.behaviour = Behaviour(signed_url_status=503)
    assert (await signed_url(simulator)).status_code == 503
    simulator.behaviour = Behaviour(signed_url_delay_s=FOREVER)
    with pytest.raises(httpx2.ReadTimeout):
        await signed_url(simulator)


async def test_a_socket_without_a_good_signature_is_closed(simulator):
    base = simulator.base_url.replace("http", "ws") + "/v1/convai/conversation?agent_id=agent_x"
    for url in (base, f"{base}&conversation_signature=cvtkn_invented"):
        async with phone(simulator, url) as client:
            assert (await client.until_closed())[0] == 1008
    issued = (await signed_url(simulator)).json()["signed_url"]
    async with phone(simulator, issued.replace("agent_x", "agent_y")) as client:
        assert (await client.until_closed())[0] == 1008
    assert not simulator.sessions


async def test_an_unknown_agent_is_closed_with_3000():
    async with ElevenLabsSimulator(agents=[AgentProfile("agent_x", public=True)]) as simulator:
        base = simulator.base_url.replace("http", "ws") + "/v1/convai/conversation"
        async with phone(simulator, f"{base}?agent_id=agent_y") as client:
            assert (await client.until_closed())[0] == 3000
        async with phone(simulator, f"{base}?agent_id=agent_x") as client:
            await client.send(**INITIATION)
            await client.until("conversation_initiation_metadata")


# --- Initiation ----------------------------------------------------------------------------------


async def test_audio_formats_are_the_agents_whatever_the_session_asks_for(simulator):
    overrides = {
        "agent": {
            "agent_output_audio_format": "pcm_16000",
            "first_message": "Salon, hello.",
            "language": "en",
        },
        "tts": {"output_format": "pcm_16000"},
    }
    async with phone(simulator) as client:
        await client.send(**INITIATION, conversation_config_override=overrides)
        metadata = (await client.receive())["conversation_initiation_metadata_event"]
        assert metadata["agent_output_audio_format"] == metadata["user_input_audio_format"] == "ulaw_8000"
        assert await client.until_said() == "Salon, hello."
    session = simulator.sessions[0]
    assert session.ignored_overrides == ("agent.agent_output_audio_format", "tts.output_format")
    assert session.violations == []
    assert session.conversation_id == metadata["conversation_id"]


async def test_an_override_that_the_agent_forbids_ends_the_session():
    profile = AgentProfile(allowed_overrides=OVERRIDABLE - {"agent.first_message"})
    async with ElevenLabsSimulator(default_agent=profile) as simulator, phone(simulator) as client:
        await client.send(**INITIATION, conversation_config_override={"agent": {"first_message": "Hi"}})
        code, _reason = await client.until_closed()
        assert code == 1008
        assert client.types()[0] == "conversation_initiation_metadata"
        assert client.events[-1]["error_event"]["error_type"] == "override_error"


async def test_a_variable_that_the_agent_needs_must_be_given():
    profile = AgentProfile(required_variables=frozenset({"tenant_id"}))
    async with ElevenLabsSimulator(default_agent=profile) as simulator:
        async with phone(simulator) as client:
            await client.send(**INITIATION, dynamic_variables={"vip": True})
            assert (await client.until_closed())[0] == 1008
            assert client.events[-1]["error_event"]["error_type"] == "missing_dynamic_variable"
        async with phone(simulator) as client:
            await client.send(**INITIATION, dynamic_variables={"tenant_id": "t"})
            await client.until("conversation_initiation_metadata")


async def test_the_platforms_own_variables_cannot_be_sent(simulator):
    async with phone(simulator) as client:
        await client.send(**INITIATION, dynamic_variables={"system__caller_id": "+1555", "name": "Al"})
        await client.until("conversation_initiation_metadata")
    assert simulator.sessions[0].variables == {"name": "Al"}
    assert "system__caller_id" in simulator.sessions[0].violations[0]


# --- A client that misbehaves --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "error_type"),
    [
        ('{"type":"user_audio_commit"}', "invalid_message"),
        ('{"type":[]}', "invalid_message"),
        ("{no json", "invalid_message"),
        ("[]", "invalid_message"),
        ('{"user_audio_chunk":"%%%"}', "value_error"),
        ('{"user_audio_chunk":7}', "value_error"),
        ('{"type":"pong"}', "missing_fields"),
        ('{"type":"pong","event_id":"1"}', "value_error"),
        ('{"type":"client_tool_result","tool_call_id":"t","result":{}}', "value_error"),
        (json.dumps(INITIATION), "invalid_message"),
        (b"\x00\x01", "invalid_message"),
    ],
)
async def test_a_broken_message_ends_the_session_with_1008(simulator, frame, error_type):
    async with phone(simulator) as client:
        await client.send(**INITIATION)
        await client.until("conversation_initiation_metadata")
        await client.socket.send(frame)
        assert (await client.until_closed())[0] == 1008
        assert client.events[-1]["error_event"]["error_type"] == error_type
    assert simulator.sessions[0].violations


async def test_nothing_may_come_before_the_initiation(simulator):
    async with phone(simulator) as client:
        await client.hear(QUIET)
        assert (await client.until_closed())[0] == 1008
    assert "before conversation_initiation_client_data" in simulator.sessions[0].violations[0]


@pytest.mark.parametrize(
    "overrides", [{"agent": {"prompt": "You are kind."}}, {"agent": "kind"}, {"tts": ["voice"]}]
)
async def test_overrides_of_the_wrong_shape_are_refused(simulator, overrides):
    async with phone(simulator) as client:
        await client.send(**INITIATION, conversation_config_override=overrides)
        assert (await client.until_closed())[0] == 1008


async def test_pongs_are_matched_with_pings_and_missed_when_they_stay_away():
    behaviour = Behaviour(ping_interval_s=0.05, pong_timeout_s=0.12)
    async with ElevenLabsSimulator(behaviour=behaviour) as simulator:
        async with phone(simulator) as client:
            await client.send(**INITIATION)
            for _ in range(4):
                await client.until("ping")
            await client.send(type="pong", event_id=999)
            await client.until("ping")
        async with phone(simulator, answers_pings=False) as client:
            await client.send(**INITIATION)
            for _ in range(5):
                await client.until("ping")
        good, mute = simulator.sessions
        await mute.wait_ended()
        pings = [e["ping_event"]["event_id"] for e in client.events if e["type"] == "ping"]
        assert pings == sorted(pings)
        assert len(good.pongs) >= 4
        assert [violation for violation in good.violations if "999" not in violation] == []
        assert any("no pong" in violation for violation in mute.violations)


async def test_a_session_without_the_callers_audio_times_out_with_1002():
    behaviour = Behaviour(input_timeout_s=0.2)
    async with ElevenLabsSimulator(behaviour=behaviour) as simulator, phone(simulator) as client:
        await client.send(**INITIATION)
        assert (await client.until_closed())[0] == 1002
        assert client.events[-1]["error_event"]["error_type"] == "transport_receive_timeout"


# --- The dialogue --------------------------------------------------------------------------------

TOOLS = {
    "get_services": {
        "success": True,
        "data": {"services": [{"id": "s0", "name": "Colour"}, {"id": "s1", "name": "Haircut"}]},
    },
    "check_availability": {
        "success": True,
        "message": "I have 9 AM or 10 AM.",
        "data": {
            "slots": [
                {"startTime": "2026-11-23T14:00:00Z", "employeeId": "e1"},
                {"slotId": "slot-2", "startTime": "2026-11-23T15:00:00Z", "employeeId": "e1"},
            ]
        },
    },
    "book_appointment": {"success": True, "message": "You are booked."},
}


@asynccontextmanager
async def business(**changes: Any) -> AsyncIterator[Business]:
    async with Business() as business:
        for name, answer in {**TOOLS, **changes}.items():
            business.replies[f"/api/ai/tools/{name}"] = answer if callable(answer) else as_json(answer)
        business.replies["/api/ai/webhook/elevenlabs"] = as_json({"success": True})
        yield business


async def talk_through(client: Phone, **variables: str) -> list[str]:
    """The whole booking; what the agent said."""
    await client.send(**INITIATION, dynamic_variables=variables)
    said = [await client.until_said()]
    for _ in BOOKING.lines:
        await asyncio.sleep(0.2)  # until the agent's sentence has been heard
        await client.speak()
        said.append(await client.until_said())
    await client.until_closed()
    return said


async def test_a_booking_uses_the_tools_over_http_and_is_reported_afterwards():
    async with (
        business() as shop,
        ElevenLabsSimulator(backend_url=shop.base_url, chars_per_second=BRISK) as simulator,
        phone(simulator) as client,
    ):
        said = await talk_through(client, tenant_id="t1", call_sid="CA1", caller_number="+1555")
        session = simulator.sessions[0]
        await session.wait_finished()
    assert said[1].startswith("I have 9 AM or 10 AM.")
    assert said[2].startswith("You are booked.")
    assert (session.close_code, session.closed_by, session.violations) == (1000, "agent", [])
    assert client.types()[-1] == "agent_tool_response"  # end_call, then the close
    assert session.interruptions == []
    bound = {"conversation_id": session.conversation_id, "tenant_id": "t1", "call_sid": "CA1"}
    looked, booked = (
        shop.to("/api/ai/tools/check_availability")[0],
        shop.to("/api/ai/tools/book_appointment")[0],
    )
    assert json.loads(looked.body) == {"serviceId": "s1", **bound}
    assert json.loads(booked.body) == {
        "customerName": "Alex Taylor",
        "serviceId": "s1",
        "employeeId": "e1",
        "startTime": "2026-11-23T14:00:00Z",
        **bound,
    }
    assert booked.headers["authorization"] == f"Bearer {simulator.webhook_secret}"
    check_report(shop.to("/api/ai/webhook/elevenlabs")[0], simulator.webhook_secret, session.conversation_id)
    assert session.webhook_status == 200


def check_report(request: Request, secret: str, conversation_id: str) -> None:
    stamp, _, digest = request.headers["elevenlabs-signature"].partition(",")
    message = stamp.removeprefix("t=").encode() + b"." + request.body
    assert digest == "v0=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    event = json.loads(request.body)
    assert event["type"] == "post_call_transcription"
    assert isinstance(event["event_timestamp"], int)
    data = event["data"]
    assert data["conversation_id"] == conversation_id
    assert data["conversation_initiation_client_data"]["dynamic_variables"]["tenant_id"] == "t1"
    assert [turn["role"] for turn in data["transcript"]] == ["agent", "user"] * 3 + ["agent"]
    offer = data["transcript"][2]
    assert [call["tool_name"] for call in offer["tool_calls"]] == ["get_services", "check_availability"]
    assert json.loads(offer["tool_calls"][1]["params_as_json"]) == {"serviceId": "s1"}
    assert data["metadata"]["termination_reason"] == "end_call tool was called."


def test_the_signature_is_the_vendors():
    body = (
        b'{"type":"post_call_transcription","event_timestamp":1739537319,'
        b'"data":{"agent_id":"agent_x","conversation_id":"conv_y"}}'
    )
    assert sign(body, "wsec_example_secret", 1739537319) == (
        "t=1739537319,v0=627612cfefea4c87b693a590feadb118494b70551f6c0e3c1ac13766632c9d29"
    )


async def test_a_slot_that_is_gone_makes_the_agent_try_the_next_one_once():
    answers = iter([{"success": False, "message": "That time is taken."}, TOOLS["book_appointment"]])
    async with (
        business(book_appointment=lambda _request: as_json(next(answers))) as shop,
        ElevenLabsSimulator(backend_url=shop.base_url, chars_per_second=BRISK) as simulator,
        phone(simulator) as client,
    ):
        await talk_through(client)
        tried = [json.loads(request.body) for request in shop.to("/api/ai/tools/book_appointment")]
        said = [text for role, text in simulator.sessions[0].transcript if role == "agent"]
    assert tried[0]["startTime"] == "2026-11-23T14:00:00Z"
    assert tried[1]["slotId"] == "slot-2"
    assert "startTime" not in tried[1]
    assert said[2].startswith("That time is taken.")
    assert said[3].startswith("You are booked.")


async def test_a_server_that_is_down_is_a_failed_tool_and_not_the_end():
    async with (
        ElevenLabsSimulator(backend_url="http://127.0.0.1:9", chars_per_second=BRISK) as simulator,
        phone(simulator) as client,
    ):
        said = await talk_through(client)
        await simulator.sessions[0].wait_finished()
    assert "trouble" in said[1]
    assert simulator.sessions[0].tool("get_services").is_error
    assert simulator.sessions[0].webhook_status is None


async def test_the_agent_waits_for_the_callers_voice_and_a_click_is_none(simulator):
    async with phone(simulator) as client:
        await client.send(**INITIATION)
        await client.until_said()
        await client.hear(b"\x00" * 240 + QUIET * 3)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.4):
                await client.until("user_transcript")
        await client.speak()
        event = await client.until("user_transcript")
    assert event["user_transcription_event"]["user_transcript"] == BOOKING.lines[0].text


async def test_an_empty_first_message_makes_the_agent_wait(simulator):
    async with phone(simulator) as client:
        await client.send(**INITIATION, conversation_config_override={"agent": {"first_message": ""}})
        await client.until("conversation_initiation_metadata")
        await client.speak()
        assert (await client.until("user_transcript", "agent_response"))["type"] == "user_transcript"


async def test_the_callers_number_tells_what_they_have_in_mind(simulator):
    async with phone(simulator) as client:
        await client.send(**INITIATION, dynamic_variables={"caller_number": OPENING_HOURS.caller})
        await client.until_said()
        await asyncio.sleep(0.2)
        await client.speak()
        event = await client.until("user_transcript")
    assert event["user_transcription_event"]["user_transcript"] == OPENING_HOURS.lines[0].text


async def test_a_client_tool_is_asked_of_the_session():
    profile = AgentProfile(client_tools=frozenset(TOOLS))
    async with (
        ElevenLabsSimulator(default_agent=profile, chars_per_second=BRISK) as simulator,
        phone(simulator) as client,
    ):
        await client.send(**INITIATION)
        await client.until_said()
        await asyncio.sleep(0.2)
        await client.speak()
        for name in ("get_services", "check_availability"):
            call = (await client.until("client_tool_call"))["client_tool_call"]
            assert call["tool_name"] == name
            await client.send(
                type="client_tool_result",
                tool_call_id=call["tool_call_id"],
                result=json.dumps(TOOLS[name]),
                is_error=False,
            )
        assert call["parameters"] == {"serviceId": "s1"}
        assert (await client.until_said()).startswith("I have 9 AM")
        await client.send(type="client_tool_result", tool_call_id="invented", result="{}")
        await client.send(type="user_message", text="hello")
        await asyncio.sleep(0.05)
    assert "invented" in simulator.sessions[0].violations[0]


async def test_a_client_tool_that_is_never_answered_times_out():
    profile = AgentProfile(client_tools=frozenset(TOOLS), tool_timeout_s=0.05)
    async with (
        ElevenLabsSimulator(default_agent=profile, chars_per_second=BRISK) as simulator,
        phone(simulator) as client,
    ):
        await client.send(**INITIATION)
        await client.until_said()
        await client.speak()
        response = (await client.until("agent_tool_response"))["agent_tool_response"]
        assert (response["is_error"], response["status"]) == (True, "error")


async def test_speaking_over_the_agent_interrupts_it_and_corrects_the_text():
    async with ElevenLabsSimulator(chars_per_second=14) as simulator, phone(simulator) as client:
        first_message = "Hello and welcome to our very lovely little salon."
        await client.send(
            **INITIATION, conversation_config_override={"agent": {"first_message": first_message}}
        )
        await client.until_said()
        await asyncio.sleep(0.7)
        await client.speak()
        interruption = await client.until("interruption")
        correction = (await client.until("agent_response_correction"))["agent_response_correction_event"]
        assert correction["original_agent_response"] == first_message
        assert 0 < len(correction["corrected_agent_response"]) < len(first_message)
        assert first_message.startswith(correction["corrected_agent_response"])
        reply = await client.until("audio")
        assert reply["audio_event"]["event_id"] > interruption["interruption_event"]["event_id"]
    assert simulator.sessions[0].turns[0].interrupted


async def test_stale_audio_has_the_older_id_and_the_reply_the_interruptions_own():
    behaviour = Behaviour(stale_audio=True, pings=False)
    async with (
        ElevenLabsSimulator(behaviour=behaviour, chars_per_second=14) as simulator,
        phone(simulator) as client,
    ):
        await client.send(**INITIATION)
        await client.until_said()
        await client.speak()
        n = (await client.until("interruption"))["interruption_event"]["event_id"]
        assert (await client.until("audio"))["audio_event"]["event_id"] == n - 1
        assert (await client.until("audio"))["audio_event"]["event_id"] == n


async def test_only_the_events_that_the_agent_lists_are_sent():
    profile = AgentProfile(
        client_events=CLIENT_EVENTS - {"agent_response", "ping"} | {"agent_response_complete"}
    )
    async with (
        ElevenLabsSimulator(default_agent=profile, chars_per_second=BRISK) as simulator,
        phone(simulator) as client,
    ):
        await client.send(**INITIATION)
        await client.until("agent_response_complete")
        assert {"agent_response", "ping"}.isdisjoint(client.types())


# --- Faults --------------------------------------------------------------------------------------


async def test_the_handshake_can_be_refused(simulator):
    simulator.behaviour = Behaviour(handshake_status=503)
    with pytest.raises(InvalidStatus) as refused:
        async with phone(simulator):
            pass
    assert refused.value.response.status_code == 503


@pytest.mark.parametrize(
    ("behaviour", "first"),
    [(Behaviour(mute=True), None), (Behaviour(silent=True), "conversation_initiation_metadata")],
)
async def test_it_can_fall_silent(simulator, behaviour, first):
    simulator.behaviour = behaviour
    async with phone(simulator) as client:
        await client.send(**INITIATION)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await client.until("audio")
        assert client.types()[:1] == ([first] if first else [])
        assert client.types() == [] or set(client.types()) <= {first, "ping"}


async def test_metadata_can_stay_away_or_name_other_formats(simulator):
    simulator.behaviour = Behaviour(metadata=False)
    async with phone(simulator) as client:
        await client.send(**INITIATION)
        await client.until_said()
        assert "conversation_initiation_metadata" not in client.types()
    simulator.behaviour = Behaviour(output_format="opus_48000")
    async with phone(simulator) as client:
        await client.send(**INITIATION)
        metadata = (await client.receive())["conversation_initiation_metadata_event"]
        assert metadata["agent_output_audio_format"] == "opus_48000"
    simulator.behaviour = Behaviour(output_format="pcm_16000", input_format="pcm_24000")
    async with phone(simulator) as client:
        await client.send(**INITIATION)
        metadata = (await client.receive())["conversation_initiation_metadata_event"]
        assert metadata["agent_output_audio_format"] == "pcm_16000"
        assert metadata["user_input_audio_format"] == "pcm_24000"
        await client.until_said()
        wanted = len(speak(BOOKING.greeting, Format("pcm", 16000), BRISK))
        assert len(simulator.sessions[2].sent_audio) == wanted


@pytest.mark.parametrize(
    ("close", "code"),
    [
        (Close(3000, at="connected"), 3000),
        (Close(1008, at="metadata", reason="blocked"), 1008),
        (Close(1011, at="greeting", after_s=0.05), 1011),
        (Close(None, at="greeting"), 1006),
    ],
)
async def test_it_can_close_at_any_point_and_in_any_way(simulator, close, code):
    simulator.behaviour = Behaviour(close=close)
    async with phone(simulator) as client:
        await client.send(**INITIATION)
        assert (await client.until_closed())[0] == code
    assert simulator.sessions[0].close_code == close.code
    assert simulator.sessions[0].closed_by == "agent"


async def test_it_can_send_rubbish_floods_and_huge_frames(simulator):
    simulator.behaviour = Behaviour(frames=(BAD_JSON, FLAT_ERROR, HUGE_FRAME, b"\x00"), flood_s=60)
    async with phone(simulator) as client:
        await client.send(**INITIATION)
        await client.until_said()
        frames = [await asyncio.wait_for(client.socket.recv(), 5) for _ in range(4)]
        assert frames == [BAD_JSON, FLAT_ERROR, HUGE_FRAME, b"\x00"]
        flood = 0
        while flood < 55 * 8000:
            flood += len(base64.b64decode((await client.until("audio"))["audio_event"]["audio_base_64"]))


async def test_echo_returns_the_callers_audio_and_a_tone_of_the_sessions_own(simulator):
    simulator.behaviour = Behaviour(echo="toned")
    said = speak("echo", MULAW_8K).ljust(8000, b"\xff")
    for index in range(2):
        async with phone(simulator) as client:
            await client.send(**INITIATION)
            await client.hear(said)
            heard = base64.b64decode((await client.until("audio"))["audio_event"]["audio_base_64"])
            assert len(heard) == len(said)
            assert tone_level(heard, tone_hz(index)) > 0.8
            assert tone_level(heard, tone_hz(1 - index)) < 0.2
    simulator.behaviour = Behaviour(echo="exact")
    async with phone(simulator) as client:
        await client.send(**INITIATION)
        await client.hear(said)
        heard = base64.b64decode((await client.until("audio"))["audio_event"]["audio_base_64"])
    assert heard == said == bytes(simulator.sessions[2].received_audio)


async def test_a_client_that_hangs_up_is_told_apart_from_one_that_vanishes(simulator):
    async with phone(simulator) as client:
        await client.send(**INITIATION)
        await client.until_said()
    session = simulator.sessions[0]
    await session.wait_ended()
    assert (session.close_code, session.closed_by) == (1000, "client")
    async with phone(simulator) as client:
        await client.send(**INITIATION)
        client.socket.transport.abort()
        session = await simulator.session(1)
        await session.wait_ended()
    assert (session.close_code, session.closed_by) == (1005, "client")


# --- Voice ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ulaw_8000", "pcm_8000", "pcm_16000", "pcm_44100"])
def test_speech_lasts_as_long_as_somebody_would_take(name):
    audio_format = Format.parse(name)
    text = "Hello! Welcome to Test Salon. How can I help you today?"
    audio = speak(text, audio_format)
    assert audio == speak(text, audio_format)
    assert audio_format.duration_ms(len(audio)) == pytest.approx(speech_ms(text), rel=0.05)
    hearing = VoiceActivity(audio_format)
    assert hearing.feed(audio + audio_format.silence(600)) == [Activity.STARTED, Activity.ENDED]


def test_a_voice_is_heard_in_chunks_of_any_size():
    audio = QUIET + speak("some words") + QUIET
    hearing = VoiceActivity(MULAW_8K)
    changes = [change for at in range(0, len(audio), 77) for change in hearing.feed(audio[at : at + 77])]
    assert changes == [Activity.STARTED, Activity.ENDED]


def test_mulaw_survives_the_way_to_pcm_and_back():
    codes = bytes(code for code in range(256) if code != 0x7F)  # a second zero
    assert pcm16_to_mulaw(mulaw_to_pcm16(codes)) == codes


def test_tones_of_different_calls_are_told_apart():
    mixed = add_tone(speak("hello there"), tone_hz(3), 0)
    assert tone_level(mixed, tone_hz(3)) > 0.8
    assert all(tone_level(mixed, tone_hz(other)) < 0.3 for other in (2, 4, 17))
    assert heard_tones(QUIET + add_tone(QUIET, tone_hz(3), 77) + add_tone(QUIET, tone_hz(59), 0)) == {3, 59}
    assert heard_tones(QUIET) == set()


def test_an_agent_without_answers_has_nothing_to_offer():
    facts = Facts()
    assert facts.slot is None
    assert facts.service_id("Haircut") is None
    assert [line.reply(facts) for line in BOOKING.lines]
