"""What the agent says, on its way to the caller, and until when it sounds."""

from time import monotonic

from agents.base64_audio import decoded_length
from agents.fast_lane import SendsNow, Take, not_now
from agents.fast_lane.pump.words import Heard, Pace
from agents.fast_lane.shortcut import Shortcut
from telephony.codec import Codec
from telephony.feel.ears import AgentEar

LARGEST = 30_000
"""Bytes of audio in one message to a carrier: none says how much it takes, and 64 KiB is what we take from it."""
_LARGEST_BASE64 = LARGEST * 4 // 3


class AgentVoice:
    """All that each piece of the agent's audio looks at, in one small object (`fast_lane.cutter.Way`)."""

    __slots__ = (
        "_bytes_per_second",
        "_ear",
        "_encode",
        "_hear",
        "_sounds_until",
        "began",
        "caller_waits",
        "send_now",
        "shortcut",
        "was_heard",
    )

    def __init__(self, codec: Codec, lane: SendsNow | None, ear: AgentEar) -> None:
        self._encode = codec.encode_plain_audio
        self._bytes_per_second = codec.audio_format.bytes_per_second
        self.send_now: Take = lane.send_now if lane is not None else not_now
        """To the carrier."""
        self._ear, self._hear = ear, ear.hear_base64
        self.shortcut: Shortcut | None = None
        """By which audio may go past us."""
        self.began: float | None = None
        """When the first audio of the call was sent."""
        self._sounds_until = 0.0
        self.was_heard = False
        """Whoever speaks now has said something."""
        self.caller_waits = False
        """For an answer to what the caller has said."""

    def take(self, audio: bytes) -> bool:
        """Audio in base64, now. False: not taken, and it waits for its turn."""
        if len(audio) > _LARGEST_BASE64 or not self.send_now(self._encode(audio)):
            return False
        self._hear(self.plays(decoded_length(audio)), audio)
        return True

    def plays(self, size: int) -> float:
        """So many bytes of audio were sent to the carrier: when they begin to sound."""
        now = monotonic()
        if self.began is None:
            self.began = now
        self.was_heard, self.caller_waits = True, False
        begins = max(self._sounds_until, now)
        self._sounds_until = begins + size / self._bytes_per_second
        return begins

    @property
    def sounds_until(self) -> float:
        """As far as one knows: agents send faster than speech. 0: nothing was said, or it has been cleared."""
        self.catch_up()
        return self._sounds_until

    def cleared(self) -> None:
        """What was to sound never will."""
        self._sounds_until = 0.0

    def catch_up(self) -> None:
        """With what has gone past us."""
        if self.shortcut is not None:
            self.shortcut.listen()

    def pace(self) -> Pace | None:
        """As `shortcut.Ear`, with `gather`."""
        return self._ear.pace()

    def gather(self, heard: Heard) -> None:
        if heard.frames:
            self.was_heard, self.caller_waits = True, False
            self._sounds_until = heard.last
        self._ear.gather(heard)
