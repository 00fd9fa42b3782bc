"""The carrier at the far end of the wire: it talks every 20 ms, plays in real time, notices every mistake."""

import asyncio
import itertools
import json
import struct
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from agents.simulators.elevenlabs import AgentProfile, Behaviour, ElevenLabsSimulator
from agents.simulators.scenarios import BOOKING, SCENARIOS
from agents.simulators.tones import heard_tones
from agents.simulators.vad import Activity, VoiceActivity
from agents.simulators.voice import MULAW_8K, speak
from telephony.simulators.twilio import Script, SimulatedCall, TwilioSimulator
from telephony.simulators.twilio.caller import ScriptedCaller
from telephony.simulators.twilio.inspection import Clear, Mark, Media, MisuseError, read_server_message
from telephony.simulators.twilio.playout import SILENCE, Playout
from telephony.simulators.twilio.wav import WavError, read_wav, recording
from tests.peers import Business, Socket, as_json, bridge, mulaw, twiml

ACCOUNT, TOKEN = "AC" + "2" * 32, "simulated-token"
VOICE = "/api/webhooks/twilio/elevenlabs"


@asynccontextmanager
async def shop(handle: Callable[[Socket], Any], *parameters: str) -> AsyncIterator[Business]:
    """A business whose calls are all streamed to `handle`."""
    async with Business(handle) as business:
        inside = "".join(f"<Parameter name='{name}' value='{name}-1'/>" for name in parameters)
        stream = f"<Stream url='{business.stream_url}' statusCallback='/stream'>{inside}</Stream>"
        business.replies[VOICE] = twiml(f"<Connect action='/ended'>{stream}</Connect>")
        business.replies["/ended"] = twiml("<Hangup/>")
        business.replies["/stream"] = business.replies["/api/webhooks/twilio/status"] = twiml("")
        yield business


async def ring(business: Business, script: Script | None = None, **choices: Any) -> SimulatedCall:
    async with TwilioSimulator(business.base_url, ACCOUNT, TOKEN, **choices) as carrier:
        call = await carrier.place_call("+15551234567", "+15559876543", script)
        await call.wait(20)
    return call


# --- The stream ----------------------------------------------------------------------------------


