"""A call must begin though the database is locked, gone or mute: the answer comes within a second."""

import asyncio
import contextlib
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator

import httpx2
import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections

from agents import keyring, known_briefings, patience
from agents.models import Conversation
from tenants.credentials import set_secret
from tenants.models import Credential
from tenants.scoping import in_thread, tenant_scope
from tests.agents.test_webhooks import INITIATION, PLATFORM_SECRET, SALON_SECRET, WEBHOOK, bearer, stamped
from tests.exchange import serving

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = {
    "caller_id": "+15551230000",
    "called_number": "+15551234567",
    "agent_id": "agent_x",
    "call_sid": "CA0",
    "conversation_id": "conv_abc",
}


@pytest.fixture(autouse=True)
def nothing_is_known() -> None:
    keyring.forget()
    known_briefings.forget()


@pytest.fixture
def own_secret(salon) -> None:
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.WEBHOOK_SECRET, SALON_SECRET)


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Every table is locked by somebody who does not come back."""
    params = connection.get_connection_params()
    owner = settings.DATABASE_OWNER_URL
    with psycopg.connect(owner, dbname=params["dbname"]) as other, other.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(quote_ident(tablename), ',') FROM pg_tables WHERE schemaname = 'public'"
        )
        (tables,) = cursor.fetchone() or ("",)
        cursor.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
        yield
        other.rollback()


@contextlib.contextmanager
def mute() -> Iterator[None]:
    """A server that takes connections and never says a word, as a stopped one does."""
    place = connections.settings["default"]
    before = {name: place[name] for name in ("HOST", "PORT")}
    with socket.create_server(("127.0.0.1", 0)) as silence:
        place |= {"HOST": "127.0.0.1", "PORT": str(silence.getsockname()[1])}
        try:
            yield
        finally:
            place |= before


@contextlib.contextmanager
def gone() -> Iterator[None]:
    place = connections.settings["default"]
    before = {name: place[name] for name in ("HOST", "PORT")}
    place |= {"HOST": "127.0.0.1", "PORT": "1"}
    try:
        yield
    finally:
        place |= before


WAYS = [locked, mute, gone]


@contextlib.asynccontextmanager
async def asking() -> AsyncIterator[Callable]:
    async with serving() as base_url, httpx2.AsyncClient(base_url=base_url, timeout=10) as http:

        async def ask(headers: dict[str, str], payload: object = QUESTION) -> tuple[httpx2.Response, float]:
            began = time.monotonic()
            answer = await http.post(INITIATION, content=json.dumps(payload), headers=headers)
            return answer, time.monotonic() - began

        await ask(bearer("nobody"))  # the first request of a process loads the views
        yield ask


@pytest.mark.parametrize("silent", WAYS)
async def test_what_was_known_is_told_within_a_second(salon, own_secret, silent):
    async with asking() as ask:
        for secret in (PLATFORM_SECRET, SALON_SECRET):
            before, _ = await ask(bearer(secret))
            assert before.json()["dynamic_variables"]["business_name"] == "Test Salon"
        keyring.FRESH_S, fresh_s = 0.0, keyring.FRESH_S  # the secrets would be read again now
        try:
            with silent():
                body = {**QUESTION, "caller_id": "+15559990000", "call_sid": "CA1"}
                answers = await asyncio.gather(
                    *(ask(bearer(secret), body) for secret in (PLATFORM_SECRET, SALON_SECRET)),
                    ask(stamped(SALON_SECRET, json.dumps(body)), body),
                    *(ask(bearer(PLATFORM_SECRET), body) for _ in range(10)),
                )
                refused, took = await ask(bearer("tws_stranger"), body)
        finally:
            keyring.FRESH_S = fresh_s
    for answer, seconds in answers:
        assert (answer.status_code, seconds < limit_seconds()) == (200, True), seconds
        told = answer.json()["dynamic_variables"]
        assert told["business_name"] == "Test Salon"
        assert told["business_hours_summary"] == "We're open Monday through Friday from 09:00 to 17:00."
        assert (told["caller_number"], told["call_sid"]) == ("+15559990000", "CA1")
    assert (refused.status_code, took < limit_seconds()) == (401, True)


@pytest.mark.parametrize("silent", WAYS)
async def test_of_a_tenant_that_is_not_known_neutral_words_are_told(salon, own_secret, silent):
    async with asking() as ask:
        keyring.forget()
        with silent():
            answer, seconds = await ask(bearer(PLATFORM_SECRET))
            assert (answer.status_code, seconds < limit_seconds()) == (200, True), seconds
            assert answer.json()["dynamic_variables"]["business_name"] == "Our Business"
            assert answer.json()["conversation_config_override"]["agent"]["first_message"]
            unsure, seconds = await ask(bearer(SALON_SECRET))  # whose that is, nobody can say now
            assert (unsure.status_code, seconds < limit_seconds()) == (503, True), seconds


@pytest.fixture(autouse=True)
def nothing_is_left_to_write():
    """What is written behind answers is written again and again: not into the next test's database."""
    yield
    deadline = time.monotonic() + 60
    while patience.writes_waiting() and time.monotonic() < deadline:
        time.sleep(0.05)


def limit_seconds() -> float:
    """A second where the processors are ours; as much more as others have them do, whose work says nothing of ours."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.mark.parametrize("silent", [locked, gone])
async def test_the_conversation_is_written_when_the_database_speaks_again(salon, silent):
    async with asking() as ask:
        await ask(bearer(PLATFORM_SECRET))
        with silent():
            answer, seconds = await ask(bearer(PLATFORM_SECRET), {**QUESTION, "conversation_id": "conv_late"})
            assert (answer.status_code, seconds < limit_seconds()) == (200, True)

        def written() -> list[str]:
            with tenant_scope(salon):
                found = Conversation.objects.filter(sessions__external_id="conv_late")
                return [one.caller_e164 for one in found]

        async with asyncio.timeout(40):
            while not await in_thread(written):
                await asyncio.sleep(0.05)
        assert await in_thread(written) == ["+15551230000"]


async def test_a_tool_call_meanwhile_has_something_to_say(salon):
    async with serving() as base_url, httpx2.AsyncClient(base_url=base_url, timeout=10) as http:
        body = json.dumps({"event": "tool_call", "data": {"tool_name": "get_services"}})
        with gone():
            answer = await http.post(WEBHOOK, content=body, headers=bearer(PLATFORM_SECRET))
    told = answer.json()
    assert (answer.status_code, told["code"]) == (200, "CALENDAR_UNAVAILABLE")
    assert told["message"]
