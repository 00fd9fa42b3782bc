"""The bridge when one agent takes over from another, between a carrier and agents made of queues."""

import asyncio
from base64 import b64encode
from typing import Any

import pytest

from agents.errors import AgentLost, AgentRefused
from agents.events import AgentSaid, CallerSaid, CallerSpeaks, HangUp, Speech, ToolCall
from agents.live_calls import Act
from agents.so_far import SoFar
from agents.speech import speech_for
from agents.tools.registry import Answered
from telephony import on_the_line
from telephony.bridge import Bridge
from telephony.frames import CallerAudio
from tests.telephony.test_bridge import Agent, Codec, CutAgent, FastAgent, Notes


class Failing(Agent):
    """Says what it has to say, and is lost."""

    provider = name = "first"

    async def events(self):
        async for event in super().events():
            yield event
        raise AgentLost("the session broke", 1011)


class Second(Agent):
    provider = name = "second"


class Spare:
    """Who takes over; as `Relief`."""

    def __init__(self, agent: Agent | None) -> None:
        self.agent = agent
        self.asked: list[tuple[str, bool, list[str]]] = []
        self.told: SoFar | None = None

    async def after(self, failure: Any, so_far: SoFar, pending: list[str]) -> Agent | None:
        self.asked.append((failure.outcome, failure.was_heard, list(pending)))
        self.told = so_far
        return self.agent


def bridge(
    agent: Agent,
    spare: Spare,
    *,
    notes: Notes | None = None,
    tool: Any = None,
    sent: list[str] | None = None,
) -> Bridge:
    async def send(message: str | bytes) -> None:
        if sent is not None:
            sent.append(str(message))

    async def no_tool(name: str, arguments: dict[str, Any]) -> Answered:
        return Answered({"success": True, "data": {"tool": name}})

    codec = Codec()
    codec.confirms_playback = False
    return Bridge(
        codec=codec,
        send=send,
        session=agent,
        journal=notes or Notes(),  # type: ignore[arg-type]
        answer_tool=tool or no_tool,
        max_seconds=5,
        relief=spare,  # type: ignore[arg-type]
    )


async def test_the_second_agent_ends_the_call_and_both_are_closed():
    first, second, notes = Failing(Speech(b"one")), Second(Speech(b"two"), HangUp()), Notes()
    line = bridge(first, spare := Spare(second), notes=notes)
    assert await line.run() == "agent_ended"
    assert (first.closed, second.closed) == (True, True)
    assert spare.asked == [("agent_lost", True, [])]
    assert notes.kinds.count("session_closed") == 2
    assert "agent_relieved" in notes.kinds
    assert (line.agent_name, line.last_agent.provider) == ("second", "second")


async def test_a_fault_of_ours_is_relieved_like_one_of_the_agents():
    class Breaking(Agent):
        async def events(self):
            yield Speech(b"one")
            raise KeyError("nobody has thought of it")

    second = Second(Speech(b"two"), HangUp())
    assert await bridge(Breaking(), spare := Spare(second)).run() == "agent_ended"
    assert spare.asked == [("agent_lost", True, [])]


async def test_only_one_agent_takes_over_in_a_call():
    second = Second(opening=AgentRefused("full", 429))
    spare = Spare(second)
    assert await bridge(Failing(), spare).run() == "agent_refused"
    assert spare.asked == [("agent_lost", False, [])]
    assert second.closed


async def test_where_nobody_takes_over_the_failure_stands():
    first, notes = Failing(), Notes()
    assert await bridge(first, Spare(None), notes=notes).run() == "agent_lost"
    assert first.closed
    assert notes.kinds.count("session_closed") == 1


@pytest.mark.parametrize("left", ["caller_hung_up", "menu", "drained"])
async def test_who_left_is_not_connected_again(left):
    line = bridge(Agent(Speech(b"one"), stays=True), spare := Spare(Second()))
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.01)
    line.caller_left(left)
    assert await running == left
    assert spare.asked == []


async def test_a_caller_who_hangs_up_while_the_second_is_looked_for_ends_the_call():
    class Slow(Spare):
        async def after(self, *args: Any, **kwargs: Any) -> Agent | None:
            await asyncio.Event().wait()
            return None

    line = bridge(first := Failing(), Slow(None))
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.05)
    line.caller_left("caller_hung_up")
    assert await running == "caller_hung_up"
    assert first.closed


async def test_what_the_caller_says_meanwhile_is_heard_by_the_second():
    second = Second(Speech(b"two"), stays=True)
    second.may_open.clear()
    line = bridge(Failing(Speech(b"one")), Spare(second))
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.05)
    line.feed(CallerAudio(b"hello?"))
    await asyncio.sleep(0.05)
    assert second.heard == []
    second.may_open.set()
    await asyncio.sleep(0.05)
    assert second.heard == [b"hello?"]
    line.caller_left("caller_hung_up")
    await running


