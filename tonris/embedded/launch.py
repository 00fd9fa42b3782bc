"""What a machine needs to run TONRIS: a PostgreSQL and a Redis, configured, found, or brought along."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tonris import home

from . import postgresql, processes, redis_server
from .binaries import find_postgres, find_redis
from .errors import EmbeddedError
from .place import Place, choose_account, choose_place
from .postgresql import Passwords, Postgres
from .redis_server import RedisServer
from .roles import APP, OWNER

_THROWAWAY = "tonris-test-"


@dataclass
class Services:
    """The addresses to use, and the servers behind them as far as they are ours."""

    database_url: str
    database_owner_url: str
    redis_url: str
    postgres: Postgres | None = None
    redis: RedisServer | None = None


@dataclass(frozen=True)
class Found:
    """A server of ours that runs, as `manage.py services` tells it."""

    name: str
    pid: int
    address: str
    version: str
    stop: Callable[[], object]


class Launcher:
    """Starts and stops the servers of this checkout. Only one at a time may: the caller holds the lock."""

    def __init__(self, environ: Mapping[str, str] = os.environ, *, on_path: bool = True) -> None:
        self.environ = environ
        self.on_path = on_path
        self.services = Services("", "", "")

    def start_postgres(self) -> str:
        """Use the configured database or bring one up; say which in a few words."""
        if url := self.environ.get("DATABASE_URL"):
            self.services.database_url = url
            self.services.database_owner_url = self.environ.get("DATABASE_OWNER_URL") or url
            return "PostgreSQL: the one in DATABASE_URL"
        place = servers_place()
        binaries = find_postgres(place, on_path=self.on_path)
        data = place.root / f"postgres-{binaries.major}"
        _stop_others(data, place.root.glob("postgres-*"), postgresql.stop_postmaster)
        passwords = _passwords(home.development_secrets())
        server = Postgres(binaries, data, log_file("postgres"), passwords, place.account)
        self.services.postgres = server  # before it starts: an interrupted start is stopped too
        server.start()
        self.services.database_url = server.url(APP)
        self.services.database_owner_url = server.url(OWNER)
        return f"{binaries} on {server.address}" + (", which was still running" if server.adopted else "")

    def start_redis(self) -> str:
        """Use the configured Redis or bring one up; say which in a few words."""
        if url := self.environ.get("REDIS_URL"):
            self.services.redis_url = url
            return "Redis: the one in REDIS_URL"
        place = servers_place()
        binary = find_redis(place, on_path=self.on_path)
        data = place.root / f"{binary.name.lower()}-{binary.major}"
        _stop_others(data, _redis_directories(place.root), redis_server.stop_listener)
        password = home.development_secrets()["REDIS_PASSWORD"]
        server = RedisServer(binary, data, log_file("redis"), password, place.account)
        self.services.redis = server
        server.start()
        self.services.redis_url = server.url()
        return f"{binary} on {server.address}" + (", which was still running" if server.adopted else "")

    def revive(self) -> list[str]:
        """Start those of our servers again that have died; their names."""
        ours = {"PostgreSQL": self.services.postgres, "Redis": self.services.redis}
        return [name for name, server in ours.items() if server and server.revive()]

    def stop(self, *, hurry: bool = False) -> None:
        """Stop the servers that are ours. What was configured from outside goes on."""
        if self.services.redis:
            self.services.redis.stop()
        if self.services.postgres:
            self.services.postgres.stop(postgresql.IMMEDIATE if hurry else postgresql.FAST)


def servers_place() -> Place:
    """Where this checkout's servers keep their data."""
    return choose_place(home.make_home())


def server_directories(place: Place) -> list[Path]:
    """All that servers keep in a place."""
    names = ("postgres-*", "valkey-*", "redis-*", "programs")
    return sorted(path for name in names for path in place.root.glob(name))


def log_file(name: str) -> Path:
    """The log of a server or process of this checkout."""
    return home.home() / "logs" / f"{name}.log"