async def test_a_stream_begins_as_the_documentation_says_and_keeps_its_pace():
    messages: list[dict[str, Any]] = []

    async def handle(socket: Socket) -> None:
        assert "x-twilio-signature" in socket.headers
        while len(messages) < 52:
            messages.append(await socket.receive() or {})
        await socket.close()

    async with shop(handle, "token", "tenant_id") as business:
        call = await ring(business)
    assert messages[0] == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    start = messages[1]
    assert (start["event"], start["sequenceNumber"]) == ("start", "1")
    assert start["streamSid"] == start["start"]["streamSid"] == call.stream.stream_sid
    assert start["start"]["callSid"] == call.sid
    assert start["start"]["customParameters"] == {"token": "token-1", "tenant_id": "tenant_id-1"}
    assert start["start"]["mediaFormat"] == {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    first, last = messages[2], messages[-1]
    assert first["media"] == {"track": "inbound", "chunk": "1", "timestamp": "0", "payload": mulaw(SILENCE)}
    assert (last["sequenceNumber"], last["media"]["chunk"], last["media"]["timestamp"]) == ("51", "50", "980")
    assert call.timeline.longest_ms("silence") == pytest.approx(1000, abs=300)
    assert (call.stream.close_code, call.stream.closed_by) == (1000, "server")
    assert call.warnings == []


async def test_a_caller_who_hangs_up_stops_the_stream_and_the_callbacks_tell():
    received: list[dict[str, Any]] = []

    async def handle(socket: Socket) -> None:
        while (message := await socket.receive()) is not None:
            received.append(message)

    async with shop(handle) as business:
        call = await ring(business, Script(hang_up_after_s=0.3))
    assert received[-1]["event"] == "stop"
    assert received[-1]["stop"] == {"accountSid": ACCOUNT, "callSid": call.sid}
    assert (call.stream.closed_by, call.ended_by, call.status) == ("carrier", "caller", "completed")
    events = [request.form["StreamEvent"] for request in business.to("/stream")]
    assert sorted(events) == ["stream-started", "stream-stopped"]
    assert business.to("/ended") == []
    assert business.to("/api/webhooks/twilio/status")[0].form["CallStatus"] == "completed"


async def test_audio_is_played_in_real_time_and_marks_come_back_when_it_has_been_heard():
    echoes: list[tuple[str, float]] = []
    clock = asyncio.get_running_loop().time

    async def handle(socket: Socket) -> None:
        sid = (await socket.receive_until("start"))["streamSid"]
        began = clock()
        await socket.send({"event": "mark", "streamSid": sid, "mark": {"name": "at once"}})
        await socket.send({"event": "media", "streamSid": sid, "media": {"payload": mulaw(speak("la " * 4))}})
        await socket.send({"event": "mark", "streamSid": sid, "mark": {"name": "played"}})
        for _ in range(2):
            mark = await socket.receive_until("mark")
            echoes.append((mark["mark"]["name"], clock() - began))
        await socket.close()

    async with shop(handle) as business:
        call = await ring(business)
    played_s = len(speak("la " * 4)) / 8000
    assert [name for name, _at in echoes] == ["at once", "played"]
    assert [at for _name, at in echoes] == pytest.approx([0, played_s], abs=0.3)
    assert call.timeline.longest_ms("agent") == pytest.approx(played_s * 1000, abs=300)
    assert speak("la " * 4) in bytes(call.stream.audio_heard)
    assert call.first_audio_ms is not None


async def test_clear_silences_the_agent_and_returns_all_marks_at_once():
    async def handle(socket: Socket) -> None:
        sid = (await socket.receive_until("start"))["streamSid"]
        await socket.send(
            {"event": "media", "streamSid": sid, "media": {"payload": mulaw(speak("la " * 40))}}
        )
        for name in ("a", "b"):
            await socket.send({"event": "mark", "streamSid": sid, "mark": {"name": name}})
        await asyncio.sleep(0.3)
        await socket.send({"event": "clear", "streamSid": sid})
        assert [(await socket.receive_until("mark"))["mark"]["name"] for _ in "ab"] == ["a", "b"]
        await asyncio.sleep(0.5)
        await socket.close()

    async with shop(handle) as business:
        call = await ring(business)
    cleared_ms = call.stream.clears[0]
    assert call.timeline.sound_at(cleared_ms - 100) == "agent"
    assert call.timeline.sound_at(cleared_ms + 100) == "silence"
    assert [name for name, _at in call.stream.marks_echoed] == ["a", "b"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"\xff" * 160, 31950),
        ("{no json", 31951),
        ({"event": "hello", "streamSid": "SID"}, 31951),
        ({"event": "clear", "streamSid": "MZ0"}, 31951),
        ({"event": "clear"}, 31951),
        ({"event": "media", "streamSid": "SID", "media": {"payload": "/w==", "track": "outbound"}}, 31951),
        ({"event": "media", "streamSid": "SID", "media": {"payload": "%%"}}, 31951),
        ({"event": "media", "streamSid": "SID", "sequenceNumber": "1", "media": {"payload": "/w=="}}, 31951),
        ({"event": "mark", "streamSid": "SID", "mark": {}}, 31951),
    ],
)
def test_every_mistake_of_the_server_is_noticed(message, code):
    text = message if isinstance(message, str | bytes) else json.dumps(message)
    with pytest.raises(MisuseError) as misuse:
        read_server_message(text, "SID")
    assert misuse.value.code == code


def test_what_the_server_may_say():
    assert read_server_message('{"event":"clear","streamSid":"S"}', "S") == Clear()
    assert read_server_message('{"event":"mark","streamSid":"S","mark":{"name":"m"}}', "S") == Mark("m")
    assert read_server_message('{"event":"media","streamSid":"S","media":{"payload":"/w=="}}', "S") == Media(
        b"\xff"
    )


async def test_mistakes_are_warnings_of_the_call_and_the_message_is_lost():
    async def handle(socket: Socket) -> None:
        sid = (await socket.receive_until("start"))["streamSid"]
        await socket.send(b"\x00")
        await socket.send({"event": "media", "media": {"payload": mulaw(speak("lost"))}})
        await socket.send({"event": "mark", "streamSid": sid, "mark": {"name": "end"}})
        await socket.receive_until("mark")
        await socket.close(1008)

    async with shop(handle) as business:
        call = await ring(business)
    assert [alert.code for alert in call.warnings] == [31950, 31951]
    assert call.first_audio_ms is None
    assert call.stream.close_code == 1008


