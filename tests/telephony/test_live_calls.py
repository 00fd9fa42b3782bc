"""Live calls on the desk: a browser follows what goes on in its own business, and steps in."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from agents.simulators.scenarios import BOOKING
from telephony.models import CallEvent
from telephony.simulators.twilio import Script
from telephony.watching import socket
from tenants.models import Member, Tenant, User
from tenants.scoping import in_tenant, in_thread, platform_scope
from tests.exchange import CALLER, open_exchange

pytestmark = pytest.mark.django_db(transaction=True)


def cookie_of(tenant: Tenant, role: Member.Role = Member.Role.STAFF) -> str:
    user = User.objects.create_user(f"{role}-{tenant.name}")
    with platform_scope():
        Member.objects.create(tenant=tenant, user=user, role=role)
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


@contextlib.asynccontextmanager
async def desk(base_url: str, cookie: str, *, origin: str | None = "") -> AsyncIterator[ClientConnection]:
    address = base_url.replace("http", "ws", 1) + "/admin/live/socket"
    headers = {"Cookie": cookie} if cookie else {}
    page = base_url if origin == "" else origin
    async with connect(address, origin=Origin(page) if page else None, additional_headers=headers) as browser:
        yield browser


async def news(browser: ClientConnection) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(await asyncio.wait_for(browser.recv(), 20))
    return told


async def until(browser: ClientConnection, expected: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    while True:
        told = await news(browser)
        if expected(told):
            return told


async def test_the_desk_reads_along_from_the_ringing_to_the_end(salon, garage, settings):
    mine, theirs = await in_thread(cookie_of, salon), await in_thread(cookie_of, garage)
    async with (
        open_exchange() as exchange,
        desk(exchange.base_url, mine) as browser,
        desk(exchange.base_url, theirs) as strangers,
    ):
        assert await news(browser) == {"type": "snapshot", "calls": [], "mayAct": True}
        assert (await news(strangers))["calls"] == []
        await exchange.call(Script.of(BOOKING))
        over = await until(browser, lambda told: bool(told.get("call", {}).get("endedAt")))
        with pytest.raises(TimeoutError):  # not one word of it to another business
            await asyncio.wait_for(strangers.recv(), 2 * socket.LOOK_SECONDS)
    call = over["call"]
    assert (call["number"], call["direction"], call["talking"]) == (CALLER, "inbound", False)
    said = [line["who"] for line in call["said"]]
    assert {"agent", "caller", "tool"} == set(said)
    assert "book_appointment" in [line["text"] for line in call["said"] if line["who"] == "tool"]


async def test_words_arrive_while_they_are_spoken_and_staff_end_the_call(salon, settings):
    cookie = await in_thread(cookie_of, salon)
    async with open_exchange() as exchange, desk(exchange.base_url, cookie) as browser:
        dialled = asyncio.create_task(exchange.call(Script(give_up_after_s=60.0)))
        heard = await until(browser, lambda told: bool(told.get("call", {}).get("said")))
        assert heard["call"]["talking"]
        assert heard["call"]["said"][0]["who"] == "agent"
        await browser.send(json.dumps({"do": "hang_up", "id": heard["call"]["id"]}))
        over = await until(browser, lambda told: bool(told.get("call", {}).get("endedAt")))
        await dialled
        # A page that is opened again, or has lost its line, begins with all that is known.
        async with desk(exchange.base_url, cookie) as later:
            again = await news(later)
    assert [card["id"] for card in again["calls"]] == [over["call"]["id"]]
    kinds = await in_tenant(salon.pk, lambda: dict(CallEvent.objects.values_list("kind", "detail")))
    assert "member" in kinds["staff_hang_up"]


async def test_a_call_that_is_over_or_another_business_has_is_not_to_be_ended(salon, garage, settings):
    mine, theirs = await in_thread(cookie_of, salon), await in_thread(cookie_of, garage)
    async with open_exchange() as exchange:
        dialled = asyncio.create_task(exchange.call(Script(hang_up_after_s=4.0, give_up_after_s=60.0)))
        async with desk(exchange.base_url, mine) as browser, desk(exchange.base_url, theirs) as strangers:
            heard = await until(browser, lambda told: bool(told.get("call", {}).get("said")))
            wish = json.dumps({"do": "hang_up", "id": heard["call"]["id"]})
            await strangers.send(wish)
            refused = await until(strangers, lambda told: told["type"] == "refused")
            await dialled
            await exchange.settled(dialled.result())
            await browser.send("nonsense")
            await browser.send(wish)
            late = await until(browser, lambda told: told["type"] == "refused")
    assert refused["reason"] == late["reason"] == "This call is no longer under way."


async def test_who_may_only_look_does_not_step_in(salon, settings):
    cookie = await in_thread(cookie_of, salon, Member.Role.READ_ONLY)
    async with open_exchange() as exchange, desk(exchange.base_url, cookie) as browser:
        assert (await news(browser))["mayAct"] is False
        dialled = asyncio.create_task(exchange.call(Script(hang_up_after_s=3.0, give_up_after_s=60.0)))
        heard = await until(browser, lambda told: told["type"] == "call")
        await browser.send(json.dumps({"do": "hang_up", "id": heard["call"]["id"]}))
        refused = await until(browser, lambda told: told["type"] == "refused")
        await dialled
    assert refused["reason"] == "Your role may look at calls, but not step in."


@pytest.mark.parametrize(
    ("session", "origin"),
    [
        (False, ""),
        (True, "https://elsewhere.example"),
        (True, None),
    ],
    ids=["nobody", "another site's page", "no page at all"],
)
async def test_strangers_are_turned_away_before_the_upgrade(salon, settings, session, origin):
    cookie = await in_thread(cookie_of, salon) if session else "sessionid=guessed"
    async with open_exchange() as exchange:
        with pytest.raises(InvalidStatus) as refusal:
            async with desk(exchange.base_url, cookie, origin=origin):
                pass
    assert refusal.value.response.status_code == 403


async def test_a_page_left_open_is_closed_once_its_session_has_ended(salon, settings, monkeypatch):
    monkeypatch.setattr(socket, "LOOKS_A_CHECK", 1)
    cookie = await in_thread(cookie_of, salon)
    async with open_exchange() as exchange, desk(exchange.base_url, cookie) as browser:
        await news(browser)
        await in_thread(Session.objects.all().delete)
        with pytest.raises(ConnectionClosed) as closed:
            await news(browser)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == socket.SIGNED_OUT
