"""What is known of the agent's speech, whichever way it went."""

import time
from base64 import b64encode
from typing import Any

import pytest

from agents.fast_lane.pump.words import Heard
from telephony.agent_voice import AgentVoice
from telephony.carriers.twilio.codec import TwilioCodec
from telephony.feel.ears import AgentEar

PIECE = b64encode(b"\xff" * 160)
PAST = time.monotonic() + 60


class Carrier:
    def send_now(self, message: bytes) -> bool:
        return True


class Past:
    """A shortcut that has passed so many pieces."""

    def __init__(self, voice: AgentVoice, pieces: int) -> None:
        self.voice, self.pieces = voice, pieces
        voice.shortcut = self  # type: ignore[assignment]

    def listen(self) -> None:
        pieces, self.pieces = self.pieces, 0
        if pieces:
            self.voice.gather(Heard(pieces, PAST - 1, PAST, 0.0, PIECE[::4] * pieces))


@pytest.fixture
def voice() -> AgentVoice:
    codec: Any = TwilioCodec()
    return AgentVoice(codec, Carrier(), AgentEar(codec.audio_format))


def test_it_sounds_until_all_of_it_has(voice):
    assert voice.sounds_until == 0
    before = time.monotonic()
    assert voice.take(PIECE)
    assert voice.take(PIECE)
    assert before + 0.04 <= voice.sounds_until <= time.monotonic() + 0.04
    voice.cleared()
    assert voice.sounds_until == 0


def test_what_has_gone_past_sounds_too_and_answers_the_caller(voice):
    voice.take(PIECE)
    voice.was_heard, voice.caller_waits = False, True
    Past(voice, 5)
    assert voice.sounds_until == PAST
    assert voice.was_heard
    assert not voice.caller_waits


def test_nothing_has_gone_past_and_nothing_changes(voice):
    voice.take(PIECE)
    sounds_until, voice.caller_waits = voice.sounds_until, True
    Past(voice, 0)
    assert voice.sounds_until == sounds_until
    assert voice.caller_waits


def test_pieces_of_one_size_have_a_pace_and_no_others(voice):
    for size, has_pace in ((160, False), (160, True), (80, False), (80, True), (160, False)):
        voice.take(b64encode(b"\xff" * size))
        pace = voice.pace()
        assert (pace is not None) == has_pace
        if pace:
            assert pace.audio_size == len(b64encode(bytes(size)))
            assert pace.last == voice.sounds_until
            assert pace.runs_ahead
