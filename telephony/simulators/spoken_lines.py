"""What somebody wants a simulated caller to say: words, or the sound of a WAV file."""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from telephony.simulators.twilio.caller import SpokenLine
from telephony.simulators.twilio.wav import read_wav

MAX_TEXT = 2000


class BadLine(ValueError):
    """Nothing that can be said."""


def line_of(said: str) -> SpokenLine:
    """`said` is the name of a WAV file, or words. Raises BadLine or WavError."""
    said = said.strip()
    if said.lower().endswith(".wav"):
        return line_in(Path(said))
    if not said:
        raise BadLine("there is nothing to say in it")
    if len(said) > MAX_TEXT:
        raise BadLine(f"at most {MAX_TEXT} characters can be said in one line")
    return SpokenLine.of(said)


def line_in(path: Path, text: str = "") -> SpokenLine:
    """A file's sound; the text is only for transcripts. Raises WavError."""
    return SpokenLine(text or path.name, read_wav(path))


def to_json(lines: Iterable[SpokenLine]) -> list[dict[str, str]]:
    """For a simulator in another process."""
    return [{"text": line.text, "audio": b64encode(line.audio).decode()} for line in lines]


def from_json(told: list[dict[str, Any]]) -> tuple[SpokenLine, ...]:
    return tuple(SpokenLine(str(one["text"]), b64decode(one["audio"])) for one in told)
