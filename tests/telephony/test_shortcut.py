"""When the pump may carry, and that whoever shuts the way has it shut at once."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from agents.audio import MULAW_8K
from agents.fast_lane import Take, not_now
from agents.fast_lane.cutter import Way, client_frame
from agents.fast_lane.pump import pump_here
from telephony.caller_queue import CallerQueue, Passage, Whisper
from telephony.carriers.twilio.codec import TwilioCodec
from telephony.fast_lane import LaneProtocol
from telephony.feel.ears import CallerEar
from telephony.frames import Digit
from telephony.shortcut import Shortcut
from tests.agents.test_pump import AROUND, chunk, media, messages


class Caller:
    """A lender, whose other end is `socket`."""

    shortcut: Shortcut | None = None

    def __init__(self) -> None:
        self.socket, self._mine = socket.socketpair()
        self.lent = False
        self.lends = True
        self.read: list[bytes] = []

    def lend(self) -> int:
        self.lent = self.lends
        return self._mine.fileno() if self.lends else -1

    def take_back(self, read: bytes) -> None:
        assert self.lent
        self.lent = False
        self.read.append(read)

    def close(self) -> None:
        self.socket.close()
        self._mine.close()


class Agent:
    """A way out, whose other end is `socket`."""

    head, tail = AROUND

    def __init__(self, *, tls: bool = False) -> None:
        self.socket, self._mine = socket.socketpair()
        self.socket.setblocking(False)
        self.tls = tls
        self.busy = False
        self.changes: Callable[[], None] = lambda: None
        self.aside: Take = not_now
        self.write: Callable[[bytes], None] = self._mine.sendall

    def lend(self, changes: Callable[[], None], aside: Take) -> int | None:
        if self.busy:
            return None
        self.changes, self.aside = changes, aside
        return -1 if self.tls else self._mine.fileno()

    def heard(self) -> list[bytes]:
        try:
            return messages(self.socket.recv(2**20))
        except BlockingIOError:
            return []

    def close(self) -> None:
        self.socket.close()
        self._mine.close()


class Line:
    def __init__(self, *, tls: bool = False) -> None:
        self.caller, self.agent, self.other = Caller(), Agent(tls=tls), Agent()
        self.ear = CallerEar(MULAW_8K)
        codec, pump = TwilioCodec(), pump_here()
        assert pump
        codec.plain_audio(media(1))
        self.shortcut = Shortcut(pump, self.caller, codec.pattern, self.ear)

    async def offer(self, agent: Agent | None = None) -> None:
        """As the lane does that has passed a frame."""
        codec = TwilioCodec()
        audio = codec.plain_audio(media(1))
        assert audio
        self.ear.hear_base64(asyncio.get_running_loop().time(), audio)
        self.shortcut.offer(media(1), agent or self.agent)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def say(self, *frames: bytes) -> None:
        self.caller.socket.sendall(b"".join(frames))
        await asyncio.sleep(0.01)

    def close(self) -> None:
        if self.caller.shortcut is not None:
            self.shortcut.close()
        for end in (self.caller, self.agent, self.other):
            end.close()


@pytest.fixture(params=[False, True], ids=["socket", "tls"])
async def line(request) -> AsyncIterator[Line]:
    opened = Line(tls=request.param)
    yield opened
    opened.close()


async def test_after_a_frame_has_passed_the_next_ones_go_past_python(line):
    await line.offer()
    assert line.caller.lent
    await line.say(client_frame(media(2)), client_frame(media(3)))
    assert line.agent.heard() == [chunk(2), chunk(3)]
    assert line.shortcut.passed() == 2
    assert line.caller.read == []


async def test_what_is_no_audio_comes_back_with_the_reading(line):
    await line.offer()
    mark = client_frame(b'{"event":"mark"}')
    await line.say(client_frame(media(2)), mark, client_frame(media(3)))
    assert line.agent.heard() == [chunk(2)]
    assert len(line.caller.read) == 1
    assert line.caller.read[0].startswith(mark)
    assert not line.caller.lent


@pytest.mark.parametrize("way", ["withdrawn", "the agent's socket changes"])
async def test_who_shuts_the_way_shuts_it_at_once(line, way):
    await line.offer()
    line.caller.socket.sendall(client_frame(media(2)))
    (line.shortcut.withdraw if way == "withdrawn" else line.agent.changes)()
    await asyncio.sleep(0.01)
    assert line.agent.heard() == []
    assert line.caller.read == [b""]
    assert not line.caller.lent


async def test_an_offer_is_worth_nothing_once_the_way_is_shut(line):
    line.shortcut.offer(media(1), line.agent)
    line.shortcut.withdraw()
    await asyncio.sleep(0.01)
    assert not line.caller.lent
    assert line.caller.read == []


async def test_what_the_pump_has_read_comes_before_what_is_read_after_it(line):
    """It has ended by itself, and before that is known somebody shuts the way: the reading is not given back twice."""
    await line.offer()
    line.caller.socket.sendall(client_frame(b"other"))
    pump = pump_here()
    assert pump
    pump._turn()
    line.shortcut.withdraw()
    assert line.caller.lent
    await asyncio.sleep(0.01)
    assert line.caller.read == [line.caller.read[0]]
    assert line.caller.read[0]


async def test_nothing_is_opened_that_the_caller_or_the_agent_cannot_lend(line):
    line.agent.busy = True
    await line.offer()
    assert not line.caller.lent
    line.agent.busy, line.caller.lends = False, False
    await line.offer()
    assert not line.caller.lent
    line.caller.lends = True
    await line.offer()
    assert line.caller.lent


async def test_a_pong_goes_with_the_audio_and_only_to_its_own_agent():
    line = Line()
    try:
        pong = client_frame(b'{"type":"pong"}')
        assert not line.agent.aside(pong)  # nothing is lent yet
        await line.offer()
        assert line.agent.aside(pong)
        line.shortcut.withdraw()
        assert not line.agent.aside(pong)
        await line.offer(line.other)
        assert not line.agent.aside(pong)
        assert line.other.aside(pong)
        assert line.agent.heard() == line.other.heard() == [b'{"type":"pong"}']
    finally:
        line.close()


async def test_under_tls_others_write_by_the_transport_as_the_pump_does():
    line = Line(tls=True)
    try:
        await line.offer()
        assert not line.agent.aside(client_frame(b"pong"))
        assert line.caller.lent
    finally:
        line.close()


async def test_a_pong_that_a_slow_agent_does_not_take_shuts_the_way():
    line = Line()
    try:
        line.agent._mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        written: list[bytes] = []
        line.agent.write = written.append
        await line.offer()
        pong, pongs = client_frame(b"x" * 1000), 0
        while not written:
            assert line.agent.aside(pong)
            pongs += 1
        assert not line.caller.lent
        got = b"".join(
            iter(lambda: line.agent.socket.recv(4096) if readable(line.agent.socket) else b"", b"")
        )
        assert messages(got + written[0]) == [b"x" * 1000] * pongs
    finally:
        line.close()


def readable(one: socket.socket) -> bool:
    try:
        return bool(one.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False


async def test_the_ear_has_heard_all_when_the_lane_is_closed(line):
    await line.offer()
    await line.say(*[client_frame(media(2))] * 10)
    line.shortcut.close()
    assert line.ear._frames == 11
    assert line.caller.shortcut is None
    assert line.caller.read == [b""]


async def test_pieces_too_long_for_a_pace_stay_in_python(line):
    line.ear.hear_base64(asyncio.get_running_loop().time(), b"AAAA" * 300)
    line.shortcut.offer(media(1), line.agent)
    await asyncio.sleep(0.01)
    assert not line.caller.lent


class Witness:
    """A shortcut that tells of being shut."""

    def __init__(self) -> None:
        self.withdrawn = 0

    def withdraw(self) -> None:
        self.withdrawn += 1


@pytest.mark.parametrize("waits", [Whisper("softly"), Digit("5"), None])
def test_whatever_waits_for_the_agent_shuts_the_way(waits):
    """None: there is no such agent any more."""
    passage = Passage(lambda now, audio: None, lambda frame: None)
    queue, witness = CallerQueue(passage), Witness()
    passage.shortcut = witness  # type: ignore[assignment]
    passage.open = True
    if waits is None:
        queue.let_pass(None)
    else:
        queue.put(waits)
    assert not passage.open
    assert witness.withdrawn == 1


class Reading:
    """A transport, as far as its reading is lent."""

    def __init__(self) -> None:
        self.reads = True
        self.socket, self.other = socket.socketpair()

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, name: str) -> object:
        return self.socket if name == "socket" else None

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


@pytest.mark.parametrize("hinders", ["read_paused", "between_messages", "clear", ""])
def test_a_callers_socket_is_lent_when_nothing_is_under_way_and_taken_back_as_it_was(hinders):
    protocol = LaneProtocol.__new__(LaneProtocol)
    protocol.transport = reading = Reading()  # type: ignore[assignment]
    protocol.way, protocol.disconnected, protocol.read_paused = Way(), False, hinders == "read_paused"
    protocol.way.between_messages, protocol.way.clear = hinders != "between_messages", hinders != "clear"
    file = protocol.lend()
    assert (file == reading.socket.fileno()) == (not hinders)
    assert reading.reads == bool(hinders)
    reading.reads = False
    reads = []
    for too_much_to_read in (True, False):
        protocol.read_paused = too_much_to_read
        protocol.take_back(b"")
        reads.append(reading.reads)
    assert reads == [False, True]
    reading.socket.close()
    reading.other.close()
