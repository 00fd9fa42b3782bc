"""The agent providers that we know: one folder and one line here for each."""

from collections.abc import Callable

from agents.providers.elevenlabs.session import ElevenLabsSession
from agents.providers.elevenlabs.signed_urls import signed_url_beforehand
from agents.session import AgentSession, Assignment

PROVIDERS: dict[str, Callable[[Assignment], AgentSession]] = {
    ElevenLabsSession.provider: ElevenLabsSession,
}

HEAD_STARTS: dict[str, Callable[[str, str], str]] = {
    ElevenLabsSession.provider: signed_url_beforehand,
}
"""Who can be asked for a session before it is opened: API key and agent id in, an address or "" out. Blocking."""


def session_for(assignment: Assignment) -> AgentSession:
    """A session that is not open yet."""
    return PROVIDERS[assignment.provider](assignment)
