"""What a carrier's media stream says, in words that every carrier shares."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """Who is on the line, as the stream claims; only the token proves it."""

    stream_id: str
    carrier_call_id: str
    parameters: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class CallerAudio:
    audio: bytes


@dataclass(frozen=True, slots=True)
class Digit:
    digit: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Everything sent before the mark of this name has been played, or flushed by a clear."""

    name: str


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """The carrier ends the stream; its socket closes next."""


Frame = StreamStarted | CallerAudio | Digit | Mark | StreamStopped
