"""The cutter beside the ordinary parser: whatever comes, cut however, both must see the same."""

import asyncio
import json
from base64 import b64encode
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side, State

from agents.base64_audio import decoded_length, is_base64
from agents.events import Speech
from agents.fast_lane.client import LaneConnection
from agents.fast_lane.cutter import BINARY, Cutter, client_frame, server_frame
from agents.providers.elevenlabs.protocol import Decoder, Ping, plain_ping

LIMIT = 64 * 1024
HANDSHAKE = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

# --- Beside the ordinary parser ------------------------------------------------------------------


class Ordinary:
    """`websockets`' own parser of one side, and what it has told."""

    def __init__(self, side: Side) -> None:
        self.protocol = Protocol(side, state=OPEN, max_size=LIMIT)
        self.heard: list[tuple[str, bytes]] = []
        self._message = b""

    def data_received(self, data: bytes) -> None:
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            assert isinstance(event, Frame)
            if event.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
                if event.opcode is not Opcode.CONT:
                    self._kind, self._message = event.opcode.name, b""
                self._message += bytes(event.data)
                if event.fin:
                    self.heard.append((self._kind, self._message))
            else:
                self.heard.append((event.opcode.name, bytes(event.data)))

    @property
    def ending(self) -> tuple[State, int | None]:
        sent = self.protocol.close_sent
        return self.protocol.state, sent.code if sent else None


class Lane(Cutter):
    """The same behind a cutter whose reader is always back at once."""

    lane_bytes = LIMIT

    def __init__(self, side: Side) -> None:
        self.peer_masks = side is Side.SERVER  # type: ignore[misc]
        self.ordinary = Ordinary(side)
        self.taken = 0
        self.refusing = False
        super().__init__()
        self._cutting = self.way.clear = True
        self.open_lane(self.take)

    def take(self, message: bytes) -> bool:
        if self.refusing or b"slow" in message:
            return False
        self.taken += 1
        self.ordinary.heard.append(("TEXT", message))
        return True

    def hand_over(self, data: bytes) -> None:
        assert data
        self.ordinary.data_received(data)
        self.way.clear = True

    def receive_anew(self) -> None:
        """There is no transport."""

    def is_alive(self) -> bool:
        return self.ordinary.protocol.state < State.CLOSING

    def sansio(self) -> Protocol:
        return self.ordinary.protocol


def both(side: Side, stream: bytes, cuts: list[int]) -> Lane:
    """Feed a lane the pieces and the ordinary parser the whole. They must not differ."""
    lane, ordinary = Lane(side), Ordinary(side)
    ordinary.data_received(stream)
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    for start, stop in pairwise(edges):
        if start < stop:
            lane.data_received(stream[start:stop])
    assert lane.ordinary.heard == ordinary.heard
    assert lane.ordinary.ending == ordinary.ending
    assert (
        b"".join(lane.ordinary.protocol.data_to_send())[:2] == b"".join(ordinary.protocol.data_to_send())[:2]
    )
    return lane


def frame(opcode: Opcode, data: bytes = b"", *, masked: bool = True, **bits: bool) -> bytes:
    built = Frame(opcode, data, **bits)
    built.check = lambda: None  # type: ignore[method-assign]
    return built.serialize(mask=masked)


def lengthy(size: int) -> bytes:
    """A text frame of our own counting: an unusual form, or more than will ever come."""
    return b"\x81\xff" + size.to_bytes(8, "big") + b"\0\0\0\0" + b"x" * min(size, 200)


texts = st.sampled_from([b"", b"a", b"slow", b"x" * 125, b"x" * 126, b"\xff", "é".encode()]) | st.binary(
    max_size=300
)
control = st.sampled_from([Opcode.PING, Opcode.PONG])
good_frames = st.one_of(
    st.builds(client_frame, texts),
    st.builds(client_frame, texts, st.just(BINARY)),
    st.builds(frame, control, st.binary(max_size=125)),
    st.builds(
        lambda parts, ping: b"".join(
            frame(Opcode.CONT if at else Opcode.TEXT, part, fin=at == len(parts) - 1)
            + (frame(Opcode.PING, b"in between") if ping else b"")
            for at, part in enumerate(parts)
        ),
        st.lists(texts, min_size=1, max_size=4),
        st.booleans(),
    ),
)
bad_frames = st.one_of(
    st.builds(server_frame, texts),  # not masked
    st.builds(frame, st.sampled_from(list(Opcode)), texts, fin=st.booleans(), rsv1=st.booleans()),
    st.sampled_from([lengthy(size) for size in (0, 5, 126, LIMIT, LIMIT + 1, 2**32, 2**63 - 1, 2**64 - 1)]),
    st.just(client_frame(b"x" * (LIMIT + 1))),
    st.builds(lambda size: lengthy(size)[: 2 + size % 13], st.sampled_from([9, 21, 10**6, 2**40 + 7])),
    st.builds(lambda code: frame(Opcode.CLOSE, code.to_bytes(2, "big") + b"bye"), st.integers(0, 65535)),
    st.binary(max_size=30),
)
streams = st.lists(good_frames | bad_frames | good_frames | good_frames, max_size=12).map(b"".join)
cutting = st.lists(st.integers(0, 2**20), max_size=12)


