"""The agent providers that we know: one folder and one line here for each."""

from collections.abc import Callable

from agents.audio import AudioFormat
from agents.providers.elevenlabs.provider import PROVIDER as ELEVENLABS
from agents.providers.facts import Provider
from agents.providers.openai_realtime.provider import PROVIDER as OPENAI
from agents.session import AgentSession, Assignment

PROVIDERS: dict[str, Provider] = {
    one.name: one
    for one in (
        ELEVENLABS,
        OPENAI,
    )
}

HEAD_STARTS: dict[str, Callable[[str, str], str]] = {
    name: one.head_start for name, one in PROVIDERS.items() if one.head_start is not None
}
"""Who can be asked for a session before it is opened: API key and agent id in, an address or "" out. Blocking."""


def session_for(assignment: Assignment, audio_format: AudioFormat) -> AgentSession:
    """A session that is not open yet, in the carrier's own format if it can be."""
    return PROVIDERS[assignment.provider].session(assignment, audio_format)
