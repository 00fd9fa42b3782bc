"""A webhook's JSON, read strictly: one meaning, or a 400 that names what is wrong."""

from typing import Any

from tenants.json_body import MAX_DEPTH, TooDeep, clean, loads
from tenants.responses import ApiError


def parse(raw: bytes) -> dict[str, Any]:
    """A JSON object without what PostgreSQL refuses (NUL, lone surrogates are taken out). Raises ApiError 400."""
    try:
        value = loads(raw, object_pairs_hook=_unambiguous)
    except (ValueError, RecursionError):
        raise invalid("The body is not valid JSON") from None
    if not isinstance(value, dict):
        raise invalid("The body must be a JSON object")
    try:
        cleaned: dict[str, Any] = clean(value)
    except TooDeep:
        raise invalid(f"The body must be valid JSON of at most {MAX_DEPTH} levels") from None
    return cleaned


def invalid(error: str) -> ApiError:
    return ApiError(error, "VALIDATION_ERROR", 400)


def section(payload: dict[str, Any], name: str) -> dict[str, Any]:
    """An object within the payload; {} where it is missing or null. Raises ApiError 400."""
    value = payload.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"{name}: must be an object")
    return value


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a name that stands there twice, whoever signed may have meant the one and we would read the other."""
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise invalid(f"{twice[:80].encode('utf-8', 'replace').decode()}: named more than once")
    return value
