"""Log lines carry the call and the tenant that they belong to, and nothing personal.

A line is static text plus ids. Characters that could forge a second line or drive a terminal are escaped.
"""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_fields: ContextVar[dict[str, str]] = ContextVar("tonris_log_fields", default={})  # noqa: B039 - never mutated
_MAX_FIELD = 2048


@contextmanager
def log_context(**fields: object) -> Iterator[None]:
    """Add ids, such as call and tenant, to every line logged inside."""
    token = _fields.set({**_fields.get(), **{name: str(value) for name, value in fields.items()}})
    try:
        yield
    finally:
        _fields.reset(token)


class ContextFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.context = _fields.get()
        return True


def printable(text: str) -> str:
    """Escape control characters, and cut what is longer than 2 KiB."""
    clean = "".join(char if char.isprintable() or char == "\t" else repr(char)[1:-1] for char in text)
    return clean if len(clean) <= _MAX_FIELD else clean[:_MAX_FIELD] + "…"


def without_rows(text: str) -> str:
    """PostgreSQL's errors tell the row that they are about: names, numbers, what was said."""
    return _ROW.sub("", text)


_ROW = re.compile(
    r"(\n|\\n)DETAIL:.*?(?=\n\nThe above exception was|\n\nDuring handling of the above|\Z)", re.DOTALL
)


class Discreet(logging.Formatter):
    def formatException(self, ei: Any) -> str:
        return without_rows(super().formatException(ei))


class TextFormatter(Discreet):
    """`2024-01-15 10:30:00 [INFO]: message call=… tenant=…`"""

    def __init__(self) -> None:
        super().__init__("%(asctime)s [%(levelname)s]: %(message)s", "%Y-%m-%d %H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = printable(without_rows(record.message))
        context: dict[str, str] = getattr(record, "context", {})
        suffix = "".join(f" {name}={printable(value)}" for name, value in context.items())
        return super().formatMessage(record) + suffix


class JsonFormatter(Discreet):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": without_rows(record.getMessage())[:_MAX_FIELD],
            **getattr(record, "context", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
