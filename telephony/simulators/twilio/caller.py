"""The person on the phone: listens, waits for their turn, speaks, presses keys, loses patience, hangs up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from agents.simulators.audio import Format, from_little_endian, mulaw_to_pcm16
from agents.simulators.scenarios import Scenario
from agents.simulators.vad import Activity, VoiceActivity
from agents.simulators.voice import MULAW_8K, speak
from telephony.simulators.twilio.wav import read_wav, recording

FRAME_MS = 20
_KEY_GAP_MS = 200


@dataclass(frozen=True)
class SpokenLine:
    text: str
    audio: bytes  # 8 kHz mu-law

    @classmethod
    def of(cls, text: str) -> Self:
        return cls(text, speak(text))

    def in_format(self, audio_format: Format) -> bytes:
        """For carriers that take PCM at a multiple of the telephone's rate: each sample as often as it takes."""
        if audio_format == MULAW_8K:
            return self.audio
        times = audio_format.rate_hz // MULAW_8K.rate_hz
        samples = from_little_endian(b"")
        for sample in mulaw_to_pcm16(self.audio):
            samples.extend([sample] * times)
        return audio_format.encode(samples)


@dataclass(frozen=True)
class Script:
    lines: tuple[SpokenLine, ...] = ()
    reply_after_ms: int = 500  # of silence, once the agent has spoken
    patience_ms: int = 8000  # without a word from the agent; then the next line is spoken anyway
    interrupt_after_ms: int | None = None  # speak the first line so long after the agent has begun
    digits: str = ""  # pressed when the agent has first finished, or when a menu asks
    answers: tuple[str, ...] = ()  # to one <Gather> after the other: keys, words, or "" for silence
    hang_up_after_s: float | None = None  # since the call was answered
    hang_up_when_done: bool = False  # after the agent's answer to the last line
    give_up_after_s: float = 25.0  # of silence, with nothing left to say

    @classmethod
    def of(cls, scenario: Scenario, **choices: Any) -> Self:
        """The scenario's lines, from recordings where there are some."""
        lines = tuple(
            SpokenLine(line.text, recording(line.recording) or speak(line.text)) for line in scenario.lines
        )
        return replace(cls(lines=lines), **choices)

    @classmethod
    def saying(cls, *texts: str, **choices: Any) -> Self:
        return replace(cls(lines=tuple(map(SpokenLine.of, texts))), **choices)

    @classmethod
    def from_files(cls, paths: Sequence[Path], texts: Sequence[str] = (), **choices: Any) -> Self:
        """One WAV file a line; the texts are only for transcripts."""
        named = [*texts, *[path.name for path in paths[len(texts) :]]]
        lines = tuple(SpokenLine(text, read_wav(path)) for text, path in zip(named, paths, strict=False))
        return replace(cls(lines=lines), **choices)


class ScriptedCaller:
    """Hears 20 ms and answers with 20 ms. Time is counted in frames, so that a test needs no clock."""

    def __init__(self, script: Script, audio_format: Format = MULAW_8K) -> None:
        self.script = script
        self._format = audio_format
        self._silence = audio_format.silence(FRAME_MS)
        self.wants_to_hang_up = False
        self.speaking: SpokenLine | None = None
        self._lines = list(reversed(script.lines))
        self._digits = list(script.digits)
        self._answers = list(script.answers)
        self._hearing = VoiceActivity(audio_format, end_ms=script.reply_after_ms)
        self._speech = b""
        self._answered = False  # the agent has begun to speak since we last finished
        self._quiet_ms = 0  # since anybody spoke
        self._agent_ms = 0  # of the agent's present utterance
        self._key_due_ms: int | None = None

    def exchange(self, heard: bytes) -> bytes:
        activities = self._hearing.feed(heard)
        for activity in activities:
            self._notice(activity)
        self._wait()
        return self._speak()

    def take_digit(self) -> str | None:
        """A key pressed in this frame."""
        if self._key_due_ms is None or not self._digits:
            return None
        self._key_due_ms -= FRAME_MS
        if self._key_due_ms > 0:
            return None
        self._key_due_ms = _KEY_GAP_MS
        return self._digits.pop(0)

    def take_digits(self, count: int | None = None) -> str:
        """The keys pressed when a menu asks for some."""
        count = len(self._digits) if count is None else count
        taken, self._digits = self._digits[:count], self._digits[count:]
        return "".join(taken)

    def next_answer(self) -> str | None:
        """To the next question of a menu; None when the script has none, or no more."""
        return self._answers.pop(0) if self._answers else None

    def next_line(self) -> SpokenLine | None:
        """The next line, for a machine that records it."""
        return self._lines.pop() if self._lines else None

    def _notice(self, activity: Activity) -> None:
        self._quiet_ms = 0
        if activity is Activity.STARTED:
            self._agent_ms = 0
            self._answered = self._answered or self.speaking is None
        elif self._answered and self.speaking is None:
            self._take_turn()

    def _take_turn(self) -> None:
        """The agent has finished."""
        if self._digits:
            self._key_due_ms = self._key_due_ms or FRAME_MS
        if self._lines:
            self._begin()
        elif self.script.hang_up_when_done:
            self.wants_to_hang_up = True

    def _wait(self) -> None:
        if self.speaking is not None:
            return
        if self._hearing.speaking:
            self._quiet_ms = 0
            self._agent_ms += FRAME_MS
            first = len(self._lines) == len(self.script.lines)
            after_ms = self.script.interrupt_after_ms
            if after_ms is not None and first and self._agent_ms >= after_ms and self._lines:
                self._begin()
            return
        self._quiet_ms += FRAME_MS
        if self._lines and self._quiet_ms >= self.script.patience_ms:
            self._begin()
        elif not self._lines and self._quiet_ms >= self.script.give_up_after_s * 1000:
            self.wants_to_hang_up = True

    def _begin(self) -> None:
        self.speaking = self._lines.pop()
        self._speech = self.speaking.in_format(self._format)

    def _speak(self) -> bytes:
        if self.speaking is None:
            return self._silence
        size = len(self._silence)
        frame, self._speech = self._speech[:size], self._speech[size:]
        if not self._speech:
            self.speaking = None
            self._answered = False
            self._quiet_ms = 0
        return frame + self._silence[len(frame) :]
