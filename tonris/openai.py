"""What the environment says of OpenAI, for settings.py: nothing here knows Django's settings."""

import json

from django.core.exceptions import ImproperlyConfigured

PRICES: dict[str, list[float]] = {
    "gpt-realtime-2.1": [4, 0.40, 24, 32, 0.40, 64],
    "gpt-realtime-2": [4, 0.40, 24, 32, 0.40, 64],
    "gpt-realtime-2.1-mini": [0.60, 0.06, 2.40, 10, 0.30, 20],
    "gpt-realtime-1.5": [4, 0.40, 16, 32, 0.40, 64],
}
"""US dollars for a million tokens: text in, cached, out; audio in, cached, out. As of November 2026."""

TRANSCRIPTION_PRICES: dict[str, list[float]] = {
    "gpt-transcribe": [0, 0, 0, 0.0045],
    "gpt-live-transcribe": [0, 0, 0, 0.017],
    "gpt-4o-transcribe": [2.50, 6, 10, 0.006],
    "gpt-4o-mini-transcribe": [1.25, 3, 5, 0.003],
    "whisper-1": [0, 0, 0, 0.006],
}
"""US dollars for a million tokens: text in, audio in, text out; and for a minute. As of November 2026."""


def base_url(url: str) -> str:
    """With `/v1` at its end, whether or not it was written down."""
    return url if url.endswith("/v1") else f"{url}/v1"


def prices(text: str) -> dict[str, list[float]]:
    """`{"model": [six prices]}` in JSON beside, and before, those that are known."""
    form = "OPENAI_PRICES is a JSON object of lists: text in, cached, out, audio in, cached, out"
    return _listed(text, PRICES, form)


def transcription_prices(text: str) -> dict[str, list[float]]:
    """`{"model": [four prices]}`, likewise."""
    form = "OPENAI_TRANSCRIPTION_PRICES is a JSON object of lists: text in, audio in, text out, a minute"
    return _listed(text, TRANSCRIPTION_PRICES, form)


def _listed(text: str, known: dict[str, list[float]], form: str) -> dict[str, list[float]]:
    length = len(next(iter(known.values())))
    try:
        own = json.loads(text) if text else {}
        return known | {str(model): _price_list(listed, length) for model, listed in own.items()}
    except (ValueError, TypeError, AttributeError):
        raise ImproperlyConfigured(form) from None


def _price_list(listed: list[float], length: int) -> list[float]:
    if not isinstance(listed, list) or len(listed) != length or not all(price >= 0 for price in listed):
        raise ValueError(f"{length} prices")
    return [float(price) for price in listed]
