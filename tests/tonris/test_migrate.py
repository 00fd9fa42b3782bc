"""`manage.py migrate` on two hosts that are deployed to at once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

from tonris.home import BASE_DIR


@pytest.fixture
def empty_database() -> Iterator[dict[str, str]]:
    """The environment of a host that is to migrate a database which has nothing in it."""
    url = os.environ["DATABASE_OWNER_URL"]
    name = f"empty_{uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {name}")
        yield os.environ | {"DATABASE_OWNER_URL": urlsplit(url)._replace(path=f"/{name}").geturl()}
        owner.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_two_hosts_migrate_at_once_and_the_second_waits_for_the_first(empty_database):
    command = [sys.executable, str(Path(BASE_DIR, "manage.py")), "migrate", "--no-input", "--skip-checks"]
    hosts = [
        subprocess.Popen(
            command, env=empty_database, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for _ in range(2)
    ]
    said = [host.communicate(timeout=90)[0] for host in hosts]
    assert [host.returncode for host in hosts] == [0, 0], said
    assert sum("No migrations to apply" in each for each in said) == 1