@given(streams, cutting)
@example(client_frame(b"x" * LIMIT), [5, 70])
@example(client_frame(b"a") + frame(Opcode.CLOSE, b"\x03\xe8") + client_frame(b"after"), [])
@example(frame(Opcode.TEXT, b"a", fin=False) + client_frame(b"b"), [])
@example(frame(Opcode.PING, b"x" * 126) + client_frame(b"a"), [3])
def test_a_lane_and_the_ordinary_parser_see_the_same_callers(stream, cuts):
    both(Side.SERVER, stream, cuts)


@given(st.lists(st.builds(server_frame, texts) | st.binary(max_size=20), max_size=8).map(b"".join), cutting)
def test_a_lane_and_the_ordinary_parser_see_the_same_agents(stream, cuts):
    both(Side.CLIENT, stream, cuts)


def test_cut_at_every_byte_nothing_is_lost_and_what_can_is_taken():
    stream = b"".join(
        [
            client_frame(b"short"),
            frame(Opcode.PING, b"p"),
            client_frame(b"x" * 300),
            frame(Opcode.TEXT, b"slow, in ", fin=False),
            frame(Opcode.PONG),
            frame(Opcode.CONT, b"pieces"),
            client_frame(b"slow"),
            client_frame(b"last"),
            frame(Opcode.CLOSE, b"\x03\xe8"),
        ]
    )
    for cut in range(len(stream)):
        assert both(Side.SERVER, stream, [cut]).taken == 3
    assert both(Side.SERVER, stream, list(range(len(stream)))).taken == 3


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
def test_frames_of_every_length_are_what_the_ordinary_parser_understands(size):
    for side, build in ((Side.SERVER, client_frame), (Side.CLIENT, server_frame)):
        ordinary = Ordinary(side)
        ordinary.protocol.max_message_size = None
        ordinary.data_received(build(b"x" * size) + build(b"y" * size, BINARY))
        assert ordinary.heard == [("TEXT", b"x" * size), ("BINARY", b"y" * size)]


def test_no_two_frames_are_masked_alike():
    masks = {client_frame(b"x" * 200)[4:8] for _ in range(3000)}
    assert len(masks) > 2990


def test_a_carrier_of_binary_audio_has_a_lane_too():
    lane = Lane(Side.SERVER)
    lane.open_lane(lane.take, binary=True)
    lane.data_received(client_frame(b"audio" * 40, BINARY) + client_frame(b"words"))
    assert lane.taken == 1
    assert lane.ordinary.heard == [("TEXT", b"audio" * 40), ("TEXT", b"words")]


# --- The right of way ----------------------------------------------------------------------------


def test_while_a_message_is_on_the_ordinary_road_later_ones_follow_it():
    lane = Lane(Side.SERVER)
    lane.way.clear = False
    lane.hand_over = lane.ordinary.data_received  # type: ignore[method-assign]
    with lane.way:
        lane.data_received(client_frame(b"taken") + client_frame(b"slow") + client_frame(b"follows"))
        lane.data_received(client_frame(b"x" * 200))
        assert lane.taken == 1
    assert [message for _, message in lane.ordinary.heard] == [b"taken", b"slow", b"follows", b"x" * 200]
    lane.data_received(client_frame(b"x" * 200))
    assert lane.taken == 1
    with lane.way:
        lane.data_received(client_frame(b"x" * 200))
        assert lane.taken == 2


