"""What the bridge relies on, of every agent provider. A new one adds a class to session_vendors.py."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from agents.audio import MULAW_8K
from agents.errors import AgentLost, AgentRefused, AgentUnreachable
from agents.events import (
    AgentCorrected,
    AgentEvent,
    AgentSaid,
    CallerSaid,
    CallerSpeaks,
    Interrupted,
    Speech,
    ToolCall,
)
from agents.providers import PROVIDERS
from agents.session import AgentSession
from agents.simulators.scenarios import LISTENING
from agents.simulators.voice import speak
from tests.agents.session_vendors import FAULTS, GREETING, VENDORS, Vendor

QUIET = b"\xff" * 8000
FRAME = 160


@pytest.fixture(params=list(PROVIDERS))
def vendor(request) -> Vendor:
    """Of each that the registry has: a new one needs a `Vendor`."""
    known = {one.provider: one for one in VENDORS}
    assert request.param in known, "session_vendors.py does not know how this provider is simulated"
    return known[request.param]()


class Listener:
    """Follows a session's events, as the bridge does, and closes it in the end."""

    def __init__(self, session: AgentSession) -> None:
        self.session = session
        self.events: list[AgentEvent] = []
        self.error: Exception | None = None
        self._news = asyncio.Condition()
        self.on: dict[type, Callable[[Any], Any]] = {}

    async def __aenter__(self) -> "Listener":
        await self.session.open()
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._task.cancel()
        await self.session.close()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        try:
            async for event in self.session.events():
                self.events.append(event)
                if type(event) in self.on:
                    await self.on[type(event)](event)
                await self._notify()
        except (AgentLost, AgentRefused) as error:
            self.error = error
        await self._notify()

    async def _notify(self) -> None:
        async with self._news:
            self._news.notify_all()

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, happened: Callable[[], Any], seconds: float = 8.0) -> Any:
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(happened)
        return happened()

    async def ended(self) -> None:
        await asyncio.wait_for(self._task, 8)

    async def say(self, words: str = "a few words") -> None:
        audio = speak(words) + QUIET
        for at in range(0, len(audio), FRAME):
            await self.session.send_audio(audio[at : at + FRAME])

    def spoken(self) -> bytes:
        return b"".join(event.audio for event in self.of(Speech))


def test_each_is_held_to_it_with_every_fault(vendor):
    assert set(vendor.faults) == set(FAULTS)


async def test_an_open_session_tells_who_it_is_and_speaks_the_carriers_format(vendor):
    async with vendor.serving(scenario=LISTENING):
        session = vendor.session()
        async with Listener(session):
            assert session.external_id
            assert session.provider == vendor.provider
            assert session.agent_id == vendor.agent_id
            assert (session.input_format, session.output_format) == (MULAW_8K, MULAW_8K)
            assert time.monotonic() - session.last_message_at < 5
            assert session.closing is None


async def test_the_agent_begins_with_the_greeting_and_all_of_it_arrives(vendor):
    async with vendor.serving(), Listener(vendor.session()) as line:
        await line.until(lambda: line.of(AgentSaid))
        await line.until(lambda: len(line.spoken()) >= len(speak(GREETING, chars_per_second=300.0)))
        assert line.of(AgentSaid) == [AgentSaid(GREETING)]
        assert vendor.greeting_said == GREETING
        assert line.spoken() == bytes(vendor.record.sent_audio)
        assert vendor.breaches == []


async def test_the_callers_audio_arrives_as_it_was_spoken(vendor):
    audio = speak("one two three four five")
    async with vendor.serving(scenario=LISTENING):
        session = vendor.session()
        async with Listener(session):
            for at in range(0, len(audio), 333):
                await session.send_audio(audio[at : at + 333])
            async with asyncio.timeout(5):
                while len(vendor.record.received_audio) < len(audio):
                    await asyncio.sleep(0.01)
            assert bytes(vendor.record.received_audio) == audio


async def test_a_tool_is_asked_for_answered_and_spoken_of(vendor):
    async with vendor.serving(), Listener(vendor.session()) as line:
        await line.until(lambda: line.of(AgentSaid))
        await line.say()
        (call,) = await line.until(lambda: line.of(ToolCall))
        assert (call.tool, call.arguments) == ("get_business_hours", {})
        answer = {"success": True, "data": {"message": "We are open from nine to five."}}
        await line.session.answer_tool(call.call_id, answer)
        await line.until(lambda: AgentSaid("We are open from nine to five.") in line.events)
        assert vendor.answers_of("get_business_hours") == answer
        assert CallerSaid("Hello, when are you open?") in line.events
        assert vendor.breaches == []


async def test_a_failed_tool_is_answered_too(vendor):
    async with vendor.serving(), Listener(vendor.session()) as line:
        await line.until(lambda: line.of(AgentSaid))
        await line.say()
        (call,) = await line.until(lambda: line.of(ToolCall))
        failed = {"success": False, "code": "TOOL_FAILED", "message": "That did not work."}
        await line.session.answer_tool(call.call_id, failed)
        await line.until(lambda: AgentSaid("That did not work.") in line.events)


