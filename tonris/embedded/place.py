"""Where the servers keep their data, and which user they run as.

PostgreSQL refuses to run as root, so root hands it to an unprivileged user. That user must reach the data:
a checkout under /root is closed to it. Opening other people's directories is out of the question, so the data
then lives elsewhere, in a directory whose name is made from the checkout's path.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .errors import EmbeddedError

_UNPRIVILEGED = ("nobody", "postgres", "daemon")
_ELSEWHERE = (Path("/var/lib"), Path("/var/tmp"), Path("/tmp"))  # noqa: S108  (owner and kind are checked)
_TETHER = Path(__file__).with_name("tether.py")


@dataclass(frozen=True)
class Account:
    """A user to run servers as; None stands for the one we are."""

    uid: int | None = None
    gid: int | None = None

    def run(self, command: list[str], *, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command to its end as this user, from a directory that every user may stand in."""
        try:
            return subprocess.run(  # noqa: S603
                command,
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
                timeout=120,
                cwd="/",
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for us to act on
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.uid is None else [],
            )
        except OSError as error:
            return subprocess.CompletedProcess(command, 127, str(error))

    def spawn(self, command: list[str], log: IO[bytes], *, tethered: bool = False) -> subprocess.Popen[bytes]:
        """Start a server as this user. It outlives us, unless tethered; its output goes to the log."""
        if tethered:
            ids = [str(-1 if number is None else number) for number in (self.uid, self.gid)]
            interrupt = "2"  # PostgreSQL: fast shutdown; Redis: shutdown
            command = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), interrupt, *ids, *command]
        switch = self.uid is not None and not tethered
        return subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(),
            start_new_session=True,
            user=self.uid if switch else None,
            group=self.gid if switch else None,
            extra_groups=[] if switch else None,
        )

    def give(self, path: Path) -> None:
        """Make a file or directory of ours this user's."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, directory: Path) -> bool:
        """May this user pass through that directory? Asked of the kernel: modes alone do not tell."""
        return self.run(["/bin/sh", "-c", 'test -x "$1"', "sh", str(directory)]).returncode == 0


@dataclass(frozen=True)
class Place:
    """A directory for servers' data (one directory per server within) and the user that they run as."""

    root: Path
    account: Account


def choose_place(base: Path) -> Place:
    """`base` itself if the servers' user can enter it, else a directory elsewhere, always the same."""
    account = choose_account(base)
    if account.uid is None or account.can_enter(_existing(base)):
        return Place(base, account)
    name = "tonris-" + hashlib.sha256(str(base).encode()).hexdigest()[:12]
    for parent in _ELSEWHERE:
        root = parent / name
        if _is_ours(root) and account.can_enter(root):
            return Place(root, account)
    raise EmbeddedError(
        f"PostgreSQL does not run as root, and the user it would run as can reach neither {base} nor any of "
        f"{', '.join(map(str, _ELSEWHERE))}. Run TONRIS as an ordinary user, or set DATABASE_URL."
    )


def choose_account(base: Path) -> Account:
    """Ourselves; for root whoever owns the data that is already there, else an unprivileged user."""
    if os.geteuid() != 0:
        return Account()
    for data in sorted(base.glob("postgres-*")):
        owner = data.stat()
        if owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
    for name in _UNPRIVILEGED:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(user.pw_uid, user.pw_gid)
    return Account(65534, 65534)


def _is_ours(root: Path) -> bool:
    """Make the directory if need be. One that somebody else made in a public place is not to be trusted."""
    try:
        root.mkdir(exist_ok=True)
        status = root.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            return False
        root.chmod(0o755)
    except OSError:
        return False
    return True


def _existing(path: Path) -> Path:
    """The path, or its nearest ancestor that exists."""
    return next(candidate for candidate in (path, *path.parents) if candidate.is_dir())


def _environment() -> dict[str, str]:
    """Only what a server needs: no secrets of ours, no PGPORT or PGDATA of somebody's shell."""
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C"}
