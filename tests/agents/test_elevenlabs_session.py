"""What is ElevenLabs' own: errors that are not the end, and what comes before it is due."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from websockets.asyncio.server import ServerConnection, serve

from agents.errors import AgentLost
from agents.events import AgentSaid, Speech, ToolCall
from agents.providers.elevenlabs.session import MAX_EARLY, ElevenLabsSession
from agents.session import Assignment
from tests.agents.test_session_contract import Listener


def message(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields})


def said(words: str) -> str:
    return message("agent_response", agent_response_event={"agent_response": words})


METADATA = message(
    "conversation_initiation_metadata",
    conversation_initiation_metadata_event={
        "conversation_id": "conv_1",
        "agent_output_audio_format": "ulaw_8000",
        "user_input_audio_format": "ulaw_8000",
    },
)
SPEECH = message("audio", audio_event={"audio_base_64": "f/8A", "event_id": 1})
ERROR = message("error", message="quota exceeded", code=1002)
GOODBYE = message("agent_tool_response", agent_tool_response={"tool_name": "end_call"})
HEARD = message("user_transcript", user_transcription_event={"user_transcript": "Hello?"})


@asynccontextmanager
async def listening(messages: Sequence[str]) -> AsyncIterator[Listener]:
    """To an agent that sends these, and then leaves as in peace."""

    async def agent(socket: ServerConnection) -> None:
        await socket.recv()
        for one in messages:
            await socket.send(one)

    async with serve(agent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assignment = Assignment(
            tenant_id=uuid4(),
            conversation_id=uuid4(),
            provider="elevenlabs",
            agent_id="agent_of_tests",
            api_key="key",
            session_url=f"ws://127.0.0.1:{port}",
        )
        async with Listener(ElevenLabsSession(assignment)) as line:
            yield line


# --- Errors that are not the end -----------------------------------------------------------------


@pytest.mark.parametrize("goes_on", [SPEECH, said("As I said"), GOODBYE], ids=["audio", "words", "goodbye"])
async def test_an_error_after_which_the_agent_goes_on_is_forgotten(goes_on):
    async with listening([METADATA, SPEECH, ERROR, goes_on]) as line:
        await line.ended()
        assert line.error is None


@pytest.mark.parametrize(
    "after", [(), (HEARD,), (message("ping", ping_event={"event_id": 7}),)], ids=["nothing", "caller", "ping"]
)
async def test_an_exhausted_quota_is_a_loss_though_it_closes_like_a_normal_end(after):
    async with listening([METADATA, SPEECH, ERROR, *after]) as line:
        await line.ended()
        assert isinstance(line.error, AgentLost)
        assert line.error.reason == "quota exceeded"


# --- What comes before it is due -----------------------------------------------------------------


async def test_what_comes_before_the_metadata_is_dealt_with_after_it_in_order():
    asks = {"tool_name": "get_services", "tool_call_id": "1", "parameters": {"day": "today"}}
    early = [SPEECH, said("Hello"), message("client_tool_call", client_tool_call=asks)]
    async with listening([*early, METADATA, said("And now?")]) as line:
        assert line.session.external_id == "conv_1"
        await line.ended()
        assert line.events == [
            Speech(b"\x7f\xff\x00"),
            AgentSaid("Hello"),
            ToolCall("1", "get_services", {"day": "today"}),
            AgentSaid("And now?"),
        ]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ('{"day": "to\\u0000day"}', {"day": "today"}),
        ("[]", {}),
        ("{", {}),
        ('{"day": NaN}', {}),
        ("", {}),
        (None, {}),
    ],
)
async def test_parameters_may_be_a_string_that_holds_an_object(given, read):
    asks = {"tool_name": "get_services", "tool_call_id": "1", "parameters": given}
    async with listening([METADATA, SPEECH, message("client_tool_call", client_tool_call=asks)]) as line:
        await line.ended()
        assert line.of(ToolCall) == [ToolCall("1", "get_services", read)]


async def test_so_much_may_come_before_the_metadata_and_no_more(caplog):
    async with listening([SPEECH, *[said("Hello")] * (MAX_EARLY + 5), METADATA, said("And now?")]) as line:
        await line.ended()
        assert len(line.events) == MAX_EARLY + 1
    assert "too much came before the metadata" in caplog.text


async def test_so_much_audio_may_come_before_the_metadata_and_no_more(monkeypatch):
    monkeypatch.setattr("agents.providers.elevenlabs.session.MAX_EARLY_BYTES", 7)
    async with listening([SPEECH, SPEECH, SPEECH, said("Hello"), METADATA]) as line:
        await line.ended()
        assert (len(line.of(Speech)), line.of(AgentSaid)) == (2, [AgentSaid("Hello")])
