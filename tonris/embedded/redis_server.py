"""One Valkey (or Redis) server on one data directory: started or adopted, stopped.

Its configuration lies beside its data, for its own user's eyes only: the password never shows in a process
list, and a later start reads there which port to look at. The server itself tells which directory it runs on.
"""

from __future__ import annotations

import contextlib
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from . import processes
from .binaries import RedisBinary
from .errors import EmbeddedError, ServerFailed, failed
from .logs import open_log
from .place import Account
from .ports import LOOPBACK, free_port

START_SECONDS = 30.0
PORT_TRIES = 5

TERMINATE: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))

_CONFIGURATION = "server.conf"
_PID_FILE = "server.pid"


@dataclass(frozen=True)
class Listener:
    """A server that runs on a data directory."""

    pid: int
    port: int
    password: str


class RedisServer:
    """The Valkey or Redis server of one data directory. `throwaway` keeps nothing and ends with us."""

    def __init__(
        self,
        binary: RedisBinary,
        data: Path,
        log: Path,
        password: str,
        account: Account,
        *,
        throwaway: bool = False,
    ) -> None:
        self.binary = binary
        self.data = data
        self.log = log
        self.password = password
        self.account = account
        self.throwaway = throwaway
        self.adopted = False
        self.listener: Listener | None = None
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Bring the server up; adopt one that already runs here and is healthy."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o700)
        self.account.give(self.data)
        running = find_listener(self.data)
        if running and running.password == self.password and _answers(running):
            self.listener, self.adopted = running, True
            return
        if running:
            processes.stop(running.pid, TERMINATE)
        self._launch()

    def revive(self) -> bool:
        """Start the server again, on the port that its clients know, if it has died. Had it?"""
        dead = self._running()
        if processes.is_alive(dead.pid):
            return False
        if self._child:
            self._child.wait()
        self._launch(dead.port)
        return True

    def stop(self, steps: Sequence[tuple[signal.Signals, float]] = TERMINATE) -> None:
        """Stop whatever server runs on the data directory; return when it is gone."""
        stop_listener(self.data, steps)
        child, self._child = self._child, None
        if child:
            processes.stop(child.pid, steps)  # if it had not come far enough to be found
            child.wait()
        self.listener = None

    def url(self, database: int = 0) -> str:
        return f"redis://:{self.password}@{self.address}/{database}"

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self._running().port}"

    def _running(self) -> Listener:
        if self.listener is None:
            raise EmbeddedError(f"{self.binary.name} has not been started.")
        return self.listener

    def _launch(self, port: int | None = None) -> None:
        """Start the server. A free port may be taken before we use it, so that is tried again."""
        self.adopted = False
        for attempt in range(PORT_TRIES):
            try:
                self._launch_on(port or free_port())
            except ServerFailed as error:
                if "Address already in use" not in str(error) or attempt == PORT_TRIES - 1:
                    raise
            else:
                return

    def _launch_on(self, port: int) -> None:
        configuration = self._configure(port)
        with open_log(self.log) as log:
            self._child = self.account.spawn(
                [str(self.binary.path), str(configuration)], log, tethered=self.throwaway
            )
        self.listener = Listener(self._child.pid, port, self.password)
        deadline = time.monotonic() + START_SECONDS
        while not _answers(self.listener):
            if self._child.poll() is not None:
                raise failed(f"{self.binary.name} did not start", self.log)
            if time.monotonic() > deadline:
                processes.stop(self._child.pid, TERMINATE)
                self._child.wait()
                raise failed(f"{self.binary.name} was not ready within {START_SECONDS:.0f} s", self.log)
            time.sleep(0.02)

    def _configure(self, port: int) -> Path:
        """Write the configuration file, whole or not at all."""
        lines = {
            "bind": LOOPBACK,
            "port": port,
            "requirepass": self.password,
            "dir": _quoted(self.data),
            "pidfile": _quoted(self.data / _PID_FILE),
            "daemonize": "no",
            "databases": 16,
            "appendonly": "no" if self.throwaway else "yes",
            "appendfsync": "everysec",
            "save": '""',  # the append-only file is the record; no snapshots beside it
            "maxmemory-policy": "noeviction",  # a queue must refuse rather than forget
        }
        path = self.data / _CONFIGURATION
        with tempfile.NamedTemporaryFile("w", dir=self.data, delete=False) as file:  # mode 0600
            file.writelines(f"{name} {value}\n" for name, value in lines.items())
        fresh = Path(file.name)
        self.account.give(fresh)
        return fresh.replace(path)


def find_listener(data: Path) -> Listener | None:
    """The server that runs on a data directory; None when there is none, whatever leftover files say."""
    settings = _read_configuration(data / _CONFIGURATION)
    try:
        port, password = int(settings["port"]), settings["requirepass"]
    except (KeyError, ValueError):
        return None
    pid = _ask(port, password, data) or _hung(port, data)
    return Listener(pid, port, password) if pid else None


def stop_listener(data: Path, steps: Sequence[tuple[signal.Signals, float]] = TERMINATE) -> bool:
    """Stop the server that runs on a data directory. Was there one?"""
    listener = find_listener(data)
    if listener:
        processes.stop(listener.pid, steps)
    return listener is not None


def _ask(port: int, password: str, data: Path) -> int | None:
    """The pid of the server on that port, if it is the one of this data directory."""
    with contextlib.suppress(redis.RedisError, OSError), _client(port, password) as client:
        directory = client.execute_command("CONFIG", "GET", "dir")
        if str(data) in (directory.values() if isinstance(directory, dict) else directory):
            return int(client.execute_command("INFO", "server")["process_id"])
    return None


def _hung(port: int, data: Path) -> int | None:
    """The pid of a server that does not answer, if the recorded one is still that server."""
    try:
        pid = int((data / _PID_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    # The server writes its name and address where its command line was.
    command = processes.command_line(pid)
    return pid if "-server" in command and f"{LOOPBACK}:{port}" in command else None


def _answers(listener: Listener) -> bool:
    """Is the server ready? Another one, that took the port before us, does not know the password."""
    with contextlib.suppress(redis.RedisError, OSError), _client(listener.port, listener.password) as client:
        return bool(client.execute_command("PING"))
    return False  # not listening yet, or still loading


@contextlib.contextmanager
def _client(port: int, password: str) -> Iterator[Any]:
    client = redis.Redis(
        host=LOOPBACK,
        port=port,
        password=password,
        socket_timeout=2,
        socket_connect_timeout=2,
        decode_responses=True,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        yield client
    finally:
        client.close()


def _read_configuration(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError:
        return {}
    return {words[0]: words[1] for line in lines if len(words := shlex.split(line)) == 2}


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
