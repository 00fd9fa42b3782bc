"""A pytest plugin: real PostgreSQL and Redis, started once for the whole run before Django reads its settings.

The tests connect as the application's role, which is neither owner nor superuser; migrations as the owner.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tonris.embedded.launch import start_ephemeral, throwaway_directory

_stop: Callable[[], None] | None = None

ENVIRONMENT = {
    "DJANGO_SECRET_KEY": "tests-only",
    "DEBUG": "0",
    "ALLOWED_HOSTS": "*",
    "APP_BASE_URL": "http://127.0.0.1:8000",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "0123456789abcdef0123456789abcdef",
    "INFOBIP_API_KEY": "ib-tests",
    "ELEVENLABS_API_KEY": "xi-tests",
    "ELEVENLABS_WEBHOOK_SECRET": "wsec_tests",
    "ELEVENLABS_AGENT_ID": "",
    "OPENAI_API_KEY": "sk-tests",
    "SECOND_PROVIDER": "none",  # tests of an agent that fails mean to see what comes after agents
    "OPERATORS_NEED_SECOND_FACTOR": "0",  # tests of that say so; the others log in with a password
    "LOG_FORMAT": "text",
    "TONRIS_ENV_FILE": os.devnull,
    "TONRIS_ROLE": "migrate",  # the owner makes the test database; conftest.py then changes to the app role
}


IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it
ROOM_BYTES = 4 * 1024**3


def _place() -> Path:
    """In memory where there is room: thousands of tests empty every table, which takes several times as long on a disk
    that others write to."""
    roomy = os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > ROOM_BYTES
    place = throwaway_directory(IN_MEMORY if roomy else Path(tempfile.gettempdir()))
    if roomy:
        place.chmod(0o711)  # root's servers run as another user, who has to get through
    return place


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None]:
    global _stop
    if "TONRIS_TESTS" not in os.environ:  # the workers of a parallel run find it set, and the servers running
        directory = _place()
        os.environ |= {
            **ENVIRONMENT,
            "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "TONRIS_HOME": str(directory / "home"),
            "TONRIS_TESTS": str(directory),
        }
        owner, app, redis, _stop = start_ephemeral(directory)
        os.environ |= {"DATABASE_OWNER_URL": owner, "DATABASE_URL": app, "REDIS_URL": redis}
    return (yield)


def pytest_unconfigure() -> None:
    if _stop is not None:
        _stop()
        shutil.rmtree(os.environ["TONRIS_TESTS"], ignore_errors=True)