def test_a_message_that_comes_in_parts_is_not_overtaken_by_the_next():
    lane = Lane(Side.SERVER)
    lane.way.clear = False
    lane.hand_over = lane.ordinary.data_received  # type: ignore[method-assign]
    slow = client_frame(b"slow" * 100)
    pieces = frame(Opcode.TEXT, b"slow", fin=False), frame(Opcode.CONT, b" in pieces")
    lane.data_received(slow[:50])
    with lane.way:
        lane.data_received(slow[50:] + client_frame(b"next" * 50))
    lane.data_received(pieces[0])
    with lane.way:
        lane.data_received(pieces[1] + client_frame(b"last" * 50))
    messages = [message for _, message in lane.ordinary.heard]
    assert messages == [b"slow" * 100, b"next" * 50, b"slow in pieces", b"last" * 50]


@pytest.mark.parametrize("side", [Side.SERVER, Side.CLIENT])
def test_what_only_looks_like_a_message_is_part_of_the_one_before(side):
    masked = side is Side.SERVER
    inside = frame(Opcode.TEXT, b"forged" * 30, masked=masked)
    head = b"x" * 200
    second = (0x80 if masked else 0) | 126
    whole = bytes([BINARY, second]) + (len(head + inside)).to_bytes(2, "big") + bytes(4 if masked else 0)
    assert both(side, whole + head + inside, [-1 - len(inside)]).taken == 0
    both(side, b"\x81" + whole[1:] + head + inside, [-1 - len(inside)])
    begun = frame(Opcode.TEXT, b"begun", fin=False, masked=masked)
    assert both(side, begun + inside, [len(begun)]).taken == 0


def test_what_is_held_is_bounded():
    lane = Lane(Side.SERVER)
    lane.data_received(client_frame(b"x" * LIMIT)[:-1])
    assert LIMIT < len(lane._held) < LIMIT + 15
    too_long = Lane(Side.SERVER)
    too_long.data_received(client_frame(b"x" * (LIMIT + 1))[:-1])
    assert not too_long._held
    assert too_long.ordinary.ending[1] == CloseCode.MESSAGE_TOO_BIG


@pytest.mark.parametrize("cut", range(len(HANDSHAKE) + 1))
def test_frames_begin_where_the_handshake_ends(cut):
    passed: list[bytes] = []
    lane = Lane(Side.SERVER)
    lane._cutting = False
    lane.hand_over = passed.append  # type: ignore[method-assign, assignment]
    stream = HANDSHAKE + client_frame(b"first")
    for piece in (stream[:cut], stream[cut:]):
        if piece:
            lane.data_received(piece)
    assert b"".join(passed) == HANDSHAKE
    assert lane.ordinary.heard == [("TEXT", b"first")]


# --- On the way out, with real sockets -----------------------------------------------------------


