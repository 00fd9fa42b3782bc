"""What the caller sends: past the queue while the agent takes it, else into it."""

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from agents.fast_lane import Take, WayOut
from agents.fast_lane.lane_session import LaneSession
from agents.fast_lane.shortcut import Shortcut
from telephony.frames import CallerAudio, Digit
from telephony.signal import Signal

MAX_WAITING_FRAMES = 250
"""Five seconds of the caller's audio, while the agent is being reached or reads slowly."""
MAX_WAITING_BYTES = 256 * 1024
"""The same for carriers whose frames are larger than they need to be."""


@dataclass(frozen=True, slots=True)
class Whisper:
    """What somebody of the team tells the agent. It goes the caller's way, and the caller does not hear it."""

    text: str


ForAgent = CallerAudio | Digit | Whisper


def _size(frame: ForAgent) -> int:
    return len(frame.audio) if isinstance(frame, CallerAudio) else 0


class Passage:
    """The caller's audio past the queue: all that each frame looks at, in one small object (`fast_lane.cutter.Way`)."""

    __slots__ = ("_passed", "feed", "hear", "open", "pass_audio", "plain_audio", "shortcut", "way_out")

    plain_audio: Callable[[bytes], bytes | None]
    """The base64 of a carrier's message of audio, or None for a message to be decoded."""
    pass_audio: Take
    """The agent's."""
    way_out: WayOut | None
    """And what that writes to."""

    def __init__(self, hear: Callable[[float, bytes], None], feed: Callable[[CallerAudio], None]) -> None:
        """`hear` is told of each audio that passes, and when it came; `feed` is given what has to wait."""
        self.hear, self.feed = hear, feed
        self.open = False
        """There is such an agent, nothing waits, and whoever takes it out has dealt with what it took."""
        self.shortcut: Shortcut | None = None
        self._passed = 0
        """Asked for every second: the numbers up to 256 are there already, others are made, and forgotten, one with
        each frame."""

    def take(self, message: bytes) -> bool:
        """False: not taken, it is no plain audio."""
        audio = self.plain_audio(message)
        if audio is None:
            return False
        self._passed += 1
        # What waits has the right of way: for the agent to be there, or to read faster.
        if self.open and self.pass_audio(audio):
            self.hear(monotonic(), audio)
            if self.shortcut is not None and self.way_out is not None:
                self.shortcut.offer(message, self.way_out)
        else:
            self.feed(CallerAudio(b64decode(audio)))
        return True

    def shut(self) -> None:
        """Nothing passes until it is `open` again."""
        self.open = False
        if self.shortcut is not None:
            self.shortcut.withdraw()

    def passed(self) -> int:
        """How many messages have gone through since this was asked last."""
        passed, self._passed = self._passed, 0
        return passed if self.shortcut is None else passed + self.shortcut.passed()


class CallerQueue:
    """What the caller sends, bounded: when the agent does not take it, the oldest audio goes first."""

    __slots__ = ("_bytes", "_filled", "_frames", "_limit", "lane", "passage")

    def __init__(self, passage: Passage, limit: int = MAX_WAITING_FRAMES) -> None:
        self.passage = passage
        self._frames: list[ForAgent] = []  # few, and an empty deque is larger than all else here
        self._limit = limit
        self._bytes = 0
        """Of all that waits."""
        self._filled = Signal()
        self.lane: LaneSession | None = None
        """Who takes audio past the queue. None: all of it goes through here, to be translated, say."""

    def let_pass(self, lane: LaneSession | None) -> None:
        self.lane = lane
        was_open = self.passage.open
        self.passage.shut()
        if lane is not None:
            self.passage.pass_audio, self.passage.way_out = lane.pass_audio, lane.way_out
            self.passage.open = was_open

    def put(self, frame: ForAgent) -> None:
        self.passage.shut()
        self._frames.append(frame)
        self._bytes += _size(frame)
        while len(self._frames) > self._limit or self._bytes > MAX_WAITING_BYTES:
            self._next()
        self._filled.set()

    async def get(self) -> ForAgent:
        while not self._frames:
            self._filled.clear()
            self.passage.open = self.lane is not None
            await self._filled.wait()
        return self._next()

    def _next(self) -> ForAgent:
        frame = self._frames.pop(0)
        self._bytes -= _size(frame)
        return frame
