"""Who may write to a calendar now: advisory locks, to the end of the transaction.

The exclusion constraints alone are correct, but contending inserts then deadlock and wait for seconds. Everybody
takes all the locks that they need at once, in one order, before the first row is locked or written.
"""

import hashlib
from collections.abc import Iterable
from uuid import UUID

from django.db import connection


def lock_calendars(keys: Iterable[UUID | str]) -> None:
    """Lock employees, resources and whatever else a name is given for."""
    ordered = sorted({_number(key) for key in keys})
    if ordered:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key", [ordered])
            cursor.fetchall()


def limit_waiting() -> None:
    """Behind a lock or a slow disk a caller hears silence: give up in time to say something."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = '5s'")


def _number(key: UUID | str) -> int:
    first = key.bytes[:8] if isinstance(key, UUID) else hashlib.sha256(key.encode()).digest()[:8]
    return int.from_bytes(first, signed=True)
