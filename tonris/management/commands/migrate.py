"""`manage.py migrate`: as Django's, but of two at once the second waits for the first."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db import connections

POLL_SECONDS = 0.2


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with alone(options["database"]):
            super().handle(*args, **options)


@contextmanager
def alone(alias: str) -> Iterator[None]:
    """Nobody else migrates this database meanwhile.

    The lock ends with a transaction on a connection of its own, so that it holds through a pooler of transactions. It
    is asked for again and again: whoever waited in a statement would hold up an index that is made concurrently.
    """
    guard = connections[alias].copy()
    try:
        guard.set_autocommit(False)
        with guard.cursor() as cursor:
            while not _is_ours(cursor):
                time.sleep(POLL_SECONDS)
        yield
    finally:
        guard.close()


def _is_ours(cursor: Any) -> bool:
    cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('migrate', 0))")
    return bool(cursor.fetchone()[0])
