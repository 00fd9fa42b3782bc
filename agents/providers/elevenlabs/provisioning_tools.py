"""A tenant's tools in its vendor's workspace: ours by their secret, staff's left alone."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from agents.providers.elevenlabs.desired_agent import differences, paths
from agents.providers.elevenlabs.provisioning_webhook import TO_BE_MADE
from agents.providers.elevenlabs.rest import ElevenLabsRest
from agents.providers.elevenlabs.tool_definitions import tool_configs
from agents.provisioning_log import Log
from agents.tools import registry

Json = dict[str, Any]


def keep_tools(api: ElevenLabsRest, secret_id: str, attached: list[str], log: Log) -> tuple[str, ...]:
    """Ids for the agent: ours, and those of staff that have other names."""
    there = {str(one["id"]): one.get("tool_config") or {} for one in api.tools()}
    configs = tool_configs(registry.TOOLS, base_url=settings.APP_BASE_URL, secret_id=secret_id)
    ours = [_tool(api, config, there, secret_id, attached, log) for config in configs]
    every_name = {name for tool in registry.TOOLS for name in (tool.name, *tool.aliases)}
    theirs = []
    for tool_id in attached:
        if tool_id in ours:
            continue
        if there.get(tool_id, {}).get("name") in every_name:
            # Two tools of one name would leave it to chance which is called.
            log.add("updated", f"tool {there[tool_id]['name']}", "a tool of the same name gives way to ours")
        else:
            theirs.append(tool_id)
    return (*theirs, *ours)


def _tool(
    api: ElevenLabsRest, config: Json, there: dict[str, Json], secret_id: str, attached: list[str], log: Log
) -> str:
    what = f"tool {config['name']}"
    tool_id = _find_tool(config, there, secret_id, attached)
    if tool_id is None:
        if log.dry_run:
            log.add("created", what)
            return f"{TO_BE_MADE} {config['name']}"
        tool_id = api.create_tool(config)
        log.add("created", what)
        return tool_id
    changes = tool_differences(config, there[tool_id])
    if not changes:
        log.add("unchanged", what)
        return tool_id
    if not log.dry_run:
        # Tools have no merge: what staff added beside our fields goes back with them.
        api.update_tool(tool_id, {**there[tool_id], **config})
    log.add("updated", what, ", ".join(paths(changes)))
    return tool_id


def tool_differences(config: Json, there: Json) -> Json:
    """As `differences`; also a parameter that is there and no longer ours."""
    changes = differences(config, there)
    for gone in sorted(_parameters(there).keys() - _parameters(config).keys()):
        changes[f"parameter {gone}"] = None
    return changes


def _parameters(config: Json) -> Json:
    schema = config.get("api_schema", {}).get("request_body_schema") or config.get("parameters") or {}
    properties: Json = schema.get("properties") or {}
    return properties


def _find_tool(config: Json, there: dict[str, Json], secret_id: str, attached: Iterable[str]) -> str | None:
    """Ours of this name: a server tool by its secret, a client tool by being the same already."""
    attached_first = sorted(there, key=lambda tool_id: tool_id not in attached)
    for tool_id in attached_first:
        one = there[tool_id]
        if one.get("name") != config["name"] or one.get("type") != config["type"]:
            continue
        if config["type"] == "webhook":
            headers = one.get("api_schema", {}).get("request_headers") or {}
            if headers.get("Authorization") == {"secret_id": secret_id}:
                return tool_id
        elif not tool_differences(config, one):
            return tool_id
    return None
