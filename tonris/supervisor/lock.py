"""One `up` for a checkout. The kernel frees the lock when its holder ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from pathlib import Path
from typing import IO, Any

from tonris.home import make_home


class UpLock:
    """`.tonris/up.lock`: held by the running `up`, which writes its pid and address into it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        """Take the lock; False when another process has it."""
        file = self.path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        self.announce()
        return True

    def announce(self, url: str = "") -> None:
        """Tell others who holds the lock, and where it serves once that is known."""
        if self._file:
            self._file.seek(0)
            self._file.truncate()
            json.dump({"pid": os.getpid(), "url": url}, self._file)
            self._file.flush()

    def release(self) -> None:
        if self._file:
            self._file.seek(0)
            self._file.truncate()
            self._file.close()
            self._file = None

    def holder(self) -> tuple[int, str] | None:
        """(pid, URL) of the `up` that runs; None when none does. The pid is 0 in its very first moment."""
        if not self.path.exists():
            return None
        with self.path.open("r+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _read(file)
        return None

    def refusal(self) -> str:
        """What to tell somebody who wants to start a second one."""
        pid, url = self.holder() or (0, "")
        process = f"process {pid}" if pid else "another process"
        if not url:
            return f"TONRIS is already starting here ({process}). Stop it with Ctrl-C where it runs."
        return (
            f"TONRIS is already running here: {url} ({process}). "
            "Stop it with Ctrl-C where it runs, or use its address."
        )


def up_lock() -> UpLock:
    """The lock of this checkout."""
    return UpLock(make_home() / "up.lock")


def _read(file: IO[str]) -> tuple[int, str]:
    said: Any = {}
    with contextlib.suppress(ValueError):
        said = json.load(file)
    return int(said.get("pid", 0)), str(said.get("url", ""))
