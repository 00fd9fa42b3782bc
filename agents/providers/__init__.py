"""The agent providers that we know: one folder and one line here for each."""

from collections.abc import Callable

from agents.providers.elevenlabs.session import ElevenLabsSession
from agents.session import AgentSession, Assignment

PROVIDERS: dict[str, Callable[[Assignment], AgentSession]] = {
    ElevenLabsSession.provider: ElevenLabsSession,
}


def session_for(assignment: Assignment) -> AgentSession:
    """A session that is not open yet."""
    return PROVIDERS[assignment.provider](assignment)
