"""One PostgreSQL server on one data directory: made, started or adopted, stopped.

The server listens on 127.0.0.1 alone, on a free port, and asks for passwords. It is started directly rather
than through pg_ctl, so that its pid is known at once. The data's own postmaster.pid tells who runs there.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from . import processes, roles
from .binaries import PostgresBinaries
from .errors import EmbeddedError, ServerFailed, WrongPassword, failed
from .logs import open_log
from .place import Account
from .ports import free_port

SUPERUSER = "postgres"
START_SECONDS = 60.0  # a crash recovery may need some of it
PORT_TRIES = 5

FAST: Sequence[tuple[signal.Signals, float]] = (
    (signal.SIGINT, 20.0),
    (signal.SIGQUIT, 5.0),
    (signal.SIGKILL, 5.0),
)
IMMEDIATE = FAST[1:]

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "password_encryption": "scram-sha-256",
    # A client that is killed while its statement runs must not keep its locks.
    "client_connection_check_interval": "1s",
    # Parallel workers want shared memory that small containers do not have.
    "max_parallel_workers_per_gather": "0",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}
_THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",  # the directory may be in memory
}


@dataclass(frozen=True)
class Postmaster:
    """A server that runs on a data directory, from its postmaster.pid."""

    pid: int
    port: int


@dataclass(frozen=True)
class Passwords:
    superuser: str
    owner: str
    app: str


class Postgres:
    """One data directory's PostgreSQL server. `throwaway` trades durability for speed and ends with us."""

    def __init__(
        self,
        binaries: PostgresBinaries,
        data: Path,
        log: Path,
        passwords: Passwords,
        account: Account,
        *,
        throwaway: bool = False,
    ) -> None:
        self.binaries = binaries
        self.data = data
        self.log = log
        self.passwords = passwords
        self.account = account
        self.throwaway = throwaway
        self.adopted = False
        self.postmaster: Postmaster | None = None
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Bring the server up, with its roles and database; adopt a healthy one that already runs here."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        try:
            self._adopt_or_launch()
        except WrongPassword:  # the secrets file was lost, the data was not
            self.stop()
            self._set_superuser_password()
            self._launch()
        roles.prepare(self._superuser(), owner_password=self.passwords.owner, app_password=self.passwords.app)

    def revive(self) -> bool:
        """Start the server again, on the port that its clients know, if it has died. Had it?"""
        dead = self._running()
        if processes.is_alive(dead.pid):
            return False
        if self._child:
            self._child.wait()
        self._launch(dead.port)
        return True

    def stop(self, steps: Sequence[tuple[signal.Signals, float]] = FAST) -> None:
        """Stop whatever server runs on the data directory; return when it is gone."""
        stop_postmaster(self.data, steps)
        child, self._child = self._child, None
        if child:
            processes.stop(child.pid, steps)  # if it had not come far enough to be found
            child.wait()
        self.postmaster = None

    def url(self, role: str, database: str = roles.DATABASE) -> str:
        password = {roles.OWNER: self.passwords.owner, roles.APP: self.passwords.app}[role]
        return f"postgresql://{role}:{password}@127.0.0.1:{self._running().port}/{database}"

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._running().port}"

    def _running(self) -> Postmaster:
        if self.postmaster is None:
            raise EmbeddedError("PostgreSQL has not been started.")
        return self.postmaster

    def _initialise(self) -> None:
        """Run initdb beside the final place, then rename: an interrupted one never looks finished."""
        for leftover in self.data.parent.glob(f"{self.data.name}.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if self.data.exists():
            raise EmbeddedError(
                f"{self.data} exists but holds no PostgreSQL data. Move it away; a new one will be made."
            )
        fresh = Path(tempfile.mkdtemp(prefix=f"{self.data.name}.new-", dir=self.data.parent))
        try:
            self.account.give(fresh)
            self._initdb(fresh)
            fresh.rename(self.data)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise

    def _initdb(self, data: Path) -> None:
        with tempfile.NamedTemporaryFile("w", dir=data.parent) as password_file:
            password_file.write(self.passwords.superuser)
            password_file.flush()
            self.account.give(Path(password_file.name))
            output = ""
            for locale in _locales(self.binaries.major):
                answer = self.account.run(
                    [
                        str(self.binaries.directory / "initdb"),
                        f"--pgdata={data}",
                        f"--username={SUPERUSER}",
                        f"--pwfile={password_file.name}",
                        "--auth=scram-sha-256",
                        "--encoding=UTF8",
                        *locale,
                        *(["--no-sync"] if self.throwaway else []),
                    ]
                )
                if answer.returncode == 0:
                    return
                output = answer.stdout
        raise ServerFailed(f"PostgreSQL could not make its data directory (initdb):\n{output.strip()}")

    def _adopt_or_launch(self) -> None:
        postmaster = find_postmaster(self.data)
        if postmaster is None:
            self._launch()
            return
        self.postmaster = postmaster
        try:
            self._wait_ready(postmaster)
            self.adopted = True
        except ServerFailed:
            self.stop()
            self._launch()

    def _launch(self, port: int | None = None) -> None:
        """Start the server. A free port may be taken before we use it, so that is tried again."""
        self.adopted = False
        for attempt in range(PORT_TRIES):
            try:
                self._launch_on(port or free_port())
            except ServerFailed as error:
                transient = "Address already in use" in str(error) or "still in use" in str(error)
                if not transient or attempt == PORT_TRIES - 1:
                    raise
                time.sleep(
                    0.5 * (attempt + 1)
                )  # "still in use": backends of a killed server are on their way out
            else:
                return

    def _launch_on(self, port: int) -> None:
        _forget_stranger(self.data)
        settings = _SETTINGS | (_THROWAWAY if self.throwaway else {}) | {"port": str(port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [str(self.binaries.directory / "postgres"), "-D", str(self.data), *options]
        with open_log(self.log) as log:
            self._child = self.account.spawn(command, log, tethered=self.throwaway)
        self.postmaster = Postmaster(self._child.pid, port)
        try:
            self._wait_ready(self.postmaster)
        except ServerFailed:
            if self._child.poll() is None:
                processes.stop(self._child.pid, FAST)
            self._child.wait()
            raise

    def _wait_ready(self, postmaster: Postmaster) -> None:
        """Until the superuser can log in. WrongPassword, or ServerFailed with the end of the log."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with psycopg.connect(self._superuser(), dbname="postgres", connect_timeout=3):
                    return
            except psycopg.OperationalError as error:
                if "password authentication failed" in str(error):
                    raise WrongPassword(str(error)) from error
            if not self._still_runs(postmaster):
                raise failed("PostgreSQL did not start", self.log)
            if time.monotonic() > deadline:
                raise failed(f"PostgreSQL was not ready within {START_SECONDS:.0f} s", self.log)
            time.sleep(0.03)

    def _still_runs(self, postmaster: Postmaster) -> bool:
        if self._child and self._child.pid == postmaster.pid:
            return self._child.poll() is None
        return processes.is_alive(postmaster.pid)

    def _set_superuser_password(self) -> None:
        """Through the single-user backend, which asks for no password."""
        command = [str(self.binaries.directory / "postgres"), "--single", "-D", str(self.data), "postgres"]
        statement = f"ALTER ROLE {SUPERUSER} PASSWORD '{self.passwords.superuser}';\n"
        answer = self.account.run(command, stdin=statement)
        if answer.returncode != 0:
            raise ServerFailed(f"The password of the local PostgreSQL could not be set:\n{answer.stdout}")

    def _superuser(self) -> str:
        return make_conninfo(
            host="127.0.0.1",
            port=self._running().port,
            user=SUPERUSER,
            password=self.passwords.superuser,
            sslmode="disable",
            gssencmode="disable",
        )


def find_postmaster(data: Path) -> Postmaster | None:
    """The server that runs on a data directory; None when there is none, whatever a leftover file says."""
    recorded = _read_pid_file(data)
    return recorded if recorded and _is_postmaster(recorded.pid, data) else None


def stop_postmaster(data: Path, steps: Sequence[tuple[signal.Signals, float]] = FAST) -> bool:
    """Stop the server that runs on a data directory. Was there one?"""
    postmaster = find_postmaster(data)
    if postmaster:
        processes.stop(postmaster.pid, steps)
    return postmaster is not None


def _locales(major: int) -> list[list[str]]:
    """initdb's options for UTF-8 text with correct upper and lower case, best first."""
    builtin = [["--locale-provider=builtin", "--locale=C.UTF-8"]] if major >= 17 else []
    return [*builtin, ["--locale=C.UTF-8"], ["--locale=en_US.UTF-8"], ["--no-locale"]]


def _read_pid_file(data: Path) -> Postmaster | None:
    """Lines of postmaster.pid: pid, data directory, start time, port, ..."""
    try:
        lines = (data / "postmaster.pid").read_text("utf-8").splitlines()
        return Postmaster(abs(int(lines[0])), int(lines[3]))  # negative: a single-user backend
    except (OSError, ValueError, IndexError):
        return None


def _is_postmaster(pid: int, data: Path) -> bool:
    return f" -D {data} " in processes.command_line(pid) + " "


def _forget_stranger(data: Path) -> None:
    """Remove a postmaster.pid whose pid is a stranger's now, or a zombie's: PostgreSQL would believe it.

    Backends that survived a killed server are found all the same, by the shared memory that they hold.
    """
    recorded = _read_pid_file(data)
    if recorded and processes.exists(recorded.pid) and not _is_postmaster(recorded.pid, data):
        (data / "postmaster.pid").unlink(missing_ok=True)