async def test_keys_are_sent_as_dtmf():
    digits: list[dict[str, Any]] = []

    async def handle(socket: Socket) -> None:
        sid = (await socket.receive_until("start"))["streamSid"]
        await socket.send({"event": "media", "streamSid": sid, "media": {"payload": mulaw(speak("press"))}})
        for _ in range(2):
            digits.append((await socket.receive_until("dtmf"))["dtmf"])
        await socket.close()

    async with shop(handle) as business:
        call = await ring(business, Script(digits="4#"))
    assert digits == [{"track": "inbound_track", "digit": "4"}, {"track": "inbound_track", "digit": "#"}]
    assert call.digits == "4#"


# --- The play-out queue --------------------------------------------------------------------------


def test_a_frame_is_filled_from_several_chunks_and_padded_at_the_end():
    playout = Playout()
    playout.add(b"a" * 100)
    assert playout.mark("middle") == []
    playout.add(b"b" * 100)
    assert playout.mark("end") == []
    assert playout.play_frame() == (b"a" * 100 + b"b" * 60, ["middle"])
    assert playout.play_frame() == (b"b" * 40 + b"\xff" * 120, ["end"])
    assert playout.play_frame() == (SILENCE, [])
    assert playout.mark("now") == ["now"]


def test_more_than_ten_minutes_are_not_kept():
    playout = Playout()
    assert playout.add(b"\x00" * 8000 * 600)
    assert not playout.add(b"\x00")
    playout.clear()
    assert playout.add(b"\x00")


# --- The caller ----------------------------------------------------------------------------------


def converse(caller: ScriptedCaller, heard: bytes) -> bytes:
    """What the caller says while hearing that."""
    return b"".join(
        caller.exchange(heard[at : at + 160].ljust(160, b"\xff")) for at in range(0, len(heard), 160)
    )


def test_the_caller_waits_for_half_a_second_of_silence():
    caller = ScriptedCaller(Script.saying("hello"))
    assert set(converse(caller, speak("how can I help"))) == {0xFF}
    said = converse(caller, b"\xff" * 16000)
    begins_ms = (len(said) - len(said.lstrip(b"\xff"))) / 8
    assert begins_ms == pytest.approx(500, abs=150)
    assert speak("hello").strip(b"\xff") in said


def test_the_caller_speaks_once_for_each_of_the_agents_turns():
    caller = ScriptedCaller(Script.saying("one", "two", hang_up_when_done=True))
    agent = speak("a sentence") + b"\xff" * 16000
    hearing = VoiceActivity(MULAW_8K)
    changes = [hearing.feed(converse(caller, agent)) for _ in range(2)]
    assert changes == [[Activity.STARTED, Activity.ENDED]] * 2
    assert not caller.wants_to_hang_up
    converse(caller, agent)
    assert caller.wants_to_hang_up


def test_a_caller_may_interrupt_and_loses_patience_with_silence():
    caller = ScriptedCaller(Script.saying("stop", interrupt_after_ms=300))
    said = converse(caller, speak("a very long sentence " * 5))
    begins_ms = (len(said) - len(said.lstrip(b"\xff"))) / 8
    assert begins_ms == pytest.approx(300, abs=120)
    caller = ScriptedCaller(Script.saying("anybody", patience_ms=1000, give_up_after_s=2))
    assert VoiceActivity(MULAW_8K).feed(converse(caller, b"\xff" * 24000)) == [
        Activity.STARTED,
        Activity.ENDED,
    ]
    converse(caller, b"\xff" * 24000)
    assert caller.wants_to_hang_up


def test_the_recordings_are_speech_in_one_piece():
    for scenario in SCENARIOS.values():
        for line in scenario.lines:
            audio = recording(line.recording)
            assert audio is not None
            assert len(audio) < 25_000
            heard = VoiceActivity(MULAW_8K, end_ms=300).feed(audio + b"\xff" * 4800)
            assert heard == [Activity.STARTED, Activity.ENDED], line.recording


@pytest.mark.parametrize(("rate_hz", "channels"), [(8000, 1), (16000, 1), (44100, 2), (6000, 1)])
def test_any_pcm_file_can_be_a_line(tmp_path, rate_hz, channels):
    path = tmp_path / "line.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        tone = [8000 if index // 20 % 2 else -8000 for index in range(rate_hz)]
        file.writeframes(b"".join(struct.pack("<h", sample) * channels for sample in tone))
    audio = read_wav(path)
    assert len(audio) == pytest.approx(8000, abs=2)
    assert VoiceActivity(MULAW_8K).feed(audio)[0] is Activity.STARTED
    assert Script.from_files([path]).lines[0].text == "line.wav"


