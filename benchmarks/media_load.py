"""Plays the callers and the agent for `benchmarks.media`, as a process of its own: prints what it found as JSON.

    python -m benchmarks.media_load BRIDGE_PORT AGENT_PORT SECONDS BRIDGE_PID CORE < one `start` a line

Every caller sends 20 ms of audio fifty times a second, the agent answers each with 200 ms five times a second, and
every two seconds interrupts itself and asks whether somebody is there. The audio begins with the caller's number and
the time at which it was due, so that the other end knows what the bridge added. The calls are set up first, and in
silence but for one greeting each: what that costs is known apart from what carrying them costs. A relay that passes
bytes unread shows each end the other's own messages, and is measured all the same.
"""

import asyncio
import gc
import json
import os
import sys
import time
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.speedups import apply_mask

TICK = 0.02
DOWN_EVERY = 10  # ticks
SILENCE = b"\xff" * (160 - 16)
MORE_SILENCE = b"\xff" * (1600 - 16)
WARM_SECONDS = 1.5
SETUP_AT_ONCE = 4
READY_SECONDS = 5.0
PING_SECONDS = 2.0
ASK_EVERY = 100  # ticks
PERCENTILES = (0.5, 0.95, 0.99, 1.0)

_stamp = Struct("!qd")
STAMP_CHARS = 24  # base64 of 16 bytes, padded by what follows
_request = (
    b"GET /media-stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_metadata = json.dumps(
    {
        "type": "conversation_initiation_metadata",
        "conversation_initiation_metadata_event": {
            "conversation_id": "conv_load",
            "agent_output_audio_format": "ulaw_8000",
            "user_input_audio_format": "ulaw_8000",
        },
    }
)


@dataclass
class Way:
    """One direction of all calls."""

    sent: int = 0
    late: list[float] = field(default_factory=list)
    """How many seconds after it was due each arrived, of what was sent while measuring."""
    since: float = float("inf")
    until: float = float("inf")

    def stamp(self, number: int, due: float) -> bytes:
        self.sent += self.since <= due < self.until
        return _stamp.pack(number, due)

    def arrived(self, payload: bytes, now: float) -> int:
        number, due = _stamp.unpack(b64decode(payload[:STAMP_CHARS])[:16])
        self.took(due, now)
        return int(number)

    def took(self, due: float, now: float) -> None:
        if self.since <= due < self.until:
            self.late.append(now - due)

    def percentiles_ms(self) -> list[float]:
        late = sorted(self.late) or [float("nan")]
        return [1000 * late[min(len(late) - 1, int(len(late) * share))] for share in PERCENTILES]


class Frames(asyncio.Protocol, ABC):
    """Cuts messages out of the stream, as small as can be: our peer is the bridge, and well-behaved."""

    transport: asyncio.Transport
    upgraded = False
    _rest = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        if not self.upgraded:
            data = self.greeted(data)
        at, end = 0, len(data)
        while end - at >= 4:
            size, payload = data[at + 1] & 0x7F, at + 2
            if size == 126:
                size, payload = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            mask = payload
            payload += 4 * (data[at + 1] >> 7)
            if payload + size > end:
                break
            message = data[payload : payload + size]
            self.message(data[at], apply_mask(message, data[mask:payload]) if mask != payload else message)
            at = payload + size
        self._rest = data[at:]

    @abstractmethod
    def greeted(self, data: bytes) -> bytes:
        """What follows the handshake's answer, once all of it is there."""

    @abstractmethod
    def say(self, number: int, due: float) -> None: ...
    @abstractmethod
    def message(self, first: int, message: bytes) -> None: ...

    def write(self, opcode: Opcode, message: bytes, *, masked: bool) -> None:
        self.transport.write(Frame(opcode, message).serialize(mask=masked))


def _audio_of(message: bytes) -> bytes:
    """In base64, as far as the stamp goes; of a caller's message or an agent's, or b"" when there is none."""
    for key in (b'"payload":"', b'"audio_base_64":"', b'"user_audio_chunk":"'):
        at = message.find(key, 0, 256)
        if at >= 0:
            return message[at + len(key) : at + len(key) + STAMP_CHARS]
    return b""


