"""Staff step in while whoever carries the call cannot be told: nobody hears that it worked when it did not."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as live
from redis import Redis

from telephony.line import CHANNEL
from telephony.models import Call, CallEvent, Carrier
from telephony.simulators.twilio import Script, TwilioSimulator
from telephony.simulators.twilio.rest import TwilioRestSimulator
from tenants.models import Tenant
from tenants.scoping import in_tenant, in_thread
from tests.exchange import Exchange
from tests.telephony.far_ends import SIDES, Side
from tests.telephony.test_live_calls import cookie_of, desk, news, until
from tonris.embedded.binaries import find_redis
from tonris.embedded.place import Account, Place
from tonris.embedded.redis_server import RedisServer

pytestmark = pytest.mark.django_db(transaction=True)

NOBODY_THERE = "redis://127.0.0.1:1"
NOT_ENDED = "The call could not be ended. Please try again in a moment."
NOT_PUT_THROUGH = "The call could not be put through. Please try again in a moment."


@asynccontextmanager
async def rest_of(exchange: Exchange) -> AsyncIterator[None]:
    """The carrier's REST, which knows of the exchange's calls."""
    if not isinstance(exchange.carrier, TwilioSimulator):  # Infobip's simulator is both
        yield
        return
    async with TwilioRestSimulator(live.TWILIO_ACCOUNT_SID, live.TWILIO_AUTH_TOKEN) as rest:
        rest.switchboard.incoming = exchange.carrier.calls
        live.TWILIO_BASE_URL = rest.base_url
        yield


async def ask(browser: Any, deed: str, call_id: str) -> None:
    await browser.send(json.dumps({"do": deed, "id": call_id}))


async def refusal(browser: Any) -> str:
    told = await until(browser, lambda told: told["type"] == "refused")
    return str(told["reason"])


async def talking(browser: Any) -> str:
    """The call in which words are heard."""
    heard = await until(browser, lambda told: bool(told.get("call", {}).get("said")))
    return str(heard["call"]["id"])


async def noted(tenant: Tenant) -> set[str]:
    """What staff have done, as the call's story tells it."""
    kinds = await in_tenant(tenant.pk, lambda: set(CallEvent.objects.values_list("kind", flat=True)))
    return {kind for kind in kinds if kind.startswith("staff_")}


@pytest.mark.parametrize("side", [side() for side in SIDES.values()], ids=list(SIDES))
async def test_a_call_whose_process_cannot_be_told_is_ended_by_its_carrier(salon, settings, side: Side):
    cookie = await in_thread(cookie_of, salon)
    async with (
        side.open(salon) as exchange,
        rest_of(exchange),
        desk(exchange.base_url, cookie) as browser,
    ):
        dialled = asyncio.create_task(exchange.call(Script(give_up_after_s=60.0)))
        call_id = await talking(browser)
        settings.REDIS_URL = NOBODY_THERE
        await ask(browser, "hang_up", call_id)
        told = await until(
            browser, lambda told: bool(told.get("call", told).get("endedAt") or told.get("reason"))
        )
        call = await dialled
    assert told["type"] == "call"
    assert call.ended_by == "server"
    assert await noted(salon) == {"staff_hang_up"}


async def test_what_nobody_has_heard_is_neither_noted_nor_said_to_have_worked(salon, settings):
    cookie = await in_thread(cookie_of, salon)
    async with SIDES[Carrier.TWILIO]().open(salon) as exchange, desk(exchange.base_url, cookie) as browser:
        call = await exchange.carrier.place_call(
            exchange.number, "+15559876543", Script(give_up_after_s=60.0)
        )
        call_id = await talking(browser)
        settings.REDIS_URL, live.TWILIO_BASE_URL = NOBODY_THERE, "http://127.0.0.1:9"
        await ask(browser, "transfer", call_id)
        assert await refusal(browser) == NOT_PUT_THROUGH
        await ask(browser, "hang_up", call_id)
        assert await refusal(browser) == NOT_ENDED
        await in_tenant(salon.pk, lambda: Call.objects.update(carrier=Carrier.BROWSER))
        await ask(browser, "hang_up", call_id)
        assert await refusal(browser) == NOT_ENDED
        assert await noted(salon) == set()
        call.hang_up()
        await asyncio.wait_for(call.over.wait(), 30)
        await exchange.settled(call)


@pytest.fixture
def own_redis(tmp_path: Path, settings: Any) -> Iterator[RedisServer]:
    """For one that is restarted: the others need theirs."""
    account = Account()
    binary = find_redis(Place(tmp_path, account))
    redis = RedisServer(binary, tmp_path / "redis", tmp_path / "log", "secret", account, throwaway=True)
    redis.start()
    settings.REDIS_URL = redis.url()
    yield redis
    redis.stop()


async def restarted(redis: RedisServer) -> None:
    """And the calls' processes listen again."""
    async with asyncio.timeout(30):
        while not redis.revive():
            await asyncio.sleep(0.05)
        with Redis.from_url(redis.url()) as client:
            while not dict(client.pubsub_numsub(CHANNEL))[CHANNEL.encode()]:
                await asyncio.sleep(0.05)


async def test_the_desk_follows_a_call_through_a_restart_of_redis(salon, settings, own_redis):
    cookie = await in_thread(cookie_of, salon)
    async with (
        SIDES[Carrier.TWILIO]().open(salon) as exchange,
        desk(exchange.base_url, cookie) as browser,
    ):
        dialled = asyncio.create_task(exchange.call(Script(give_up_after_s=60.0)))
        call_id = await talking(browser)
        os.kill(own_redis.pid, signal.SIGKILL)
        await ask(browser, "transfer", call_id)
        assert await refusal(browser) == NOT_PUT_THROUGH
        async with desk(exchange.base_url, cookie) as later:  # a page that is opened meanwhile
            snapshot = await news(later)
        assert (snapshot["type"], [card["id"] for card in snapshot["calls"]]) == ("snapshot", [call_id])
        await restarted(own_redis)
        await ask(browser, "hang_up", call_id)
        over = await until(
            browser, lambda told: bool(told.get("call", told).get("endedAt") or told.get("reason"))
        )
        await dialled
    assert over["type"] == "call"
    assert await noted(salon) == {"staff_hang_up"}
