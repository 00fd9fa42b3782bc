"""Writes what calls leave behind: for each tenant what all its calls have to say, together and in order.

A transaction for each entry costs more than the second of audio that it tells of. Entries wait for a moment, or
until somebody needs them, and go in batches; a tenant whose rows are locked keeps none waiting but its own.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from agents import conversations
from telephony import calls
from tenants.scoping import Statement, write_behind
from tenants.trips import journals

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.25
MAX_BATCH = 50
RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""A database that is away comes back: half a minute of what calls leave behind is kept for it."""

Entry = calls.Happening | conversations.Opened | conversations.Said | Callable[[], object]


class Author(Protocol):
    """Whose entries these are."""

    def written(self) -> None:
        """One entry of the author's is dealt with."""


class Scribe:
    """One tenant's writer. It lives while there is something to write."""

    def __init__(self, tenant_id: UUID) -> None:
        self._tenant_id = tenant_id
        self._waiting: list[tuple[Author, Entry]] = []
        self._hurry = asyncio.Event()
        self.done = asyncio.create_task(self._work(), name="scribe")

    def add(self, author: Author, entry: Entry) -> None:
        self._waiting.append((author, entry))

    def hurry(self) -> None:
        self._hurry.set()

    async def _work(self) -> None:
        try:
            while self._waiting:
                with suppress(TimeoutError):
                    async with asyncio.timeout(PAUSE_SECONDS):
                        await self._hurry.wait()
                self._hurry.clear()
                await self._write_waiting()
        finally:
            del _scribes[self._tenant_id]

    async def _write_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            await self._write([entry for _, entry in batch])
            for author, _ in batch:
                author.written()

    async def _write(self, entries: Sequence[Entry]) -> None:
        for pause in (*RETRY_SECONDS, 0.0):
            try:
                await _write_all(self._tenant_id, entries)
            except (OperationalError, InterfaceError):
                await asyncio.sleep(pause)
            except Exception:
                logger.warning(
                    "%d entries of calls' journals are written one by one", len(entries), exc_info=True
                )
                await self._write_one_by_one(entries)
                return
            else:
                return
        logger.error("%d entries of calls' journals are lost: the database is away", len(entries))

    async def _write_one_by_one(self, entries: Sequence[Entry]) -> None:
        """A bad one must not take the others with it."""
        for entry in entries:
            try:
                await _write_all(self._tenant_id, [entry])
            except Exception:
                logger.exception("An entry of a call's journal could not be written")


async def _write_all(tenant_id: UUID, entries: Sequence[Entry]) -> None:
    """In one transaction, and nearly always in one message."""
    if any(map(callable, entries)):
        await write_behind(tenant_id, partial(_carry_out, entries))
    else:
        await journals.make(tenant_id, *_statements(entries))


def _carry_out(entries: Sequence[Entry]) -> None:
    with connection.cursor() as cursor:
        for statement, parameters in _statements(entries):
            cursor.execute(statement, parameters)
    for entry in entries:
        if callable(entry):
            entry()


def _statements(entries: Sequence[Entry]) -> Iterator[Statement]:
    if events := [entry for entry in entries if isinstance(entry, calls.Happening)]:
        yield calls.adding_events(events)
    if opened := [entry for entry in entries if isinstance(entry, conversations.Opened)]:
        yield conversations.adding_sessions(opened)
    if turns := [entry for entry in entries if isinstance(entry, conversations.Said)]:
        yield conversations.adding_turns(turns)


_scribes: dict[UUID, Scribe] = {}


def scribe_of(tenant_id: UUID) -> Scribe:
    scribe = _scribes.get(tenant_id)
    if scribe is None:
        scribe = _scribes[tenant_id] = Scribe(tenant_id)
    return scribe


async def write_all(seconds: float) -> None:
    """What still waits, before the process ends."""
    for scribe in _scribes.values():
        scribe.hurry()
    at_work = {scribe.done for scribe in _scribes.values()}
    if at_work:
        _, late = await asyncio.wait(at_work, timeout=seconds)
        for work in late:  # the database is away, and nothing may reach for it from now on
            work.cancel()
        await asyncio.gather(*late, return_exceptions=True)
