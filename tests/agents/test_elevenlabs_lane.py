"""What of an ElevenLabs agent's messages is dealt with on the fast lane, and what is left to the ordinary road."""

import json
from typing import Any

import pytest

from agents.events import AgentCorrected, AgentEvent, AgentSaid, CallerSaid, Interrupted
from agents.providers.elevenlabs.lane import MAX_NOTE_BYTES, AgentLane
from agents.providers.elevenlabs.protocol import Decoder, Refusal


def message(kind: str, **fields: Any) -> bytes:
    return json.dumps({"type": kind, **fields}).encode()


def transcript(words: str) -> bytes:
    return message("user_transcript", user_transcription_event={"user_transcript": words})


class Told:
    """Whoever is on the other end of the lane."""

    def __init__(self) -> None:
        self.events: list[AgentEvent] = []
        self.has_time = True

    def note(self, event: AgentEvent) -> bool:
        if self.has_time:
            self.events.append(event)
        return self.has_time


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def lane(told):
    lane = AgentLane(Decoder())
    lane.play, lane.note = (lambda audio: True), told.note
    return lane


@pytest.fixture
def take(lane):
    return lane.take


def test_what_was_said_and_that_the_caller_interrupts_is_told_in_the_same_step(take, told):
    assert take(transcript("Wait"))
    assert take(message("interruption", interruption_event={"event_id": 5}))
    assert take(message("agent_response", agent_response_event={"agent_response": "Well"}))
    heard = {"corrected_agent_response": "We"}
    assert take(message("agent_response_correction", agent_response_correction_event=heard))
    assert told.events == [CallerSaid("Wait"), Interrupted(), AgentSaid("Well"), AgentCorrected("We")]


def test_audio_older_than_an_interruption_is_dropped_whoever_has_seen_that_one(take, told):
    told.has_time = False
    assert not take(message("interruption", interruption_event={"event_id": 5}))
    told.has_time = True
    assert take(message("audio", audio_event={"audio_base_64": "f/8A", "event_id": 4}))
    assert told.events == []


def test_what_is_of_no_use_is_gone_at_once(take, told):
    assert take(message("vad_score", vad_score_event={"vad_score": 0.9}))
    assert told.events == []


@pytest.mark.parametrize("words", [None, "", " ", 7, True, {"text": "Hello"}, ["Hello"]], ids=repr)
@pytest.mark.parametrize(
    ("kind", "event", "name"),
    [
        ("user_transcript", "user_transcription_event", "user_transcript"),
        ("agent_response", "agent_response_event", "agent_response"),
    ],
    ids=["caller", "agent"],
)
def test_what_is_no_words_was_not_said(take, told, kind, event, name, words):
    assert take(message(kind, **{event: {name: words}}))
    assert take(message(kind))
    assert told.events == []


@pytest.mark.parametrize("words", [None, 7, {"text": "Hello"}], ids=repr)
def test_what_is_no_words_corrects_none(take, told, words):
    heard = {"corrected_agent_response": words}
    assert take(message("agent_response_correction", agent_response_correction_event=heard))
    assert take(message("agent_response_correction"))
    assert told.events == []


def test_a_reply_of_which_nothing_was_heard_is_corrected_too(take, told):
    heard = {"corrected_agent_response": ""}
    assert take(message("agent_response_correction", agent_response_correction_event=heard))
    assert told.events == [AgentCorrected("")]


def test_what_the_other_end_has_no_time_for_is_left_as_it_was(take, told):
    told.has_time = False
    assert not take(transcript("Wait"))


@pytest.mark.parametrize(
    "other",
    [
        b"no JSON",
        b"[]",
        b"\xff",
        message("error", message="quota exceeded", code=1008),
        message("conversation_initiation_metadata", conversation_initiation_metadata_event={}),
        message("ping", ping_event={"event_id": "7"}),
        transcript("x" * MAX_NOTE_BYTES),
    ],
)
def test_the_rest_is_left_to_the_ordinary_road(take, told, other):
    assert not take(other)
    assert told.events == []


@pytest.mark.parametrize(
    ("passes", "lapses"),
    [
        (message("audio", audio_event={"audio_base_64": "f/8A", "event_id": 4}), True),
        (message("agent_response", agent_response_event={"agent_response": "Well"}), True),
        (transcript("Hello?"), False),
        (message("vad_score", vad_score_event={"vad_score": 0.9}), False),
    ],
)
def test_an_error_is_forgotten_once_the_agent_goes_on(lane, passes, lapses):
    lane.refusal = Refusal("quota exceeded")
    assert lane.take(passes)
    assert (lane.refusal is None) == lapses
