"""The way of live calls to the database: scoped as all others, on connections that may be lost and are found again."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import DataError, OperationalError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg_pool import ConnectionPool

from appointments.models import Customer
from tenants import trips
from tenants.scoping import in_tenant, in_thread
from tenants.trips import Trips

pytestmark = pytest.mark.django_db(transaction=True)

SEEN = f"SELECT DISTINCT tenant_id FROM {Customer._meta.db_table}", ()
AFTER = 3.6
"""Seconds without a server. A pool that tries at longer and longer distances would then wait for as long again."""


@pytest.fixture
async def way() -> AsyncIterator[Trips]:
    way = Trips("test", 2)
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

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._there)
        self._travellers |= {writer, far_writer}
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
        assert await (await lent.execute(scope)).fetchone() == ("", "")


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


async def test_who_waits_for_a_lock_holds_up_others_only_when_no_connection_is_left(salon, way, monkeypatch):
    monkeypatch.setattr(trips, "WAIT_SECONDS", 0.2)
    asked = [asyncio.create_task(way.make(None, ("SELECT pg_sleep(1)", ()))) for _ in range(2)]
    await asyncio.sleep(0.3)
    began = time.monotonic()
    with pytest.raises(OperationalError):
        await way.make(None, ("SELECT 1", ()))
    assert time.monotonic() - began < 0.8
    await asyncio.gather(*asked)
    assert await way.make(None, ("SELECT 1", ())) == [(1,)]


async def test_after_an_outage_the_first_trip_succeeds(salon, road, way, monkeypatch):
    monkeypatch.setattr(trips, "WAIT_SECONDS", 1.5)
    assert await way.make(None, ("SELECT 1", ())) == [(1,)]
    await road.close()
    began = time.monotonic()
    while time.monotonic() - began < AFTER:
        with pytest.raises(OperationalError):
            await way.make(None, ("SELECT 1", ()))
        await asyncio.sleep(0.1)
    await road.open()
    assert await way.make(None, ("SELECT 1", ())) == [(1,)]


async def test_after_an_outage_the_first_request_succeeds(salon, road):
    """Django's pool, as web and media processes have it."""
    kwargs = connection.get_connection_params() | {"autocommit": True}
    options = settings.DATABASE_POOL | {"timeout": 1.5}
    pool = ConnectionPool(kwargs=kwargs, open=False, check=ConnectionPool.check_connection, **options)

    def ask() -> None:
        with pool.connection() as lent:
            lent.execute("SELECT 1")

    pool.open()
    try:
        await asyncio.to_thread(ask)
        await road.close()
        began = time.monotonic()
        while time.monotonic() - began < AFTER:
            with pytest.raises(psycopg.OperationalError):
                await asyncio.to_thread(ask)
            await asyncio.sleep(0.1)
        await road.open()
        await asyncio.to_thread(ask)
    finally:
        await asyncio.to_thread(pool.close)
