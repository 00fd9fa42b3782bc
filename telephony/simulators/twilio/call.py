"""The record of one simulated call, and its clock."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from telephony.simulators.twilio.caller import Script, ScriptedCaller
from telephony.simulators.twilio.timeline import Segment, Timeline
from telephony.simulators.twilio.webhooks import Exchange, new_sid


@dataclass(frozen=True)
class Alert:
    """A warning or error in the account's debugger."""

    code: int
    message: str
    at_ms: int

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.code else self.message


@dataclass
class Stream:
    """One media stream."""

    url: str
    parameters: dict[str, str]
    stream_sid: str = field(default_factory=lambda: new_sid("MZ"))
    connected_ms: int | None = None
    frames_sent: int = 0
    frames_received: int = 0  # media messages
    audio_received: bytearray = field(default_factory=bytearray)
    audio_heard: bytearray = field(default_factory=bytearray)  # 20 ms frames, silence included
    marks_received: list[str] = field(default_factory=list)
    marks_echoed: list[tuple[str, int]] = field(default_factory=list)  # name, and when (ms)
    clears: list[int] = field(default_factory=list)  # when (ms)
    late_ms: float = 0.0  # the worst delay of a frame: a measure of this machine, not of the other side
    close_code: int | None = None
    close_reason: str = ""
    closed_by: Literal["server", "carrier", ""] = ""
    error: str = ""  # it never opened, or broke


class SimulatedCall:
    """`await call.wait()` until it is over; all times in milliseconds since the caller dialled."""

    def __init__(self, to: str, from_: str, script: Script, *, sid: str | None = None) -> None:
        self.sid = sid or new_sid("CA")
        self.to, self.from_ = to, from_
        self.caller = ScriptedCaller(script)
        self._dialled = time.monotonic()
        self.timeline = Timeline(self.now_ms)
        self.status = "ringing"
        self.direction = "inbound"
        self.answered_by = ""
        self.answered_ms: int | None = None
        self.ended_ms: int | None = None
        self.ended_by: Literal["caller", "carrier", "server", ""] = ""
        self.exchanges: list[Exchange] = []
        self.warnings: list[Alert] = []
        self.streams: list[Stream] = []
        self.lines: list[Segment] = []  # what the caller said, and when
        self.digits = ""  # pressed so far
        self.told_to_people: list[tuple[str, str]] = []  # number, and what was said before they were joined
        self.joined: list[str] = []  # numbers of those who talked to the caller
        self.hung_up = asyncio.Event()
        self.over = asyncio.Event()
        self.agent_spoke = asyncio.Event()
        self.on_status: Callable[[str], None] = lambda _status: None
        self._departure: asyncio.TimerHandle | None = None

    def now_ms(self) -> int:
        return round((time.monotonic() - self._dialled) * 1000)

    def warn(self, code: int, message: str) -> None:
        """Each only once a call, as the debugger shows it."""
        if all((known.code, known.message) != (code, message) for known in self.warnings):
            self.warnings.append(Alert(code, message, self.now_ms()))

    def set_status(self, status: str) -> None:
        if status == "in-progress":
            self.answered_ms = self.now_ms()
            if (after_s := self.caller.script.hang_up_after_s) is not None:
                self._departure = asyncio.get_running_loop().call_later(after_s, self.hang_up)
        self.status = status
        self.on_status(status)

    def finish(self) -> None:
        """Whoever ended it, and however: close the books."""
        if self._departure is not None:
            self._departure.cancel()
        self.ended_ms = self.now_ms()
        self.line_ends()
        self.timeline.hang_up()
        if self.status in ("queued", "initiated", "ringing", "in-progress"):
            self.set_status("no-answer" if self.answered_ms is None else "completed")

    def line_begins(self, text: str) -> None:
        self.lines.append(Segment("caller", self.now_ms(), text=text))

    def line_ends(self) -> None:
        if self.lines and self.lines[-1].end_ms is None:
            self.lines[-1].end_ms = self.now_ms()

    def hang_up(self) -> None:
        """The caller puts the phone down."""
        self.ended_by = self.ended_by or "caller"
        self.hung_up.set()

    async def wait(self, timeout_s: float = 60.0) -> None:
        """Until the call is over and all its callbacks are delivered."""
        async with asyncio.timeout(timeout_s):
            await self.over.wait()

    @property
    def stream(self) -> Stream:
        """The last one; IndexError if there was none."""
        return self.streams[-1]

    @property
    def first_audio_ms(self) -> int | None:
        """From dialling to the first word of the agent."""
        return self.timeline.first_ms("agent")

    @property
    def talked_s(self) -> float:
        if self.answered_ms is None or self.ended_ms is None:
            return 0.0
        return (self.ended_ms - self.answered_ms) / 1000

    def to_json(self, account_sid: str) -> dict[str, Any]:
        duration = str(round(self.talked_s)) if self.over.is_set() else None
        return {
            "sid": self.sid,
            "account_sid": account_sid,
            "to": self.to,
            "from": self.from_,
            "status": self.status,
            "direction": self.direction,
            "answered_by": self.answered_by or None,
            "duration": duration,
            "price": None,
            "queue_time": "0",
            "uri": f"/2010-04-01/Accounts/{account_sid}/Calls/{self.sid}.json",
        }

    def exchange(self, path: str) -> Exchange:
        """The last request to that path; KeyError when there was none."""
        for exchange in reversed(self.exchanges):
            if exchange.url.partition("?")[0].endswith(path):
                return exchange
        raise KeyError(path)
