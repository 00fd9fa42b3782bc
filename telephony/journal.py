"""What a call leaves behind, written beside the audio and never in its way."""

import asyncio
import logging
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from agents import briefings, conversations
from agents.models import Turn
from agents.session import AgentSession, Closing
from telephony import calls
from telephony.carriers.registry import label_of
from telephony.feel.record import Record
from telephony.scribe import Entry, scribe_of
from telephony.signal import Signal
from telephony.spend import meters

logger = logging.getLogger(__name__)

MAX_WAITING = 200
MAX_TEXT = 2000
"""Of one turn, in characters: some minutes of speech."""
FLUSH_SECONDS = 3.0


class Journal:
    """One call's entries, on their way to its tenant's scribe."""

    def __init__(self, claimed: calls.ClaimedCall) -> None:
        self._claimed = claimed
        self._unwritten = 0
        self._dropped = 0
        self._all_written = Signal()
        self._last_reply: UUID | None = None
        self.happened("stream_started")

    def caller_said(self, text: str) -> None:
        self._turn(Turn.Speaker.CALLER, text)

    def agent_said(self, text: str) -> None:
        self._last_reply = self._turn(Turn.Speaker.AGENT, text) or self._last_reply

    def agent_was_heard(self, text: str) -> None:
        """Of its last reply."""
        if self._last_reply is not None:
            self._enter(partial(conversations.was_heard, self._last_reply, text[:MAX_TEXT]))

    def session_opened(self, session: AgentSession) -> None:
        logger.info(
            "%s-%s: Connected call %s to %s agent %s for tenant %s",
            label_of(self._claimed.carrier),
            session.name,
            self._claimed.carrier_call_id,
            session.name,
            session.agent_id,
            self._claimed.tenant_id,
        )
        logger.info("[MediaStream] Connected to %s for call %s", session.name, self._claimed.carrier_call_id)
        if not session.external_id:
            return
        opened = conversations.Opened(
            self._claimed.tenant_id,
            self._claimed.conversation_id,
            session.provider,
            session.external_id,
            session.agent_id,
            str(session.input_format),
            str(session.output_format),
            timezone.now(),
        )
        self._enter(opened)

    def session_closed(self, session: AgentSession) -> None:
        if session.closing is not None:
            self.session_ended(session.provider, session.external_id, session.closing)

    def session_ended(self, provider: str, external_id: str, closing: Closing) -> None:
        self.happened("agent_closed", code=closing.code, reason=closing.reason)
        if external_id:
            self._enter(partial(conversations.session_closed, provider, external_id, closing))

    def overrides_refused(self, agent_id: str) -> None:
        """The next call to this agent asks for no overrides from the start."""
        self.happened("overrides_refused", agent_id=agent_id)
        self._enter(partial(briefings.remember_refusal, self._claimed.tenant_id, agent_id))

    def happened(self, kind: str, **detail: Any) -> None:
        ids = (self._claimed.tenant_id, self._claimed.call_id)
        self._enter(calls.event(*ids, kind, **detail))

    def settles(self, used_seconds: int) -> None:
        """What the call has used of paid time."""
        self._enter(partial(meters.settle, self._claimed.call_id, used_seconds), at_any_rate=True)

    async def finish(
        self,
        outcome: str,
        *,
        first_audio_ms: int | None,
        feel: Record | None = None,
        last_agent: calls.LastAgent | None = None,
    ) -> None:
        """Write the ending and what still waits, within a bound: a slow database must not hold the line."""
        ending = partial(
            calls.finish_stream,
            self._claimed,
            outcome,
            first_audio_ms=first_audio_ms,
            feel=feel,
            last_agent=last_agent,
        )
        self._enter(ending, at_any_rate=True)
        ids = (self._claimed.tenant_id, self._claimed.conversation_id)
        cut_off = outcome not in calls.ON_PURPOSE
        self._enter(partial(conversations.end_conversation, *ids, cut_off=cut_off), at_any_rate=True)
        if not await self.caught_up(FLUSH_SECONDS):
            logger.warning("The call's last entries are still being written")

    async def caught_up(self, seconds: float) -> bool:
        """Whether within so many seconds all is written down that has been said and done so far."""
        if not self._unwritten:
            return True
        scribe_of(self._claimed.tenant_id).hurry()
        try:
            async with asyncio.timeout(seconds):
                await self._all_written.wait()
        except TimeoutError:
            return False
        return True

    def _turn(self, speaker: Turn.Speaker, text: str) -> UUID | None:
        if not text.strip():
            return None
        said = conversations.Said(
            uuid4(),
            self._claimed.tenant_id,
            self._claimed.conversation_id,
            speaker,
            text[:MAX_TEXT],
            timezone.now(),
        )
        self._enter(said)
        return said.pk

    def _enter(self, entry: Entry, *, at_any_rate: bool = False) -> None:
        if (
            self._unwritten >= MAX_WAITING and not at_any_rate
        ):  # a peer that floods events must not fill memory
            self._dropped += 1
            if self._dropped == 1:
                logger.warning("A call's journal is full: entries are dropped")
            return
        self._unwritten += 1
        self._all_written.clear()
        scribe_of(self._claimed.tenant_id).add(self, entry)

    def written(self) -> None:
        self._unwritten -= 1
        if not self._unwritten:
            self._all_written.set()
