"""Run a command that dies with the process that started it, even when that one is killed outright.

    python -I -S tether.py PARENT SIGNAL UID GID COMMAND...

Started as a program of its own rather than as code between fork and exec, which is not safe beside threads.
It replaces itself by the command. UID and GID -1 keep the user. Only Linux can promise it; elsewhere the
command simply runs. Note that the kernel watches the *thread* that started this: start it from the main one.
"""

import os
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def load_prctl() -> Callable[..., int]:
    import ctypes  # other systems need none of it

    return ctypes.CDLL(None).prctl


def main(parent: int, signal_number: int, uid: int, gid: int, command: list[str]) -> None:
    # Loaded while we may still read our own installation: it can be closed to the other user.
    prctl = load_prctl() if sys.platform == "linux" else None
    if gid >= 0:
        os.setgroups([])
        os.setgid(gid)
    if uid >= 0:
        os.setuid(uid)
    if prctl:
        prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)  # after the change of user, which would clear it
        if os.getppid() != parent:  # it died before the kernel was told
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:5]]
    main(numbers[0], numbers[1], numbers[2], numbers[3], sys.argv[5:])
