"""Our tools as ElevenLabs wants to be told of them.  Source: ElevenLabs, "Server tools", "Client tools".

Most are server tools: they work however the vendor carries the call (our socket, its own phone lines), while a
client tool only reaches a client that happens to be connected. They are authenticated by a header that holds a
workspace secret, and bound to their call by dynamic variables, which no model can fill in.

What acts on the line itself is different: a transfer must reach the process that holds the call, so it is a
client tool over the call's own socket; and hanging up is the vendor's own `end_call`. Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

Json = dict[str, Any]

ON_THE_LINE = frozenset({"transfer_to_human"})
BUILT_IN = frozenset({"end_call"})
TIMEOUT_S = 20
BOUND = {
    "conversation_id": ("system__conversation_id", "The conversation that this call is"),
    "call_sid": ("call_sid", "The phone call"),
    "tenant_id": ("tenant_id", "The business that was called"),
}
"""Beside the parameters: field, the dynamic variable that fills it, what it is."""

_LITERALS = frozenset({"string", "number", "integer", "boolean"})


class ToolFacts(Protocol):
    """A registry's Tool, as far as this module knows one."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]: ...
    @property
    def required(self) -> tuple[str, ...]: ...


def tool_configs(tools: Iterable[ToolFacts], *, base_url: str, secret_id: str) -> list[Json]:
    """`tool_config` of each tool. Raises ValueError for a parameter that the vendor has no words for."""
    return [
        _client_tool(tool) if tool.name in ON_THE_LINE else _server_tool(tool, base_url, secret_id)
        for tool in tools
        if tool.name not in BUILT_IN
    ]


def built_in_tools() -> Json:
    """For `agent.prompt.built_in_tools`."""
    return {
        "end_call": {
            "type": "system",
            "name": "end_call",
            "params": {"system_tool_type": "end_call"},
        }
    }


def _server_tool(tool: ToolFacts, base_url: str, secret_id: str) -> Json:
    bound = {name: {"type": "string", "dynamic_variable": variable} for name, (variable, _) in BOUND.items()}
    body = _object_schema(tool, f"Parameters of {tool.name}")
    body["properties"] = {**body["properties"], **bound}
    return {
        "type": "webhook",
        "name": tool.name,
        "description": tool.description,
        "response_timeout_secs": TIMEOUT_S,
        "api_schema": {
            "url": f"{base_url}/api/ai/tools/{tool.name}",
            "method": "POST",
            "content_type": "application/json",
            "request_headers": {"Authorization": {"secret_id": secret_id}},
            "request_body_schema": body,
        },
    }


def _client_tool(tool: ToolFacts) -> Json:
    return {
        "type": "client",
        "name": tool.name,
        "description": tool.description,
        "response_timeout_secs": TIMEOUT_S,
        "expects_response": True,  # or the answer is thrown away
        "parameters": _object_schema(tool, f"Parameters of {tool.name}"),
    }


def _object_schema(tool: ToolFacts, description: str) -> Json:
    return {
        "type": "object",
        "description": description,
        "properties": {name: _property(name, schema) for name, schema in tool.parameters.items()},
        "required": list(tool.required),
    }


def _property(name: str, schema: Mapping[str, Any]) -> Json:
    kind = schema.get("type")
    description = str(schema.get("description") or name)
    if kind == "array":
        items = {"description": description, **schema.get("items", {"type": "string"})}
        return {"type": "array", "description": description, "items": _property(name, items)}
    if kind == "object":
        inner = schema.get("properties", {})
        return {
            "type": "object",
            "description": description,
            "properties": {field: _property(field, one) for field, one in inner.items()},
            "required": list(schema.get("required", [])),
        }
    if kind not in _LITERALS:
        raise ValueError(f"{name}: ElevenLabs has no parameters of type {kind!r}")
    enum = {"enum": [str(value) for value in schema["enum"]]} if "enum" in schema else {}
    return {"type": kind, "description": description, **enum}
