"""JSON from outside, in a form that PostgreSQL can store."""

import json
import math
from typing import Any

MAX_DEPTH = 64


class NotAnObject(ValueError):
    """The body is not a JSON object; the message says what is wrong with it."""


class TooDeep(ValueError):
    """Of more than MAX_DEPTH levels."""


def parse_object(raw: bytes | str) -> dict[str, Any]:
    """A JSON object without what PostgreSQL refuses: NUL, lone surrogates, NaN. Raises NotAnObject."""
    try:
        value = clean(loads(raw))
    except (ValueError, RecursionError):
        raise NotAnObject("The body is not valid JSON") from None
    if not isinstance(value, dict):
        raise NotAnObject("The body must be a JSON object")
    return value


def loads(raw: bytes | str, **options: Any) -> Any:
    """As json.loads, with its options, but without NaN and the infinities. Raises ValueError or RecursionError."""
    return json.loads(raw, parse_constant=_refuse_constant, parse_float=_finite, **options)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is out of range")
    return number


def clean(value: Any, levels: int = MAX_DEPTH) -> Any:
    """Without NUL and lone surrogates, however deep they are. Raises TooDeep."""
    match value:
        case str():
            return _clean_text(value)
        case dict() | list() if not levels:
            raise TooDeep(f"nested more than {MAX_DEPTH} levels deep")
        case dict():
            return {_clean_text(name): clean(item, levels - 1) for name, item in value.items()}
        case list():
            return [clean(item, levels - 1) for item in value]
    return value


def _clean_text(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
