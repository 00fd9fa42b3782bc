"""Request bodies, checked as the vendor's API checks them: what is wrong is told with its place.

Where the vendor may pass over a field that it does not know, this refuses it: a misspelt field of ours would
otherwise be found by a caller.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

Loc = tuple[str | int, ...]
Check = Callable[[Any, Loc], None]


class Invalid(Exception):
    """One thing that is wrong, as an entry of a 422's `detail`."""

    def __init__(self, loc: Loc, message: str, kind: str = "value_error") -> None:
        super().__init__(message)
        self.detail = {"type": kind, "loc": list(loc), "msg": message}


def text(*, least: int = 0, choices: Collection[str] | None = None) -> Check:
    def check(value: Any, loc: Loc) -> None:
        if not isinstance(value, str):
            raise Invalid(loc, "Input should be a valid string", "string_type")
        if len(value) < least:
            raise Invalid(loc, f"String should have at least {least} character", "string_too_short")
        if choices is not None and value not in choices:
            raise Invalid(loc, f"Input should be {' or '.join(sorted(map(repr, choices)))}", "literal_error")

    return check


def integer(lowest: int, highest: int) -> Check:
    def check(value: Any, loc: Loc) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Invalid(loc, "Input should be a valid integer", "int_type")
        if not lowest <= value <= highest:
            raise Invalid(loc, f"Input should be from {lowest} to {highest}", "value_error")

    return check


def boolean(value: Any, loc: Loc) -> None:
    if not isinstance(value, bool):
        raise Invalid(loc, "Input should be a valid boolean", "bool_type")


def anything(value: Any, loc: Loc) -> None:
    pass


def https_url(value: Any, loc: Loc) -> None:
    """Plain http only to this machine, where there is no vendor to mind."""
    text()(value, loc)
    parts = urlsplit(value)
    local = parts.hostname in {"127.0.0.1", "localhost"}
    if not parts.netloc or (parts.scheme != "https" and not (local and parts.scheme == "http")):
        raise Invalid(loc, "URL must be https", "value_error")


def nullable(inner: Check) -> Check:
    def check(value: Any, loc: Loc) -> None:
        if value is not None:
            inner(value, loc)

    return check


def listing(item: Check) -> Check:
    def check(value: Any, loc: Loc) -> None:
        if not isinstance(value, list):
            raise Invalid(loc, "Input should be a valid list", "list_type")
        for index, one in enumerate(value):
            item(one, (*loc, index))

    return check


def mapping(item: Check) -> Check:
    def check(value: Any, loc: Loc) -> None:
        if not isinstance(value, dict):
            raise Invalid(loc, "Input should be a valid dictionary", "dict_type")
        for name, one in value.items():
            item(one, (*loc, name))

    return check


def record(fields: Mapping[str, Check], required: Collection[str] = ()) -> Check:
    def check(value: Any, loc: Loc) -> None:
        if not isinstance(value, dict):
            raise Invalid(loc, "Input should be a valid dictionary", "dict_type")
        for name in required:
            if name not in value:
                raise Invalid((*loc, name), "Field required", "missing")
        for name, one in value.items():
            if name not in fields:
                raise Invalid((*loc, name), "Extra inputs are not permitted", "extra_forbidden")
            fields[name](one, (*loc, name))

    return check


def one_of(tag: str, kinds: Mapping[str, Check]) -> Check:
    """A record whose `tag` says which it is."""

    def check(value: Any, loc: Loc) -> None:
        if not isinstance(value, dict):
            raise Invalid(loc, "Input should be a valid dictionary", "dict_type")
        kind = value.get(tag)
        if not isinstance(kind, str) or kind not in kinds:
            raise Invalid((*loc, tag), f"Input tag {kind!r} is not known", "union_tag_invalid")
        kinds[kind](value, loc)

    return check