async def test_what_the_first_has_sent_too_much_of_is_not_heard_before_the_second():
    sent: list[str] = []
    second = CutAgent(Speech(b"2" * 8000, "item_1"), CallerSpeaks())
    line = bridge(Failing(Speech(b"1" * 24_000)), Spare(second), sent=sent)
    running = asyncio.create_task(line.run())
    await asyncio.wait_for(second.told.wait(), 2)
    line.caller_left("caller_hung_up")
    await running
    assert [one[:7] for one in sent] == ["audio 1", "clear", "audio 2", "clear"]
    [(item, heard_ms)] = second.cuts
    assert (item, heard_ms < 1000) == ("item_1", True)


async def test_where_all_was_heard_nothing_is_cleared():
    sent: list[str] = []
    second = Second(Speech(b"two"), HangUp())
    second.may_open.clear()
    asyncio.get_running_loop().call_later(0.1, second.may_open.set)
    await bridge(Failing(Speech(b"one")), Spare(second), sent=sent).run()
    assert sent == ["audio one", "audio two"]


async def test_the_lane_leads_to_whoever_is_on_the_line():
    class First(FastAgent, Failing):
        """Fails when it is told to."""

        def __init__(self) -> None:
            super().__init__()
            self.stays, self.fails = False, asyncio.Event()

        async def events(self):
            await self.fails.wait()
            async for event in super().events():
                yield event

    first, second = First(), FastAgent()
    line = bridge(first, Spare(second))
    running = asyncio.create_task(line.run())
    take = line.taker(bytes)
    await asyncio.sleep(0.01)
    assert take(b"AAAA")
    first.fails.set()
    await asyncio.sleep(0.05)
    line.feed(CallerAudio(b"one"))  # the first one goes by the queue: something may still wait there
    await asyncio.sleep(0.01)
    assert take(b"BBBB")
    assert (first.heard, second.heard) == ([b"lane AAAA"], [b"lane " + b64encode(b"one"), b"lane BBBB"])
    line.caller_left("caller_hung_up")
    await running


async def test_a_tool_that_outlasts_its_agent_is_told_to_the_next_one_and_run_once(monkeypatch):
    monkeypatch.setattr(on_the_line, "PENDING_SECONDS", 0.05)
    ready, runs = asyncio.Event(), []

    async def slow(name: str, arguments: dict[str, Any]) -> Answered:
        runs.append(name)
        await ready.wait()
        return Answered({"success": True, "data": {"message": "You're booked."}}, Act.HANG_UP)

    first = Failing(Speech(b"one"), ToolCall("c1", "book_appointment"))
    second = Second(Speech(b"two"), stays=True)
    line = bridge(first, spare := Spare(second), tool=slow)
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.3)
    assert spare.asked == [("agent_lost", True, ["book_appointment"])]
    ready.set()
    await asyncio.sleep(0.05)
    assert len(second.facts) == 1
    assert second.facts[0].startswith("book_appointment, which was still at work, has now answered")
    assert (first.answers, second.answers, runs) == ([], [], ["book_appointment"])
    assert await running == "agent_ended", "and what it wants done with the call is done"


async def test_a_tool_that_answers_in_time_is_waited_for():
    async def quick(name: str, arguments: dict[str, Any]) -> Answered:
        await asyncio.sleep(0.1)
        return Answered({"success": True})

    first = Failing(Speech(b"one"), ToolCall("c1", "book_appointment"))
    second = Second(Speech(b"two"), HangUp())
    line = bridge(first, spare := Spare(second), tool=quick)
    await line.run()
    assert spare.asked == [("agent_lost", True, [])]
    assert second.facts == []


async def test_who_is_put_through_to_a_person_is_not_kept_by_another_agent():
    async def transfer(name: str, arguments: dict[str, Any]) -> Answered:
        return Answered({"success": True}, Act.TRANSFER)

    first = Failing(Speech(b"one"), ToolCall("c1", "transfer_to_human"), *[Speech(b"x")] * 9)
    line = bridge(first, spare := Spare(Second()), tool=transfer)
    assert await line.run() == "transfer"
    assert spare.asked == []


async def test_the_second_is_told_what_was_said():
    first = Failing(AgentSaid("Hello!"), Speech(b"one"), CallerSaid("A haircut."))
    spare = Spare(Second(Speech(b"two"), HangUp()))
    await bridge(first, spare).run()
    assert spare.told is not None
    assert spare.told.resumption(speech_for("en")).history == [("agent", "Hello!"), ("caller", "A haircut.")]


async def test_a_second_agent_without_a_word_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(on_the_line, "RELIEF_SECONDS", 0.1)
    second = Second(stays=True)
    assert await bridge(Failing(Speech(b"one")), Spare(second)).run() == "agent_silent"
    second = Second()
    second.may_open.clear()
    assert await bridge(Failing(Speech(b"one")), Spare(second)).run() == "agent_silent", "nor one that hangs"
    assert second.closed
