"""Will the agent answer, in a format that a telephone carries, with tools that work? Pure, but for `examine`."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from agents.audio import AudioFormat
from agents.briefings import REFUSED
from agents.providers.elevenlabs.desired_agent import (
    NEEDED_EVENTS,
    OVERRIDABLE,
    paths,
)
from agents.providers.elevenlabs.facts import Facts, Json, gather
from agents.providers.elevenlabs.protocol import FORMATS
from agents.providers.elevenlabs.provisioning import INITIATION_PATH
from agents.providers.elevenlabs.provisioning_tools import tool_differences
from agents.providers.elevenlabs.provisioning_webhook import EVENTS_PATH, secret_name
from agents.providers.elevenlabs.tool_definitions import tool_configs
from agents.tools.registry import TOOLS
from tenants.findings import Finding, broken, warning
from tenants.round_trip import not_believed

CONVERTIBLE_HZ = frozenset({8000, 16000, 24000})
"""Of these rates a call can be carried, if not in the carrier's own."""


def examine(tenant_id: UUID, audio_format: AudioFormat) -> Iterator[Finding]:
    """Takes seconds: the vendor is asked. Needs no scope."""
    facts = gather(tenant_id, audio_format)
    for check in CHECKS:
        yield from check(facts)


def _provision(facts: Facts) -> str:
    return f"Run manage.py provision {facts.slug} --agent-only."


def _at(tree: Any, *path: str) -> Any:
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def key(facts: Facts) -> Iterator[Finding]:
    error = facts.there.error
    if not facts.wishes.api_key:
        yield broken(
            "ELEVENLABS_KEY_MISSING",
            "There is no ElevenLabs key: callers hear that the assistant is unavailable.",
            f"Set ELEVENLABS_API_KEY, or the business's own: manage.py set_secret {facts.slug} elevenlabs_api_key.",
        )
    elif error and error.status in {401, 403}:
        yield broken("ELEVENLABS_KEY_REFUSED", error.message, error.fix)
    elif error:
        yield broken("ELEVENLABS_UNREACHABLE", error.message, error.fix or "Try again in a minute.")


def secret(facts: Facts) -> Iterator[Finding]:
    if not facts.webhook_secret:
        yield broken(
            "WEBHOOK_SECRET_MISSING",
            "There is no webhook secret: the agent's tools and events are refused.",
            _provision(facts),
        )


def agent(facts: Facts) -> Iterator[Finding]:
    if not facts.wishes.api_key or facts.there.error:
        return
    if not facts.agent_id:
        yield broken(
            "AGENT_NOT_CHOSEN",
            "The business has no agent: callers hear that the assistant is not configured.",
            f"{_provision(facts)} It makes one.",
        )
        return
    error = facts.there.agent_error
    if error and error.status in {404, 422}:
        yield broken(
            "AGENT_UNKNOWN",
            f"ElevenLabs has no agent {facts.agent_id} in this key's workspace.",
            "Correct elevenLabsAgentId in the business's settings, or remove it and run manage.py provision.",
        )
    elif error:
        yield broken("AGENT_UNREADABLE", error.message, error.fix or "Try again in a minute.")


def formats(facts: Facts) -> Iterator[Finding]:
    config = _at(facts.there.agent, "conversation_config")
    if config is None:
        return
    spoken = _at(config, "tts", "agent_output_audio_format")
    heard = _at(config, "asr", "user_input_audio_format")
    if (spoken, heard) != (facts.audio_format, facts.audio_format):
        known = all(name in FORMATS and FORMATS[name].rate_hz in CONVERTIBLE_HZ for name in (spoken, heard))
        yield (warning if known else broken)(
            "AGENT_AUDIO_FORMAT",
            f"The agent hears {heard} and speaks {spoken}; the telephone carries {facts.audio_format}.",
            _provision(facts),
        )


def overrides(facts: Facts) -> Iterator[Finding]:
    allowed = _at(facts.there.agent, "platform_settings", "overrides", "conversation_config_override")
    if facts.there.agent is not None:
        forbidden = [
            path
            for path in sorted(facts.wishes.overrides & OVERRIDABLE)
            if not _at(allowed, *path.split("."))
        ]
        if forbidden:
            yield broken(
                "AGENT_OVERRIDES",
                f"The agent forbids what calls ask for: {', '.join(forbidden)}. It may end them at once.",
                f"{_provision(facts)} Or narrow sendOverrides in the business's settings.",
            )
    if facts.agent_id and facts.agent_id in facts.wishes.tenant.settings.get(REFUSED, []):
        yield warning(
            "OVERRIDES_REFUSED",
            "The agent has refused overrides in a call, so none are sent: it says its own greeting.",
            _provision(facts),
        )


def events(facts: Facts) -> Iterator[Finding]:
    listed = _at(facts.there.agent, "conversation_config", "conversation", "client_events")
    missing = [name for name in NEEDED_EVENTS if isinstance(listed, list) and name not in listed]
    if missing:
        yield broken("AGENT_EVENTS", f"The agent does not send {', '.join(missing)}.", _provision(facts))


