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


def base_url(url: str) -> str:
    """With `/v1` at its end, whether or not it was written down."""
    return url if url.endswith("/v1") else f"{url}/v1"


def prices(text: str) -> dict[str, list[float]]:
    """`{"model": [six prices]}` in JSON beside, and before, those that are known."""
    try:
        own = json.loads(text) if text else {}
        return PRICES | {str(model): _price_list(listed) for model, listed in own.items()}
    except (ValueError, TypeError, AttributeError):
        raise ImproperlyConfigured(
            "OPENAI_PRICES is a JSON object of lists: text in, cached, out, audio in, cached, out"
        ) from None


def _price_list(listed: list[float]) -> list[float]:
    if not isinstance(listed, list) or len(listed) != 6 or not all(price >= 0 for price in listed):
        raise ValueError("six prices")
    return [float(price) for price in listed]