def find_running() -> Iterator[Found]:
    """The servers of this checkout that run, whoever started them."""
    place = servers_place()
    for data in sorted(place.root.glob("postgres-*")):
        if postmaster := postgresql.find_postmaster(data):
            version = f"PostgreSQL {data.name.rpartition('-')[2]}"
            address = f"127.0.0.1:{postmaster.port}"
            yield Found(
                "postgres", postmaster.pid, address, version, partial(postgresql.stop_postmaster, data)
            )
    for data in _redis_directories(place.root):
        if listener := redis_server.find_listener(data):
            version = data.name.title().replace("-", " ")
            address = f"127.0.0.1:{listener.port}"
            yield Found("redis", listener.pid, address, version, partial(redis_server.stop_listener, data))


def start_ephemeral(directory: Path, *, on_path: bool = True) -> tuple[str, str, str, Callable[[], None]]:
    """Servers for a test run: (owner URL, application URL, Redis URL, stop). They end with this process.

    What DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL name is used as it is. Call this in the main thread.
    """
    database_url, queue_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    owner_url = os.environ.get("DATABASE_OWNER_URL") or database_url
    if database_url and owner_url and queue_url:
        return owner_url, database_url, queue_url, lambda: None
    root = _ephemeral_root(directory)
    place = Place(root, choose_account(root))
    stops: list[Callable[[], object]] = []

    def stop() -> None:
        for stop_one in reversed(stops):
            stop_one()
        if root != directory:
            shutil.rmtree(root, ignore_errors=True)

    def postgres_urls() -> tuple[str, str]:
        if database_url and owner_url:
            return owner_url, database_url
        binaries = find_postgres(place, on_path=on_path)
        passwords = Passwords(*(secrets.token_hex(16) for _ in range(3)))
        log = directory / "postgres.log"
        server = Postgres(binaries, root / "postgres", log, passwords, place.account, throwaway=True)
        stops.append(lambda: server.stop(postgresql.IMMEDIATE))
        server.start()
        return server.url(OWNER), server.url(APP)

    def redis_url() -> str:
        if queue_url:
            return queue_url
        binary = find_redis(place, on_path=on_path)
        password = secrets.token_hex(16)
        log = directory / "redis.log"
        server = RedisServer(binary, root / "redis", log, password, place.account, throwaway=True)
        stops.append(server.stop)
        server.start()
        return server.url()

    try:
        return *postgres_urls(), redis_url(), stop
    except BaseException:
        stop()
        raise


def _ephemeral_root(directory: Path) -> Path:
    """The directory itself if the servers' user can enter it, else one of its own among the temporary ones.

    (pytest's directories are closed to other users, and root's servers run as another user.)
    """
    directory.mkdir(parents=True, exist_ok=True)
    account = choose_account(directory)
    if account.uid is None or account.can_enter(directory):
        return directory
    for parent in map(Path, dict.fromkeys((tempfile.gettempdir(), "/var/tmp", "/tmp"))):  # noqa: S108
        if account.can_enter(parent):
            root = throwaway_directory(parent)
            root.chmod(0o755)
            return root
    raise EmbeddedError(f"PostgreSQL does not run as root, and nobody else can enter {directory}.")


def throwaway_directory(parent: Path) -> Path:
    """A new one of this process, in place of those of processes that were killed."""
    _forget_killed_runs(parent)
    return Path(tempfile.mkdtemp(prefix=f"{_THROWAWAY}{os.getpid()}-", dir=parent))


def _forget_killed_runs(parent: Path) -> None:
    """Remove what runs left behind that could not clean up. Their servers ended with them."""
    for path in parent.glob(f"{_THROWAWAY}*-*"):
        pid = path.name.removeprefix(_THROWAWAY).partition("-")[0]
        if pid.isdigit() and not processes.is_alive(int(pid)) and path.lstat().st_uid == os.geteuid():
            shutil.rmtree(path, ignore_errors=True)


def _passwords(kept: Mapping[str, str]) -> Passwords:
    return Passwords(
        superuser=kept["POSTGRES_SUPERUSER_PASSWORD"],
        owner=kept["POSTGRES_OWNER_PASSWORD"],
        app=kept["POSTGRES_APP_PASSWORD"],
    )


def _redis_directories(root: Path) -> list[Path]:
    return sorted([*root.glob("valkey-*"), *root.glob("redis-*")])


def _stop_others(data: Path, candidates: Iterable[Path], stop: Callable[[Path], object]) -> None:
    """Stop servers of ours that still run on the data of another version."""
    for other in candidates:
        if other != data:
            stop(other)
