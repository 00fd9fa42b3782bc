"""OpenAI's server at the far end of the wire rejects what the real one rejects."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agents.simulators.openai_realtime import Behaviour, OpenAISimulator
from agents.simulators.scenarios import BOOKING, LISTENING
from agents.simulators.voice import speak

QUIET = b"\xff" * 8000
MULAW = {"type": "audio/pcmu"}
Event = dict[str, Any]


def session(**fields: Any) -> Event:
    audio = {"input": {"format": MULAW, **fields.pop("input", {})}, "output": {"format": MULAW}}
    return {"type": "realtime", "audio": audio, **fields}


class Client:
    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[Event] = []

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def hear(self, audio: bytes) -> None:
        await self.send("input_audio_buffer.append", audio=base64.b64encode(audio).decode())

    async def receive(self) -> Event:
        event: Event = json.loads(await asyncio.wait_for(self.socket.recv(), 5))
        self.events.append(event)
        return event

    async def until(self, *kinds: str) -> Event:
        while (event := await self.receive())["type"] not in kinds:
            pass
        return event

    async def error(self) -> Event:
        error: Event = (await self.until("error"))["error"]
        return error

    async def configure(self, **fields: Any) -> Event:
        await self.send("session.update", session=session(**fields))
        return await self.until("session.updated")

    async def respond(self, **overrides: Any) -> Event:
        await self.send("response.create", **({"response": overrides} if overrides else {}))
        done: Event = (await self.until("response.done"))["response"]
        return done

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


@contextlib.asynccontextmanager
async def dialled(
    *,
    headers: dict[str, str] | None = None,
    query: str = "?model=gpt-realtime-2.1",
    path: str = "/realtime",
    chars_per_second: float = 300.0,
    **simulator: Any,
) -> AsyncIterator[tuple[Client, OpenAISimulator]]:
    made = OpenAISimulator(**{"scenario": LISTENING, "chars_per_second": chars_per_second, **simulator})
    async with made:
        url = made.base_url.replace("http", "ws") + path + query
        key = {"Authorization": f"Bearer {made.api_key}"}
        async with connect(url, additional_headers={**key, **(headers or {})}, proxy=None) as socket:
            yield Client(socket), made


# --- Coming in -----------------------------------------------------------------------------------


async def test_the_first_event_is_session_created_with_the_defaults():
    async with dialled() as (client, _):
        event = await client.receive()
        assert event["type"] == "session.created"
        assert event["session"]["type"] == "realtime"
        assert event["session"]["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
        assert event["session"]["expires_at"] > 0


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [({"Authorization": "Bearer wrong"}, "/realtime", 401), ({}, "/realtimes", 404)],
)
async def test_whoever_may_not_come_in_gets_an_http_status(headers, path, status):
    with pytest.raises(InvalidStatus) as refused:
        async with dialled(headers=headers, path=path):
            pass
    assert refused.value.response.status_code == status


@pytest.mark.parametrize(
    ("headers", "query", "code"),
    [
        ({"OpenAI-Beta": "realtime=v1"}, "?model=gpt-realtime-2.1", "beta_api_shape_disabled"),
        ({}, "", "missing_model"),
        ({}, "?model=gpt-4o-realtime-preview", "model_not_found"),
    ],
)
async def test_a_wrong_shape_or_model_is_an_error_and_4000(headers, query, code):
    async with dialled(headers=headers, query=query) as (client, _):
        assert (await client.error())["code"] == code
        with pytest.raises(ConnectionClosed):
            await client.receive()
        assert client.socket.close_code == 4000


async def test_models_are_listed_for_those_with_a_key():
    async with OpenAISimulator() as made, httpx2.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{made.base_url}/models")).status_code == 401
        key = {"Authorization": f"Bearer {made.api_key}"}
        assert (await http.get(f"{made.base_url}/models/gpt-realtime-2.1", headers=key)).status_code == 200
        assert (await http.get(f"{made.base_url}/models/nobody", headers=key)).status_code == 404


# --- The session ---------------------------------------------------------------------------------


async def test_an_update_changes_what_it_names_and_leaves_the_rest():
    async with dialled() as (client, _):
        told = (await client.configure(instructions="Be kind."))["session"]
        assert told["audio"]["input"]["format"] == told["audio"]["output"]["format"] == MULAW
        assert told["instructions"] == "Be kind."
        assert told["audio"]["output"]["voice"] == "marin"
        await client.send(
            "session.update",
            session={"type": "realtime", "audio": {"input": {"turn_detection": None}}},
        )
        told = (await client.until("session.updated"))["session"]
        assert told["audio"]["input"]["turn_detection"] is None
        assert told["audio"]["input"]["format"] == MULAW


@pytest.mark.parametrize(
    ("update", "code", "param"),
    [
        ({}, "missing_required_parameter", "session.type"),
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({"type": "realtime", "temperature": 0.8}, "unknown_parameter", "session.temperature"),
        ({"type": "realtime", "modalities": ["audio", "text"]}, "unknown_parameter", "session.modalities"),
        ({"type": "realtime", "voice": "alloy"}, "unknown_parameter", "session.voice"),
        (
            {"type": "realtime", "input_audio_format": "g711_ulaw"},
            "unknown_parameter",
            "session.input_audio_format",
        ),
        ({"type": "realtime", "model": "gpt-realtime-2"}, "unknown_parameter", "session.model"),
        ({"type": "realtime", "output_modalities": ["audio", "text"]}, "invalid_value", None),
        ({"type": "realtime", "max_output_tokens": 9000}, "invalid_value", "session.max_output_tokens"),
        ({"type": "realtime", "audio": {"output": {"voice": "bob"}}}, "invalid_value", None),
        (
            {"type": "realtime", "audio": {"input": {"format": "pcm16"}}},
            "invalid_type",
            "session.audio.input.format",
        ),
        (
            {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}},
            "invalid_value",
            "session.audio.input.format.rate",
        ),
        (
            {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu", "rate": 8000}}}},
            "unknown_parameter",
            None,
        ),
        (
            {
                "type": "realtime",
                "audio": {"input": {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}},
            },
            "unknown_parameter",
            None,
        ),
        ({"type": "realtime", "tools": [{"type": "function"}]}, "missing_required_parameter", None),
    ],
    ids=lambda value: json.dumps(value)[:50] if isinstance(value, dict) else "",
)
async def test_a_wrong_update_changes_nothing(update, code, param):
    async with dialled() as (client, made):
        await client.send("session.update", session=update, event_id="mine")
        error = await client.error()
        assert (error["code"], error["event_id"]) == (code, "mine")
        assert param is None or error["param"] == param
        assert made.sessions[0].updates == []


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "invalid_json"),
        ("[]", "invalid_event"),
        ("{}", "missing_required_parameter"),
        ('{"type":"output_audio_buffer.clear"}', "invalid_value"),
        ('{"type":"conversation.item.created"}', "invalid_value"),
        ('{"type":"input_audio_buffer.append","audio":"%%%"}', "invalid_value"),
        ('{"type":"input_audio_buffer.append"}', "missing_required_parameter"),
        ('{"type":"input_audio_buffer.commit"}', "input_audio_buffer_commit_empty"),
        ('{"type":"response.cancel"}', "response_cancel_not_active"),
        ('{"type":"response.create","response":{"modalities":["audio"]}}', "unknown_parameter"),
        ('{"type":"conversation.item.delete","item_id":"nobody"}', "item_delete_invalid_item_id"),
        (
            '{"type":"conversation.item.truncate","item_id":"nobody","content_index":0,"audio_end_ms":1}',
            "item_truncate_invalid_item_id",
        ),
        (
            '{"type":"conversation.item.truncate","item_id":"x","audio_end_ms":1}',
            "missing_required_parameter",
        ),
        (
            '{"type":"conversation.item.create","item":{"type":"function_call_output","call_id":"c","output":"{}"}}',
            "invalid_tool_call_id",
        ),
        (
            '{"type":"conversation.item.create","item":{"type":"function_call_output","call_id":"c","output":{}}}',
            "invalid_type",
        ),
        (
            '{"type":"conversation.item.create","item":{"type":"message","role":"assistant",'
            '"content":[{"type":"text","text":"hi"}]}}',
            "invalid_value",
        ),
    ],
    ids=lambda value: value[:60],
)
async def test_what_is_wrong_is_an_error_and_the_session_goes_on(frame, code):
    async with dialled() as (client, made):
        await client.configure()
        await client.socket.send(frame)
        assert (await client.error())["code"] == code
        assert (await client.respond())["status"] == "completed"
        assert [error["code"] for error in made.sessions[0].errors] == [code]


async def test_binary_frames_are_no_events():
    async with dialled() as (client, _):
        await client.socket.send(b"\x00")
        assert (await client.error())["code"] == "invalid_event"


# --- Responses -----------------------------------------------------------------------------------


async def test_a_response_says_all_that_the_document_says_in_its_order():
    async with dialled() as (client, made):
        await client.configure()
        client.events.clear()
        done = await client.respond(instructions="Say exactly this, and nothing else: Good day!")
        kinds = list(dict.fromkeys(client.types()))
        assert kinds == [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            "response.output_audio.delta",
            "response.output_audio_transcript.delta",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "response.output_item.done",
            "conversation.item.done",
            "response.done",
        ]
        assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "Good day!"}]
        assert done["usage"]["output_token_details"]["audio_tokens"] > 0
        assert made.sessions[0].said == [("agent", "Good day!")]


async def test_a_second_response_at_the_same_time_is_an_error():
    async with dialled(chars_per_second=20.0) as (client, _):
        await client.configure()
        await client.send("response.create")
        await client.send("response.create", event_id="second")
        error = await client.error()
        assert error["code"] == "conversation_already_has_active_response"
        assert error["event_id"] == "second"
        assert (await client.until("response.done"))["response"]["status"] == "completed"


async def test_a_caller_who_speaks_cancels_the_response_and_gets_one():
    async with dialled(chars_per_second=5.0, scenario=BOOKING) as (client, made):
        await client.configure(input={"transcription": {"model": "gpt-transcribe"}})
        await client.send("response.create")
        await client.until("response.output_audio.delta")
        await client.hear(speak("excuse me"))
        done = (await client.until("response.done"))["response"]
        assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "turn_detected")
        assert "response.output_audio.done" in client.types()
        await client.hear(QUIET)
        await client.until("input_audio_buffer.committed")
        words = await client.until("conversation.item.input_audio_transcription.completed")
        assert words["transcript"] == BOOKING.lines[0].text
        assert [use.name for use in made.sessions[0].tools] == ["get_services"]


async def test_a_function_call_is_answered_and_only_then_the_model_goes_on():
    async with dialled(scenario=BOOKING) as (client, made):
        await client.configure()
        await client.hear(speak("hello") + QUIET)
        done = (await client.until("response.done"))["response"]
        [call] = done["output"]
        assert (call["type"], call["name"]) == ("function_call", "get_services")
        answer = {"success": True, "data": {"services": [{"id": "s1", "name": "Haircut"}]}}
        await client.send(
            "conversation.item.create",
            item={"type": "function_call_output", "call_id": call["call_id"], "output": json.dumps(answer)},
        )
        [call] = (await client.respond())["output"]
        assert call["name"] == "check_availability"
        assert json.loads(call["arguments"]) == {"serviceId": "s1"}
        assert made.sessions[0].tool("get_services").answered


async def test_audio_cannot_be_cut_beyond_its_end():
    async with dialled() as (client, made):
        await client.configure()
        item_id = (await client.respond())["output"][0]["id"]
        length = int(made.sessions[0].spoken_ms[item_id])
        cut = {"item_id": item_id, "content_index": 0}
        await client.send("conversation.item.truncate", **cut, audio_end_ms=length + 60)
        message = (await client.error())["message"]
        assert message == f"Audio content of {length}ms is already shorter than {length + 60}ms"
        await client.send("conversation.item.truncate", **cut, audio_end_ms=length // 2)
        assert (await client.until("conversation.item.truncated"))["audio_end_ms"] == length // 2
        assert made.sessions[0].truncations == [(item_id, length // 2)]


async def test_a_voice_cannot_change_once_it_has_been_heard():
    async with dialled() as (client, _):
        await client.configure()
        await client.respond()
        update = {"type": "realtime", "audio": {"output": {"voice": "cedar"}}}
        await client.send("session.update", session=update)
        assert (await client.error())["code"] == "cannot_update_voice"


async def test_a_session_ends_when_its_time_is_up():
    async with dialled(behaviour=Behaviour(expires_in_s=0.2)) as (client, _):
        await client.receive()
        with pytest.raises(ConnectionClosed):
            await client.receive()
        assert client.socket.close_code == 1001
        assert "maximum duration" in str(client.socket.close_reason)
