"""The tools of one call: run beside the audio, and answered in any case."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from agents.events import ToolCall
from agents.live_calls import Act
from agents.so_far import late_answer
from agents.tools.registry import Answered
from telephony.journal import Journal
from telephony.on_the_line import AgentOnTheLine

logger = logging.getLogger(__name__)

MAX_TOOLS_AT_ONCE = 8
STORY_SECONDS = 0.5
"""A tool call has its place after what was said before it: so long it waits for that to be written down."""

_TOOL_FAILED = Answered(
    {
        "success": False,
        "error": "The tool could not be run",
        "code": "TOOL_FAILED",
        "message": "I'm sorry, that did not work just now.",
    }
)

AnswerTool = Callable[[str, dict[str, Any]], Awaitable[Answered]]


class ToolsAtWork:
    """`act` is told what a tool wants done with the call."""

    def __init__(
        self, agent: AgentOnTheLine, journal: Journal, answer_tool: AnswerTool, act: Callable[[Act], None]
    ) -> None:
        self._agent = agent
        self._journal = journal
        self._answer_tool = answer_tool
        self._act = act
        self.tasks: dict[asyncio.Task[None], str] = {}
        """What is at work, and its name."""

    def __bool__(self) -> bool:
        return bool(self.tasks)

    async def start(self, call: ToolCall) -> None:
        if len(self.tasks) >= MAX_TOOLS_AT_ONCE:  # here: an agent that asks and never reads must wait
            await self._run(call, busy=True)
            return
        task = asyncio.create_task(self._run(call, busy=False), name="tool")
        self.tasks[task] = call.tool
        task.add_done_callback(self.tasks.pop)

    async def pending(self, seconds: float) -> list[str]:
        """The names of those that are still at work so many seconds later."""
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=seconds)
        return list(self.tasks.values())

    async def _run(self, call: ToolCall, *, busy: bool) -> None:
        """Answer in any case: an agent that waits for a tool says nothing."""
        answered, asked_by = _TOOL_FAILED, self._agent.session
        try:
            if busy:
                logger.warning("Too many tool calls at once: one was not run")
            else:
                await self._journal.caught_up(STORY_SECONDS)
                answered = await self._answer_tool(call.tool, call.arguments)
        except Exception:
            logger.exception("A tool call failed")
        if asked_by is self._agent.session:
            await asked_by.answer_tool(call.call_id, answered.envelope)
        if answered.act is not None:
            self._act(answered.act)
        if asked_by is not self._agent.session:  # who asked has failed meanwhile
            await self._agent.ready.wait()
            await self._agent.session.tell(late_answer(call.tool, answered.envelope), aloud=True)
