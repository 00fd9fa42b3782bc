"""Which agent is on the line: watched while it is, relieved once if it fails, and seen off in the end."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from agents.fast_lane import not_now
from agents.fast_lane.lane_session import LaneSession
from agents.session import AgentSession
from agents.so_far import SoFar
from telephony.agent_voice import AgentVoice
from telephony.breaker import BAD
from telephony.journal import Journal
from telephony.relief import Failure, Relief
from telephony.signal import Signal

logger = logging.getLogger(__name__)

HANG_SECONDS = 5.0
"""Without any message from the agent: it hangs, whatever its socket says."""
GREETING_SECONDS = 7.0
"""From the beginning to the agent's first sound. A second is left for whatever comes instead."""
RELIEVED_GREETING_SECONDS = 5.0
"""The same, where another agent could take over: it needs its time too."""
RELIEF_SECONDS = 2.2
"""From one agent's failure to the first sound of the one that takes over, before others are rung."""
PENDING_SECONDS = 0.8
"""Of that, for tools to answer whose agent has failed, so that the next one knows."""


class AgentOnTheLine:
    """`session` is whoever speaks with the caller now."""

    def __init__(
        self,
        session: AgentSession,
        voice: AgentVoice,
        relief: Relief | None,
        journal: Journal,
        started: float,
    ) -> None:
        self.session = session
        self._voice = voice
        self.ready = Signal()
        """It is open."""
        self.says_goodbye = False
        self._relief = relief
        self._journal = journal
        self._speak_by = started + (RELIEVED_GREETING_SECONDS if relief else GREETING_SECONDS)
        self._dismissed: AgentSession | None = None
        self._leaving: list[asyncio.Task[None]] = []
        self._next_look: asyncio.Handle

    @property
    def has_relief(self) -> bool:
        return self._relief is not None

    def can_be_relieved(self, outcome: str) -> bool:
        """Once in a call, of an agent that failed."""
        return self._relief is not None and outcome in BAD

    async def tell(self, fact: str) -> None:
        """Whoever it is then."""
        await self.session.tell(fact)

    async def watched(self, work: Coroutine[Any, Any, str]) -> str:
        """What `work` returns, unless the session goes mute: that must not leave the caller in silence.

        A timer looks after it, no task: those of all calls add up.
        """
        patience = asyncio.timeout(None)
        self._next_look = asyncio.get_running_loop().call_soon(self._look, patience)
        try:
            async with patience:
                return await work
        except TimeoutError:
            if not patience.expired():
                raise
        finally:
            self._next_look.cancel()
            # It knows our task, which keeps the exception that it ended with, which keeps this frame.
            del patience
        mute_at, hangs_at = self._silent_at()
        reason = "no greeting" if mute_at < hangs_at else "no message"
        logger.warning("[MediaStream] %s error: %s", self.session.name, reason)
        self._journal.happened("agent_silent", reason=reason)
        return "agent_silent"

    def _look(self, patience: asyncio.Timeout) -> None:
        loop = asyncio.get_running_loop()
        left = min(self._silent_at()) - time.monotonic()
        if left > 0:  # until it could have happened, and then see whether it has
            self._next_look = loop.call_later(min(left, HANG_SECONDS), self._look, patience)
        else:
            patience.reschedule(loop.time())

    def _silent_at(self) -> tuple[float, float]:
        """When it will be too late for a greeting, and for any message, as far as one knows now."""
        mute_at = math.inf if self._voice.was_heard else self._speak_by
        hangs_at = self.session.last_message_at + HANG_SECONDS if self.ready.is_set() else math.inf
        return mute_at, hangs_at

    async def relieve(
        self, outcome: str, so_far: SoFar, pending: Callable[[float], Awaitable[list[str]]]
    ) -> bool:
        """Whether another agent takes the call over. `pending`: the tools that still work after so many seconds."""
        if self._relief is None:
            return False
        relief, self._relief, failed = self._relief, None, self.session
        self._speak_by = time.monotonic() + RELIEF_SECONDS
        self.ready.clear()
        self._dismiss(failed)
        tools = await pending(PENDING_SECONDS)
        session = await relief.after(
            Failure(failed, outcome, was_heard=self._voice.was_heard), so_far, pending=tools
        )
        if session is None:
            return False
        logger.warning("[MediaStream] %s takes over from %s: %s", session.name, failed.name, outcome)
        self._journal.happened(
            "agent_relieved",
            reason=outcome,
            agent=failed.provider,
            by=session.provider,
            agent_id=session.agent_id,
        )
        self.session, self._voice.was_heard, self.says_goodbye = session, False, False
        return True

    def _dismiss(self, failed: AgentSession) -> None:
        """Whatever it still says is not heard. Closing it may take a second, and nobody waits for that."""
        self._dismissed = failed
        self._leaving.append(asyncio.create_task(self._see_off(failed), name="agent leaves"))
        if isinstance(failed, LaneSession):
            failed.pass_to(not_now, not_now)

    async def _see_off(self, session: AgentSession) -> None:
        await session.close()
        self._journal.session_closed(session)

    def leave(self) -> list[asyncio.Task[None]]:
        """The call is over. What is still at it: every session that was on the line is being closed."""
        if self.session is not self._dismissed:
            self._leaving.append(asyncio.create_task(self._see_off(self.session), name="agent leaves"))
        return self._leaving
