"""How Infobip says no, and what it asks of a body.  Source: Infobip's OpenAPI, by its generated clients."""

from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]
Check = Callable[[Any], str]
"""What is wrong with a value; ""."""

_NAMES = {400: "BAD_REQUEST", 401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 409: "CONFLICT",
          429: "TOO_MANY_REQUESTS", 500: "GENERAL_ERROR", 503: "SERVICE_UNAVAILABLE"}  # fmt: skip


class Refused(Exception):
    def __init__(self, status: int, text: str, errors: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(f"{text} {dict(errors or {})}")
        self.status = status
        exception: Json = {"messageId": _NAMES.get(status, "GENERAL_ERROR"), "text": text}
        if errors:
            exception["validationErrors"] = dict(errors)
        self.body: Json = {"requestError": {"serviceException": exception}}


def require(body: Any, where: str = "", /, **fields: tuple[bool, Check]) -> Json:
    """A JSON object with these fields and no others; each is (required, check). Raises Refused."""
    if not isinstance(body, dict):
        raise Refused(400, "Malformed request body")
    errors: dict[str, list[str]] = {}
    for name in body.keys() - fields.keys():
        # Infobip passes over fields that it does not know; here they are refused, to find what is misspelt.
        errors[where + name] = ["unknown field"]
    for name, (required, check) in fields.items():
        if name not in body:
            if required:
                errors[where + name] = ["must not be null"]
        elif wrong := check(body[name]):
            errors[where + name] = [wrong]
    if errors:
        raise Refused(400, "Bad request", errors)
    return body


def text(longest: int = 10_000) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not value:
            return "must not be blank"
        return f"size must be between 1 and {longest}" if len(value) > longest else ""

    return check


def number(low: float, high: float) -> Check:
    def check(value: Any) -> str:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if is_number and low <= value <= high else f"must be between {low:g} and {high:g}"

    return check


def whole(low: int, high: int) -> Check:
    def check(value: Any) -> str:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return "" if is_whole and low <= value <= high else f"must be a whole number between {low} and {high}"

    return check


def one_of(*values: str) -> Check:
    return lambda value: "" if value in values and isinstance(value, str) else f"must be any of {values}"


def flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "must be a boolean"


def anything(value: Any) -> str:
    return ""


def strings(value: Any) -> str:
    """`customData`: names to strings, nothing else."""
    if not isinstance(value, dict):
        return "must be an object"
    return "" if all(isinstance(one, str) for one in value.values()) else "values must be strings"


def of(**fields: tuple[bool, Check]) -> Check:
    """An object within a body, with these fields and no others."""

    def check(value: Any) -> str:
        try:
            require(value, **fields)
        except Refused as refused:
            return str(refused)
        return ""

    return check


def digits(value: Any) -> str:
    """E.164, without a plus sign."""
    is_number = isinstance(value, str) and value.isdecimal() and 7 <= len(value) <= 15
    return "" if is_number else "must be a phone number in E.164 format, digits only"