async def test_an_answer_that_nobody_waits_for_does_no_harm(vendor):
    async with vendor.serving(scenario=LISTENING), Listener(vendor.session()) as line:
        await line.session.answer_tool("call_of_yesterday", {"success": True})
        await line.until(lambda: line.of(AgentSaid))
        assert line.error is None


async def test_a_caller_who_speaks_over_the_agent_is_told_of_at_once(vendor):
    async with vendor.serving(chars_per_second=10.0):
        line = Listener(vendor.session())

        async def cut(_event: CallerSpeaks) -> None:
            await line.session.was_cut(line.of(Speech)[-1].item, 1500)

        line.on[CallerSpeaks] = cut
        async with line:
            await line.until(lambda: len(line.spoken()) > 16_000)
            await line.session.send_audio(speak("wait please"))
            await line.until(lambda: line.of(Interrupted) or line.of(CallerSpeaks))
            corrected = await line.until(lambda: line.of(AgentCorrected))
            said = line.of(AgentSaid)[0].text
            assert GREETING.startswith(said)
            assert said.startswith(corrected[0].heard)
            assert len(corrected[0].heard) < len(GREETING)
            assert vendor.breaches == []


async def test_a_key_is_told_in_words(vendor):
    async with vendor.serving(scenario=LISTENING), Listener(vendor.session()) as line:
        await line.session.send_digit("5")
        async with asyncio.timeout(5):
            while not vendor.was_told("pressed 5"):
                await asyncio.sleep(0.01)
        assert vendor.breaches == []


@pytest.mark.parametrize(("fault", "code"), [("refused", 401), ("refused late", 1008)])
async def test_a_refusal_says_so_with_its_code(vendor, fault, code):
    async with vendor.serving(fault):
        session = vendor.session()
        with pytest.raises(AgentRefused) as refused:
            await session.open()
        assert refused.value.code == code
        await session.close()


async def test_an_agent_that_never_answers_is_given_up_in_time(vendor, monkeypatch):
    monkeypatch.setattr(f"agents.providers.{_module(vendor)}.session.OPEN_SECONDS", 0.5)
    async with vendor.serving("deaf"):
        session = vendor.session()
        with pytest.raises(AgentUnreachable):
            await session.open()
        await session.close()


async def test_an_agent_that_is_not_there_is_unreachable(vendor):
    async with vendor.serving():
        session = vendor.session()
    with pytest.raises(AgentUnreachable):
        await session.open()
    await session.close()


@pytest.mark.parametrize(("fault", "code"), [("lost", 1011), ("dropped", 1006)])
async def test_a_session_that_breaks_is_lost_and_tells_how(vendor, fault, code):
    async with vendor.serving(fault), Listener(vendor.session()) as line:
        await line.ended()
        assert isinstance(line.error, AgentLost)
        assert line.error.code == code
        assert line.session.closing is not None
        assert line.session.closing.code == code


async def test_an_agent_that_leaves_in_peace_ends_the_events(vendor):
    async with vendor.serving("ends at once"), Listener(vendor.session()) as line:
        await line.ended()
        assert line.error is None
        assert line.of(Speech) == []


async def test_the_silence_of_an_agent_that_owes_a_word_is_seen(vendor, monkeypatch):
    if vendor.provider == "openai":
        monkeypatch.setattr("agents.providers.openai_realtime.session.PULSE_SECONDS", 0.05)
    async with vendor.serving("mute"), Listener(vendor.session()) as line:
        await asyncio.sleep(0.2)
        before = line.session.last_message_at
        await asyncio.sleep(0.5)
        assert line.session.last_message_at == before, "no pong of the socket hides it"


async def test_noise_costs_nothing(vendor):
    async with vendor.serving("noise"), Listener(vendor.session()) as line:
        await line.until(lambda: line.of(AgentSaid))
        await line.say()
        await line.until(lambda: line.of(ToolCall))
        assert line.error is None


async def test_closing_is_quick_clean_and_may_be_done_twice(vendor):
    async with vendor.serving(scenario=LISTENING):
        async with Listener(vendor.session()) as line:
            began = time.monotonic()
            await line.session.close()
            await line.session.close()
            assert time.monotonic() - began < 3
            await line.ended()
        assert line.error is None
        assert line.session.closing is not None
        assert line.session.closing.code == 1000
        async with asyncio.timeout(3):
            await vendor.record.ended.wait()
        assert vendor.record.close_code == 1000


async def test_a_caller_who_leaves_while_the_agent_is_being_reached_leaves_no_session_behind(vendor):
    async with vendor.serving("deaf"):
        session = vendor.session()
        opening = asyncio.create_task(session.open())
        await vendor.simulator.session()
        await asyncio.sleep(0.3)  # until it waits for the answer that never comes
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        await session.close()
        async with asyncio.timeout(3):
            await vendor.record.ended.wait()
        assert vendor.record.closed_by == "client"


async def test_a_session_that_was_never_opened_can_be_closed(vendor):
    async with vendor.serving():
        await vendor.session().close()


def _module(vendor: Vendor) -> str:
    return {"openai": "openai_realtime"}.get(vendor.provider, vendor.provider)
