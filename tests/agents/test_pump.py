"""The pump on real sockets: what is plain audio passes whole and in order, and every other byte comes back."""

import asyncio
import gc
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextvars import ContextVar, copy_context
from itertools import pairwise
from math import inf

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side

from agents.audio import MULAW_8K
from agents.fast_lane import not_now
from agents.fast_lane.client import Out
from agents.fast_lane.cutter import client_frame
from agents.fast_lane.pump import Ends, Pipe, Pump, library, pump_here
from agents.fast_lane.pump.words import BASE64, DIGIT, LETTER_OR_DIGIT, Heard, Pace, Pattern
from telephony.carriers.twilio.codec import TwilioCodec
from telephony.feel.ears import CallerEar

AROUND = b'{"user_audio_chunk":"', b'"}'
PIECE = 160
PACE = Pace(len(b64encode(bytes(PIECE))), PIECE / 8000, 1e9, 0.0, 2700)

if shutil.which("cc") is None and "CI" not in os.environ:
    pytest.skip("without a C compiler there is no pump", allow_module_level=True)
assert library.loaded(), "compiled now where it was not yet: no example of a property has the time for it"


def media(number: int, *, name: str = "MZ1", size: int = PIECE) -> bytes:
    payload = b64encode(number.to_bytes(4, "big") * (size // 4)).decode()
    inner = f'{{"track":"inbound","chunk":"{number}","timestamp":"{number}","payload":"{payload}"}}'
    return f'{{"event":"media","sequenceNumber":"{number}","media":{inner},"streamSid":"{name}"}}'.encode()


def pattern_of(message: bytes) -> Pattern:
    codec = TwilioCodec()
    assert codec.plain_audio(message)
    pattern = codec.pattern(message)
    assert pattern
    return pattern


class Course:
    """A pipe between a caller's socket and an agent's, in a loop that turns when it is told to.

    Or the other way round, if it does not mask: then `caller` is who sends, nevertheless, and `agent` who receives.
    """

    around = AROUND

    def __init__(self, *, writes: bool = True, pace: Pace = PACE, masks: bool = True) -> None:
        self.loop = asyncio.new_event_loop()
        loaded = library.loaded()
        assert loaded
        self.pump = Pump(loaded, self.loop)
        self.caller, self.source = socket.socketpair()
        self.target, self.agent = socket.socketpair()
        self.returned: list[bytes] = []
        self.unsent = b""
        self.heard: list[Heard] = []
        self.pipe = self.pump.pipe(Ends(self.returned.append, self._write, self.heard.append), masks=masks)
        self.learn()
        self.open(writes=writes, pace=pace)

    def learn(self) -> None:
        for number in (1, 10, 100):
            assert self.pipe.learn(pattern_of(media(number)))

    def open(self, *, writes: bool = True, pace: Pace = PACE, least: int = 0) -> None:
        target = self.target.fileno() if writes else -1
        assert self.pipe.open(self.source.fileno(), target, self.around, pace, least=least)

    def _write(self, frames: bytes) -> None:
        self.unsent += frames

    def say(self, stream: bytes) -> None:
        self.caller.sendall(stream)
        self.turn()

    def turn(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0.001))

    def written(self) -> bytes:
        """All that the agent was or is to be sent, since this was asked last."""
        self.agent.setblocking(False)
        sent = b""
        try:
            while piece := self.agent.recv(2**20):
                sent += piece
        except BlockingIOError:
            pass
        unsent, self.unsent = self.unsent, b""
        return sent + unsent

    def unread(self) -> bytes:
        """What is left to whoever reads on."""
        self.source.setblocking(False)
        try:
            return self.source.recv(2**20)
        except BlockingIOError:
            return b""

    def end(self) -> None:
        self.pipe.remove()
        self.turn()
        self.loop.close()
        for one in (self.caller, self.source, self.target, self.agent):
            one.close()


@pytest.fixture
def course() -> Iterator[Course]:
    opened = Course()
    yield opened
    opened.end()


def messages(stream: bytes) -> list[bytes]:
    """As the ordinary parser of an agent's server reads them."""
    protocol = Protocol(Side.SERVER, state=OPEN)
    protocol.receive_data(stream)
    events = protocol.events_received()
    assert all(isinstance(event, Frame) and event.opcode is Opcode.TEXT and event.fin for event in events)
    return [bytes(event.data) for event in events if isinstance(event, Frame)]


def chunk(number: int, size: int = PIECE) -> bytes:
    head, tail = AROUND
    return head + b64encode(number.to_bytes(4, "big") * (size // 4)) + tail


def test_plain_audio_reaches_the_agent_as_frames_of_our_own(course):
    numbers = [1, 2, 10, 99, 100, 7]
    course.say(b"".join(client_frame(media(number)) for number in numbers))
    written = course.written()
    assert messages(written) == [chunk(number) for number in numbers]
    assert len({written[at : at + 4] for at in range(4, len(written), len(written) // 6)}) == 6  # masks
    assert course.returned == []
    assert course.pipe.is_open
    assert course.pipe.passed() == 6
    assert course.pipe.passed() == 0


others = st.sampled_from(
    [
        client_frame(b'{"event":"mark","mark":{"name":"1"}}'),
        client_frame(b'{"event":"dtmf","dtmf":{"digit":"5"}}' + b" " * 200),
        client_frame(media(1)[:-1] + b" }"),
        client_frame(media(1, size=80)),
        client_frame(media(1, name="a-b")),
        client_frame(media(1), 0x82),
        client_frame(b"x" * 3_000),
        Frame(Opcode.PING, b"there?").serialize(mask=True),
        Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=True),
        Frame(Opcode.TEXT, media(1)[:50], fin=False).serialize(mask=True),
        Frame(Opcode.CONT, media(1)[50:]).serialize(mask=True),
        b"\xc1" + client_frame(media(1))[1:],  # a reserved bit
        Frame(Opcode.TEXT, media(1)).serialize(mask=False),
        b"\x81\xff" + (2**63 - 1).to_bytes(8, "big"),
        b"\x81\xfe\xff\xff",
        b"\x81",
        b"\0" * 9,
    ]
)
plain = st.sampled_from([1, 2, 10, 11, 100, 101]).map(lambda number: client_frame(media(number)))
streams = st.lists(plain | plain | plain | others, max_size=12)


@given(streams, st.lists(st.integers(0, 2**20), max_size=8))
def test_every_byte_passes_once_or_comes_back_once(frames, cuts):
    stream = b"".join(frames)
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    course = Course()
    try:
        begun = 0
        for start, stop in pairwise(edges):
            if start < stop and not course.returned:
                course.say(stream[start:stop])
                begun = stop
        passed = course.pipe.passed()
        back = b"".join(course.returned) + course.unread()
        assert len(course.returned) <= 1
        assert course.pipe.is_open == (not course.returned)
        # What passed are the first frames, and what came back begins where they end.
        assert b"".join(frames[:passed]) + back == stream[:begun]
        said = messages(course.written())
        assert len(said) == passed
        for frame, message in zip(frames, said, strict=False):
            assert message in {chunk(number) for number in (1, 2, 10, 11, 100, 101)}
            assert frame in {client_frame_like(frame, message)}
        if not cuts:
            assert passed == next((at for at, frame in enumerate(frames) if not is_plain(frame)), len(frames))
    finally:
        course.end()


def is_plain(frame: bytes) -> bool:
    payload = unmasked(frame)
    return payload in {media(number) for number in (1, 2, 10, 11, 100, 101)} and frame[0] == 0x81


def unmasked(frame: bytes) -> bytes:
    """Of a frame of the usual form."""
    return bytes(byte ^ frame[4 + at % 4] for at, byte in enumerate(frame[8:]))


def client_frame_like(frame: bytes, message: bytes) -> bytes:
    """`frame`, if it holds the audio of that message."""
    audio = message[len(AROUND[0]) : -len(AROUND[1])]
    return frame if b'"' + audio + b'"' in unmasked(frame) else b""


@pytest.mark.parametrize("number", [7, 42])
def test_a_message_like_the_last_but_for_one_byte_is_judged_as_the_codec_does(course, number):
    """Every byte of it becomes some other: what the codec would not take by its shape must not pass."""
    usual, chosen = media(number), random.Random(number)
    codec = TwilioCodec()
    for at in range(len(usual)):
        others = {ord('"'), ord("\\"), ord("="), ord("A"), ord("5"), 0, 0x80, 0xFF, chosen.randrange(256)}
        for other in others - {usual[at]}:
            assert codec.plain_audio(usual)
            message = usual[:at] + bytes([other]) + usual[at + 1 :]
            pattern = codec.pattern(message)
            course.say(client_frame(message))
            if course.pipe.passed():
                assert pattern is not None
                assert messages(course.written()) == [
                    AROUND[0] + message[pattern.audio] + AROUND[1],
                ]
            else:
                assert course.returned
                course.returned.clear()
                course.open()


def test_what_was_read_before_completes_nothing(course):
    """The same bytes again, but for the last ones, which are still where the first reading left them."""
    frame = client_frame(media(1))
    course.say(frame)
    course.say(frame[:-10])
    assert course.returned == [frame[:-10]]
    assert messages(course.written()) == [chunk(1)]


def test_a_message_of_the_same_length_with_less_audio_is_another_one(course):
    """As long as the usual one, for its stream's name is longer."""
    missing = PACE.audio_size - len(b64encode(bytes(PIECE // 2)))
    other = media(1, size=PIECE // 2, name="MZ1" + "x" * missing)
    assert len(other) == len(media(1))
    assert course.pipe.learn(pattern_of(other))
    course.say(client_frame(media(2)) + client_frame(other))
    assert course.returned == [course.returned[0]]
    assert unmasked(course.returned[0]) == other
    assert messages(course.written()) == [chunk(2)]


def test_however_small_a_sketch_may_be_at_most_one_is_told_of_a_reading():
    course = Course(pace=PACE._replace(full=100))
    try:
        course.say(b"".join(client_frame(media(1)) for _ in range(20)))
        assert len(course.heard) == 1
        assert course.returned
        heard = course.pipe.heard()
        assert heard
        assert (
            course.heard[0].frames + heard.frames == course.pipe.passed() == len(messages(course.written()))
        )
    finally:
        course.end()


def test_what_the_agent_does_not_take_is_given_back_in_order():
    course = Course()
    try:
        course.target.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        said: list[bytes] = []
        for _ in range(200):
            course.say(client_frame(media(1)) * 3)
            said += [chunk(1)] * 3
            if course.returned:
                break
        assert course.returned == [b""]  # read on, by other means
        assert not course.pipe.is_open
        assert course.unsent
        assert messages(course.written()) == said
    finally:
        course.end()


def test_what_others_say_to_the_agent_stands_between_two_frames(course):
    course.say(client_frame(media(1)))
    pong = client_frame(b'{"type":"pong"}')
    assert course.pipe.send(pong) == len(pong)
    course.say(client_frame(media(2)))
    assert messages(course.written()) == [chunk(1), b'{"type":"pong"}', chunk(2)]
    course.pipe.close()
    assert course.pipe.send(pong) == 0
    assert course.written() == b""


def test_without_a_socket_of_the_agents_frames_are_handed_on_and_the_pipe_stays_open():
    course = Course(writes=False)
    try:
        course.say(client_frame(media(1)) + client_frame(media(2)))
        course.say(client_frame(media(3)))
        assert messages(course.unsent) == [chunk(1), chunk(2), chunk(3)]
        assert course.pipe.is_open
        assert course.returned == []
    finally:
        course.end()


def test_all_is_read_of_who_sends_more_than_is_read_at_once():
    frame, piece = client_frame(media(10, size=88)), len(b64encode(bytes(88)))
    assert 16 * 1024 % len(frame) == 0, "or the last one read is no whole frame, and ends the pipe"
    course = Course(pace=PACE._replace(audio_size=piece))
    try:
        assert course.pipe.learn(pattern_of(media(10, size=88)))
        course.say(frame * 200)
        assert course.pipe.passed() == 200
        assert messages(course.written()) == [chunk(10, size=88)] * 200
        assert course.pipe.is_open
    finally:
        course.end()


def on_the_loopback() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        caller = socket.create_connection(server.getsockname())
        return caller, server.accept()[0]


@pytest.mark.parametrize("pair", [socket.socketpair, on_the_loopback])
def test_the_last_word_of_who_leaves_with_it_is_carried_and_the_reading_given_back(course, pair):
    course.pipe.close()
    for old in (course.caller, course.source):
        old.close()
    course.caller, course.source = pair()
    course.open()
    course.caller.sendall(client_frame(media(1)))
    course.caller.close()
    course.turn()
    assert messages(course.written()) == [chunk(1)]
    assert course.returned == [b""]
    assert not course.pipe.is_open


def test_the_rest_of_a_frame_is_written_before_anybody_writes_for_what_was_read(course):
    """In the same turn, and though the reading was told first."""
    told: list[str] = []
    caller, source = socket.socketpair()
    other = course.pump.pipe(
        Ends(lambda read: told.append("read"), lambda rest: told.append("rest"), print), masks=True
    )
    course.pipe.ends = Ends(lambda read: told.append("read"), print, print)
    try:
        assert other.open(source.fileno(), -1, AROUND, PACE)
        course.caller.send(b"something")
        caller.send(client_frame(media(1)))
        course.turn()
        assert told == ["rest", "read"]
    finally:
        other.remove()
        caller.close()
        source.close()


@pytest.mark.parametrize("abruptly", [False, True])
def test_when_the_caller_leaves_the_reading_is_given_back(course, abruptly):
    if abruptly:
        course.caller.send(client_frame(media(1)))
        course.source.shutdown(socket.SHUT_RDWR)
    course.caller.close()
    course.turn()
    course.turn()
    assert b"".join(course.returned) == b""
    assert len(course.returned) == 1
    assert not course.pipe.is_open


def test_an_agent_that_is_gone_is_found_by_whoever_writes_next(course):
    course.agent.close()
    course.say(client_frame(media(1)))
    assert messages(course.unsent) == [chunk(1)]
    assert course.returned == [b""]


def test_a_pipe_tells_what_a_listener_would_have_heard(course):
    frames = [number % 90 + 10 for number in range(40)]
    for number in frames:
        course.say(client_frame(media(number)))
    heard = course.pipe.heard()
    assert heard
    assert heard.frames == 40
    assert heard.sketch == b"".join(b64encode(number.to_bytes(4, "big") * 40)[::4] for number in frames)
    now = course.loop.time()
    assert now - 5 < heard.last <= now
    # By the frame that was least late: the first of them had sounded when it came.
    assert heard.last - 40 * PACE.piece_seconds <= heard.earliest <= heard.last
    assert course.pipe.heard() is None
    assert course.heard == []
    assert heard.resumed == 0


def test_a_full_sketch_is_told(course):
    for number in range(120):
        course.say(client_frame(media(number % 9 + 1)))
    assert [heard.frames for heard in course.heard] == [50, 50]
    assert {len(heard.sketch) for heard in course.heard} == {2700}
    left = course.pipe.heard()
    assert left
    assert left.frames == 20


def test_much_at_once_is_told_as_well(course):
    """As fast as it comes, though more than a sketch holds."""
    for _ in range(4):
        course.say(b"".join(client_frame(media(1)) for _ in range(40)))
    left = course.pipe.heard()
    assert left
    assert sum(heard.frames for heard in course.heard) + left.frames == 160
    assert len(messages(course.written())) == 160
    assert course.returned == []


def test_a_pause_is_told_with_all_before_it():
    course = Course(pace=PACE._replace(pause_seconds=0.05, last=time.monotonic()))
    try:
        course.say(client_frame(media(1)) + client_frame(media(2)))
        time.sleep(0.06)
        course.say(client_frame(media(3)))
        (before,) = course.heard
        after = course.pipe.heard()
        assert after
        assert (before.frames, after.frames) == (2, 1)
        assert before.last < before.resumed == after.last
        assert len(messages(course.written())) == 3
    finally:
        course.end()


def test_what_cannot_be_a_pattern_is_not_learned(course):
    learn = course.pipe.learn
    usual = pattern_of(media(5))
    assert learn(usual)
    assert not learn(usual._replace(like=usual.like[:-1] + b"\x83"))
    assert not learn(Pattern(b"x" * 100, slice(10, 20)))
    assert not learn(Pattern(b"x" * 4097, slice(10, 20)))
    assert not learn(Pattern(b"x" * 200, slice(10, 20), slice(190, 201)))
    assert not learn(Pattern(b"x" * 200, slice(10, 20), slice(100, 119)))


def test_patterns_mean_what_they_say():
    pattern = pattern_of(media(123, name="MZ9z"))
    assert pattern.like.count(DIGIT) == 9
    assert pattern.like.count(LETTER_OR_DIGIT) == 4
    assert pattern.like.count(BASE64) == PACE.audio_size - pattern.like.count(b"=")
    assert TwilioCodec.pattern(media(123, name="a_b")) is None
    assert TwilioCodec.pattern(b"{}") is None


async def test_the_pump_outlives_its_pipes():
    """A call's second pipe may be wanted when its first one, and all those of others, are gone."""
    pump = pump_here()
    assert pump
    for _ in range(3):
        pipe = pump.pipe(Ends(print, print, print), masks=True)
        pipe.remove()
        pipe.remove()
    assert pump_here() is pump
    heard: list[bytes] = []
    pipe = pump.pipe(Ends(heard.append, print, print), masks=True)
    caller, source = socket.socketpair()
    target, agent = socket.socketpair()
    with caller, source, target, agent:
        assert pipe.open(source.fileno(), target.fileno(), AROUND, PACE)
        caller.send(b"something")
        await asyncio.sleep(0.01)
        assert heard == [b"something"]
        pipe.remove()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_the_pump_is_gone_with_its_loop_though_a_pipe_is_open(new_loop):
    async def leave(source: socket.socket) -> None:
        pump = pump_here()
        assert pump
        assert pump.pipe(Ends(print, print, print), masks=True).open(source.fileno(), -1, AROUND, PACE)

    def files_after_a_loop() -> int:
        caller, source = socket.socketpair()
        loop = new_loop()
        with caller, source:
            loop.run_until_complete(leave(source))
            loop.close()
        del loop
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    before = files_after_a_loop()  # the first one opens what stays
    assert [files_after_a_loop() for _ in range(3)] == [before] * 3


@pytest.mark.parametrize(
    ("left", "told"),
    [
        ("loop.__class__.__del__ = lambda _: None  # and the process ends", ""),
        ("del loop; gc.collect()", "False False 0 0.0 None\n"),
    ],
)
def test_what_is_thrown_away_together_with_a_pipe_may_ask_it_for_something_still(left, told):
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", LEAVES_A_PIPE.format(left=left)],
        # What is freed looks at once like nothing that was there.
        env=os.environ | {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0:glibc.malloc.perturb=85"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, told, "")


LEAVES_A_PIPE = """
import asyncio, gc, socket
from agents.fast_lane.pump import Ends, pump_here
from agents.fast_lane.pump.words import Pace

async def carry(pipe):
    try:
        await asyncio.Event().wait()
    finally:
        asks(pipe)

def opens(pipe):
    return pipe.open(source.fileno(), -1, (b"{{", b"}}"), Pace(216, 0.02, 1e9, 0.0, 2700))

def asks(pipe):
    pipe.close()
    print(pipe.is_open, opens(pipe), pipe.passed(), pipe.passed_at, pipe.heard())
    pipe.remove()

async def begin():
    pipe = pump_here().pipe(Ends(print, print, print), masks=True)
    assert opens(pipe)
    pipe.ends = Ends(carry(pipe), print, print)
    pipe.ends.to_read.send(None)

caller, source = socket.socketpair()
loop = asyncio.new_event_loop()
loop.run_until_complete(begin())
{left}
"""


def test_what_is_told_of_a_pipe_is_told_in_its_calls_context():
    """Of another call's, log lines would name that one, and perhaps another tenant."""
    call: ContextVar[str] = ContextVar("call", default="nobody's")
    course, told = Course(), list[tuple[str, str]]()

    def tells(kind: str) -> Callable[[object], None]:
        return lambda _: told.append((kind, call.get()))

    def open_one(name: str) -> tuple[Pipe, socket.socket, socket.socket]:
        call.set(name)
        caller, source = socket.socketpair()
        ends = Ends(tells("to read"), tells("to write"), tells("heard"))
        pipe = course.pump.pipe(ends, masks=True)
        assert pipe.open(source.fileno(), -1, AROUND, PACE._replace(pause_seconds=0.0))
        return pipe, caller, source

    opened = [copy_context().run(open_one, name) for name in ("one", "two")]
    for _, caller, _ in opened:
        caller.sendall(client_frame(media(1)) + b"end")
    course.turn()
    for pipe, caller, source in opened:
        pipe.remove()
        caller.close()
        source.close()
    course.end()
    kinds = ["heard", "to read", "to write"]
    assert sorted(told) == sorted((kind, name) for kind in kinds for name in ("one", "two"))


def test_a_pipe_that_a_notice_removes_takes_nothing_from_the_others():
    """Both are told of in one turn, and the first one's end removes the second."""
    course = Course()
    came: list[bytes] = []
    try:
        caller, source = socket.socketpair()
        second: list[Pipe] = []

        def removes_the_other(read: bytes) -> None:
            came.append(read)
            second[0].remove()

        second.append(course.pump.pipe(Ends(came.append, print, print), masks=True))
        first = course.pump.pipe(Ends(removes_the_other, print, print), masks=True)
        assert first.open(course.source.fileno(), course.target.fileno(), AROUND, PACE) is False  # it is read
        course.pipe.close()
        assert first.open(course.source.fileno(), course.target.fileno(), AROUND, PACE)
        assert second[0].open(source.fileno(), course.target.fileno(), AROUND, PACE)
        course.caller.send(b"one")
        caller.send(b"two")
        course.turn()
        assert sorted(came) == [b"one", b"two"]
        first.remove()
        caller.close()
        source.close()
    finally:
        course.end()


def test_many_who_never_stop_talking_keep_nobody_waiting(course):
    """Without a socket of the agent all that leaves is handed on, which takes the most room."""
    quiet: list[tuple[socket.socket, socket.socket, list[bytes], Pipe]] = []
    loud: list[tuple[socket.socket, socket.socket, list[bytes], Pipe]] = []

    async def one_turn() -> None:
        course.pump.library.pump_turn(course.pump.handle, library.Told(course.pump._act))

    for at in range(30):
        caller, source = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # whole frames each time
        source.setblocking(False)
        said: list[bytes] = []
        pipe = course.pump.pipe(Ends(print, said.append, lambda heard: None), masks=True)
        assert pipe.open(source.fileno(), -1, AROUND, PACE)
        (quiet if at >= 25 else loud).append((caller, source, said, pipe))
    try:
        frames = b"".join(client_frame(media(1)) for _ in range(45))
        for _ in range(8):  # more than is read of anybody meanwhile
            for caller, *_ in loud:
                caller.sendall(frames)
        for caller, *_ in quiet:
            caller.sendall(client_frame(media(2)))
        for _ in range(2):
            course.loop.run_until_complete(one_turn())
        assert all(messages(b"".join(said)) == [chunk(2)] for _, _, said, _ in quiet)
    finally:
        for caller, source, _, pipe in quiet + loud:
            pipe.remove()
            caller.close()
            source.close()


def test_what_goes_wrong_with_one_call_is_no_others(course):
    caller, source = socket.socketpair()

    def fail(_: object) -> None:
        raise LookupError("of one call")

    failed: list[dict[str, object]] = []
    course.loop.set_exception_handler(lambda _loop, context: failed.append(context))
    failing = course.pump.pipe(Ends(fail, fail, fail), masks=True)
    assert failing.open(source.fileno(), -1, AROUND, PACE)
    caller.sendall(client_frame(media(1)) + b"other")
    course.say(client_frame(media(2)) + b"end")
    assert course.returned == [b"end"]
    assert messages(course.written()) == [chunk(2)]
    assert [type(context["exception"]) for context in failed] == [LookupError, LookupError]
    failing.remove()
    caller.close()
    source.close()


def test_the_newest_patterns_are_known_however_many_there_were(course):
    for at in range(100):
        name = "Z" * (at + 10)
        assert course.pipe.learn(pattern_of(media(1, name=name)))
        course.say(client_frame(media(1, name=name)))
        assert course.pipe.passed() == 1
    course.say(client_frame(media(1, name="Z" * 10)))  # forgotten
    assert len(course.returned) == 1
    for number in (1, 10, 100):  # what other tests count on
        assert course.pipe.learn(pattern_of(media(number)))


def test_without_a_compiler_there_is_none_and_it_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "SOURCE", tmp_path / "pump.c")
    (tmp_path / "pump.c").write_text("int broken(")
    with pytest.raises(library.Unavailable, match="error"):
        library.compiled()
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(library.Unavailable, match="no C compiler"):
        library.compiled()
    assert [path.name for path in tmp_path.iterdir()] == ["pump.c"]


class Wire:
    """A transport, as far as a way out asks it."""

    def __init__(self, *, waiting: int = 0, tls: bool = False) -> None:
        self.waiting, self.tls = waiting, tls
        self.socket = socket.socket()

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def get_extra_info(self, name: str) -> object:
        return {"sslcontext": object() if self.tls else None, "socket": self.socket}[name]

    def write(self, frames: bytes) -> None: ...


@pytest.mark.parametrize("tls", [True, False])
def test_a_way_out_is_lent_when_nothing_waits_on_it_and_never_under_tls(tls):
    wire, out = Wire(tls=tls), Out()
    out.leads(wire, *AROUND)  # type: ignore[arg-type]
    assert out.lend(print, not_now) is None  # it is not open
    out.open = True
    assert out.lend(print, not_now) == (-1 if tls else wire.socket.fileno())
    wire.waiting = 1
    assert out.lend(print, not_now) is None
    wire.socket.close()


@given(
    st.lists(st.floats(0.0, 0.09) | st.floats(0.11, 3.0), min_size=1, max_size=200),
    st.lists(st.integers(1, 40), min_size=1, max_size=30),
    st.integers(0, 2**32),
)
def test_an_ear_hears_the_same_whoever_has_listened(gaps, runs, seed):
    """Some frames one by one, then some that a pipe has heard, and so on."""
    chosen = random.Random(seed)
    audio = [b64encode(bytes(chosen.choice([0xFF, 0x05]) for _ in range(PIECE))) for _ in range(7)]
    times = [(100.0 + sum(gaps[: at + 1]), audio[at % 7]) for at in range(len(gaps))]
    alone, helped = CallerEar(MULAW_8K), CallerEar(MULAW_8K)
    for at, piece in times:
        alone.hear_base64(at, piece)
    at, helps = 0, False
    for run in [1, *runs, len(times)]:
        block, at = times[at : at + run], at + run
        if helps and (pace := helped.pace()):
            for heard in as_heard(block, pace):
                helped.gather(heard)
        else:
            for came, piece in block:
                helped.hear_base64(came, piece)
        helps = not helps
    for ear in (alone, helped):
        ear.flush()
    assert helped.began == pytest.approx(alone.began)
    said, same = alone.speech.stretches(), helped.speech.stretches()
    # Blocks that end elsewhere have their own windows of 20 ms.
    assert sum(end - start for start, end in same) == pytest.approx(
        sum(end - start for start, end in said), abs=0.06 * (1 + len(said) + len(same))
    )


def as_heard(block: list[tuple[float, bytes]], pace: Pace) -> Iterator[Heard]:
    """What a pipe tells of these frames."""
    frames, earliest, last, sketch = 0, inf, pace.last, b""
    for came, piece in block:
        if came - last > pace.pause_seconds:
            yield Heard(frames, earliest, last, came, sketch)
            frames, earliest, sketch = 0, inf, b""
        frames, last, sketch = frames + 1, came, sketch + piece[::4]
        earliest = min(earliest, came - frames * pace.piece_seconds)
        if len(sketch) >= pace.full:
            yield Heard(frames, earliest, last, 0.0, sketch)
            frames, earliest, sketch = 0, inf, b""
    yield Heard(frames, earliest, last, 0.0, sketch)
