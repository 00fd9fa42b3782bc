"""Another provider's agent takes over a call whose own agent has failed: the same call, told what was said so far."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import DatabaseError

from agents.assignments import assignment_for
from agents.audio import AudioFormat
from agents.models import ToolInvocation
from agents.providers import session_for
from agents.session import AgentSession, Assignment
from agents.so_far import SoFar, ToolUsed
from agents.speech import speech_for
from telephony import breaker, dialplan
from telephony.breaker import Circuit
from telephony.dialplan import Route
from tenants.models import Tenant
from tenants.scoping import in_thread, tenant_scope

logger = logging.getLogger(__name__)

LOOK_UP_SECONDS = 1.0
"""For who it is and what they are told: the caller hears nothing meanwhile."""
MOST_TOOLS = 40


@dataclass(frozen=True, slots=True)
class Failure:
    """An agent that cannot go on."""

    session: AgentSession
    outcome: str
    was_heard: bool
    """By the caller, in this call."""


class Relief:
    """For one call."""

    def __init__(
        self, tenant_id: UUID, conversation_id: UUID, carrier: str, audio_format: AudioFormat
    ) -> None:
        """`audio_format` is what the carrier's leg speaks, for whichever agent."""
        self._tenant_id, self._conversation_id = tenant_id, conversation_id
        self._carrier, self._format = carrier, audio_format

    async def after(self, failure: Failure, so_far: SoFar, pending: Sequence[str]) -> AgentSession | None:
        """A session that is not open yet, or None where nobody can take over. Never raises, never takes long."""
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                assignment = await in_thread(self._look_up, failure, so_far, pending)
        except (TimeoutError, DatabaseError):
            logger.warning("Who could take a call over was not found out: the database is away")
            return None
        except Exception:  # whatever it is, others can be rung
            logger.exception("Nobody could be asked to take a call over")
            return None
        return session_for(assignment, self._format) if assignment else None

    def _look_up(self, failure: Failure, so_far: SoFar, pending: Sequence[str]) -> Assignment | None:
        with tenant_scope(self._tenant_id):
            tenant = Tenant.objects.get(pk=self._tenant_id)
            agent = dialplan.second_agent(tenant, self._carrier, instead_of=failure.session.provider)
            if agent is None:
                return None
            chosen = (agent.provider, agent.agent_id)
            assignment = assignment_for(self._conversation_id, self._format, chosen)
            used = self._tools_used() if failure.was_heard else []
        if not breaker.allows(Circuit(self._tenant_id, *chosen)):
            return None
        failed = Circuit(self._tenant_id, failure.session.provider, failure.session.agent_id)
        breaker.note(failed, failure.outcome, agent_was_heard=failure.was_heard)
        if not failure.was_heard:  # nothing to go on with: it greets
            return assignment
        return replace(assignment, resumption=so_far.resumption(speech_for(tenant.language), used, pending))

    def _tools_used(self) -> list[ToolUsed]:
        """By whichever way they were called."""
        rows = ToolInvocation.objects.filter(conversation_id=self._conversation_id).order_by("-occurred_at")
        return [ToolUsed(one.tool, one.arguments, one.answer, one.occurred_at) for one in rows[:MOST_TOOLS]][
            ::-1
        ]


def route_that_works(route: Route, carrier: str) -> Route | None:
    """Before a call is answered: its own agent, or the second one while that fails everybody; None while both do."""
    if breaker.allows(Circuit(route.tenant_id, route.provider, route.agent_id)):
        return route
    with tenant_scope(route.tenant_id):
        tenant = Tenant.objects.get(pk=route.tenant_id)
        agent = dialplan.second_agent(tenant, carrier, instead_of=route.provider)
    if agent is None or not breaker.allows(Circuit(route.tenant_id, agent.provider, agent.agent_id)):
        return None
    return replace(route, provider=agent.provider, agent_id=agent.agent_id)
