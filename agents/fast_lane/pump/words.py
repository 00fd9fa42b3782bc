"""What is said of audio to the pump and by it."""

from typing import NamedTuple

from agents.base64_audio import KINDS

DIGIT, BASE64, LETTER_OR_DIGIT, NO_ZERO = 0x80, 0x81, 0x82, 0x83
LIKE_BASE64 = KINDS.replace(b"A", bytes([BASE64]))
"""For `translate`: of audio, what a pattern says of it."""


def like_number(digits: bytes) -> bytes:
    """What a pattern says of a number as JSON writes it, of so many digits."""
    return bytes([NO_ZERO] + [DIGIT] * (len(digits) - 1) if len(digits) > 1 else [DIGIT] * len(digits))


LONGEST_PIECE = 3072
"""Characters of base64: longer pieces have no pace."""


class Pattern(NamedTuple):
    """What messages of audio are like, those of one length.

    A byte of `like` below 0x80 means itself; DIGIT, BASE64, LETTER_OR_DIGIT, and NO_ZERO for a digit that is none, mean
    any of those. The audio is base64.
    """

    like: bytes
    audio: slice = slice(0, 0)
    number: slice = slice(0, 0)
    """Of digits; or nothing."""
    answer: tuple[bytes, bytes] = b"", b""
    """It is no audio but a question: what stands on both sides of its number in the answer that goes back."""


class Pace(NamedTuple):
    """How the audio comes: in pieces of so many characters, and of so many seconds."""

    audio_size: int
    piece_seconds: float
    pause_seconds: float
    """No piece for so long is a pause."""
    last: float
    """When the last piece came, by `time.monotonic`; of what runs ahead, when all of it will have sounded."""
    full: int
    """A sketch of so many characters is to be told."""
    runs_ahead: bool = False
    """It comes faster than it sounds, as an agent's does."""


class Heard(NamedTuple):
    """Some pieces that have passed."""

    frames: int
    earliest: float
    """When the first began to sound, by the one that was least late."""
    last: float
    """When the last one came, or will have sounded, as in `Pace`."""
    resumed: float
    """When another came, after a pause; or 0."""
    sketch: bytes
    """Every fourth character of their base64."""
