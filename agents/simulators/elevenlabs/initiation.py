"""What `conversation_initiation_client_data` may say to this agent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agents.simulators.elevenlabs.profile import OVERRIDABLE, AgentProfile
from agents.simulators.elevenlabs.protocol import InvalidMessageError, Json


@dataclass(frozen=True)
class Initiation:
    """What is in force: overrides by dotted path, and the session's dynamic variables."""

    overrides: Mapping[str, Any]
    variables: Mapping[str, Any]
    ignored: tuple[str, ...]  # override fields that no session can set; the vendor passes over them
    remarks: tuple[str, ...]
    disallowed: tuple[str, ...]  # overrides that this agent forbids: the session ends with override_error


def read_initiation(fields: Json, profile: AgentProfile) -> Initiation:
    """Or InvalidMessageError, for what the vendor refuses."""
    given = dict(_leaves(_object(fields, "conversation_config_override")))
    for path in ("agent", "agent.prompt", "tts", "asr", "turn", "conversation"):
        if given.get(path, {}) != {}:
            raise InvalidMessageError("value_error", f"conversation_config_override.{path} must be an object")
    remarks = [f"the override {path} is null: leave it out" for path, value in given.items() if value is None]
    variables, variable_remarks = _read_variables(fields, profile)
    return Initiation(
        overrides={path: given[path] for path in given if path in OVERRIDABLE & profile.allowed_overrides},
        variables=variables,
        ignored=tuple(path for path in given if path not in OVERRIDABLE),
        remarks=(*remarks, *variable_remarks),
        disallowed=tuple(path for path in given if path in OVERRIDABLE - profile.allowed_overrides),
    )


def _read_variables(fields: Json, profile: AgentProfile) -> tuple[dict[str, Any], list[str]]:
    given = _object(fields, "dynamic_variables")
    for name, value in given.items():
        if not isinstance(value, str | int | float | bool):
            raise InvalidMessageError(
                "value_error", f"dynamic variable {name} is no string, number or boolean"
            )
    ours = [name for name in given if name.startswith("system__")]
    remarks = [f"{name} belongs to the platform and cannot be sent" for name in ours]
    variables = {**profile.variable_placeholders, **{name: given[name] for name in given if name not in ours}}
    if missing := sorted(profile.required_variables - variables.keys()):
        raise InvalidMessageError(
            "missing_dynamic_variable",
            f"Missing required dynamic variables in first message: {', '.join(missing)}",
        )
    return variables, remarks


def _object(fields: Json, name: str) -> Json:
    value = fields.get(name, {})
    if not isinstance(value, dict):
        raise InvalidMessageError("value_error", f"{name} must be an object")
    return value


def _leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        path = f"{above}{name}"
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{path}.")
        else:
            yield path, value
