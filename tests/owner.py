"""A connection as the owner of the tables, for what the application may not do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection


@contextmanager
def as_owner() -> Iterator[psycopg.Cursor[Any]]:
    with (
        psycopg.connect(
            os.environ["DATABASE_OWNER_URL"], dbname=connection.settings_dict["NAME"], autocommit=True
        ) as owner,
        owner.cursor() as cursor,
    ):
        yield cursor
