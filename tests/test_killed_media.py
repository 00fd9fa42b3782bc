"""The process that carries calls is killed: every caller is with somebody else, and every record closed, in seconds."""

import asyncio
import datetime
import signal
import time

import pytest
from django.utils import timezone

from telephony.models import Call
from telephony.simulators.twilio import Script, SimulatedCall
from telephony.spend import meters
from tenants.scoping import in_tenant, in_thread, platform_scope
from tests import outside
from tests.exchange import open_exchange
from tonris import demo

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

CALLS = 10
GOES_ON_MS = 15_000


def goes_on_after_ms(call: SimulatedCall, at_ms: int) -> int:
    assert call.timeline.says[0].endswith("I'm connecting you with someone."), str(call.timeline)
    said_ms = call.timeline.first_ms("say")
    assert said_ms is not None
    return said_ms - at_ms


async def test_callers_of_a_killed_process_are_with_a_person_within_fifteen_seconds(
    salon, settings, tmp_path
):
    async with open_exchange() as exchange:
        media = outside.server(tmp_path / "log", "media", ELEVENLABS_BASE_URL=exchange.vendor.base_url)
        async with media as server:
            settings.MEDIA_BASE_URL = server.base_url
            calls = [
                await exchange.carrier.place_call(demo.SALON.number, f"+1556000{number:04}", Script())
                for number in range(CALLS)
            ]
            for call in calls:
                await asyncio.wait_for(call.agent_spoke.wait(), 20)
            server.process.send_signal(signal.SIGKILL)
            killed_ms = [call.now_ms() for call in calls]
            deadline = time.monotonic() + 40
            while not all(call.timeline.all_of("dial") for call in calls) and time.monotonic() < deadline:
                await asyncio.sleep(0.05)
            for call in calls:
                await asyncio.wait_for(call.over.wait(), 20)
        for session in exchange.vendor.sessions:
            await session.wait_ended(5)
    for call, at_ms in zip(calls, killed_ms, strict=True):
        assert goes_on_after_ms(call, at_ms) <= GOES_ON_MS, str(call.timeline)

    def records() -> list[tuple[str, bool, bool]]:
        return [
            (call.outcome, call.stream_ended_at is not None, call.conversation.ended_at is not None)
            for call in Call.objects.select_related("conversation")
        ]

    assert await in_tenant(salon.pk, records) == [("media_lost", True, True)] * CALLS
    later = timezone.now() + datetime.timedelta(minutes=4)
    assert await in_thread(meters.reap, later) == CALLS  # what it had held of paid time


async def test_a_call_whose_process_never_took_its_stream_goes_on_too(salon, settings):
    """The media process is not there at all: the carrier asks what is next."""
    async with open_exchange() as exchange:
        settings.MEDIA_BASE_URL = "http://127.0.0.1:9"
        call = await exchange.call(Script(hang_up_after_s=10))
    assert call.answered_ms is not None
    assert goes_on_after_ms(call, call.answered_ms) <= GOES_ON_MS, str(call.timeline)

    def outcome() -> str:
        with platform_scope():
            return Call.objects.get().state

    assert await in_thread(outcome) == Call.State.COMPLETED
