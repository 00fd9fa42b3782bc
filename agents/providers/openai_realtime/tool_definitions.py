"""Our tools as OpenAI Realtime wants to be told of them, in `session.tools`.  Source: OpenAI, "Realtime", functions.

Who calls and for whom is known from the call's own connection: no function has a field for it. Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol


class ToolFacts(Protocol):
    """A registry's Tool, as far as this module knows one."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    def schema(self) -> Mapping[str, Any]: ...


def functions(tools: Iterable[ToolFacts]) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": {**tool.schema(), "additionalProperties": False},
        }
        for tool in tools
    ]
