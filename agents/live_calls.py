"""What can be done with a call while it lasts. Telephony does it, and says so here when it is loaded.

A tool call may reach us in another process than the one that carries the call's audio.
"""

from enum import StrEnum
from typing import Protocol
from uuid import UUID

from agents.models import Conversation


class Act(StrEnum):
    """What a tool wants done with the call, once the agent's last words were heard."""

    TRANSFER = "transfer"
    HANG_UP = "hang_up"


class Reach(StrEnum):
    """Whether a person could take a call now."""

    SOMEBODY = "somebody"
    CLOSED = "closed"
    """There are people, and they are not there at this hour."""
    NOBODY = "nobody"
    """There are none, or all have been tried for this caller as often as is decent."""


class Line(Protocol):
    def is_live(self, conversation: Conversation) -> bool:
        """Whether we carry this conversation's call, and it goes on. Needs the tenant's scope."""
        ...

    def reach(self, conversation: Conversation) -> Reach:
        """Whether anybody can be rung for this conversation's caller. Needs the tenant's scope."""
        ...

    def perform(self, conversation_id: UUID, act: Act) -> bool:
        """Tell whoever carries the call; whether anybody has heard it. Never raises."""
        ...


class _NoLine:
    def is_live(self, conversation: Conversation) -> bool:
        return False

    def reach(self, conversation: Conversation) -> Reach:
        return Reach.NOBODY

    def perform(self, conversation_id: UUID, act: Act) -> bool:
        return False


_line: Line = _NoLine()


def use(line: Line) -> None:
    global _line  # noqa: PLW0603 - set once, when the apps are loaded
    _line = line


def is_live(conversation: Conversation) -> bool:
    return _line.is_live(conversation)


def reach(conversation: Conversation) -> Reach:
    return _line.reach(conversation)


def perform(conversation_id: UUID, act: Act) -> bool:
    return _line.perform(conversation_id, act)
