"""A call that is over is gone at once, without the collector: while that looks at all there is, every other call waits.

So nothing of a call may hold what holds it.
"""

import asyncio
import gc
from collections.abc import Iterator
from typing import Any
from weakref import ref

import pytest

from agents.fast_lane.client import LaneConnection
from agents.fast_lane.shortcut import Shortcut
from agents.providers import session_for
from agents.session import Assignment
from telephony.bridge import Bridge
from telephony.fast_lane import LaneProtocol
from telephony.models import Carrier
from telephony.simulators.twilio import Script
from tenants.scoping import in_tenant
from tests.exchange import Exchange
from tests.second_agents import FIRST, behave, use
from tests.telephony.far_ends import SIDES

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made(monkeypatch) -> Iterator[list[ref[Any]]]:
    """All that makes up a call, held by nobody here; and no collector."""
    found: list[ref[Any]] = []

    def watch(kind: Any) -> None:
        begin = kind.__init__

        def noted(self: Any, *args: Any, **kwargs: Any) -> None:
            found.append(ref(self))
            begin(self, *args, **kwargs)

        monkeypatch.setattr(kind, "__init__", noted)

    for kind in (Bridge, LaneProtocol, LaneConnection, Shortcut):
        watch(kind)

    def noted_session_for(assignment: Assignment, *rest: Any) -> Any:
        session = session_for(assignment, *rest)
        found.append(ref(session))
        return session

    monkeypatch.setattr("telephony.consumers.session_for", noted_session_for)
    gc.collect()
    gc.disable()
    yield found
    gc.enable()


async def left_of(made: list[ref[Any]]) -> list[str]:
    """What is still there, and held by whom."""
    for _ in range(40):  # what closes last, and timers
        if not any(one() for one in made):
            return []
        await asyncio.sleep(0.05)
    return [told for one in made if (told := holders(one()))]


def holders(thing: object) -> str:
    """Of what is to be gone, for whoever has to find out why it is not."""
    if thing is None:
        return ""
    held_by = [f"{getattr(one, 'f_code', '') or type(one)}" for one in gc.get_referrers(thing)]
    return f"{type(thing).__name__} held by {held_by}"


@pytest.mark.parametrize("lane", [True, False], ids=["fast lane", "ordinary"])
@pytest.mark.parametrize("provider", FIRST)
@pytest.mark.parametrize("carrier", [Carrier.TWILIO, Carrier.INFOBIP], ids=str)
async def test_nothing_is_left_of_a_call_that_is_over(salon, settings, made, carrier, provider, lane):
    settings.MEDIA_FAST_LANE = lane
    await in_tenant(salon.pk, use, salon, provider)
    async with SIDES[carrier]().open(salon) as exchange:
        await one_call(exchange)
        assert made
        assert await left_of(made) == []


@pytest.mark.parametrize("first", FIRST)
async def test_nothing_is_left_of_an_agent_that_failed(salon, settings, made, first):
    settings.SECOND_PROVIDER = "auto"
    await in_tenant(salon.pk, use, salon, first)
    async with SIDES[Carrier.TWILIO]().open(salon) as exchange:
        behave(exchange, first, "closes")
        await one_call(exchange)
        assert await left_of(made) == []


async def one_call(exchange: Exchange) -> None:
    call = await exchange.call(Script.saying("I would like an appointment", hang_up_after_s=4.0))
    await exchange.settled(call)
