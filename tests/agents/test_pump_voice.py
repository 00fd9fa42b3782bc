"""The pump the other way round: what an agent says, and what is known of it when it has gone past."""

import random
import time
from base64 import b64encode
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side

from agents.audio import MULAW_8K
from agents.fast_lane.cutter import client_frame, server_frame
from agents.fast_lane.pump.words import BASE64, DIGIT, Heard, Pace, Pattern
from agents.providers.elevenlabs.protocol import Decoder
from telephony.feel.ears import SLIP_SECONDS, AgentEar
from tests.agents.test_pump import Course

PIECE = 160
SECONDS = PIECE / 8000
PACE = Pace(len(b64encode(bytes(PIECE))), SECONDS, SLIP_SECONDS, 0.0, 2700, runs_ahead=True)
NUMBERS = (1, 2, 10, 11, 100, 101)


def audio(number: int, size: int = PIECE) -> bytes:
    return b64encode(number.to_bytes(4, "big") * (size // 4))


def speech(number: int, size: int = PIECE) -> bytes:
    event = b'{"audio_base_64":"%b","event_id":%d}' % (audio(number, size), number)
    return b'{"type":"audio","audio_event":%b}' % event


def pattern_of(message: bytes) -> Pattern:
    decoder = Decoder()
    assert decoder.plain_audio(message)
    pattern = decoder.pattern(message)
    assert pattern
    return pattern


class Voice(Course):
    """`caller` is the agent's server here, and `agent` the carrier."""

    around = b'{"event":"media","streamSid":"MZ1","media":{"payload":"', b'"}}'

    def __init__(self, pace: Pace = PACE) -> None:
        super().__init__(pace=pace, masks=False)

    def learn(self) -> None:
        for number in (1, 10, 100):
            assert self.pipe.learn(pattern_of(speech(number)))

    def heard_by_carrier(self) -> list[bytes]:
        """Of each message its audio."""
        head, tail = self.around
        said = messages(self.written())
        assert all(message.startswith(head) and message.endswith(tail) for message in said)
        return [message[len(head) : -len(tail)] for message in said]


def messages(stream: bytes) -> list[bytes]:
    """As the ordinary parser of a carrier reads them."""
    protocol = Protocol(Side.CLIENT, state=OPEN)
    protocol.receive_data(stream)
    events = protocol.events_received()
    assert all(isinstance(event, Frame) and event.opcode is Opcode.TEXT and event.fin for event in events)
    return [bytes(event.data) for event in events if isinstance(event, Frame)]


@pytest.fixture
def voice() -> Iterator[Voice]:
    opened = Voice()
    yield opened
    opened.end()


def test_what_an_agent_says_reaches_the_carrier_unmasked(voice):
    voice.say(b"".join(server_frame(speech(number)) for number in NUMBERS))
    assert voice.heard_by_carrier() == [audio(number) for number in NUMBERS]
    assert voice.returned == []
    assert voice.pipe.passed() == len(NUMBERS)


others = st.sampled_from(
    [
        server_frame(b'{"type":"ping","ping_event":{"event_id":1}}'),
        server_frame(b'{"type":"interruption","interruption_event":{"event_id":7}}' + b" " * 200),
        server_frame(speech(1, size=80)),
        server_frame(speech(1)[:-1] + b" }"),
        server_frame(speech(1), 0x82),
        client_frame(speech(1)),  # an agent must not mask
        server_frame(b"x" * 5_000),
        server_frame(b"x" * 70_000)[:300],
        Frame(Opcode.PING, b"there?").serialize(mask=False),
        Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=False),
        Frame(Opcode.TEXT, speech(1)[:50], fin=False).serialize(mask=False),
        Frame(Opcode.CONT, speech(1)[50:]).serialize(mask=False),
        b"\xc1" + server_frame(speech(1))[1:],
        b"\x81\x7f" + (2**63 - 1).to_bytes(8, "big"),
        b"\x81\x7e\xff\xff",
        b"\x81\x7e\x00\x05short",
        b"\x81",
        b"\0" * 9,
    ]
)
plain = st.sampled_from(NUMBERS).map(lambda number: server_frame(speech(number)))
streams = st.lists(plain | plain | plain | others, max_size=12)


@given(streams, st.lists(st.integers(0, 2**20), max_size=8))
def test_every_byte_passes_once_or_comes_back_once(frames, cuts):
    stream = b"".join(frames)
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    voice, usual = Voice(), {server_frame(speech(number)): audio(number) for number in NUMBERS}
    try:
        begun = 0
        for start, stop in pairwise(edges):
            if start < stop and not voice.returned:
                voice.say(stream[start:stop])
                begun = stop
        passed = voice.pipe.passed()
        assert len(voice.returned) <= 1
        assert voice.pipe.is_open == (not voice.returned)
        # What passed are the first frames, and what came back begins where they end.
        assert b"".join(frames[:passed]) + b"".join(voice.returned) + voice.unread() == stream[:begun]
        assert voice.heard_by_carrier() == [usual[frame] for frame in frames[:passed]]
        if not cuts:
            assert passed == next((at for at, frame in enumerate(frames) if frame not in usual), len(frames))
    finally:
        voice.end()


@pytest.mark.parametrize("number", [7, 42])
def test_a_message_like_the_last_but_for_one_byte_is_judged_as_the_decoder_does(voice, number):
    """Every byte of it becomes some other: what the decoder would not play must not pass."""
    usual, chosen, passes = speech(number), random.Random(number), 0
    for at in range(len(usual)):
        others = {ord('"'), ord("\\"), ord("="), ord("A"), ord("0"), 0, 0x80, 0xFF, chosen.randrange(256)}
        for other in others - {usual[at]}:
            message = usual[:at] + bytes([other]) + usual[at + 1 :]
            plays = Decoder().plain_audio(message)
            voice.say(server_frame(message))
            if voice.pipe.passed():
                assert voice.heard_by_carrier() == [plays]
                passes += 1
            else:
                assert voice.returned == [server_frame(message)]
                voice.returned.clear()
                voice.open()
    assert passes > 100


@pytest.mark.parametrize(("least", "passed"), [(0, 3), (10, 3), (11, 0), (12, 0), (2**64 + 1, 0)])
def test_what_is_older_than_an_interruption_comes_back(voice, least, passed):
    voice.pipe.close()
    voice.open(least=least)
    said = [server_frame(speech(number)) for number in (10, 99, 11)]
    voice.say(b"".join(said))
    assert len(voice.heard_by_carrier()) == passed
    assert voice.returned == ([] if passed else [b"".join(said)])


def test_an_older_one_among_newer_ones_comes_back_with_all_that_follow(voice):
    voice.pipe.close()
    voice.open(least=50)
    voice.say(b"".join(server_frame(speech(number)) for number in (50, 49, 51)))
    assert voice.heard_by_carrier() == [audio(50)]
    assert voice.returned == [server_frame(speech(49)) + server_frame(speech(51))]


def test_a_number_with_a_leading_zero_is_none(voice):
    voice.say(server_frame(speech(10).replace(b":10}", b":01}")))
    assert voice.pipe.passed() == 0


def test_callers_messages_are_not_known_to_an_agents_pipe(voice):
    """Nor the other way round: who sends the like of them is heard by its own rules."""
    course = Course()
    try:
        assert course.pipe.learn(pattern_of(speech(1)))
        assert voice.pipe.learn(pattern_of(speech(1, size=240)))
        course.say(client_frame(speech(1, size=240)))
        assert course.returned
    finally:
        course.end()


@pytest.mark.parametrize(
    ("message", "audio_and_number"),
    [
        (b'{"type":"audio","audio_event":{"audio_base_64":"f/8=","event_id":15}}', (b"f/8=", b"15")),
        (b'{"type": "audio", "audio_event": {"event_id": 6, "audio_base_64": "f/8A"}}', (b"f/8A", b"6")),
        (b'{"audio_event":{"audio_base_64":"f/8A","event_id":0},"type":"audio"}', (b"f/8A", b"0")),
        (b'{"type":"audio","audio_event":{"audio_base_64":"f/8A"}}', (b"f/8A", b"")),
    ],
)
def test_patterns_mean_what_they_say(message, audio_and_number):
    pattern = pattern_of(message)
    assert (message[pattern.audio], message[pattern.number]) == audio_and_number
    assert pattern.like.count(BASE64) == len(audio_and_number[0].rstrip(b"="))
    assert pattern.like.count(DIGIT) == len(audio_and_number[1])
    assert all(wanted in (byte, BASE64, DIGIT) for wanted, byte in zip(pattern.like, message, strict=True))


def test_audio_with_letters_has_no_pattern():
    message = (
        b'{"type":"audio","audio_event":{"audio_base_64":"f/8A","event_id":5,'
        b'"alignment":{"chars":["H"],"char_start_times_ms":[0],"char_durations_ms":[60]}}}'
    )
    assert Decoder().plain_audio(message)
    assert Decoder().pattern(message) is None


def test_a_pipe_tells_until_when_an_agent_sounds(voice):
    began = time.monotonic()
    voice.say(b"".join(server_frame(speech(1)) for _ in range(20)))
    heard = voice.pipe.heard()
    assert heard
    assert (heard.frames, heard.sketch) == (20, audio(1)[::4] * 20)
    assert began <= heard.earliest <= time.monotonic()
    assert heard.last == pytest.approx(heard.earliest + 20 * SECONDS)
    assert began <= voice.pipe.passed_at <= time.monotonic()
    voice.say(server_frame(speech(1)))  # while the others still sound
    more = voice.pipe.heard()
    assert more
    assert (more.frames, more.earliest) == (1, heard.last)
    assert more.last == pytest.approx(heard.last + SECONDS)


@given(
    st.lists(st.floats(0.0, 0.001) | st.floats(0.0, 1.0), min_size=1, max_size=150),
    st.lists(st.integers(1, 40), min_size=1, max_size=30),
    st.integers(0, 2**32),
)
def test_an_ear_hears_the_same_whoever_has_listened(gaps, runs, seed):
    """Some pieces one by one, then some that a pipe has heard, and so on; gaps are between their comings."""
    chosen = random.Random(seed)
    pieces = [b64encode(bytes(chosen.choice([0xFF, 0x05]) for _ in range(PIECE))) for _ in range(7)]
    alone, helped = AgentEar(MULAW_8K), AgentEar(MULAW_8K)
    until, came, said = 0.0, 100.0, []
    for at, gap in enumerate(gaps):
        came += gap
        until = max(until, came) + SECONDS
        said.append((came, until - SECONDS, pieces[at % 7]))
    for _, begins, piece in said:
        alone.hear_base64(begins, piece)
    at, helps = 0, False
    for run in [2, *runs, len(said)]:
        block, at = said[at : at + run], at + run
        if helps and (pace := helped.pace()):
            for heard in as_heard(block, pace):
                helped.gather(heard)
        else:
            for _, begins, piece in block:
                helped.hear_base64(begins, piece)
        helps = not helps
    for ear in (alone, helped):
        ear.flush()
    spoke, same = alone.speech.stretches(), helped.speech.stretches()
    # Blocks that end elsewhere have their own windows of 20 ms.
    assert sum(end - start for start, end in same) == pytest.approx(
        sum(end - start for start, end in spoke), abs=0.06 * (1 + len(spoke) + len(same))
    )


def as_heard(block: list[tuple[float, float, bytes]], pace: Pace) -> Iterator[Heard]:
    """What a pipe tells of these pieces."""
    frames, earliest, last, sketch = 0, 0.0, pace.last, b""
    for came, begins, piece in block:
        if came - last > pace.pause_seconds:
            yield Heard(frames, earliest, last, came, sketch)
            frames, sketch = 0, b""
        earliest = earliest if frames else begins
        frames, last, sketch = frames + 1, max(last, came) + pace.piece_seconds, sketch + piece[::4]
        if len(sketch) >= pace.full:
            yield Heard(frames, earliest, last, 0.0, sketch)
            frames, sketch = 0, b""
    yield Heard(frames, earliest, last, 0.0, sketch)
