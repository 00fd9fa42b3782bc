"""The server's ear: what the caller's audio means for turns, in audio time."""

import secrets
from dataclasses import dataclass

from agents.simulators.audio import Format
from agents.simulators.openai_realtime.record import Json
from agents.simulators.vad import Activity, VoiceActivity


@dataclass(frozen=True)
class Started:
    item_id: str
    at_ms: int


@dataclass(frozen=True)
class Stopped:
    item_id: str
    at_ms: int
    spoken_ms: int


class Hearing:
    def __init__(self, audio_format: Format, turn_detection: Json | None) -> None:
        self._format = audio_format
        self._turn_detection = turn_detection
        end_ms = int((turn_detection or {}).get("silence_duration_ms", 500))
        self._voice = VoiceActivity(audio_format, end_ms=end_ms)
        self._item_id = ""
        self._began_ms = 0
        self.heard_ms = 0.0
        self.buffered_ms = 0.0

    @property
    def speaking(self) -> bool:
        return self._voice.speaking

    def feed(self, audio: bytes) -> list[Started | Stopped]:
        self.heard_ms += self._format.duration_ms(len(audio))
        self.buffered_ms += self._format.duration_ms(len(audio))
        if self._turn_detection is None:
            return []
        padding = int(self._turn_detection.get("prefix_padding_ms", 300))
        changes: list[Started | Stopped] = []
        for activity in self._voice.feed(audio):
            if activity is Activity.STARTED:
                self._item_id = f"item_{secrets.token_hex(10)}"
                self._began_ms = max(0, int(self.heard_ms) - padding)
                changes.append(Started(self._item_id, self._began_ms))
            else:
                ended = int(self.heard_ms)
                changes.append(Stopped(self._item_id, ended, ended - self._began_ms))
                self.buffered_ms = 0.0
        return changes
