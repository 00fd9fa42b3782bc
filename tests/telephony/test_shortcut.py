"""When the pump may carry, and that whoever shuts the way has it shut at once."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from agents.audio import MULAW_8K
from agents.fast_lane import Take, not_now
from agents.fast_lane.cutter import Way, client_frame, server_frame
from agents.fast_lane.pump import pump_here
from agents.fast_lane.shortcut import Shortcut
from telephony.caller_queue import CallerQueue, Passage, Whisper
from telephony.carriers.twilio.codec import TwilioCodec
from telephony.fast_lane import LaneProtocol, WayBack
from telephony.feel.ears import CallerEar
from telephony.frames import Digit
from telephony.signal import Signal
from tests.agents.test_pump import AROUND, chunk, media, messages


class Caller:
    """A lender, whose other end is `socket`."""

    shortcut: Shortcut | None = None

    def __init__(self) -> None:
        self.socket, self._mine = socket.socketpair()
        self.lent = False
        self.may_lend = True
        self.read: list[bytes] = []
        self.deals: Callable[[bytes], None] = lambda read: None

    def lends(self) -> int:
        return self._mine.fileno() if self.may_lend else -1

    def lend(self) -> None:
        assert not self.lent
        self.lent = True

    def take_back(self) -> None:
        assert self.lent
        self.lent = False

    def deal_with(self, read: bytes) -> None:
        assert self.lent
        self.read.append(read)
        self.deals(read)

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
        self.busy = self.waiting = False
        self.changes: Callable[[], None] = lambda: None
        self.aside: Take = not_now
        self.write: Callable[[bytes], None] = self._mine.sendall

    def lend(self, changes: Callable[[], None], aside: Take) -> int | None:
        if self.busy:
            return None
        self.changes, self.aside = changes, aside
        return -1 if self.tls else self._mine.fileno()

    def waits(self) -> bool:
        return self.waiting

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
        self.shortcut = Shortcut(pump, self.caller, codec.pattern, self.ear, masks=True)

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


MARK = client_frame(b'{"event":"mark"}')


async def test_what_is_no_audio_is_dealt_with_and_then_the_pipe_carries_on(line):
    await line.offer()
    await line.say(client_frame(media(2)), MARK)
    assert line.agent.heard() == [chunk(2)]
    assert line.caller.read == [MARK]
    await line.say(client_frame(media(3)))
    assert line.agent.heard() == [chunk(3)]
    assert line.caller.read == [MARK]
    assert line.caller.lent


@pytest.mark.parametrize("hinders", ["withdrawn", "the caller", "the agent", "half a message"])
async def test_the_reading_is_given_back_if_that_leaves_anything_as_it_was_not(line, hinders):
    def deal(read: bytes) -> None:
        match hinders:
            case "withdrawn":
                line.shortcut.withdraw()
            case "the caller" | "half a message":
                line.caller.may_lend = False
            case "the agent":
                line.agent.busy = True

    line.caller.deals = deal
    await line.offer()
    await line.say(MARK[:5] if hinders == "half a message" else MARK)
    assert not line.caller.lent
    await line.say(client_frame(media(2)))
    assert line.agent.heard() == []


async def test_whoever_shuts_the_way_before_the_end_is_dealt_with_has_it_shut(line):
    """Two pipes have ended by themselves in one turn, and what is read of the first shuts the other's way."""
    other = Line()
    try:
        for one, another in ((line, other), (other, line)):

            def shut(read: bytes, one: Line = one, another: Line = another) -> None:
                if not another.caller.read:
                    another.shortcut.withdraw()
                    assert another.caller.lent  # what was read comes first, and then it is given back, once

            one.caller.deals = shut
            await one.offer()
        for one in (line, other):
            one.caller.socket.sendall(MARK)
        await asyncio.sleep(0.01)
        assert line.caller.read == other.caller.read == [MARK]
        assert sorted([line.caller.lent, other.caller.lent]) == [False, True]
    finally:
        other.close()


