"""The record of one session: all that a test may want to know about it afterwards."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]


@dataclass
class ToolUse:
    name: str
    call_id: str
    arguments: Mapping[str, Any]
    output: Any = None
    answered: bool = False


@dataclass
class Record:
    index: int
    headers: Mapping[str, str]
    query: Mapping[str, str]
    client: tuple[str, int]
    session_id: str = field(default_factory=lambda: f"sess_{secrets.token_hex(12)}")
    updates: list[Json] = field(default_factory=list)  # the `session` of every session.update that was taken
    events: list[Json] = field(default_factory=list)  # from the client, all but its audio
    errors: list[Json] = field(default_factory=list)  # of all error events that went out, but injected ones
    received_audio: bytearray = field(default_factory=bytearray)  # from the caller
    sent_audio: bytearray = field(default_factory=bytearray)  # to the caller
    audio_before_update: bool = False
    said: list[tuple[str, str]] = field(default_factory=list)  # speaker and words
    tools: list[ToolUse] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)  # of responses, as they ended
    truncations: list[tuple[str, int]] = field(default_factory=list)  # item, milliseconds
    deleted: list[str] = field(default_factory=list)
    spoken_ms: dict[str, float] = field(default_factory=dict)  # by item
    close_code: int | None = None
    close_reason: str = ""
    closed_by: Literal["server", "client", ""] = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def types(self) -> list[str]:
        """Of the client's events."""
        return [str(event.get("type")) for event in self.events]

    def tool(self, name: str) -> ToolUse:
        """The last use of that tool; KeyError when there was none."""
        for use in reversed(self.tools):
            if use.name == name:
                return use
        raise KeyError(name)

    async def wait_ended(self, timeout_s: float = 10.0) -> None:
        async with asyncio.timeout(timeout_s):
            await self.ended.wait()
