"""The servers' log files: appended to, kept below twenty megabytes, shown when a start fails."""

from __future__ import annotations

from pathlib import Path
from typing import IO

LARGEST_BYTES = 10_000_000


def open_log(path: Path) -> IO[bytes]:
    """Open a log to append to. A large one is put aside as `.1` first, replacing the one before."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and path.stat().st_size > LARGEST_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    return path.open("ab")


def tail(path: Path, lines: int) -> str:
    """The last lines of a log, indented; empty when there is none."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - 20_000))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])