async def test_a_frame_that_the_lane_passes_meanwhile_is_an_offer_like_any_other(line):
    """Of another shape: the pipe carries on with those."""

    def deal(read: bytes) -> None:
        line.shortcut.withdraw()
        codec = TwilioCodec()
        audio = codec.plain_audio(media(100, size=80))
        assert audio
        line.ear.hear_base64(asyncio.get_running_loop().time(), audio)
        line.shortcut.offer(media(100, size=80), line.agent)

    line.caller.deals = deal
    await line.offer()
    await line.say(client_frame(media(100, size=80)))
    assert line.caller.lent
    await line.say(client_frame(media(200, size=80)))
    assert line.agent.heard() == [chunk(200, size=80)]


@pytest.mark.parametrize("way", ["withdrawn", "the agent's socket changes"])
async def test_who_shuts_the_way_shuts_it_at_once(line, way):
    await line.offer()
    line.caller.socket.sendall(client_frame(media(2)))
    (line.shortcut.withdraw if way == "withdrawn" else line.agent.changes)()
    await asyncio.sleep(0.01)
    assert line.agent.heard() == []
    assert line.caller.read == []
    assert not line.caller.lent


async def test_an_offer_is_worth_nothing_once_the_way_is_shut(line):
    line.shortcut.offer(media(1), line.agent)
    line.shortcut.withdraw()
    await asyncio.sleep(0.01)
    assert not line.caller.lent
    assert line.caller.read == []


async def test_nothing_is_opened_that_the_caller_or_the_agent_cannot_lend(line):
    line.agent.busy = True
    await line.offer()
    assert not line.caller.lent
    line.agent.busy, line.caller.may_lend = False, False
    await line.offer()
    assert not line.caller.lent
    line.caller.may_lend = True
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


async def test_what_is_said_to_the_agent_while_the_lane_deals_with_something_goes_at_once():
    """And the pipe carries on, though whoever speaks has written past it."""
    line, gone = Line(), []
    try:
        word = client_frame(b"a word")
        line.caller.deals = lambda read: gone.append(line.agent.aside(word))
        await line.offer()
        await line.say(MARK)
        await line.say(client_frame(media(2)))
        assert gone == [True]
        assert line.agent.heard() == [b"a word", chunk(2)]
        assert line.caller.lent
    finally:
        line.close()


@pytest.mark.parametrize("hinders", ["something waits", "withdrawn"])
async def test_but_not_past_anything_that_was_written_before(hinders):
    line = Line()

    def deal(read: bytes) -> None:
        if hinders == "withdrawn":
            line.shortcut.withdraw()
        else:
            line.agent.waiting = True
        assert not line.agent.aside(client_frame(b"a word"))

    try:
        line.caller.deals = deal
        await line.offer()
        await line.say(MARK)
        assert line.agent.heard() == []
        assert line.caller.read == [MARK]
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
    assert line.caller.read == []
    assert not line.caller.lent


async def test_an_ear_that_fails_costs_nobody_the_reading(line, monkeypatch, caplog):
    def fail(ear: CallerEar, heard: object) -> None:
        raise ValueError("not heard")

    await line.offer()
    await line.say(client_frame(media(2)))
    monkeypatch.setattr(CallerEar, "gather", fail)
    line.shortcut.withdraw()
    assert not line.caller.lent
    await line.offer()
    await line.say(client_frame(media(3)), MARK)
    assert line.caller.read == [MARK]
    await line.say(client_frame(media(4)))
    line.shortcut.close()
    assert not line.caller.lent
    assert line.caller.shortcut is None
    assert caplog.messages == ["[MediaStream] What went past was not understood"] * 3


async def test_pieces_too_long_for_a_pace_stay_in_python(line):
    line.ear.hear_base64(asyncio.get_running_loop().time(), b"AAAA" * 1000)
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

    def close(self) -> None:
        self.socket.close()
        self.other.close()


