"""Audio as the bridge meets it, gathered into blocks of a second: what a frame costs is paid here.

Either ear takes audio of any length, in base64 or plain, and knows when each piece of it sounded. A block is looked at
when it is full, or when the next piece does not continue it.
"""

from base64 import b64decode
from math import inf

from agents.audio import AudioFormat
from agents.base64_audio import decoded_length
from agents.fast_lane.pump.words import Heard, Pace
from telephony.feel.sketch import sketcher
from telephony.feel.speech import Speech
from telephony.feel.voice import Listener

FULL = 50 * 54
"""Characters of a sketch: fifty frames of 20 ms."""
PAUSE_SECONDS = 0.1
"""No frame for so long: what comes next either catches up, or something is missing."""
MISSING_SECONDS = 0.1
"""Late by more than this all through a block: audio has been lost, and the clock goes on."""
FOLLOW = 0.1
"""Of less lateness, this share is taken for the drift of the sender's clock, block by block."""
SLIP_SECONDS = 0.002
SHORTEST_BYTES = 2
"""Less than this may be no sample at all."""


class _Ear:
    """One block of audio, of pieces of the same size."""

    # Slots: of several hundred calls each frame finds its ear gone from the processor's cache, and a small one is
    # fetched sooner.
    __slots__ = (
        "_block",
        "_bytes_per_second",
        "_is_mulaw",
        "_listener",
        "_piece_seconds",
        "_size",
        "_sketch_of",
        "_until",
        "speech",
    )

    def __init__(self, audio_format: AudioFormat, *, may_be_noisy: bool) -> None:
        self.speech = Speech()
        self._listener = Listener(self.speech, may_be_noisy=may_be_noisy)
        self._sketch_of = sketcher(audio_format)
        self._bytes_per_second = audio_format.bytes_per_second
        self._is_mulaw = audio_format.encoding == "mulaw"
        self._block = bytearray()
        self._size: int | None = None
        """Of a piece: in base64 its length, else the negative of it."""
        self._piece_seconds = 0.0

    def _measure(self, size: int, audio_bytes: int) -> None:
        self._size = size
        self._piece_seconds = audio_bytes / self._bytes_per_second


class CallerEar(_Ear):
    """Carriers send as fast as the caller speaks, but frames come in bursts, so audio is counted instead of timed.

    The clock is set by the frames that were least late. It is corrected when a frame comes earlier than it should
    be able to, and when frames stay late though nothing is catching up: then there was a hole in the audio.
    """

    __slots__ = ("_before", "_earliest", "_frames", "_last", "began")

    def __init__(self, audio_format: AudioFormat) -> None:
        super().__init__(audio_format, may_be_noisy=True)
        self.began: float | None = None
        """When the caller's first audio sounded."""
        self._until = 0.0
        """When the audio of all blocks before this one had sounded."""
        self._frames = 0
        """Of this block."""
        self._earliest = inf
        """When the block began to sound by the frame of it that was least late."""
        self._before = self._last = 0.0
        """When the last frame before this block came, and the last one of all."""

    def hear_base64(self, now: float, audio: bytes) -> None:
        """A frame that came now."""
        if len(audio) != self._size or now - self._last > PAUSE_SECONDS:
            if not self._is_mulaw:
                self.hear(now, b64decode(audio))
                return
            if not audio:
                return
            self._begin(now, len(audio), decoded_length(audio))
        self._gather(now, audio[::4])

    def hear(self, now: float, audio: bytes) -> None:
        if len(audio) < SHORTEST_BYTES:
            return
        if -len(audio) != self._size or now - self._last > PAUSE_SECONDS:
            self._begin(now, -len(audio), len(audio))
        self._gather(now, self._sketch_of(audio))

    def _begin(self, now: float, size: int, audio_bytes: int) -> None:
        self.flush()
        self._measure(size, audio_bytes)
        self._before = now

    def _gather(self, now: float, sketch: bytes) -> None:
        self._last = now
        self._frames = frames = self._frames + 1
        # A frame has sounded when it comes: not its beginning, its end.
        began = now - frames * self._piece_seconds
        self._earliest = min(self._earliest, began)
        block = self._block
        block += sketch
        if len(block) >= FULL:
            self.flush()

    def pace(self) -> Pace | None:
        """How frames come, for somebody else to listen; None: they must be heard here."""
        if self._size is None or self._size < 0:
            return None
        return Pace(self._size, self._piece_seconds, PAUSE_SECONDS, self._last, FULL)

    def gather(self, heard: Heard) -> None:
        """What somebody else has heard, at that pace, since the last frame."""
        self._earliest = min(self._earliest, heard.earliest - self._frames * self._piece_seconds)
        self._frames += heard.frames
        self._last = heard.last
        self._block += heard.sketch
        if heard.resumed:
            self.flush()
            self._before = heard.resumed
        elif len(self._block) >= FULL:
            self.flush()

    def flush(self) -> None:
        """Look at what has been heard since the last look."""
        if self._frames:
            began = self._place()
            seconds = self._piece_seconds * self._frames
            self._until = began + seconds
            self._listener.listen(bytes(self._block), began, seconds)
            self._block.clear()
        self._frames, self._earliest, self._before = 0, inf, self._last

    def _place(self) -> float:
        """When this block began to sound."""
        earliest = self._earliest
        if self.began is None:
            self.began = earliest
            return earliest
        late = earliest - self._until
        if late < 0:
            return earliest
        if late < MISSING_SECONDS:
            return self._until + late * FOLLOW
        catching_up = self._last - self._before < self._piece_seconds * self._frames / 2
        return self._until if catching_up else earliest