async def test_a_lane_connection_is_an_ordinary_one_with_a_shortcut():
    taken: list[bytes] = []

    def take(message: bytes) -> bool:
        if b"slow" in message:
            return False
        taken.append(message)
        return True

    async def agent(socket: ServerConnection) -> None:
        await socket.send("greeting")
        assert await socket.recv() == "ready"
        await socket.send("one")
        await socket.ping()
        await socket.send("slow")
        await socket.send(["in ", "slow ", "pieces"])
        assert await socket.recv() == "now"
        await socket.send("two")
        await socket.close(1011, "over")

    async with serve(agent, "127.0.0.1", 0, compression=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        options: dict[str, Any] = {"compression": None, "proxy": None, "create_connection": LaneConnection}
        async with connect(url, **options) as socket:
            assert isinstance(socket, LaneConnection)
            assert await socket.recv() == "greeting"
            socket.open_lane(take)
            await socket.send("ready")
            assert await socket.recv() == "slow"
            assert await socket.recv() == "in slow pieces"
            assert taken == [b"one"]
            assert socket.send_now(b"now")
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert taken == [b"one", b"two"]
            assert (socket.close_code, socket.close_reason) == (1011, "over")
            assert not socket.send_now(b"late")


async def test_a_peer_that_never_reads_stops_the_lane_before_it_fills_memory():
    gone = asyncio.Event()

    async def deaf(socket: ServerConnection) -> None:
        socket.transport.pause_reading()
        await gone.wait()

    async with serve(deaf, "127.0.0.1", 0, compression=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connect(
            url, compression=None, proxy=None, create_connection=LaneConnection, close_timeout=0.1
        ) as socket:
            assert isinstance(socket, LaneConnection)
            written = 0
            while socket.send_now(b"x" * 1000):
                written += 1
                await asyncio.sleep(0)
                assert written < 100_000
            assert socket.transport.get_write_buffer_size() < 64 * 1024
            gone.set()
            socket.transport.abort()


async def test_once_we_have_begun_to_close_nothing_more_is_said():
    over = asyncio.Event()

    async def slow(socket: ServerConnection) -> None:
        socket.transport.pause_reading()
        await over.wait()
        socket.transport.abort()

    async with serve(slow, "127.0.0.1", 0, compression=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connect(url, compression=None, proxy=None, create_connection=LaneConnection) as socket:
            assert isinstance(socket, LaneConnection)
            send = socket.way_out(b"(", b")").send
            assert send(b"a word")
            closing = asyncio.create_task(socket.close())
            await asyncio.sleep(0)
            state, sent = socket.protocol.state, (send(b"another"), socket.send_now(b"another"))
            assert not socket.transport.is_closing()
            over.set()
            await closing
    assert (state, sent) == (State.CLOSING, (False, False))


async def test_a_lane_that_was_closed_takes_nothing_more():
    taken: list[bytes] = []
    go_on = asyncio.Event()

    def take(message: bytes) -> bool:
        taken.append(message)
        return True

    async def agent(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send("x" * 200)
        await go_on.wait()
        await socket.send("y" * 200)
        await socket.close()

    async with serve(agent, "127.0.0.1", 0, compression=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connect(url, compression=None, proxy=None, create_connection=LaneConnection) as socket:
            assert isinstance(socket, LaneConnection)
            socket.open_lane(take)
            reading = asyncio.create_task(socket.recv())
            await socket.send("ready")
            while not taken:
                await asyncio.sleep(0.01)
            socket.close_lane()
            go_on.set()
            assert await reading == "y" * 200
            assert taken == [b"x" * 200]


def test_an_ordinary_connection_has_no_lane():
    assert not issubclass(ClientConnection, Cutter)


# --- What is plain -------------------------------------------------------------------------------

BASE64 = st.binary(max_size=40).map(b64encode)


@given(BASE64 | st.binary(max_size=12) | st.text("AQ=+/w-_ \n", max_size=12).map(str.encode))
def test_base64_is_what_the_strict_decoder_takes(text):
    import binascii

    try:
        length = len(binascii.a2b_base64(text, strict_mode=True))
    except binascii.Error:
        assert not is_base64(text)
    else:
        assert is_base64(text)
        assert decoded_length(text) == length


audio_messages = st.fixed_dictionaries(
    {"type": st.sampled_from(["audio", "audio", "audio", "ping"])},
    optional={
        "audio_event": st.fixed_dictionaries(
            {"audio_base_64": BASE64.map(bytes.decode) | st.text(max_size=5)},
            optional={
                "event_id": st.integers(-2, 9) | st.sampled_from(["5", None, 5.0, True]),
                "is_final": st.booleans(),
                "alignment": st.none()
                | st.fixed_dictionaries({"chars": st.lists(st.characters(), max_size=3)}),
            },
        ),
        "ping_event": st.fixed_dictionaries(
            {}, optional={"event_id": st.integers(0, 9), "ping_ms": st.none()}
        ),
    },
)


@given(
    audio_messages.flatmap(lambda message: st.permutations(list(message.items())).map(dict)), st.booleans()
)
def test_plain_audio_and_pings_are_what_json_reads(message, compact):
    text = json.dumps(message, separators=(",", ":") if compact else None).encode()
    decoder = Decoder()
    decoder.interrupted_at = 5
    plain, ping = decoder.plain_audio(text), plain_ping(text)
    if plain is not None or ping is not None:
        read = decoder.decode(text)
        if ping is not None:
            assert read == Ping(ping)
        elif plain:
            assert isinstance(read, Speech)
            assert b64encode(read.audio) == plain


@pytest.mark.parametrize(
    "message",
    [
        '{"type":"audio","audio_event":{"audio_base_64":"f/8A","event_id":5}}',
        '{"type": "audio", "audio_event": {"event_id": 6, "audio_base_64": "f/8A"}}',
        '{"audio_event":{"audio_base_64":"f/8A","event_id":7,"is_final":true},"type":"audio"}',
        '{"type":"audio","audio_event":{"audio_base_64":"f/8A"}}',
        '{"type":"audio","audio_event":{"audio_base_64":"f/8A","event_id":5,"is_final":false,'
        '"alignment":{"chars":["H","\\"","\\u00fc"],"char_start_times_ms":[0,60,90],"char_durations_ms":[60,30,9]}}}',
        '{"audio_event":{"audio_base_64":"f/8A","event_id":5,"alignment":null,"is_final":false},"type":"audio"}',
    ],
)
def test_the_vendors_usual_audio_is_plain(message):
    decoder = Decoder()
    decoder.interrupted_at = 5
    assert decoder.plain_audio(message.encode()) == b"f/8A"


@pytest.mark.parametrize(
    "message",
    [
        '{"type":"audio","audio_event":{"audio_base_64":"f/8A","event_id":4}}',  # talked over
        '{"type":"audio","audio_event":{"audio_base_64":"f\\/8A","event_id":7}}',
        '{"type":"audio","audio_event":{"audio_base_64":"f/8","event_id":7}}',
        '{"type":"audio","audio_event":{"audio_base_64":"","event_id":7}}',
        '{"type":"audio","audio_event":{"event_id":9,"audio_base_64":"f/8A","event_id":1}}',
        '{"type":"audio","audio_event":{"audio_base_64":"f/8A","event_id":07}}',
        '{"type":"audio","audio_event":{"audio_base_64":"f/8A"}} ',
        '{"type":"audio","audio_event":{"audio_base_64":"f/8A","alignment":{"chars":["{"]}}}',
        '{"type":"audio","audio_event":{"audio_base_64":"f/8A"},"type":"ping"}',
        '{"type":"audio","audio_event":{"audio_base_64":"f/8A',
        '{"type":"ping","ping_event":{"event_id":7}}',
    ],
)
def test_anything_else_is_left_to_json(message):
    decoder = Decoder()
    decoder.interrupted_at = 5
    assert decoder.plain_audio(message.encode()) is None


async def test_who_has_borrowed_the_way_out_hears_of_whatever_changes_it():
    """Of what others write, of the end of the connection, and of a peer that reads slowly."""

    async def agent(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.close()

    async with serve(agent, "127.0.0.1", 0, compression=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connect(url, compression=None, proxy=None, create_connection=LaneConnection) as socket:
            assert isinstance(socket, LaneConnection)
            out, told = socket.way_out(b"(", b")"), [0]
            assert out.lend(lambda: told.append(told.pop() + 1), lambda frame: True) is not None
            assert socket.send_now(b"aside")  # by whoever has borrowed it
            assert told == [0]
            await socket.ping()
            assert told == [1]
            socket.pause_writing()
            assert told == [2]
            assert not out.open
            socket.resume_writing()
            assert told == [3]
            await socket.send("bye")
            assert told[0] > 3
            before = told[0]
            await socket.wait_closed()
            assert told[0] > before
            assert out.lend(print, lambda frame: True) is None


async def test_who_has_borrowed_the_way_out_hears_of_its_loss_before_the_file_is_closed():
    async with serve(lambda socket: socket.wait_closed(), "127.0.0.1", 0, compression=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connect(url, compression=None, proxy=None, create_connection=LaneConnection) as socket:
            assert isinstance(socket, LaneConnection)
            files: list[int] = []
            mine = socket.transport.get_extra_info("socket")
            out = socket.way_out(b"(", b")")
            assert out.lend(lambda: files.append(mine.fileno()), lambda frame: True) == mine.fileno()
            file = mine.fileno()
            socket.transport.abort()
            await socket.wait_closed()
            assert files[0] == file


async def test_a_reading_is_neither_lent_nor_taken_back_while_the_ordinary_road_is_full():
    async with serve(lambda socket: socket.wait_closed(), "127.0.0.1", 0, compression=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connect(url, compression=None, proxy=None, create_connection=LaneConnection) as socket:
            assert isinstance(socket, LaneConnection)
            socket.open_lane(lambda message: True)
            waiting = asyncio.create_task(socket.recv())
            await asyncio.sleep(0)
            mine = socket.transport.get_extra_info("socket").fileno()
            assert socket.lends() == mine
            socket.recv_messages.paused = True
            assert socket.lends() == -1
            socket.lend()
            socket.take_back()
            assert not socket.transport.is_reading()
            socket.recv_messages.paused = False
            socket.take_back()
            assert socket.transport.is_reading()
            waiting.cancel()