class Caller(Frames):
    def __init__(self, start: dict[str, Any], ways: "Ways") -> None:
        self._start, self._ways = start, ways
        self._number = len(ways.callers)
        ways.callers.append(self)
        self.interrupted_at = 0.0
        self.answered = asyncio.Event()
        self._sid = "MZ" + start["callSid"][2:]
        self._tail = f'"}},"streamSid":"{self._sid}"}}'.encode()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.transport.write(_request)

    def greeted(self, data: bytes) -> bytes:
        _, ends, rest = data.partition(b"\r\n\r\n")
        if not ends:
            return data
        self.upgraded = True
        start = {"event": "start", "sequenceNumber": "1", "streamSid": self._sid, "start": self._start}
        self.write(Opcode.TEXT, json.dumps(start).encode(), masked=True)
        return rest

    def message(self, first: int, message: bytes) -> None:
        if first == 0x89:
            self.write(Opcode.PONG, message, masked=True)
        elif audio := _audio_of(message):
            self.answered.set()
            self._ways.down.arrived(audio, time.monotonic())
        elif b'"clear"' in message or b'"interruption"' in message:
            self._ways.clears.took(self.interrupted_at, time.monotonic())

    def say(self, number: int, due: float) -> None:
        if not self.upgraded or self.transport.is_closing():
            return
        audio = b64encode(self._ways.up.stamp(self._number, due) + SILENCE)
        message = (
            b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d","timestamp":"%d","payload":"'
            % (number + 2, number + 1, number * 20)
        )
        message += audio + self._tail
        # A mask of zeros is a mask: the bridge does its whole work, and we have half of ours.
        self.transport.write(b"\x81\xfe" + len(message).to_bytes(2, "big") + b"\0\0\0\0" + message)


class Agent(Frames):
    """The vendor's side: a signed URL for whoever asks, and a conversation."""

    def __init__(self, port: int, ways: "Ways") -> None:
        self._port, self._ways = port, ways
        self._protocol = ServerProtocol()
        self._caller: Caller | None = None
        self._greeted = False
        self._pinged_at = 0.0

    def greeted(self, data: bytes) -> bytes:
        if b"\r\n\r\n" not in data:
            return data
        self._protocol.receive_data(data)
        [request] = self._protocol.events_received()
        if not isinstance(request, Request):
            raise TypeError("not a request")
        if "signed" in request.path:
            url = {"signed_url": f"ws://127.0.0.1:{self._port}/conversation"}
            self._answer(self._protocol.reject(200, json.dumps(url)))
            self.transport.close()
            return b""
        self._answer(self._protocol.accept(request))
        self.upgraded = True
        self._ways.agents.append(self)
        self.write(Opcode.TEXT, _metadata.encode(), masked=False)
        return b""

    def _answer(self, response: Response) -> None:
        self._protocol.send_response(response)
        self.transport.write(b"".join(self._protocol.data_to_send()))

    def message(self, first: int, message: bytes) -> None:
        if first == 0x89:
            self.write(Opcode.PONG, message, masked=False)
        elif audio := _audio_of(message):
            self._caller = self._ways.callers[self._ways.up.arrived(audio, time.monotonic())]
        elif b'"pong"' in message:
            self._ways.pongs.took(self._pinged_at, time.monotonic())
        elif not self._greeted:
            self._greeted = True
            self.say(1, time.monotonic())

    def say(self, number: int, due: float) -> None:
        if self.transport.is_closing():
            return
        audio = b64encode(self._ways.down.stamp(0, due) + MORE_SILENCE)
        message = b'{"type":"audio","audio_event":{"audio_base_64":"%b","event_id":%d}}' % (audio, number)
        self.transport.write(b"\x81\x7e" + len(message).to_bytes(2, "big") + message)

    def ask(self, number: int) -> None:
        """Whether somebody is there."""
        if not self.transport.is_closing():
            self._pinged_at = time.monotonic()
            self.write(
                Opcode.TEXT, b'{"type":"ping","ping_event":{"event_id":%d}}' % (number + 1), masked=False
            )

    def interrupt(self, number: int) -> None:
        if self._caller is not None and not self.transport.is_closing():
            self._caller.interrupted_at = time.monotonic()
            interruption = b'{"type":"interruption","interruption_event":{"event_id":%d}}' % number
            self.write(Opcode.TEXT, interruption, masked=False)


@dataclass
class Ways:
    up: Way = field(default_factory=Way)
    down: Way = field(default_factory=Way)
    clears: Way = field(default_factory=Way)
    """From the agent's interruption to the caller."""
    pongs: Way = field(default_factory=Way)
    """From the agent's question to the bridge's answer."""
    callers: list["Caller"] = field(default_factory=list)
    agents: list[Agent] = field(default_factory=list)


