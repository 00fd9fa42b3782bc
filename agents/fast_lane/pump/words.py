"""What is said of audio to the pump and by it."""

from typing import NamedTuple

from agents.base64_audio import KINDS

DIGIT, BASE64, LETTER_OR_DIGIT = 0x80, 0x81, 0x82
LIKE_BASE64 = KINDS.replace(b"A", bytes([BASE64]))
"""For `translate`: of audio, what a pattern says of it."""

LONGEST_PIECE = 3072
"""Characters of base64: longer pieces have no pace."""


class Pattern(NamedTuple):
    """What messages of audio are like, those of one length.

    A byte of `like` below 0x80 means itself; DIGIT, BASE64 and LETTER_OR_DIGIT mean any of those. The audio is base64.
    """

    like: bytes
    audio: slice
    number: slice = slice(0, 0)
    """Of digits, the first of which is no zero; or nothing."""


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
