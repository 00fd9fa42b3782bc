"""The record of one session: all that a test may want to know about it afterwards."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass
class Turn:
    role: Literal["agent", "user"]
    message: str
    at_s: float
    interrupted: bool = False
    heard: str | None = None  # after an interruption
    tool_calls: "list[ToolUseRecord]" = field(default_factory=list)


@dataclass
class ToolUseRecord:
    name: str
    call_id: str
    kind: Literal["webhook", "client", "system"]
    parameters: Mapping[str, Any]
    answer: Any = None
    status: int | None = None  # of the HTTP answer
    is_error: bool = False
    latency_s: float = 0.0
    at_s: float = 0.0


@dataclass
class Session:
    agent_id: str
    index: int
    headers: Mapping[str, str]
    query: Mapping[str, str]
    client: tuple[str, int]
    conversation_id: str = field(default_factory=lambda: f"conv_{secrets.token_hex(14)}")
    started_unix: float = field(default_factory=time.time)
    tone_hz: int = 0
    initiation: dict[str, Any] | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    ignored_overrides: tuple[str, ...] = ()
    received_audio: bytearray = field(default_factory=bytearray)  # from the caller
    sent_audio: bytearray = field(default_factory=bytearray)  # to the caller
    pongs: list[int] = field(default_factory=list)
    interruptions: list[int] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(
        default_factory=list
    )  # from the client, all but its audio and pongs
    turns: list[Turn] = field(default_factory=list)
    tools: list[ToolUseRecord] = field(default_factory=list)
    close_code: int | None = None
    close_reason: str = ""
    closed_by: Literal["agent", "client", ""] = ""
    webhook_status: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)  # the socket is closed
    finished: asyncio.Event = field(default_factory=asyncio.Event)  # and the post-call webhook is out

    @property
    def elapsed_s(self) -> float:
        return time.time() - self.started_unix

    @property
    def transcript(self) -> list[tuple[str, str]]:
        return [(turn.role, turn.message) for turn in self.turns]

    def tool(self, name: str) -> ToolUseRecord:
        """The last use of that tool; KeyError when there was none."""
        for record in reversed(self.tools):
            if record.name == name:
                return record
        raise KeyError(name)

    async def wait_ended(self, timeout_s: float = 10.0) -> None:
        async with asyncio.timeout(timeout_s):
            await self.ended.wait()

    async def wait_finished(self, timeout_s: float = 10.0) -> None:
        async with asyncio.timeout(timeout_s):
            await self.finished.wait()