class AgentEar(_Ear):
    """Agents send faster than speech: what was sent sounds when everything before it has."""

    __slots__ = ("_began", "_is_steady")

    def __init__(self, audio_format: AudioFormat) -> None:
        super().__init__(audio_format, may_be_noisy=False)
        self._began = 0.0
        self._until = 0.0
        self._is_steady = False
        """The last two pieces were of the same size."""

    def hear_base64(self, begins: float, audio: bytes) -> None:
        """Audio that begins to sound at `begins`."""
        if not self._is_mulaw:
            self.hear(begins, b64decode(audio))
            return
        self._continue(begins, len(audio), decoded_length(audio))
        self._gather(audio[::4])

    def hear(self, begins: float, audio: bytes) -> None:
        self._continue(begins, -len(audio), len(audio))
        self._gather(self._sketch_of(audio))

    def _continue(self, begins: float, size: int, audio_bytes: int) -> None:
        self._is_steady = size == self._size
        if not self._is_steady or abs(begins - self._until) > SLIP_SECONDS:
            self.flush()
            self._measure(size, audio_bytes)
        if not self._block:
            self._began = begins
        self._until = begins + self._piece_seconds

    def pace(self) -> Pace | None:
        """As the caller's. Pieces of which each has another size are heard here."""
        if not self._is_steady or self._size is None or self._size < 0:
            return None
        return Pace(self._size, self._piece_seconds, SLIP_SECONDS, self._until, FULL, runs_ahead=True)

    def gather(self, heard: Heard) -> None:
        """As the caller's."""
        if heard.frames:
            if not self._block:
                self._began = heard.earliest
            self._until = heard.last
            self._block += heard.sketch
        if heard.resumed or len(self._block) >= FULL:
            self.flush()

    def _gather(self, sketch: bytes) -> None:
        self._block += sketch
        if len(self._block) >= FULL:
            self.flush()

    def flush(self) -> None:
        if self._block:
            self._listener.listen(bytes(self._block), self._began, self._until - self._began)
            self._block.clear()

    def cut(self, now: float) -> float:
        """What has not sounded by now never will; how many seconds of speech that is."""
        self.flush()
        self._until = 0.0
        return self.speech.cut(now)
