"""The scripted conversation: greet, then for each thing the caller has said know the facts, and answer."""

import asyncio
from collections.abc import Awaitable, Callable

from agents.simulators.elevenlabs import protocol
from agents.simulators.elevenlabs.behaviour import Point
from agents.simulators.elevenlabs.outbox import Outbox
from agents.simulators.elevenlabs.session import Session, Turn
from agents.simulators.elevenlabs.speaker import Speaker
from agents.simulators.elevenlabs.tools import ToolBox
from agents.simulators.scenarios import Facts, Line, Scenario, ToolUse

Reach = Callable[[Point], Awaitable[None]]


class Dialogue:
    """Moved on by the caller's voice alone: each finished utterance is the script's next line."""

    def __init__(
        self,
        *,
        speaker: Speaker,
        tools: ToolBox,
        outbox: Outbox,
        session: Session,
        reach: Reach,
    ) -> None:
        self._speaker = speaker
        self._tools = tools
        self._outbox = outbox
        self._session = session
        self._reach = reach
        self._utterances: asyncio.Queue[None] = asyncio.Queue()
        self._facts = Facts()

    def caller_has_spoken(self) -> None:
        self._utterances.put_nowait(None)

    async def run(self, scenario: Scenario, greeting: str) -> None:
        """Returns when the agent has said goodbye."""
        if greeting:  # an empty one: the agent waits for the caller
            await self._speaker.say(greeting)
        await self._reach("greeting")
        for line in scenario.lines:
            await self._utterances.get()
            await self._reach("utterance")
            if await self._answer(line):
                return
        while True:
            await self._utterances.get()
            await self._speaker.say(scenario.filler)

    async def _answer(self, line: Line) -> bool:
        """Whether that was the end of the conversation."""
        await self._transcribe(line.text)
        thinking = Turn("agent", "", at_s=self._session.elapsed_s)
        for use in line.tools:
            await self._use(use, thinking)
        await self._speaker.say(line.reply(self._facts), tools=thinking)
        if line.ends_call:
            await self._reach("goodbye")
            await self._tools.end_call()
        return line.ends_call

    async def _transcribe(self, text: str) -> None:
        self._session.turns.append(Turn("user", text, at_s=self._session.elapsed_s))
        await self._outbox.send(protocol.user_transcript(text, self._outbox.next_id()))

    async def _use(self, use: ToolUse, thinking: Turn) -> None:
        await self._call(use, thinking)
        if self._facts.succeeded(use.name) or not use.retries_next_slot:
            return
        refusal = self._facts.message(use.name, "That did not work.")
        if not self._facts.next_slot():
            return
        said = Turn("agent", "", at_s=self._session.elapsed_s, tool_calls=thinking.tool_calls[:])
        thinking.tool_calls.clear()
        await self._speaker.say(f"{refusal} I will try the next one.", tools=said)
        await self._call(use, thinking)

    async def _call(self, use: ToolUse, thinking: Turn) -> None:
        await self._reach("tool")
        record = await self._tools.use(use.name, use.arguments(self._facts))
        thinking.tool_calls.append(record)
        self._facts.learn(use.name, record.answer)
