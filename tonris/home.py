"""The checkout's working directory, `.tonris/`: what runs here, and the secrets of a development machine.

Nothing here knows Django, so that settings.py can read it. `TONRIS_HOME` names another directory.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BASE_DIR = Path(__file__).resolve().parent.parent


class HomeError(RuntimeError):
    """The working directory cannot be used as it is; the message says what to do."""


def home() -> Path:
    """The working directory, whether or not it exists yet."""
    configured = os.environ.get("TONRIS_HOME")
    return Path(configured).expanduser().resolve() if configured else BASE_DIR / ".tonris"


def make_home() -> Path:
    """The working directory, made if need be."""
    path = home()
    try:
        if not path.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            # Servers started by root run as another user and must be able to pass through. What is secret
            # inside is 0600 by itself. A directory that was here before keeps the mode it has.
            path.chmod(0o755)
    except OSError as error:
        raise _cannot_write(path, error) from error
    return path


def read_state() -> dict[str, Any]:
    """What the running TONRIS wrote about itself; {} when nothing is running or the file is unreadable."""
    try:
        state = json.loads((home() / "state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def write_state(state: dict[str, Any]) -> None:
    """Replace the state file at once: a reader sees the old one or the new one, whole."""
    _write_private(make_home() / "state.json", state)


def development_secrets() -> dict[str, str]:
    """The secrets of this checkout: made once, kept, the same for every process that asks."""
    path = home() / "development.json"
    kept = _read_secrets(path)
    if _SECRETS.keys() <= kept.keys():
        return kept
    with _locked(make_home() / "development.lock"):
        kept = _read_secrets(path)  # another process may have made them while this one waited
        missing = {name: make() for name, make in _SECRETS.items() if name not in kept}
        if missing:
            kept |= missing
            _write_private(path, kept)
    return kept


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii")


_SECRETS: dict[str, Callable[[], str]] = {
    "DJANGO_SECRET_KEY": lambda: secrets.token_urlsafe(50),
    "FIELD_ENCRYPTION_KEYS": _fernet_key,
    "TWILIO_ACCOUNT_SID": lambda: "AC" + secrets.token_hex(16),
    "TWILIO_AUTH_TOKEN": lambda: secrets.token_hex(16),
    "INFOBIP_API_KEY": lambda: secrets.token_hex(16) + "-" + secrets.token_hex(16),
    "INFOBIP_WEBHOOK_SECRET": lambda: secrets.token_urlsafe(32),
    "ELEVENLABS_API_KEY": lambda: "sk_" + secrets.token_hex(24),
    "ELEVENLABS_WEBHOOK_SECRET": lambda: "wsec_" + secrets.token_hex(32),
    "OPENAI_API_KEY": lambda: "sk-" + secrets.token_urlsafe(36),
    "POSTGRES_SUPERUSER_PASSWORD": lambda: secrets.token_hex(24),
    "POSTGRES_OWNER_PASSWORD": lambda: secrets.token_hex(24),
    "POSTGRES_APP_PASSWORD": lambda: secrets.token_hex(24),
    "REDIS_PASSWORD": lambda: secrets.token_hex(24),
}


def _read_secrets(path: Path) -> dict[str, str]:
    try:
        kept: dict[str, Any] = dict(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise HomeError(
            f"Cannot read {path} ({error.strerror}): it belongs to the user who ran TONRIS here first. "
            "Run as that user, or set TONRIS_HOME to a directory of yours."
        ) from error
    except (ValueError, TypeError) as error:
        # Making new keys in silence would leave stored credentials unreadable for ever.
        raise HomeError(
            f"{path} is damaged. Restore it, or delete it and lose what its keys encrypted."
        ) from error
    return {name: str(value) for name, value in kept.items()}


def _write_private(path: Path, value: dict[str, Any]) -> None:
    """Write JSON for this user's eyes only, all of it or none."""
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    except OSError as error:
        raise _cannot_write(path.parent, error) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock; the kernel gives it back even if this process is killed."""
    try:
        file = path.open("a")
    except OSError as error:
        raise _cannot_write(path.parent, error) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _cannot_write(directory: Path, error: OSError) -> HomeError:
    return HomeError(
        f"Cannot write in {directory} ({error.strerror}). Set TONRIS_HOME to a directory of yours."
    )
