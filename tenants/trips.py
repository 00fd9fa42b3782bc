"""Statements that live calls leave and wait for, sent to PostgreSQL from the event loop itself.

A thread has its turns when the audio pauses, and a connection that Django lends is first asked whether it lives:
more than twice the processor time of the statement, and twice its wait. Here it goes out as one message with its
scope, and the loop goes on with the calls until the answer is there.
"""

import asyncio
import json
import select
from collections.abc import Iterable
from typing import Any, Protocol
from uuid import UUID

import psycopg
from django.db import connection
from psycopg_pool import AsyncConnectionPool

from tenants.scoping import Scope, Statement, telling

WAIT_SECONDS = 3.0
"""For a connection, at most."""
RECONNECT_SECONDS = 1.0
"""See DATABASE_POOL in the settings."""


class Trips:
    """To the database and back, at most so many at once, on connections of their own."""

    def __init__(self, name: str, at_most: int) -> None:
        self._name = name
        self._at_most = at_most
        self._home: tuple[asyncio.AbstractEventLoop, AsyncConnectionPool[Any]] | None = None

    async def make(self, tenant_id: UUID | None, *statements: Statement) -> list[tuple[Any, ...]]:
        """Carry out statements in one scope and one message; the rows of the last. None is the platform's scope.

        What travels together is a transaction of its own, so that the scope ends with it. The statements must name
        their tenant themselves, as no manager does it. Raises Django's database errors.
        """
        together = [telling(Scope(tenant_id)), *statements]
        text = "; ".join(statement for statement, _ in together)
        with connection.wrap_database_errors:
            async with (await self._pool()).connection() as way:
                cursor = await way.execute(text, [each for _, parameters in together for each in parameters])
                while cursor.nextset():
                    pass
                return await cursor.fetchall() if cursor.description else []

    async def end(self) -> None:
        """Close the connections. A later trip opens new ones."""
        home, self._home = self._home, None
        if home is not None:
            await home[1].close()

    async def _pool(self) -> AsyncConnectionPool[Any]:
        loop = asyncio.get_running_loop()
        if self._home is None or self._home[0] is not loop:
            self._home = loop, _new_pool(self._name, self._at_most)
        pool = self._home[1]
        if pool.closed:
            await pool.open()
        return pool


def _new_pool(name: str, at_most: int) -> AsyncConnectionPool[Any]:
    return AsyncConnectionPool(
        kwargs=connection.get_connection_params()
        | {"autocommit": True, "cursor_factory": psycopg.AsyncClientCursor},
        name=name,
        min_size=1,
        max_size=at_most,
        timeout=WAIT_SECONDS,
        reconnect_timeout=RECONNECT_SECONDS,
        check=_still_there,
        num_workers=1,
        open=False,
    )


class Record(Protocol):
    """A named tuple."""

    def _asdict(self) -> dict[str, Any]: ...


def as_records(rows: Iterable[Record]) -> str:
    """For PostgreSQL's `json_to_recordset`: to write an array for each column takes psycopg ten times as long."""
    return json.dumps([row._asdict() for row in rows], default=str)


async def _still_there(way: psycopg.AsyncConnection[Any]) -> None:
    """Raises OperationalError. A server that has left has said so: one that is there is silent until it is asked."""
    asked = select.poll()
    asked.register(way.fileno(), select.POLLIN)
    if asked.poll(0):
        await way.close()  # or the pool takes it back
        raise psycopg.OperationalError("the server has closed the connection")


arrivals = Trips("arrivals", 8)
"""Callers wait for these."""
journals = Trips("journals", 4)
"""What calls leave behind, whose locks must not keep new calls waiting."""


async def end_all() -> None:
    await asyncio.gather(arrivals.end(), journals.end())
