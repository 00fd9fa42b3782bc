"""One of the carrier's numbers: whose it is, how it is configured, and what its surroundings are like."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class FarEnd:
    """Whom a call is put through to. Voicemail picks up and presses nothing."""

    outcome: Literal["answered", "busy", "no-answer", "failed", "voicemail"] = "answered"
    rings_s: float = 0.3
    talks_s: float = 0.7
    presses: str = "1"
    """When asked for a key; "" for nothing."""
    hangs_up: bool = False
    """Instead of pressing anything."""
    others: "Mapping[str, FarEnd]" = field(default_factory=dict)
    """Telephones that fare otherwise, by number."""

    @property
    def picks_up(self) -> bool:
        return self.outcome in {"answered", "voicemail"}

    def of(self, number: str) -> "FarEnd":
        return self.others.get(number, self)


@dataclass(frozen=True)
class Line:
    account_sid: str
    voice_url: str
    fallback_url: str | None = None
    status_url: str | None = None
    status_events: frozenset[str] = frozenset({"completed"})
    signs_stream: bool = True
    say_chars_per_second: float = 20.0
    record_s: float = 1.0  # of a recording, when the caller has no line left for it
    silence_s: float = 60.0  # the longest that anybody is waited for at a <Gather>, to save time
    far_end: FarEnd = field(default_factory=FarEnd)
    time_limit_s: float = 180.0
