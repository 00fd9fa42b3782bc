"""What may go wrong, for the next session of a simulator: `simulator.behaviour = Behaviour(mute=True)`."""

import base64
import json
import math
from dataclasses import dataclass
from typing import Literal

Point = Literal["connected", "initiated", "metadata", "greeting", "utterance", "tool", "goodbye"]
"""A moment in a session: the socket is open; the initiation message is in; metadata, the greeting or the
goodbye is out; the caller has finished a sentence; a tool is about to be used."""

FOREVER = math.inf


@dataclass(frozen=True)
class Close:
    """End the session `after_s` beyond a point. Code None drops the connection without a close frame."""

    code: int | None = 1011
    at: Point = "metadata"
    after_s: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Behaviour:
    signed_url_status: int = 200
    signed_url_delay_s: float = 0.0  # FOREVER hangs
    signed_url: str | None = None  # handed out instead of the simulator's own
    handshake_status: int = 101  # anything else refuses the upgrade with it
    handshake_delay_s: float = 0.0  # FOREVER hangs
    mute: bool = False  # accepts the socket, then says nothing at all
    metadata: bool = True  # False: all is as always, but the metadata never comes
    silent: bool = False  # metadata and pings, but never a word
    metadata_delay_s: float = 0.0
    output_format: str | None = None  # other than the agent's own
    input_format: str | None = None
    close: Close | None = None
    frames: tuple[str | bytes, ...] = ()  # sent as they are after the greeting
    flood_s: float = 0.0  # so much audio at once after the greeting
    stale_audio: bool = (
        False  # after an interruption a late chunk with an older id, then a reply with the same id
    )
    echo: Literal["", "exact", "toned"] = (
        ""  # the caller's audio comes back; "toned": with the session's tone in it
    )
    pings: bool = True
    ping_interval_s: float = 1.7
    pong_timeout_s: float = 10.0
    input_timeout_s: float = 60.0
    post_call_webhook: bool = True


BAD_JSON = '{"type":"audio","audio_event":'
UNKNOWN_EVENT = json.dumps({"type": "agent_mood", "agent_mood_event": {"mood": "sunny", "event_id": 1}})
FLAT_ERROR = json.dumps(
    {
        "type": "error",
        "message": "received 1002 (protocol error) This request exceeds your quota limit.",
    }
)
HUGE_FRAME = json.dumps({"type": "agent_note", "note": "x" * (2 * 1024 * 1024)})
BAD_BASE64 = json.dumps(
    {"type": "audio", "audio_event": {"audio_base_64": "%%%not base64%%%", "event_id": 1}}
)
EMPTY_AUDIO = json.dumps({"type": "audio", "audio_event": {"audio_base_64": "", "event_id": 1}})
BINARY_FRAME = base64.b64decode("AAECAwQFBgc=")
