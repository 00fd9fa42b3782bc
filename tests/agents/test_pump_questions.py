"""The pump answers an agent's pings: each once, with its own number, and only while nothing else is being written."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.fast_lane.cutter import client_frame, server_frame
from agents.fast_lane.pump import Ends, library
from agents.providers.elevenlabs.protocol import Decoder, Ping, ping_pattern, plain_ping, pong
from tests.agents.test_pump import PACE, Course, chunk, media, messages
from tests.agents.test_pump_voice import PACE as VOICE_PACE
from tests.agents.test_pump_voice import Voice, speech
from tests.agents.test_pump_voice import pattern_of as pattern_of_speech

assert library.loaded()


def ping(event_id: int, ping_ms: int | None = 30) -> bytes:
    waited = "null" if ping_ms is None else ping_ms
    return b'{"type":"ping","ping_event":{"event_id":%d,"ping_ms":%b}}' % (event_id, str(waited).encode())


class Line(Course):
    """Both ways of a call: the caller's pipe leads to the agent's socket, of which `voice` reads."""

    def __init__(self) -> None:
        super().__init__()
        self.carrier, self.back = socket.socketpair()
        self.came: list[bytes] = []
        """Of the agent's, that is no audio and was not answered."""
        self.voice = self.pump.pipe(Ends(self.came.append, print, lambda heard: None), masks=False)
        for number in (1, 10, 100):
            assert self.voice.learn(pattern_of_speech(speech(number)))
        for message in (ping(7), ping(70), ping(700), ping(7, None)):
            question = ping_pattern(message)
            assert question
            assert self.voice.learn(question)
        self.listen()

    def listen(self, *, least: int = 0) -> None:
        assert self.voice.open(
            self.target.fileno(), self.back.fileno(), Voice.around, VOICE_PACE, least=least
        )

    def agent_says(self, stream: bytes) -> None:
        self.agent.sendall(stream)
        self.turn()

    def agent_hears(self) -> list[bytes]:
        return messages(self.written())

    def carrier_hears(self) -> bytes:
        self.carrier.setblocking(False)
        try:
            return self.carrier.recv(2**20)
        except BlockingIOError:
            return b""

    def end(self) -> None:
        self.voice.remove()
        super().end()
        self.carrier.close()
        self.back.close()


@pytest.fixture
def line() -> Iterator[Line]:
    opened = Line()
    yield opened
    opened.end()


def test_a_ping_is_answered_with_its_number_and_the_pipes_stay_open(line):
    line.agent_says(server_frame(ping(7)) + server_frame(ping(83)))
    line.agent_says(server_frame(ping(123)))
    assert line.agent_hears() == [pong(number).encode() for number in (7, 83, 123)]
    assert line.voice.is_open
    assert line.pipe.is_open
    assert line.came == line.returned == []
    assert line.voice.passed() == 0, "it is no audio"
    assert line.voice.passed_at > 0, "and a sign of life"


def test_pings_among_audio_keep_their_places(line):
    line.agent_says(b"".join(server_frame(each) for each in (speech(1), ping(7), speech(2), ping(8))))
    assert line.agent_hears() == [pong(7).encode(), pong(8).encode()]
    assert line.voice.passed() == 2
    line.say(client_frame(media(1)))
    line.agent_says(server_frame(ping(9)))
    assert line.agent_hears() == [chunk(1), pong(9).encode()]


def test_a_ping_older_than_the_last_interruption_is_answered_all_the_same(line):
    line.voice.close()
    line.listen(least=50)
    line.agent_says(server_frame(ping(7)))
    assert line.agent_hears() == [pong(7).encode()]


def test_while_no_pipe_leads_to_the_agent_its_pings_come_back(line):
    """Others may write there, and what they have begun may wait to be gone on with."""
    line.pipe.close()
    line.agent_says(server_frame(speech(1)) + server_frame(ping(7)))
    assert line.came == [server_frame(ping(7))]
    assert line.agent_hears() == []
    line.listen()
    line.open()
    line.agent_says(server_frame(ping(8)))
    assert line.agent_hears() == [pong(8).encode()]


