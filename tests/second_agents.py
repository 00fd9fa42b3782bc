"""What tests of two agents share: how either of them fails, and what the other one then says."""

import asyncio
from typing import Any

from agents.simulators import elevenlabs, openai_realtime
from agents.simulators.openai_realtime import Record
from telephony.simulators.twilio import Script
from tenants.models import Tenant
from tests.ears import AgentRecord
from tests.exchange import CALLER, Exchange

REFUSED_MS, HANGS_MS = 3000, 8000
"""How long at most a caller hears nothing when an agent refuses, or breaks off; and when it hangs."""
SORRY = "I'm sorry, I lost you for a moment. Let's go on."
WELCOME = "Hello! Welcome to Test Salon."
FIRST = ("elevenlabs", "openai")
AGENTS = {"elevenLabsAgentId": "agent_demo_salon", "keypadMenu": False}
LADDER: dict[str, tuple[dict[str, Any], str, Any]] = {
    "a person": ({"transferNumber": "+15550001111"}, "I'm connecting you with someone.", "dial"),
    "voicemail": ({"voicemail": True}, "leave a message", "record"),
    "the apology": ({}, "We encountered an error. Please try again later.", "say"),
}
"""What is left to a business, what its callers are told, and what they hear then."""


def behave(exchange: Exchange, provider: str, fault: str) -> None:
    """What goes wrong there from now on."""
    if provider == "elevenlabs":
        exchange.vendor.behaviour = {
            "": elevenlabs.Behaviour(),
            "refuses": elevenlabs.Behaviour(handshake_status=403),
            "closes": elevenlabs.Behaviour(close=elevenlabs.Close(1011, at="greeting", after_s=0.1)),
            "drops": elevenlabs.Behaviour(close=elevenlabs.Close(None, at="utterance")),
            "tool": elevenlabs.Behaviour(close=elevenlabs.Close(1011, at="tool")),
            "hangs": elevenlabs.Behaviour(pings=False),
            "mute": elevenlabs.Behaviour(mute=True),
        }[fault]
        return
    exchange.openai.behaviour = {
        "": openai_realtime.Behaviour(),
        "refuses": openai_realtime.Behaviour(handshake_status=401),
        "closes": openai_realtime.Behaviour(close=openai_realtime.Close(1011, at="greeting", after_s=0.1)),
        "drops": openai_realtime.Behaviour(close=openai_realtime.Close(None, at="utterance")),
        "tool": openai_realtime.Behaviour(close=openai_realtime.Close(1011, at="tool")),
        "hangs": openai_realtime.Behaviour(silent=True),
        "stops": openai_realtime.Behaviour(silent_after=1),
        "mute": openai_realtime.Behaviour(mute=True),
    }[fault]


def other(provider: str) -> str:
    return FIRST[provider == "elevenlabs"]


def use(tenant: Tenant, provider: str, only: dict[str, Any] | None = None, **names: Any) -> None:
    """`only`: what it has besides its agents, instead of a person, a voicemail and a menu."""
    kept = tenant.settings if only is None else {**AGENTS, **only}
    tenant.settings = {**kept, "agentProvider": provider, **names}
    tenant.save()


async def session_of(exchange: Exchange, provider: str, index: int = 0) -> Any:
    """That one of its sessions, as soon as there is one."""
    return await (exchange.vendor if provider == "elevenlabs" else exchange.openai).session(index, 20)


def told(session: AgentRecord) -> list[str]:
    """What an agent got beside the caller's audio, of our words: facts, and what was said before its time."""
    if not isinstance(session, Record):
        return [str(one["text"]) for one in session.messages if one.get("type") == "contextual_update"]
    items = [one["item"] for one in session.events if one["type"] == "conversation.item.create"]
    return [str(part["text"]) for item in items for part in item.get("content", ())]


def problems_of(session: AgentRecord) -> list[Any]:
    """What its vendor had against our messages."""
    return list(session.errors if isinstance(session, Record) else session.violations)


def said_by(session: AgentRecord) -> list[str]:
    if isinstance(session, Record):
        return [words for speaker, words in session.said if speaker == "agent"]
    return [words for role, words in session.transcript if role == "agent"]


async def end_of_ladder(exchange: Exchange, words: str, sound: Any) -> Any:
    """A call until it has heard both."""
    call = await exchange.carrier.place_call(exchange.number, CALLER, Script(hang_up_after_s=25.0))
    async with asyncio.timeout(25):
        while words not in " ".join(call.timeline.says) or not call.timeline.all_of(sound):
            await asyncio.sleep(0.02)
    call.hang_up()
    await asyncio.wait_for(call.over.wait(), 10)
    await exchange.settled(call)
    return call
