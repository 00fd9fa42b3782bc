"""What a session used, and what that costs. Pure.

Transcription is another model's work with a price of its own: it is counted and not priced.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

PRICED = ("text_in", "text_cached", "text_out", "audio_in", "audio_cached", "audio_out")
"""The order of a price list: US dollars for a million tokens each."""
MILLION = 1_000_000


@dataclass(slots=True)
class Usage:
    """Tokens; those from the cache are not counted among the others."""

    responses: int = 0
    text_in: int = 0
    text_cached: int = 0
    text_out: int = 0
    audio_in: int = 0
    audio_cached: int = 0
    audio_out: int = 0
    transcription_tokens: int = 0
    transcription_seconds: float = 0.0

    def add_response(self, told: Mapping[str, Any]) -> None:
        """`usage` of a `response.done`."""
        if not told:
            return
        taken, given = _object(told, "input_token_details"), _object(told, "output_token_details")
        cached = _object(taken, "cached_tokens_details")
        text_cached, audio_cached = _count(cached, "text_tokens"), _count(cached, "audio_tokens")
        self.responses += 1
        self.text_cached += text_cached
        self.audio_cached += audio_cached
        self.text_in += max(0, _count(taken, "text_tokens") - text_cached)
        self.audio_in += max(0, _count(taken, "audio_tokens") - audio_cached)
        self.text_out += _count(given, "text_tokens")
        self.audio_out += _count(given, "audio_tokens")

    def add_transcription(self, told: Mapping[str, Any]) -> None:
        self.transcription_tokens += _count(told, "total_tokens")
        seconds = told.get("seconds")
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds < 86_400:
            self.transcription_seconds += seconds

    def counts(self) -> dict[str, Any]:
        """Those that are not zero, to be kept."""
        return {name: count for name, count in asdict(self).items() if count}

    def cost_usd(self, prices: Sequence[float] | None) -> Decimal | None:
        """None without a price list for the model."""
        if prices is None:
            return None
        tokens = [getattr(self, name) for name in PRICED]
        parts = (Decimal(count) * Decimal(str(price)) for count, price in zip(tokens, prices, strict=True))
        return (sum(parts, Decimal(0)) / MILLION).quantize(Decimal("0.0001"))


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


def _count(value: Mapping[str, Any], name: str) -> int:
    count = value.get(name)
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**40 else 0