@pytest.mark.parametrize("hinders", ["read_paused", "between_messages", "clear", ""])
def test_a_callers_socket_is_lent_when_nothing_is_under_way_and_taken_back_as_it_was(hinders):
    protocol = LaneProtocol.__new__(LaneProtocol)
    protocol.transport = reading = Reading()  # type: ignore[assignment]
    protocol.way, protocol.read_paused = Way(), hinders == "read_paused"
    protocol.way.between_messages, protocol.way.clear = hinders != "between_messages", hinders != "clear"
    assert (protocol.lends() == reading.socket.fileno()) == (not hinders)
    protocol.lend()
    assert not reading.reads
    reads = []
    for too_much_to_read in (True, False):
        protocol.read_paused = too_much_to_read
        protocol.take_back()
        reads.append(reading.reads)
    assert reads == [False, True]
    reading.close()


class Writing(Reading):
    """A transport, as far as its writing is lent."""

    def __init__(self) -> None:
        super().__init__()
        self.closing, self.waiting, self.tls = False, 0, False
        self.written: list[bytes] = []

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def get_extra_info(self, name: str) -> object:
        return self.tls or None if name == "sslcontext" else super().get_extra_info(name)

    def write(self, frames: bytes) -> None:
        self.written.append(frames)


@pytest.fixture
def transport() -> Iterator[Writing]:
    opened = Writing()
    yield opened
    opened.close()


def callers_socket(transport: Writing) -> LaneProtocol:
    protocol = LaneProtocol.__new__(LaneProtocol)
    protocol.transport = transport  # type: ignore[assignment]
    protocol.conn = ServerProtocol()
    protocol.conn.state = State.OPEN
    protocol.writable = Signal()
    protocol.writable.set()
    return protocol


@pytest.mark.parametrize("tls", [True, False])
async def test_the_way_back_is_lent_while_nobody_else_writes(transport, tls):
    transport.tls = tls
    protocol, told = callers_socket(transport), []
    way = protocol.way_back(b"(", b")")
    assert way.lend(lambda: told.append("changed"), not_now) == (-1 if tls else transport.socket.fileno())
    assert told == []
    protocol.conn.send_ping(b"there?")  # as whatever uvicorn says by itself, or for the application
    assert protocol.conn.data_to_send() == [Frame(Opcode.PING, b"there?").serialize(mask=False)]
    assert told == ["changed"]
    way.write(b"frames of a pipe's")
    assert transport.written[-1] == b"frames of a pipe's"
    assert told == ["changed"]
    assert isinstance(way, WayBack)
    way.ends()
    assert told == ["changed"] * 2
    assert protocol.conn.data_to_send() == []
    assert told == ["changed"] * 2


@pytest.mark.parametrize("takes", [True, False])
async def test_a_word_to_the_caller_goes_the_pipes_way_if_it_can(transport, takes):
    protocol, offered = callers_socket(transport), []

    def aside(frame: bytes) -> bool:
        offered.append(frame)
        return takes

    way = protocol.way_back(b"(", b")")
    assert protocol.send_now(b"one")
    way.lend(print, aside)
    assert protocol.send_now(b"two")
    assert offered == [server_frame(b"two")]
    assert transport.written == [server_frame(b"one")] + [server_frame(b"two")] * (not takes)
    assert isinstance(way, WayBack)
    way.ends()
    assert protocol.send_now(b"three")
    assert len(offered) == 1


@pytest.mark.parametrize("hinders", ["closing", "full", "waits", "no longer open"])
async def test_a_way_back_that_is_not_clear_is_not_lent(transport, hinders):
    protocol = callers_socket(transport)
    way = protocol.way_back(b"(", b")")
    match hinders:
        case "closing":
            transport.closing = True
        case "full":
            protocol.writable.clear()
        case "waits":
            transport.waiting = 1
        case _:
            protocol.conn.state = State.CLOSING
    assert way.lend(print, not_now) is None
