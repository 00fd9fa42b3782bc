"""What the vendor's dashboard holds for one agent: settings that no session can change."""

from collections.abc import Mapping
from dataclasses import dataclass, field

OVERRIDABLE = frozenset(
    {
        "agent.prompt.prompt",
        "agent.prompt.llm",
        "agent.prompt.tool_ids",
        "agent.prompt.knowledge_base",
        "agent.prompt.native_mcp_server_ids",
        "agent.first_message",
        "agent.language",
        "agent.max_conversation_duration_message",
        "tts.voice_id",
        "tts.stability",
        "tts.similarity_boost",
        "tts.speed",
        "tts.model_id",
        "tts.pronunciation_dictionary_locators",
        "asr.keywords",
        "turn.soft_timeout_config.message",
        "conversation.text_only",
        "conversation.max_duration_seconds",
    }
)
"""Audio formats are not among them: they are the agent's, whatever a session asks for."""

CLIENT_EVENTS = frozenset(
    {
        "conversation_initiation_metadata",
        "ping",
        "audio",
        "interruption",
        "user_transcript",
        "agent_response",
        "agent_response_correction",
        "client_tool_call",
        "agent_tool_response",
    }
)
"""Also known, and off unless listed: agent_response_complete, agent_tool_request."""


@dataclass(frozen=True)
class ServerTool:
    """A tool that the vendor's server calls over HTTP, as it was configured."""

    url: str
    method: str
    headers: Mapping[str, str]
    bound: Mapping[str, str]  # body field -> the dynamic variable that fills it
    timeout_s: float


@dataclass(frozen=True)
class AgentProfile:
    agent_id: str = "agent_simulated"
    name: str = "Receptionist"
    first_message: str | None = None  # None: the scenario's own greeting
    output_format: str = "ulaw_8000"
    input_format: str = "ulaw_8000"
    allowed_overrides: frozenset[str] = OVERRIDABLE
    required_variables: frozenset[str] = frozenset()
    variable_placeholders: Mapping[str, str] = field(default_factory=dict)
    client_events: frozenset[str] = CLIENT_EVENTS
    client_tools: frozenset[str] = frozenset()  # asked of the session; all other tools are HTTP
    expects_response: bool = True  # whether the agent waits for a client tool's result
    tool_timeout_s: float = 20.0
    max_duration_s: float = 600.0
    public: bool = False  # reachable without a signed URL
    server_tools: Mapping[str, ServerTool] | None = None  # None: every tool exists, at the backend's address
    post_call: tuple[str, str] | None = None  # URL and secret, of an agent that names its own