async def play(
    port: int, agent_port: int, seconds: float, pid: int, starts: list[dict[str, Any]]
) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    ways = Ways()
    server = await loop.create_server(lambda: Agent(agent_port, ways), "127.0.0.1", agent_port, backlog=1024)
    async with server:
        asking = asyncio.create_task(_keep_asking(ways))
        await _set_up(ways, port, starts[:SETUP_AT_ONCE])  # the first ones load what all need
        idle_kib, cpu = _memory_kib(pid), _cpu_seconds(pid)
        await _set_up(ways, port, starts[SETUP_AT_ONCE:])
        others = max(1, len(starts) - SETUP_AT_ONCE)
        set_up_ms = 1000 * (_cpu_seconds(pid) - cpu) / others
        asking.cancel()
        clock = asyncio.create_task(_keep_talking(ways))
        await asyncio.sleep(WARM_SECONDS)
        gc.collect()
        gc.freeze()
        found = await _measure(ways, seconds, pid)
        found["unanswered"] = sum(not caller.answered.is_set() for caller in ways.callers)
        found["kib_a_call"] = (_memory_kib(pid) - idle_kib) / others
        found["set_up_ms"] = set_up_ms
        clock.cancel()
        for caller in ways.callers:
            caller.transport.close()
        with suppress(asyncio.CancelledError):
            await clock
        await asyncio.sleep(1)  # for the bridge to see it
    return found


async def _set_up(ways: Ways, port: int, starts: list[dict[str, Any]]) -> None:
    loop = asyncio.get_running_loop()
    for at in range(0, len(starts), SETUP_AT_ONCE):
        batch = [
            (await loop.create_connection(_caller(start, ways), "127.0.0.1", port))[1]
            for start in starts[at : at + SETUP_AT_ONCE]
        ]
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS):
                await asyncio.gather(*(caller.answered.wait() for caller in batch))


async def _keep_asking(ways: Ways) -> None:
    """An agent that says nothing at all would be given up before the last call is set up."""
    while True:
        await asyncio.sleep(PING_SECONDS)
        for agent in list(ways.agents):
            agent.ask(0)


def _caller(start: dict[str, Any], ways: Ways) -> Callable[[], Caller]:
    return lambda: Caller(start, ways)


async def _measure(ways: Ways, seconds: float, pid: int) -> dict[str, Any]:
    began, cpu = time.monotonic(), _cpu_seconds(pid)
    for way in (ways.up, ways.down, ways.clears, ways.pongs):
        way.sent, way.since, way.until = 0, began, began + seconds
    worst = 0.0
    while (left := began + seconds - time.monotonic()) > 0:
        due = time.monotonic() + min(left, TICK)
        await asyncio.sleep(min(left, TICK))
        worst = max(worst, time.monotonic() - due)
    cpu = _cpu_seconds(pid) - cpu
    await asyncio.sleep(0.5)  # for what is on its way
    frames = ways.up.sent + ways.down.sent
    return {
        "us_a_frame": 1e6 * cpu / max(1, frames),
        "up": ways.up.percentiles_ms(),
        "down": ways.down.percentiles_ms(),
        "clear": ways.clears.percentiles_ms(),
        "pong": ways.pongs.percentiles_ms(),
        "lost": frames - len(ways.up.late) - len(ways.down.late),
        "late_ms": 1000 * worst,
    }


async def _keep_talking(ways: Ways) -> None:
    """Each call has its own moment in every 20 ms, as on a real line."""
    began = time.monotonic()
    for tick in _ticks():
        due = began + tick * TICK
        everybody: list[Frames] = [*ways.callers, *ways.agents[tick % DOWN_EVERY :: DOWN_EVERY]]
        for number, one in enumerate(everybody):
            if number % 4 == 0:  # a timer for each would cost more than what it times
                moment = due + TICK * number / len(everybody)
                if (wait := moment - time.monotonic()) > 0.0005:
                    await asyncio.sleep(wait)
            one.say(tick, time.monotonic())
        for agent in ways.agents[tick % ASK_EVERY :: ASK_EVERY]:
            agent.ask(tick)
        for agent in ways.agents[(tick + ASK_EVERY // 2) % ASK_EVERY :: ASK_EVERY]:
            agent.interrupt(tick)
        await asyncio.sleep(max(0.0, due + TICK - time.monotonic()))


def _ticks() -> Iterator[int]:
    tick = 0
    while True:
        yield tick
        tick += 1


def _cpu_seconds(pid: int) -> float:
    """User and system time of all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def main() -> None:
    port, agent_port, seconds, pid, core = (int(argument) for argument in sys.argv[1:6])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    starts = [json.loads(line) for line in sys.stdin]
    with asyncio.Runner(loop_factory=_loop) as runner:
        found = runner.run(play(port, agent_port, seconds, pid, starts))
    sys.stdout.write(json.dumps(found))


def _loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


if __name__ == "__main__":
    main()
