"""Will the agent answer, in a format that a telephone carries, with tools that work? Pure."""

from collections.abc import Callable, Iterator
from typing import Any

from agents.briefings import REFUSED
from agents.providers.elevenlabs.desired_agent import (
    NEEDED_EVENTS,
    OVERRIDABLE,
    paths,
)
from agents.providers.elevenlabs.protocol import FORMATS
from agents.providers.elevenlabs.tool_definitions import tool_configs
from agents.provisioning import INITIATION_PATH
from agents.provisioning_tools import tool_differences
from agents.provisioning_webhook import EVENTS_PATH, secret_name
from agents.tools.registry import TOOLS
from telephony.audio.resampling import RATES_HZ
from telephony.doctor.facts import Business, Json
from telephony.doctor.findings import Finding, broken, warning


def _provision(facts: Business) -> str:
    return f"Run manage.py provision {facts.slug} --agent-only."


def _at(tree: Any, *path: str) -> Any:
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def provider(facts: Business) -> Iterator[Finding]:
    if not facts.provider_known:
        yield broken(
            "PROVIDER_UNKNOWN",
            f"agentProvider is {facts.provider!r}, which this installation does not have.",
            "Correct agentProvider in the business's settings, or remove it to use ElevenLabs.",
        )


def key(facts: Business) -> Iterator[Finding]:
    if facts.provider != "elevenlabs":
        return
    error = facts.elevenlabs.error
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


def other_providers_key(facts: Business) -> Iterator[Finding]:
    if facts.provider_known and facts.provider != "elevenlabs" and not facts.has_provider_key:
        yield broken(
            "AGENT_KEY_MISSING",
            f"There is no key for {facts.provider}: callers hear that the assistant is unavailable.",
            f"Give the business one: manage.py set_secret {facts.slug} {facts.provider}_api_key.",
        )


def secret(facts: Business) -> Iterator[Finding]:
    if facts.provider == "elevenlabs" and not facts.webhook_secret:
        yield broken(
            "WEBHOOK_SECRET_MISSING",
            "There is no webhook secret: the agent's tools and events are refused.",
            _provision(facts),
        )


def agent(facts: Business) -> Iterator[Finding]:
    if facts.provider != "elevenlabs" or not facts.wishes.api_key or facts.elevenlabs.error:
        return
    if not facts.agent_id:
        yield broken(
            "AGENT_NOT_CHOSEN",
            "The business has no agent: callers hear that the assistant is not configured.",
            f"{_provision(facts)} It makes one.",
        )
        return
    error = facts.elevenlabs.agent_error
    if error and error.status in {404, 422}:
        yield broken(
            "AGENT_UNKNOWN",
            f"ElevenLabs has no agent {facts.agent_id} in this key's workspace.",
            "Correct elevenLabsAgentId in the business's settings, or remove it and run manage.py provision.",
        )
    elif error:
        yield broken("AGENT_UNREADABLE", error.message, error.fix or "Try again in a minute.")


def formats(facts: Business) -> Iterator[Finding]:
    config = _at(facts.elevenlabs.agent, "conversation_config")
    if config is None:
        return
    spoken = _at(config, "tts", "agent_output_audio_format")
    heard = _at(config, "asr", "user_input_audio_format")
    if (spoken, heard) != (facts.audio_format, facts.audio_format):
        known = all(name in FORMATS and FORMATS[name].rate_hz in RATES_HZ for name in (spoken, heard))
        yield (warning if known else broken)(
            "AGENT_AUDIO_FORMAT",
            f"The agent hears {heard} and speaks {spoken}; the telephone carries {facts.audio_format}.",
            _provision(facts),
        )


def overrides(facts: Business) -> Iterator[Finding]:
    allowed = _at(facts.elevenlabs.agent, "platform_settings", "overrides", "conversation_config_override")
    if facts.elevenlabs.agent is not None:
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
    if facts.agent_id and facts.agent_id in facts.settings.get(REFUSED, []):
        yield warning(
            "OVERRIDES_REFUSED",
            "The agent has refused overrides in a call, so none are sent: it says its own greeting.",
            _provision(facts),
        )


def events(facts: Business) -> Iterator[Finding]:
    listed = _at(facts.elevenlabs.agent, "conversation_config", "conversation", "client_events")
    missing = [name for name in NEEDED_EVENTS if isinstance(listed, list) and name not in listed]
    if missing:
        yield broken("AGENT_EVENTS", f"The agent does not send {', '.join(missing)}.", _provision(facts))


def privacy(facts: Business) -> Iterator[Finding]:
    if facts.elevenlabs.agent is not None and not _at(
        facts.elevenlabs.agent, "platform_settings", "auth", "enable_auth"
    ):
        yield warning(
            "AGENT_PUBLIC",
            "Anybody who knows the agent's id can talk to it, at your cost.",
            _provision(facts),
        )


def prompt(facts: Business) -> Iterator[Finding]:
    told = _at(facts.elevenlabs.agent, "conversation_config", "agent", "prompt", "prompt")
    if told is not None and told != facts.wishes.prompt:
        yield warning(
            "AGENT_PROMPT_OLD",
            "The agent's instructions are not those that services and hours make today.",
            f"{_provision(facts)} Changes made to them in the dashboard are lost then.",
        )


def tools(facts: Business) -> Iterator[Finding]:
    if facts.elevenlabs.agent is None:
        return
    there = {str(one.get("name")): one for one in facts.elevenlabs.tools.values()}
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


def tool_secret(facts: Business) -> Iterator[Finding]:
    names = facts.elevenlabs.secret_names
    if names is None or not facts.webhook_secret:
        return
    wanted = secret_name(facts.wishes.tenant, facts.webhook_secret)
    prefix = wanted[: wanted.rindex("_") + 1]
    for tool in facts.elevenlabs.tools.values():
        secret_id = _at(tool, "api_schema", "request_headers", "Authorization", "secret_id")
        name = names.get(str(secret_id), "")
        if name.startswith(prefix) and name != wanted:
            yield broken(
                "TOOLS_SECRET_OLD",
                "The agent's tools present a webhook secret that is not the business's any more.",
                _provision(facts),
            )
            return


def webhooks(facts: Business) -> Iterator[Finding]:
    if facts.elevenlabs.agent is None:
        return
    own = _at(facts.elevenlabs.agent, "platform_settings", "workspace_overrides")
    webhook_id = _at(own, "webhooks", "post_call_webhook_id")
    if not webhook_id:
        yield broken(
            "WEBHOOK_MISSING",
            "The agent tells nobody how a call went: no transcripts, no summaries.",
            _provision(facts),
        )
    elif facts.elevenlabs.webhooks is not None:
        yield from _webhook(facts, facts.elevenlabs.webhooks.get(str(webhook_id)) or {})
    if _at(own, "conversation_initiation_client_data_webhook", "url") != facts.app_base_url + INITIATION_PATH:
        yield warning(
            "INITIATION_WEBHOOK",
            "On ElevenLabs' own phone lines the agent would not know whose call it is.",
            _provision(facts),
        )


def _webhook(facts: Business, webhook: Json) -> Iterator[Finding]:
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


CHECKS: tuple[Callable[[Business], Iterator[Finding]], ...] = (
    provider,
    key,
    other_providers_key,
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
)
