"""Statements that live calls leave and wait for, sent to PostgreSQL from the event loop itself.

A thread has its turns when the audio pauses, and a connection that Django lends is first asked whether it lives:
more than twice the processor time of the statement, and twice its wait. Here it goes out as one message with its
scope, and the loop goes on with the calls until the answer is there.
"""

import asyncio
import datetime
import json
import select
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from typing import Any, Protocol
from uuid import UUID

import psycopg
from django.db import DatabaseError, connection
from psycopg_pool import AsyncConnectionPool

from tenants.scoping import Scope, Statement, telling

BEGIN_SECONDS = 1.0
LAST_TRY_SECONDS = 0.5
"""So long before whoever came first gives up, the pool tries to connect for the last time: see DATABASE_POOL in the
settings."""


class Trips:
    """To the database and back, at most so many at once, on connections of their own."""

    def __init__(self, name: str, *, at_most: int, wait_seconds: float) -> None:
        self._name = name
        self._at_most = at_most
        self._wait_seconds = wait_seconds
        """For a connection."""
        self._home: tuple[asyncio.AbstractEventLoop, AsyncConnectionPool[Any]] | None = None

    async def make(self, tenant_id: UUID | None, *statements: Statement) -> list[tuple[Any, ...]]:
        """Carry out statements in one scope and one message; the rows of the last. None is the platform's scope.

        What travels together is a transaction of its own, so that the scope ends with it. The statements must name
        their tenant themselves, as no manager does it. Raises Django's database errors.
        """
        together = [telling(Scope(tenant_id)), *statements]
        text = "; ".join(statement for statement, _ in together)
        with connection.wrap_database_errors:
            async with self._way() as way:
                cursor = await way.execute(text, [each for _, parameters in together for each in parameters])
                while cursor.nextset():
                    pass
                return await cursor.fetchall() if cursor.description else []

    async def begin(self) -> None:
        """Connect before somebody waits for it. A database that is away is asked again by the first who does."""
        with suppress(DatabaseError, TimeoutError):
            async with asyncio.timeout(BEGIN_SECONDS):
                await self.make(None, ("SELECT 1", ()))

    async def end(self) -> None:
        """Close the connections. A later trip opens new ones."""
        home, self._home = self._home, None
        if home is not None:
            await home[1].close()

    @asynccontextmanager
    async def _way(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """A connection that the server has not closed.

        The pool could look at that, too, but waits for a second or two when it finds the second one closed: after a
        restart of the server there may be several, and callers wait.
        """
        pool = await self._pool()
        for _ in range(self._at_most):
            async with pool.connection() as way:
                if not _is_closed(way):
                    yield way
                    return
                await way.close()  # or the pool takes it back
        async with pool.connection() as way:  # a new one
            yield way

    async def _pool(self) -> AsyncConnectionPool[Any]:
        loop = asyncio.get_running_loop()
        if self._home is None or self._home[0] is not loop:
            self._home = loop, self._new_pool()
        pool = self._home[1]
        if pool.closed:
            # Not in this call's context: what works for the pool would log in its name for ever.
            await asyncio.create_task(pool.open(), context=Context())
        return pool

    def _new_pool(self) -> AsyncConnectionPool[Any]:
        return AsyncConnectionPool(
            kwargs=connection.get_connection_params()
            | {"autocommit": True, "cursor_factory": psycopg.AsyncClientCursor},
            name=self._name,
            min_size=1,
            max_size=self._at_most,
            timeout=self._wait_seconds,
            reconnect_timeout=self._wait_seconds - LAST_TRY_SECONDS,
            num_workers=1,
            open=False,
        )


def _is_closed(way: psycopg.AsyncConnection[Any]) -> bool:
    """A server that has left has said so: one that is there is silent until it is asked."""
    asked = select.poll()
    asked.register(way.fileno(), select.POLLIN)
    return bool(asked.poll(0))


class Record(Protocol):
    """A named tuple."""

    def _asdict(self) -> dict[str, Any]: ...


def as_records(rows: Iterable[Record]) -> str:
    """For PostgreSQL's `json_to_recordset`: to write an array for each column takes psycopg ten times as long."""
    return json.dumps([row._asdict() for row in rows], default=_as_text)


def _as_text(value: object) -> str:
    if isinstance(value, UUID | datetime.datetime):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a record")


arrivals = Trips("arrivals", at_most=8, wait_seconds=3.0)
"""Callers wait for these."""
journals = Trips("journals", at_most=4, wait_seconds=10.0)
"""What calls leave behind, whose locks must not keep new calls waiting."""


async def begin_all() -> None:
    await asyncio.gather(arrivals.begin(), journals.begin())


async def end_all() -> None:
    await asyncio.gather(arrivals.end(), journals.end())
