"""The desk tells the agent of a live call something that its caller does not hear."""

import asyncio
import json
from typing import Any

import pytest

from telephony.models import CallEvent
from telephony.simulators.twilio import Script
from telephony.watching.stepping_in import LONGEST_WHISPER, WHISPERED
from tenants.models import Member
from tenants.scoping import in_tenant, in_thread
from tests.exchange import Exchange, open_exchange
from tests.telephony.test_limits import limited
from tests.telephony.test_live_calls import cookie_of, desk, until

pytestmark = pytest.mark.django_db(transaction=True)

NOTE = "Mention that the colour is sold out."


def told(exchange: Exchange, provider: str) -> list[Any]:
    """What the vendor's simulator got beside the caller's audio, of our words."""
    if provider == "elevenlabs":
        return [one.get("text") for session in exchange.vendor.sessions for one in session.messages]
    sent = [event for session in exchange.openai.sessions for event in session.events]
    items = [one["item"] for one in sent if one["type"] == "conversation.item.create"]
    return [item["content"][0]["text"] for item in items if item.get("role") == "system"]


async def whisper(browser: Any, call_id: str, text: Any) -> None:
    await browser.send(json.dumps({"do": "whisper", "id": call_id, "text": text}))


@pytest.mark.parametrize("provider", ["elevenlabs", "openai"])
async def test_the_agent_is_told_and_it_is_noted_who_did(salon, garage, settings, provider):
    await in_thread(lambda: limited(salon, agentProvider=provider))
    mine, theirs = await in_thread(cookie_of, salon), await in_thread(cookie_of, garage)
    async with (
        open_exchange() as exchange,
        desk(exchange.base_url, mine) as browser,
        desk(exchange.base_url, theirs) as strangers,
    ):
        dialled = asyncio.create_task(exchange.call(Script(give_up_after_s=60.0)))
        call_id = (await until(browser, lambda news: bool(news.get("call", {}).get("said"))))["call"]["id"]
        await whisper(strangers, call_id, "Hang up!")
        refused = await until(strangers, lambda news: news["type"] == "refused")
        assert refused["reason"] == "This call is no longer under way."
        for wrong in ("", "   ", "x" * (LONGEST_WHISPER + 1)):
            await whisper(browser, call_id, wrong)
            refused = await until(browser, lambda news: news["type"] == "refused")
            assert str(LONGEST_WHISPER) in refused["reason"]
        await whisper(browser, call_id, 7)
        await whisper(browser, call_id, f" {NOTE} ")
        shown = await until(browser, lambda news: NOTE in json.dumps(news.get("call", {})))
        assert "desk" in [line["who"] for line in shown["call"]["said"]]
        async with asyncio.timeout(20):
            while not told(exchange, provider).count(WHISPERED.format(NOTE)):
                await asyncio.sleep(0.05)
        await browser.send(json.dumps({"do": "hang_up", "id": call_id}))
        call = await dialled
        await exchange.settled(call)
    assert [text for text in told(exchange, provider) if text and "note from the team" in text] == [
        WHISPERED.format(NOTE)
    ]
    [noted] = await in_tenant(salon.pk, lambda: list(CallEvent.objects.filter(kind="staff_whisper")))
    member = await in_tenant(salon.pk, lambda: Member.objects.get(role=Member.Role.STAFF).user_id)
    assert noted.detail == {"text": NOTE, "member": member}


async def test_who_may_only_look_tells_no_agent(salon, settings):
    cookie = await in_thread(cookie_of, salon, Member.Role.READ_ONLY)
    async with open_exchange() as exchange, desk(exchange.base_url, cookie) as browser:
        dialled = asyncio.create_task(exchange.call(Script(hang_up_after_s=3.0, give_up_after_s=60.0)))
        call_id = (await until(browser, lambda news: news["type"] == "call"))["call"]["id"]
        await whisper(browser, call_id, NOTE)
        refused = await until(browser, lambda news: news["type"] == "refused")
        await dialled
    assert refused["reason"] == "Your role may look at calls, but not step in."
    assert WHISPERED.format(NOTE) not in told(exchange, "elevenlabs")


async def test_what_nobody_passed_on_is_said_to_have_failed(salon, settings, monkeypatch):
    cookie = await in_thread(cookie_of, salon)
    async with open_exchange() as exchange, desk(exchange.base_url, cookie) as browser:
        dialled = asyncio.create_task(exchange.call(Script(hang_up_after_s=4.0, give_up_after_s=60.0)))
        call_id = (await until(browser, lambda news: bool(news.get("call", {}).get("said"))))["call"]["id"]
        with monkeypatch.context() as without:
            without.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1")
            await whisper(browser, call_id, NOTE)
            refused = await until(browser, lambda news: news["type"] == "refused")
        await dialled
    assert refused["reason"] == "The agent could not be told. Please try again in a moment."
    kinds = await in_tenant(salon.pk, lambda: set(CallEvent.objects.values_list("kind", flat=True)))
    assert "staff_whisper" not in kinds
