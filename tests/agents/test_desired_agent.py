"""The agent that a tenant should have, and its tools: values in, JSON out."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from agents.initiation import Briefing, build_initiation
from agents.prompts import plain
from agents.providers.elevenlabs.desired_agent import (
    CLIENT_EVENTS,
    OVERRIDABLE,
    DesiredAgent,
    differences,
    paths,
    sent_overrides,
)
from agents.providers.elevenlabs.provisioning_tools import tool_differences
from agents.providers.elevenlabs.tool_definitions import tool_configs
from agents.simulators.elevenlabs import bodies
from agents.simulators.elevenlabs.profile import OVERRIDABLE as THE_VENDORS
from agents.simulators.elevenlabs.workspace import merge, new_agent_settings
from agents.tools.registry import TOOLS

WISH = DesiredAgent(
    name="Salon (TONRIS)",
    tag="tonris-1",
    prompt="Be kind.",
    first_message="{{greeting}}",
    language="en",
    timezone="UTC",
    voice_id="",
    max_seconds=3600,
    overrides=frozenset({"agent.language"}),
    placeholders={"greeting": "Hello!"},
    initiation_url="https://a.example/init",
    secret_id="sec_1",
    webhook_id="wh_1",
    tool_ids=("tool_1",),
)


@dataclass(frozen=True)
class ATool:
    name: str = "a_tool"
    description: str = "Does something"
    parameters: dict[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()


def test_what_is_as_wished_makes_no_difference():
    there = merge(new_agent_settings(), WISH.body({}))
    assert differences(WISH.body(there), there) == {}


def test_a_difference_is_the_smallest_part_that_can_be_sent():
    there = merge(new_agent_settings(), WISH.body({}))
    there["conversation_config"]["tts"]["agent_output_audio_format"] = "pcm_16000"
    changes = differences(WISH.body(there), there)
    assert changes == {"conversation_config": {"tts": {"agent_output_audio_format": "ulaw_8000"}}}
    assert paths(changes) == ["conversation_config.tts.agent_output_audio_format"]


def test_what_the_vendor_takes_as_a_whole_is_sent_as_a_whole():
    there = merge(new_agent_settings(), WISH.body({}))
    own = there["platform_settings"]["workspace_overrides"]
    own["conversation_initiation_client_data_webhook"]["url"] = "https://b.example"
    changes = differences(WISH.body(there), there)["platform_settings"]["workspace_overrides"]
    bodies.INITIATION_WEBHOOK(changes["conversation_initiation_client_data_webhook"], ())


def test_lists_of_names_have_no_order_and_keep_what_is_there():
    there = merge(new_agent_settings(), WISH.body({}))
    there["conversation_config"]["conversation"]["client_events"] = [*reversed(CLIENT_EVENTS), "vad_score"]
    there["tags"] = ["theirs", "tonris-1"]
    assert differences(WISH.body(there), there) == {}


def test_the_voice_is_staffs_unless_one_is_set():
    assert "voice_id" not in WISH.body({})["conversation_config"]["tts"]


def test_all_that_can_be_overridden_is_something_that_the_vendor_lets_be_overridden():
    assert OVERRIDABLE <= THE_VENDORS


def test_all_overrides_that_we_send_are_known():
    sent = build_initiation(Briefing(voice_id="v"))
    assert sent_overrides(sent) == OVERRIDABLE
    leaves = {path for path, _ in bodies.leaves(sent["conversation_config_override"])}
    formats = {path for path in leaves if path.endswith("_format")}
    assert leaves - formats == OVERRIDABLE  # audio formats are the agent's, whatever is asked for


def test_braces_are_taken_apart():
    assert "{{" not in plain("a {{b}} c")
    assert "{{" not in plain("{{{{b}}}}")


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_tool_is_one_that_the_vendor_takes(tool):
    for config in tool_configs([tool], base_url="https://a.example", secret_id="sec_1"):
        bodies.TOOL({"tool_config": config}, ("body",))


def test_parameters_are_translated_whatever_their_shape():
    tool = ATool(
        parameters={
            "kind": {"type": "string", "description": "Which", "enum": ["a", "b"], "maxLength": 3},
            "many": {"type": "array", "items": {"type": "string"}, "description": "Several"},
            "inner": {
                "type": "object",
                "properties": {"count": {"type": "integer"}},
                "required": ["count"],
            },
        },
        required=("kind",),
    )
    (config,) = tool_configs([tool], base_url="https://a.example", secret_id="sec_1")
    bodies.TOOL({"tool_config": config}, ("body",))
    schema = config["api_schema"]["request_body_schema"]
    assert schema["required"] == ["kind"]
    assert schema["properties"]["kind"] == {"type": "string", "description": "Which", "enum": ["a", "b"]}
    assert schema["properties"]["many"]["items"] == {"type": "string", "description": "Several"}
    assert schema["properties"]["inner"]["properties"]["count"]["type"] == "integer"


def test_a_parameter_that_the_vendor_has_no_words_for_is_refused():
    tool = ATool(parameters={"odd": {"type": "null"}})
    with pytest.raises(ValueError, match="odd"):
        tool_configs([tool], base_url="https://a.example", secret_id="sec_1")


def test_what_acts_on_the_line_goes_over_the_line():
    transfer, hang_up = ATool("transfer_to_human"), ATool("end_call")
    (config,) = tool_configs([transfer, hang_up], base_url="https://a.example", secret_id="sec_1")
    bodies.TOOL({"tool_config": config}, ("body",))
    assert (config["type"], config["expects_response"]) == ("client", True)
    assert "end_call" in WISH.body({})["conversation_config"]["agent"]["prompt"]["built_in_tools"]


def test_a_parameter_that_is_gone_is_a_difference():
    before, after = ATool(parameters={"x": {"type": "string"}}), ATool()
    (there,) = tool_configs([before], base_url="https://a.example", secret_id="sec_1")
    (config,) = tool_configs([after], base_url="https://a.example", secret_id="sec_1")
    assert tool_differences(config, there) == {"parameter x": None}
