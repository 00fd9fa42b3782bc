"""What a session used, and what that costs. Pure.

Transcription is another model's work with a price of its own, by tokens or by the time it listened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

PRICED = ("text_in", "text_cached", "text_out", "audio_in", "audio_cached", "audio_out")
"""The order of a price list: US dollars for a million tokens each."""
MILLION = 1_000_000
TRANSCRIPTION_PRICED = ("transcription_text_in", "transcription_audio_in", "transcription_text_out")
"""The order of a transcription model's list, per million tokens; a minute's price stands behind them."""
SHARES = Decimal("0.0001")


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
    transcription_text_in: int = 0
    transcription_audio_in: int = 0
    transcription_text_out: int = 0
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
        """`usage` of a transcription: of either kind, never of both. What is not told apart was audio."""
        taken, listened = _object(told, "input_token_details"), _count(told, "input_tokens")
        text = min(_count(taken, "text_tokens"), listened)
        self.transcription_text_in += text
        self.transcription_audio_in += listened - text
        self.transcription_text_out += _count(told, "output_tokens")
        seconds = told.get("seconds")
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds < 86_400:
            self.transcription_seconds += seconds

    def counts(self) -> dict[str, Any]:
        """Those that are not zero, to be kept."""
        return {name: count for name, count in asdict(self).items() if count}

    def cost_usd(
        self, prices: Sequence[float] | None, transcription: Sequence[float] | None = None
    ) -> Decimal | None:
        """None without a price list for the model. Transcription without one of its own is not counted in."""
        if prices is None:
            return None
        spent = self._priced(PRICED, prices) / MILLION
        if transcription is not None:
            *tokens, minute = transcription
            spent += self._priced(TRANSCRIPTION_PRICED, tokens) / MILLION
            spent += Decimal(str(self.transcription_seconds)) * Decimal(str(minute)) / 60
        return spent.quantize(SHARES)

    def _priced(self, names: Sequence[str], prices: Sequence[float]) -> Decimal:
        pairs = zip(names, prices, strict=True)
        return sum((Decimal(getattr(self, name)) * Decimal(str(price)) for name, price in pairs), Decimal(0))


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


def _count(value: Mapping[str, Any], name: str) -> int:
    count = value.get(name)
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**40 else 0