def test_while_frames_to_the_agent_are_written_another_way_its_pings_come_back(line):
    line.pipe.close()
    line.open(writes=False)
    line.agent_says(server_frame(ping(7)))
    assert line.came == [server_frame(ping(7))]
    assert line.unsent == b""


def test_what_is_left_of_an_answer_goes_the_way_of_all_that_waits(line):
    """Nothing is lost or torn, and both pipes are given back: one may not write, the other has nobody to answer by."""
    line.target.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    asked = 0
    while not line.came and asked < 5_000:
        line.agent_says(b"".join(server_frame(ping(number)) for number in range(100, 150)))
        asked += 50
    back = b"".join(line.came)
    answered = asked - back.count(b'"ping"')
    assert 0 < answered < asked
    assert line.returned == [b""], "the caller's reading is given back"
    assert not line.pipe.is_open
    heard = line.agent_hears()  # what was taken, and what is to be written
    assert heard == [pong(100 + number % 50).encode() for number in range(answered)]


def test_a_caller_whose_pipe_an_answer_closes_is_read_once(line):
    """Both speak at the same time: the system has named the caller's socket when its pipe is closed."""
    line.target.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    said = 0
    while line.pipe.is_open and said < 1_000:
        line.agent.sendall(b"".join(server_frame(ping(number)) for number in range(100, 120)))
        line.caller.sendall(client_frame(media(1)))
        said += 1
        line.turn()
    assert line.returned, "it was closed"
    back = b"".join(line.returned)
    line.source.setblocking(False)
    with suppress(BlockingIOError):
        back += line.source.recv(2**16)
    assert messages(line.written()).count(chunk(1)) + len(messages(back)) == said


def test_of_two_pipes_that_lead_there_the_later_one_answers(line):
    caller, source = socket.socketpair()
    other = line.pump.pipe(Ends(print, print, print), masks=True)
    assert other.open(source.fileno(), line.target.fileno(), line.around, PACE)
    line.pipe.close()
    line.agent_says(server_frame(ping(7)))
    assert line.agent_hears() == [pong(7).encode()]
    other.remove()
    line.agent_says(server_frame(ping(8)))
    assert line.came == [server_frame(ping(8))]
    caller.close()
    source.close()


numbers = st.integers(0, 12) | st.integers(0, 10**16 - 1)


@given(numbers, st.none() | st.integers(0, 2_000), st.integers(0, 200), st.integers(0, 255))
def test_whatever_is_answered_is_what_json_reads(event_id, ping_ms, at, other):
    """Of a ping of which one byte is another one: either it comes back, or the answer is to what it says."""
    usual = ping(event_id, ping_ms)
    message = bytearray(usual)
    message[at % len(usual)] = other
    line = Line()
    try:
        question = ping_pattern(usual)
        assert question
        assert line.voice.learn(question)
        line.agent_says(server_frame(bytes(message)))
        heard = line.agent_hears()
        if heard:
            read = Decoder().decode(bytes(message))
            assert isinstance(read, Ping)
            assert read == Ping(plain_ping(bytes(message)) or 0)
            assert heard == [pong(read.event_id).encode()]
        else:
            assert line.came == [server_frame(bytes(message))]
        assert bool(heard) == (ping_pattern(bytes(message)) == question or bytes(message) == usual)
    finally:
        line.end()


def test_a_ping_of_another_shape_has_no_pattern():
    assert ping_pattern(b'{"type":"ping","ping_event":{"event_id":"7"}}') is None
    assert ping_pattern(b'{"type":"ping","ping_event":{"event_id":07}}') is None


def test_a_pipe_that_is_open_stays_as_it_is_when_it_is_opened_again(line):
    assert not line.voice.open(line.target.fileno(), line.source.fileno(), Voice.around, VOICE_PACE)
    assert line.voice.is_open
    line.agent_says(server_frame(speech(1)))
    assert line.carrier_hears()
