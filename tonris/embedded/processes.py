"""Other processes, looked at with suspicion: a pid written down earlier may be somebody else's by now.

A zombie counts as gone. Linux tells through /proc (slim images have no ps), other systems through ps.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

_PROC = Path("/proc")
_LINUX = sys.platform == "linux"


def command_line(pid: int) -> str:
    """The command that a process was started with, words joined by spaces; "" when it is gone or a zombie."""
    if _LINUX:
        try:
            words = (_PROC / str(pid) / "cmdline").read_bytes()  # a zombie's is empty
        except OSError:
            return ""
        return words.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
    answer = _ps("-o", "stat=,command=", "-p", str(pid)).strip()
    state, _, command = answer.partition(" ")
    return "" if state.startswith("Z") else command.strip()


def is_alive(pid: int) -> bool:
    """Does a process with this pid run, whoever it is?"""
    if _LINUX:
        try:
            stat = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}  # the name before ")" may hold anything
    return command_line(pid) != ""


def exists(pid: int) -> bool:
    """Is this pid in use, be it by a zombie?"""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_running(pid: int, command: Sequence[str]) -> bool:
    """Is this pid still the process that was started with exactly this command?"""
    return pid > 0 and command_line(pid) == " ".join(command)


def group_members(pgid: int) -> list[int]:
    """The living members of a process group. Empty where /proc is not there to tell."""
    members = []
    for entry in _PROC.glob("[0-9]*") if _LINUX else ():
        with contextlib.suppress(OSError, IndexError, ValueError):
            state, _, group, *_ = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(group) == pgid and state not in {"Z", "X"}:
                members.append(int(entry.name))
    return members


def wait_gone(pid: int, seconds: float) -> bool:
    """Wait for a process to end; False when it still runs after that time."""
    deadline = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def stop(pid: int, steps: Iterable[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn and wait that long for the end. The caller has made sure whose pid it is."""
    for which, seconds in steps:
        if not is_alive(pid):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, which)
        wait_gone(pid, seconds)


def kill_group(pgid: int) -> None:
    """End at once whatever is left of a process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says EPERM for zombies
        os.killpg(pgid, signal.SIGKILL)


def _ps(*arguments: str) -> str:
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607
