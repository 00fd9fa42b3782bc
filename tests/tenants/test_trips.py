"""The way of live calls to the database: scoped as all others, on connections that may be lost and are found again."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import DataError, OperationalError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg_pool import ConnectionPool

from appointments.models import Customer
from tenants.scoping import in_tenant, in_thread
from tenants.trips import Trips, as_records

pytestmark = pytest.mark.django_db(transaction=True)

SEEN = f"SELECT DISTINCT tenant_id FROM {Customer._meta.db_table}", ()
OUTAGE, WAIT = 4.0, 2.0
"""Seconds. A pool that tries at longer and longer distances does so after 3 and again after 7."""


@pytest.fixture
async def way() -> AsyncIterator[Trips]:
    way = Trips("test", at_most=4, wait_seconds=WAIT)
    yield way
    await way.end()


class Road:
    """To the server, through a port of its own that can be closed."""

    def __init__(self) -> None:
        told = connection.get_connection_params()
        self._there = told["host"], told["port"]
        self._travellers: set[asyncio.StreamWriter] = set()
        self._at_work: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def travellers(self) -> int:
        """Of both directions, since the beginning."""
        return len(self._travellers)

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._travellers:
            writer.close()
        if self._at_work:
            await asyncio.wait(self._at_work)

    async def away_while_others_ask(self, ask: Callable[[], Awaitable[object]]) -> None:
        """For as long as OUTAGE; who asks in its first half is not served."""
        await self.close()
        asked = []
        for _ in range(8):
            asked.append(asyncio.ensure_future(ask()))
            await asyncio.sleep(OUTAGE / 8)
        for one in asked[:3]:
            with pytest.raises((OperationalError, psycopg.OperationalError)):
                await one
        await self.open()
        for one in asked:
            one.add_done_callback(lambda done: done.exception())

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._there)
        self._travellers |= {writer, far_writer}
        if self._server is None or not self._server.is_serving():  # closed while this one was on its way
            writer.close()
            far_writer.close()
            return
        work = asyncio.ensure_future(_both(_carry(reader, far_writer), _carry(far_reader, writer)))
        self._at_work.add(work)
        work.add_done_callback(self._at_work.discard)


async def _both(*ways: Awaitable[None]) -> None:
    await asyncio.gather(*ways)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()


@pytest.fixture
async def road(monkeypatch) -> AsyncIterator[Road]:
    road = Road()
    await road.open()
    params = connection.get_connection_params() | {"port": road.port}
    monkeypatch.setattr(DatabaseWrapper, "get_connection_params", lambda _connection: dict(params))
    yield road
    await road.close()


async def test_a_trip_sees_its_tenants_rows_and_no_others(salon, garage, way):
    for tenant in salon, garage:
        await in_tenant(
            tenant.pk, Customer.objects.create, tenant=tenant, name="Ann", phone_e164="+15550001111"
        )
    assert await way.make(salon.pk, SEEN) == [(salon.pk,)]
    assert {tenant for (tenant,) in await way.make(None, SEEN)} == {salon.pk, garage.pk}
    assert await way.make(uuid4(), SEEN) == []
    assert await way.make(garage.pk, SEEN) == [(garage.pk,)]


async def test_the_scope_ends_with_the_trip(salon, way):
    await way.make(None, ("SELECT 1", ()))
    scope = "SELECT current_setting('app.tenant_id', true), current_setting('app.platform', true)"
    async with (await way._pool()).connection() as lent:
        found = await (await lent.execute(scope)).fetchone()
    assert found in {("", ""), (None, None)}  # the second of a connection that has not travelled yet


async def test_statements_that_travel_together_fail_together(salon, way):
    rename = f"UPDATE {type(salon)._meta.db_table} SET name = %s WHERE id = %s"
    with pytest.raises(DataError):
        await way.make(salon.pk, (rename, ["Renamed", salon.pk]), ("SELECT 1 / %s", [0]))
    await in_tenant(salon.pk, salon.refresh_from_db)
    assert salon.name != "Renamed"
    assert await way.make(salon.pk, (rename, ["Renamed", salon.pk]), ("SELECT %s", [7])) == [(7,)]


async def test_a_connection_that_the_server_has_closed_is_not_used(salon, way):
    assert await way.make(None, ("SELECT 1", ())) == [(1,)]
    async with (await way._pool()).connection() as lent:
        pid = lent.info.backend_pid

    def end() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 3000)", [pid])

    await in_thread(end)
    assert await way.make(None, ("SELECT 2", ())) == [(2,)]


async def test_while_a_connection_is_left_nobody_waits_for_who_waits(salon):
    way = Trips("test", at_most=2, wait_seconds=0.3)
    asked = [asyncio.create_task(way.make(None, ("SELECT pg_sleep(1.5)", ())))]
    await asyncio.sleep(0.3)
    assert await way.make(None, ("SELECT 1", ())) == [(1,)]
    asked.append(asyncio.create_task(way.make(None, ("SELECT pg_sleep(1)", ()))))
    await asyncio.sleep(0.1)
    began = time.monotonic()
    with pytest.raises(OperationalError):
        await way.make(None, ("SELECT 1", ()))
    assert time.monotonic() - began < 0.8
    await asyncio.gather(*asked)
    assert await way.make(None, ("SELECT 1", ())) == [(1,)]
    await way.end()


async def test_who_is_called_off_leaves_neither_scope_nor_a_statement_behind(salon):
    way = Trips("test", at_most=1, wait_seconds=2.5)
    asked = asyncio.create_task(way.make(salon.pk, ("SELECT pg_sleep(20)", ())))
    await asyncio.sleep(0.5)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    scope = "SELECT current_setting('app.tenant_id', true)"
    async with way._way() as lent:
        assert await (await lent.execute(scope)).fetchone() in {("",), (None,)}
    await way.end()


async def test_after_a_restart_the_first_trip_succeeds_at_once(salon, road, way):
    """However many connections lie there that the server has closed."""
    await asyncio.gather(*(way.make(None, ("SELECT pg_sleep(0.3)", ())) for _ in range(20)))
    assert len((await way._pool())._pool) == 4
    await road.close()
    await road.open()
    began = time.monotonic()
    assert await way.make(None, ("SELECT 1", ())) == [(1,)]
    assert time.monotonic() - began < 0.9


async def test_who_begins_has_the_connection_that_the_first_trip_takes(salon, road, way):
    await way.begin()
    connected = road.travellers
    assert connected > 0
    assert await way.make(None, ("SELECT 1", ())) == [(1,)]
    assert road.travellers == connected


async def test_who_begins_during_an_outage_waits_a_second_and_is_served_after_it(salon, road, way):
    await road.close()
    began = time.monotonic()
    await way.begin()
    assert time.monotonic() - began < WAIT
    await asyncio.sleep(OUTAGE)  # by now it tries no more of itself
    await road.open()
    assert await way.make(None, ("SELECT 1", ())) == [(1,)]


async def test_who_waits_through_a_short_outage_is_served(salon, road, way):
    assert await way.make(None, ("SELECT 1", ())) == [(1,)]
    await road.close()
    asked = asyncio.create_task(way.make(None, ("SELECT 1", ())))
    await asyncio.sleep(1.3)
    await road.open()
    assert await asked == [(1,)]


async def test_after_an_outage_the_first_trip_succeeds(salon, road, way):
    assert await way.make(None, ("SELECT 1", ())) == [(1,)]
    await road.away_while_others_ask(lambda: way.make(None, ("SELECT 1", ())))
    assert await way.make(None, ("SELECT 1", ())) == [(1,)]


async def test_a_process_ends_while_the_database_is_away(salon, road, way):
    assert await way.make(None, ("SELECT 1", ())) == [(1,)]
    await road.close()
    asked = [asyncio.create_task(way.make(None, ("SELECT 1", ()))) for _ in range(3)]
    await asyncio.sleep(0.2)
    await asyncio.wait_for(way.end(), 6)
    assert {type(error) for error in await asyncio.gather(*asked, return_exceptions=True)} == {
        OperationalError
    }


def test_a_record_holds_what_json_and_postgresql_know(salon):
    class Said(NamedTuple):
        detail: object

    assert as_records([Said("Straße"), Said(None), Said(salon.pk)]).count("detail") == 3
    for stranger in (salon, b"bytes", {1, 2}):
        with pytest.raises(TypeError):
            as_records([Said({"what": stranger})])


async def test_after_an_outage_the_first_request_succeeds(salon, road):
    """Django's pool, as web and media processes have it."""
    kwargs = connection.get_connection_params() | {"autocommit": True}
    options = settings.DATABASE_POOL | {"timeout": WAIT}
    pool = ConnectionPool(kwargs=kwargs, open=False, check=ConnectionPool.check_connection, **options)

    def ask() -> None:
        with pool.connection() as lent:
            lent.execute("SELECT 1")

    pool.open()
    try:
        await asyncio.to_thread(ask)
        await road.away_while_others_ask(lambda: asyncio.to_thread(ask))
        await asyncio.to_thread(ask)
    finally:
        await asyncio.to_thread(pool.close)
