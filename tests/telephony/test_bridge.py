"""The bridge alone, between a carrier and an agent made of queues."""

import asyncio
import time
from base64 import b64encode
from typing import Any

import pytest

from agents.audio import MULAW_8K, PCM16_16K, PCM16_24K, AudioFormat
from agents.errors import AgentLost, AgentRefused
from agents.events import AgentEvent, CallerSaid, CallerSpeaks, HangUp, Interrupted, Speech, ToolCall
from agents.live_calls import Act
from agents.session import Closing
from agents.tools.registry import Answered
from telephony import on_the_line
from telephony.agent_voice import LARGEST
from telephony.bridge import Bridge
from telephony.caller_queue import MAX_WAITING_BYTES, MAX_WAITING_FRAMES, CallerQueue, Passage
from telephony.errors import BadFrame
from telephony.frames import CallerAudio, Digit, Mark, StreamStopped
from telephony.last_words import LAST_WORDS


class Agent:
    """An AgentSession without a wire."""

    provider, name, agent_id, external_id = "test", "Test", "agent", "conv"
    input_format = output_format = MULAW_8K

    def __init__(self, *events: AgentEvent, opening: Exception | None = None, stays: bool = False) -> None:
        self.said, self.opening, self.stays = events, opening, stays
        self.heard: list[bytes] = []
        self.facts: list[str] = []
        self.answers: list[tuple[str, dict[str, Any]]] = []
        self.closing: Closing | None = None
        self.may_open = asyncio.Event()
        self.may_open.set()
        self.closed = False
        self.overrides_refused = False
        self.last_message_at = float("inf")

    async def open(self) -> None:
        await self.may_open.wait()
        if self.opening:
            raise self.opening

    async def send_audio(self, audio: bytes) -> None:
        self.heard.append(audio)

    async def send_digit(self, digit: str) -> None: ...

    async def answer_tool(self, call_id: str, answer: dict[str, Any]) -> None:
        self.answers.append((call_id, answer))

    async def was_cut(self, item: str, heard_ms: int) -> None: ...

    async def tell(self, fact: str, *, aloud: bool = False) -> None:
        self.facts.append(fact)

    async def events(self):
        for event in self.said:
            yield event
            await asyncio.sleep(0)
        if self.stays:
            await asyncio.Event().wait()

    async def close(self) -> None:
        self.closed = True
        self.closing = Closing(1000)


class Codec:
    audio_format = MULAW_8K
    confirms_playback = True

    def decode(self, message):
        return message

    def encode_audio(self, audio: bytes) -> str:
        return f"audio {audio.decode()}"

    def encode_plain_audio(self, audio: bytes) -> bytes:
        return b"plain " + audio

    def encode_mark(self, name: str) -> str:
        return f"mark {name}"

    def encode_clear(self) -> str:
        return "clear"


