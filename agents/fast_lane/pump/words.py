"""What is said of a caller's audio to the pump and by it."""

from typing import NamedTuple

DIGIT, BASE64, LETTER_OR_DIGIT = 0x80, 0x81, 0x82


LONGEST_PIECE = 1024
"""Characters of base64: longer pieces have no pace."""


class Pattern(NamedTuple):
    """What a carrier's messages of audio are like, those of one length.

    A byte of `like` below 0x80 means itself; DIGIT, BASE64 and LETTER_OR_DIGIT mean any of those. The audio is base64.
    """

    like: bytes
    audio: slice


class Pace(NamedTuple):
    """How the audio comes: in pieces of so many characters, and of so many seconds."""

    audio_size: int
    piece_seconds: float
    pause_seconds: float
    """No piece for so long is a pause."""
    last: float
    """When the last piece came, by `time.monotonic`."""
    full: int
    """A sketch of so many characters is to be told."""


class Heard(NamedTuple):
    """Some pieces that have passed."""

    frames: int
    earliest: float
    """When the first began to sound, by the one that was least late."""
    last: float
    """When the last one came."""
    resumed: float
    """When another came, after a pause; or 0."""
    sketch: bytes
    """Every fourth character of their base64."""