def privacy(facts: Facts) -> Iterator[Finding]:
    if facts.there.agent is not None and not _at(
        facts.there.agent, "platform_settings", "auth", "enable_auth"
    ):
        yield warning(
            "AGENT_PUBLIC",
            "Anybody who knows the agent's id can talk to it, at your cost.",
            _provision(facts),
        )


def prompt(facts: Facts) -> Iterator[Finding]:
    told = _at(facts.there.agent, "conversation_config", "agent", "prompt", "prompt")
    if told is not None and told != facts.wishes.prompt:
        yield warning(
            "AGENT_PROMPT_OLD",
            "The agent's instructions are not those that services and hours make today.",
            f"{_provision(facts)} Changes made to them in the dashboard are lost then.",
        )


def tools(facts: Facts) -> Iterator[Finding]:
    if facts.there.agent is None:
        return
    there = {str(one.get("name")): one for one in facts.there.tools.values()}
    missing, differ = [], []
    for tool in TOOLS:
        found = next((there[name] for name in (tool.name, *tool.aliases) if name in there), None)
        for config in tool_configs([tool], base_url=facts.app_base_url, secret_id=""):
            if found is None:
                missing.append(tool.name)
            elif drift := _drift(config, found):
                differ.append(f"{tool.name} ({', '.join(paths(drift))})")
    if missing:
        yield broken("TOOLS_MISSING", f"The agent lacks tools: {', '.join(missing)}.", _provision(facts))
    if differ:
        yield broken(
            "TOOLS_DIFFER", f"Tools are not as we answer them: {'; '.join(differ)}.", _provision(facts)
        )


def _drift(config: Json, found: Json) -> Json:
    """Whose secret the header holds is another question; that there is a header is this one."""
    api = dict(config.get("api_schema", {}))
    if api:
        header = _at(found, "api_schema", "request_headers", "Authorization")
        api["request_headers"] = {"Authorization": header or "is missing"}
        config = {**config, "api_schema": api}
    drift = tool_differences(config, found)
    drift.pop("name", None)  # an alias is as good
    return drift


def tool_secret(facts: Facts) -> Iterator[Finding]:
    names = facts.there.secret_names
    if names is None or not facts.webhook_secret:
        return
    wanted = secret_name(facts.wishes.tenant, facts.webhook_secret)
    prefix = wanted[: wanted.rindex("_") + 1]
    for tool in facts.there.tools.values():
        secret_id = _at(tool, "api_schema", "request_headers", "Authorization", "secret_id")
        name = names.get(str(secret_id), "")
        if name.startswith(prefix) and name != wanted:
            yield broken(
                "TOOLS_SECRET_OLD",
                "The agent's tools present a webhook secret that is not the business's any more.",
                _provision(facts),
            )
            return


def webhooks(facts: Facts) -> Iterator[Finding]:
    if facts.there.agent is None:
        return
    own = _at(facts.there.agent, "platform_settings", "workspace_overrides")
    webhook_id = _at(own, "webhooks", "post_call_webhook_id")
    if not webhook_id:
        yield broken(
            "WEBHOOK_MISSING",
            "The agent tells nobody how a call went: no transcripts, no summaries.",
            _provision(facts),
        )
    elif facts.there.webhooks is not None:
        yield from _webhook(facts, facts.there.webhooks.get(str(webhook_id)) or {})
    if _at(own, "conversation_initiation_client_data_webhook", "url") != facts.app_base_url + INITIATION_PATH:
        yield warning(
            "INITIATION_WEBHOOK",
            "On ElevenLabs' own phone lines the agent would not know whose call it is.",
            _provision(facts),
        )


def _webhook(facts: Facts, webhook: Json) -> Iterator[Finding]:
    url = webhook.get("webhook_url")
    if url != facts.app_base_url + EVENTS_PATH:
        yield broken(
            "WEBHOOK_ELSEWHERE",
            f"The agent tells {url or 'a webhook that is gone'} how calls went, and not us.",
            _provision(facts),
        )
    elif webhook.get("is_disabled") or webhook.get("is_auto_disabled"):
        yield broken(
            "WEBHOOK_OFF",
            "ElevenLabs has switched the post-call webhook off, most often after many failures.",
            f"{_provision(facts)} It switches it on again.",
        )


def round_trip(facts: Facts) -> Iterator[Finding]:
    return not_believed(
        facts.trip,
        "ELEVENLABS_SECRET_REFUSED",
        "ElevenLabs",
        "Check that the web process runs with the same database, keys and ELEVENLABS_WEBHOOK_SECRET as this one.",
    )


CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    key,
    secret,
    agent,
    formats,
    overrides,
    events,
    privacy,
    prompt,
    tools,
    tool_secret,
    webhooks,
    round_trip,
)