@pytest.mark.parametrize("content", [b"", b"ID3\x03", b"RIFF\x04\x00\x00\x00WAVE"])
def test_what_is_no_wav_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / "song.mp3"
    path.write_bytes(content)
    with pytest.raises(WavError, match=r"song\.mp3"):
        read_wav(path)
    with pytest.raises(WavError):
        read_wav(tmp_path / "missing.wav")


# --- Both ends of the wire -----------------------------------------------------------------------


@asynccontextmanager
async def bridged_shop(simulator: ElevenLabsSimulator) -> AsyncIterator[Business]:
    """A business that does no more than connect the caller with the simulated agent."""

    async def handle(socket: Socket) -> None:
        async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
            answer = await http.get(
                f"{simulator.base_url}/v1/convai/conversation/get-signed-url",
                params={"agent_id": "agent_x"},
                headers={"xi-api-key": simulator.api_key},
            )
        await bridge(socket, answer.json()["signed_url"])

    async with shop(handle, "tenant_id", "call_sid") as business:
        tools: dict[str, dict[str, Any]] = {
            "get_services": {"data": {"services": [{"id": "s1", "name": "Haircut"}]}},
            "check_availability": {"message": "Nine is free.", "data": {"slots": [{"slotId": "slot-1"}]}},
            "book_appointment": {"message": "Booked."},
        }
        for name, answer in tools.items():
            business.replies[f"/api/ai/tools/{name}"] = as_json({"success": True, **answer})
        simulator.backend_url = business.base_url
        yield business


async def test_a_caller_books_an_appointment_by_voice_alone():
    behaviour = Behaviour(post_call_webhook=False)
    async with (
        ElevenLabsSimulator(chars_per_second=60, behaviour=behaviour) as agent,
        bridged_shop(agent) as business,
    ):
        call = await ring(business, Script.of(BOOKING, reply_after_ms=300))
        session = agent.sessions[0]
    assert call.warnings == []
    assert (call.status, call.ended_by) == ("completed", "server")
    assert [tool.name for tool in session.tools] == [
        "get_services",
        "check_availability",
        "book_appointment",
        "end_call",
    ]
    assert json.loads(business.to("/api/ai/tools/book_appointment")[0].body) == {
        "customerName": "Alex Taylor",
        "slotId": "slot-1",
        "conversation_id": session.conversation_id,
        "tenant_id": "tenant_id-1",
        "call_sid": "call_sid-1",
    }
    assert session.violations == []
    assert session.interruptions == []
    assert len(call.timeline.all_of("agent")) == 4
    assert [line.text for line in call.lines] == [line.text for line in BOOKING.lines]
    silences = list(itertools.pairwise(call.timeline.segments))
    assert all(before.end_ms == after.start_ms for before, after in silences)
    heard = bytes(call.stream.audio_heard)
    assert speak("Thank you. Goodbye!", chars_per_second=60).strip(b"\xff") in heard  # to the last word


async def test_a_caller_who_interrupts_silences_the_agent():
    profile = AgentProfile(
        first_message="Hello and welcome, we are so very glad that you have called our salon."
    )
    async with (
        ElevenLabsSimulator(chars_per_second=14, default_agent=profile) as agent,
        bridged_shop(agent) as business,
    ):
        call = await ring(business, Script.of(BOOKING, interrupt_after_ms=600, hang_up_after_s=2.5))
        session = agent.sessions[0]
        await session.wait_finished()
    assert len(session.interruptions) == 1
    assert session.turns[0].interrupted
    assert len(call.stream.clears) == 1
    cleared_ms = call.stream.clears[0]
    assert 0 < cleared_ms - call.lines[0].start_ms < 1000
    assert call.timeline.sound_at(cleared_ms + 50) == "silence"
    assert session.closed_by == "client"


async def test_thirty_calls_at_once_keep_their_pace_and_never_hear_each_other():
    async with (
        ElevenLabsSimulator(behaviour=Behaviour(echo="toned")) as agent,
        bridged_shop(agent) as business,
        TwilioSimulator(business.base_url, ACCOUNT, TOKEN) as carrier,
    ):
        script = Script(hang_up_after_s=2.0)
        calls = [await carrier.place_call("+15551234567", f"+1555000{n:04}", script) for n in range(30)]
        await asyncio.gather(*[call.wait(20) for call in calls])
    assert {(call.status, len(call.warnings)) for call in calls} == {("completed", 0)}
    heard = [heard_tones(bytes(call.stream.audio_received)) for call in calls]
    assert sorted(heard, key=min) == [{session.index} for session in agent.sessions]
    assert len(heard) == 30
    assert min(call.stream.frames_sent for call in calls) > 60