class Notes:
    """A journal that only remembers."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def happened(self, kind: str, **detail: Any) -> None:
        self.kinds.append(kind)

    async def caught_up(self, seconds: float) -> bool:
        return True

    def __getattr__(self, name: str):
        return lambda *args, **kwargs: self.kinds.append(name)


def bridge(
    agent: Agent, sent: list[str], *, notes: Notes | None = None, tool=None, max_seconds: float = 5, lane=None
) -> Bridge:
    made: Bridge

    async def send(message: str | bytes) -> None:
        sent.append(str(message))
        if message == f"mark {LAST_WORDS}":
            made.feed(Mark(LAST_WORDS))

    async def no_tool(name: str, arguments: dict[str, Any]) -> Answered:
        return Answered({"success": True, "data": {"tool": name}})

    made = Bridge(
        codec=Codec(),
        send=send,
        session=agent,
        journal=notes or Notes(),  # type: ignore[arg-type]
        answer_tool=tool or no_tool,
        max_seconds=max_seconds,
        lane=lane,
    )
    return made


async def test_speech_goes_to_the_carrier_in_order_and_is_played_before_the_end():
    sent: list[str] = []
    agent = Agent(Speech(b"one"), Speech(b"two"), HangUp())
    assert await bridge(agent, sent).run() == "agent_ended"
    assert sent == ["audio one", "audio two", f"mark {LAST_WORDS}"]
    assert agent.closed


async def test_more_speech_than_a_carrier_may_take_at_once_goes_in_several_messages():
    sent: list[str] = []
    spoken = b"0123456789" * 7_000
    await bridge(Agent(Speech(spoken), HangUp()), sent).run()
    *audio, _ = sent
    assert "".join(one.removeprefix("audio ") for one in audio) == spoken.decode()
    assert max(map(len, audio)) <= LARGEST + len("audio ")


async def test_an_interruption_clears_what_is_queued_and_needs_no_last_mark():
    sent: list[str] = []
    await bridge(Agent(Speech(b"one"), Interrupted()), sent).run()
    assert sent == ["audio one", "clear"]


class FastAgent(Agent):
    """With a lane, that may be narrow."""

    way_out = None

    def __init__(self, *events: AgentEvent, room: int = 99) -> None:
        super().__init__(*events, stays=True)
        self.room = room
        self.say: Any = None
        self.tell_now: Any = None

    def pass_audio(self, audio: bytes) -> bool:
        if len(self.heard) >= self.room:
            return False
        self.heard.append(b"lane " + audio)
        return True

    def pass_to(self, play: Any, note: Any) -> None:
        self.say, self.tell_now = play, note

    def shorten(self, pump: Any, ear: Any, way_out: Any) -> None:
        raise AssertionError("there is no pump")


class Lane:
    def __init__(self, sent: list[str]) -> None:
        self.sent, self.open = sent, True

    def send_now(self, message: bytes) -> bool:
        if self.open:
            self.sent.append(message.decode())
        return self.open


async def test_plain_audio_passes_both_ways_and_is_accounted_for():
    sent: list[str] = []
    agent = FastAgent()
    line = bridge(agent, sent, lane=Lane(sent))
    take = line.taker(lambda message: None if b"{" in message else message)
    assert not take(b"{}")  # no audio: to be decoded
    assert take(b"AAAA")  # nobody is there yet: it waits
    assert agent.heard == []
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.01)
    assert take(b"BBBB")
    assert agent.say(b"AAAA" * 400)
    assert line.first_audio_ms is not None
    assert 0.1 < line._voice.sounds_until - time.monotonic() <= 0.15
    assert (agent.heard, sent) == ([b"lane AAAA", b"lane BBBB"], ["plain " + "AAAA" * 400])
    line.caller_left("caller_hung_up")
    await running


async def test_more_than_a_carrier_may_take_at_once_does_not_pass():
    sent: list[str] = []
    agent = FastAgent()
    line = bridge(agent, sent, lane=Lane(sent))
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.01)
    assert agent.say(b"A" * (LARGEST * 4 // 3))
    assert not agent.say(b"A" * (LARGEST * 4 // 3 + 4))
    assert len(sent) == 1
    line.caller_left("caller_hung_up")
    await running


async def test_what_was_fed_reaches_the_agent_before_what_may_pass():
    agent = FastAgent(room=1)
    line = bridge(agent, [])
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.01)
    take = line.taker(bytes)
    assert take(b"AAAA")
    assert take(b"BBBB")  # it reads slowly
    line.feed(CallerAudio(b"two"))
    agent.room = 99
    assert take(b"CCCC")  # "two" is not there yet
    assert agent.heard == [b"lane AAAA"]
    await asyncio.sleep(0.01)
    assert take(b"DDDD")
    waited = [b"lane BBBB", b"lane " + b64encode(b"two"), b"lane CCCC"]
    assert agent.heard == [b"lane AAAA", *waited, b"lane DDDD"]
    line.caller_left("caller_hung_up")
    await running


async def test_speech_that_cannot_pass_is_not_counted_as_played():
    sent: list[str] = []
    agent, lane = FastAgent(), Lane(sent)
    line = bridge(agent, sent, lane=lane)
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.01)
    lane.open = False
    assert not agent.say(b"AAAA")
    assert line.first_audio_ms is None
    line.caller_left("caller_hung_up")
    await running


async def test_what_the_agent_tells_is_noted_at_once_unless_something_has_to_wait_for_it():
    sent: list[str] = []
    agent, lane, notes = FastAgent(), Lane(sent), Notes()
    line = bridge(agent, sent, lane=lane, notes=notes)
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.01)
    assert agent.say(b"AAAA" * 400)
    assert agent.tell_now(CallerSaid("Wait"))
    assert agent.tell_now(Interrupted())
    assert sent[1:] == ["clear"]
    assert line._voice.sounds_until == 0
    assert notes.kinds[-2:] == ["caller_said", "interrupted"]
    lane.open = False
    for event in (Interrupted(), ToolCall("call_1", "check_availability", {}), HangUp()):
        assert not agent.tell_now(event)
    assert (sent[1:], notes.kinds[-1], line._agent.says_goodbye) == (["clear"], "interrupted", False)
    line.caller_left("caller_hung_up")
    await running


async def test_an_agent_in_another_format_is_given_no_lane():
    agent = FastAgent()
    agent.output_format = PCM16_16K
    line = bridge(agent, [], lane=Lane([]))
    take = line.taker(bytes)
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.01)
    assert agent.say is None
    assert take(b"AAAA")
    await asyncio.sleep(0.01)
    assert agent.heard == [bytes(3)]
    line.caller_left("caller_hung_up")
    await running


class PcmCodec(Codec):
    def encode_audio(self, audio: bytes) -> bytes:  # type: ignore[override]
        return audio


async def test_between_two_formats_audio_is_converted_both_ways():
    sent: list[str | bytes] = []
    agent = Agent(Speech(bytes(960)), stays=True)
    agent.input_format = agent.output_format = PCM16_24K

    async def send(message: str | bytes) -> None:
        sent.append(message)

    line = bridge(agent, [])
    line._codec, line._send = PcmCodec(), send
    running = asyncio.create_task(line.run())
    line.feed(CallerAudio(b"\xff" * 160))
    await asyncio.sleep(0.01)
    line.caller_left("caller_hung_up")
    await running
    assert sent == [b"\xff" * 160]
    assert agent.heard == [bytes(960)]


class CutAgent(Agent):
    """Names what it says, and wants to know what of it was heard."""

    def __init__(self, *events: AgentEvent) -> None:
        super().__init__(*events, stays=True)
        self.cuts: list[tuple[str, int]] = []
        self.told = asyncio.Event()

    async def was_cut(self, item: str, heard_ms: int) -> None:
        self.cuts.append((item, heard_ms))
        self.told.set()


class SpentAgent(Agent):
    """Fails once its tool is answered."""

    async def events(self):
        async for event in super().events():
            yield event
        while not self.answers:
            await asyncio.sleep(0)
        raise AgentLost("two responses without a sound")


@pytest.mark.parametrize(
    ("ends", "kind"),
    [
        (HangUp(), Agent),
        (ToolCall("1", "end_call", {}), Agent),
        (ToolCall("1", "end_call", {}), SpentAgent),
    ],
    ids=["goodbye", "tool", "tool, and then nothing more to say"],
)
async def test_a_goodbye_longer_than_a_hang_is_heard_out(monkeypatch, ends, kind):
    """Agents send faster than speech, and leave when they have sent."""
    monkeypatch.setattr(on_the_line, "HANG_SECONDS", 0.2)
    monkeypatch.setattr("telephony.bridge.ACT_SECONDS", (0.1, 2.0))
    sent: list[str] = []

    async def tool(name: str, arguments: dict[str, Any]) -> Answered:
        line.act(Act.HANG_UP)
        return Answered({"success": True, "data": {}})

    agent = kind(Speech(b"x" * 6400), ends)
    agent.last_message_at = time.monotonic()
    line = bridge(agent, sent, tool=tool)
    line._codec.confirms_playback = False
    began = time.monotonic()
    assert await line.run() == "agent_ended"
    assert time.monotonic() - began >= 0.8
    assert "clear" not in sent


async def test_who_speaks_over_the_agent_clears_the_line_and_the_agent_is_told_what_was_heard():
    sent: list[str] = []
    agent = CutAgent(Speech(b"x" * 8000, "item_1"), Speech(b"y" * 8000, "item_2"), CallerSpeaks())
    notes = Notes()
    line = bridge(agent, sent, notes=notes)
    running = asyncio.create_task(line.run())
    await asyncio.wait_for(agent.told.wait(), 2)
    await asyncio.sleep(0)
    line.caller_left("caller_hung_up")
    await running
    assert sent[1::2] == ["mark heard-1", "mark heard-2"]
    assert sent[-1] == "clear"
    assert [item for item, _ in agent.cuts] == ["item_1", "item_2"]
    assert agent.cuts[0][1] < 500
    assert agent.cuts[1] == ("item_2", 0)
    assert "interrupted" in notes.kinds


async def test_who_speaks_while_nothing_is_played_interrupts_nothing():
    sent: list[str] = []
    agent = CutAgent(Speech(b"x" * 800, "item_1"))
    line = bridge(agent, sent)
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.01)
    line.feed(Mark("heard-1"))
    await line._cut_short()
    line.caller_left("caller_hung_up")
    await running
    assert "clear" not in sent
    assert agent.cuts == []


async def test_echoes_of_our_own_marks_are_nothing_that_the_carrier_sent_too_much():
    line = bridge(Agent(Speech(b"hello", item="item_1"), Speech(b"again", item="item_1"), stays=True), [])
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.05)
    for number in (1, 2, 3):  # the third was never asked for
        line.messages_read += 1
        line.feed(Mark(f"heard-{number}"))
    assert line.messages_read == 1
    line.caller_left("caller_hung_up")
    await running


async def test_the_callers_audio_waits_for_the_agent_and_then_flows():
    agent = Agent(stays=True)
    agent.may_open.clear()
    line = bridge(agent, [])
    running = asyncio.create_task(line.run())
    for number in range(3):
        line.feed(CallerAudio(b"%d" % number))
    await asyncio.sleep(0.01)
    assert agent.heard == []
    agent.may_open.set()
    await asyncio.sleep(0.01)
    assert agent.heard == [b"0", b"1", b"2"]
    line.feed(StreamStopped())
    assert await running == "caller_hung_up"


async def test_a_caller_who_leaves_while_the_agent_is_reached_ends_the_call():
    agent = Agent()
    agent.may_open.clear()
    line = bridge(agent, [])
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0)
    line.feed(StreamStopped())
    assert await asyncio.wait_for(running, 1) == "caller_hung_up"
    assert agent.closed


def test_what_waits_is_bounded_and_the_oldest_goes_first():
    queue = CallerQueue(Passage(lambda now, audio: None, lambda frame: None), 3)
    for number in range(5):
        queue.put(CallerAudio(b"%d" % number))
    assert list(queue._frames) == [CallerAudio(b"2"), CallerAudio(b"3"), CallerAudio(b"4")]
    assert MAX_WAITING_FRAMES * 20 == 5000
    for _ in range(10):
        queue.put(CallerAudio(b"x" * 100_000))
    assert len(queue._frames) * 100_000 <= MAX_WAITING_BYTES


@pytest.mark.parametrize(
    ("agent", "outcome"),
    [
        (lambda: Agent(opening=AgentRefused("no", 401)), "agent_refused"),
        (lambda: _speaking(AudioFormat("pcm16", 44100)), "unsupported_audio"),
        (lambda: _breaking(AgentLost("gone", 1011)), "agent_lost"),
        (lambda: _breaking(RecursionError("a fault of ours")), "agent_lost"),
    ],
)
async def test_how_an_agent_failed_is_the_outcome(agent, outcome):
    notes = Notes()
    assert await bridge(agent(), [], notes=notes).run() == outcome
    assert outcome in notes.kinds


def _speaking(audio_format) -> Agent:
    agent = Agent()
    agent.output_format = audio_format
    return agent


def _breaking(fault: Exception) -> Agent:
    class Breaking(Agent):
        async def events(self):
            yield Speech(b"hel")
            raise fault

    return Breaking()


async def test_a_bad_frame_ends_the_call():
    agent = Agent(stays=True)
    line = bridge(agent, [])
    line.broke(BadFrame("nonsense"))
    assert await line.run() == "bad_frames"


async def test_a_call_has_a_longest_length():
    assert await bridge(Agent(stays=True), [], max_seconds=0.05).run() == "time_limit"


async def test_a_call_that_ends_before_its_time_is_up_leaves_nobody_watching_the_clock():
    await bridge(Agent(Speech(b"hello")), [], max_seconds=5).run()
    assert "closing time" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_without_a_longest_length_a_call_goes_on():
    line = bridge(Agent(Speech(b"hello"), stays=True), [], max_seconds=0)
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.05)
    line.caller_left("caller_hung_up")
    assert await running == "caller_hung_up"


async def test_a_slow_tool_does_not_hold_the_audio():
    sent: list[str] = []
    release = asyncio.Event()

    async def slow(name: str, arguments: dict[str, Any]) -> Answered:
        await release.wait()
        return Answered({"success": True})

    agent = Agent(ToolCall("t1", "get_services", {}), Speech(b"meanwhile"), stays=True)
    line = bridge(agent, sent, tool=slow)
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.02)
    assert sent == ["audio meanwhile"]
    release.set()
    await asyncio.sleep(0.02)
    assert agent.answers == [("t1", {"success": True})]
    line.caller_left("caller_hung_up")
    await running


@pytest.mark.parametrize(("act", "outcome"), [(Act.TRANSFER, "transfer"), (Act.HANG_UP, "agent_ended")])
async def test_what_a_tool_wants_is_done_once_the_agent_has_had_its_say(monkeypatch, act, outcome):
    monkeypatch.setattr("telephony.bridge.ACT_SECONDS", (0.05, 1.0))
    sent: list[str] = []

    async def acts(name: str, arguments: dict[str, Any]) -> Answered:
        return Answered({"success": True}, act)

    agent = Agent(ToolCall("t1", "transfer_to_human", {}), Speech(b"one moment"), stays=True)
    assert await bridge(agent, sent, tool=acts).run() == outcome
    assert agent.answers == [("t1", {"success": True})]
    assert sent[0] == "audio one moment"
    assert agent.closed


async def test_an_agent_that_never_stops_talking_cannot_keep_the_caller(monkeypatch):
    monkeypatch.setattr("telephony.bridge.ACT_SECONDS", (0.01, 0.2))
    line = bridge(Agent(Speech(b"and" * 800), stays=True), [])
    line.act(Act.TRANSFER)
    line.act(Act.HANG_UP)  # the first one counts
    assert await line.run() == "transfer"


async def test_a_caller_who_hangs_up_first_is_not_put_through():
    line = bridge(Agent(stays=True), [])
    line.act(Act.TRANSFER)
    line.caller_left("caller_hung_up")
    assert await line.run() == "caller_hung_up"


async def test_star_leads_to_the_menu_where_there_is_one():
    line = bridge(Agent(stays=True), [])
    line._menu_key = True
    line.feed(Digit("*"))
    assert await line.run() == "menu"


async def test_star_is_the_agents_where_there_is_no_menu():
    agent = Agent(Speech(b"hello"), stays=True)
    line = bridge(agent, [], max_seconds=0.05)
    line.feed(Digit("*"))
    assert await line.run() == "time_limit"


async def test_an_error_on_the_callers_way_is_not_swallowed():
    class Deaf(Agent):
        async def send_audio(self, audio: bytes) -> None:
            raise RuntimeError("deaf")

    agent = Deaf(stays=True)
    line = bridge(agent, [])
    line.feed(CallerAudio(b"hello"))
    with pytest.raises(RuntimeError, match="deaf"):
        await line.run()
    assert agent.closed


async def test_what_a_tool_wants_of_a_call_that_is_over_is_not_begun():
    agent = Agent(stays=True)
    line = bridge(agent, [])
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.01)
    line.caller_left("caller_hung_up")
    line.act(Act.TRANSFER)
    assert await running == "caller_hung_up"
    assert line._acting is None


async def test_an_agent_that_leaves_without_a_word_has_served_nobody():
    assert await bridge(Agent(), []).run() == "agent_lost"


async def test_an_agent_that_goes_mute_is_given_up(monkeypatch):
    monkeypatch.setattr("telephony.on_the_line.HANG_SECONDS", 0.1)
    agent = Agent(Speech(b"hello"), stays=True)
    agent.last_message_at = time.monotonic()
    notes = Notes()
    assert await bridge(agent, [], notes=notes).run() == "agent_silent"
    assert "agent_silent" in notes.kinds


async def test_an_agent_that_never_greets_is_given_up(monkeypatch):
    monkeypatch.setattr("telephony.on_the_line.HANG_SECONDS", 0.1)
    monkeypatch.setattr("telephony.on_the_line.GREETING_SECONDS", 0.2)
    assert await bridge(Agent(stays=True), []).run() == "agent_silent"


async def test_a_tool_that_fails_is_answered_all_the_same():
    async def broken(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("broken")

    agent = Agent(ToolCall("t1", "get_services", {}), Speech(b"hm"), stays=True)
    line = bridge(agent, [], tool=broken)
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.02)
    line.caller_left("caller_hung_up")
    await running
    [(call_id, answer)] = agent.answers
    assert (call_id, answer["success"], bool(answer["message"])) == ("t1", False, True)


async def test_more_tools_at_once_than_can_be_run_are_answered_too():
    release = asyncio.Event()

    async def slow(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        await release.wait()
        return {"success": True}

    agent = Agent(*(ToolCall(f"t{number}", "get_services", {}) for number in range(10)), stays=True)
    line = bridge(agent, [], tool=slow)
    running = asyncio.create_task(line.run())
    await asyncio.sleep(0.02)
    assert [answer["code"] for _, answer in agent.answers] == ["TOOL_FAILED"] * 2
    line.caller_left("caller_hung_up")
    await running
