"""A PostgreSQL of our own for as long as the process lives, migrated by the owner, asked as the application."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

ENVIRONMENT = {
    "DJANGO_SECRET_KEY": "benchmarks-only",
    "DEBUG": "0",
    "ALLOWED_HOSTS": "*",
    "FIELD_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "TONRIS_ENV_FILE": os.devnull,
    "TONRIS_ROLE": "migrate",  # the owner makes the tables; then everything is done as the application
}


@contextmanager
def fresh_database() -> Iterator[None]:
    """Django set up on it. Whatever the environment configures otherwise is left alone."""
    with tempfile.TemporaryDirectory(prefix="tonris-benchmarks-") as directory:
        for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        os.environ |= {**ENVIRONMENT, "TONRIS_HOME": str(Path(directory) / "home")}
        os.environ["DJANGO_SETTINGS_MODULE"] = "tonris.settings"
        from tonris.embedded import start_ephemeral  # after TONRIS_HOME is set

        owner, app, redis, stop = start_ephemeral(Path(directory))
        try:
            os.environ |= {"DATABASE_OWNER_URL": owner, "DATABASE_URL": app, "REDIS_URL": redis}
            _migrate(app)
            yield
        finally:
            stop()


def _migrate(app_url: str) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    connection.close()
    app = psycopg.conninfo.conninfo_to_dict(app_url)
    connection.settings_dict.update(USER=app["user"], PASSWORD=app["password"])


@contextmanager
def as_owner() -> Iterator[psycopg.Cursor[Any]]:
    """For loading rows by the million. Sees every tenant."""
    with (
        psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner,
        owner.cursor() as cursor,
    ):
        cursor.execute("SELECT set_config('app.platform', 'on', false)")
        yield cursor
