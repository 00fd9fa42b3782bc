"""What may go wrong, for the next session of a simulator: `simulator.behaviour = Behaviour(mute=True)`."""

import json
import math
from dataclasses import dataclass, field
from typing import Any, Literal

Point = Literal["connected", "created", "updated", "greeting", "utterance", "tool"]
"""A moment in a session: the socket is open; session.created or the first session.updated is out; the first response
is done; the caller has finished a sentence; a function call is out."""

FOREVER = math.inf


@dataclass(frozen=True)
class Close:
    """End the session `after_s` beyond a point. Code None drops the connection without a close frame."""

    code: int | None = 1011
    at: Point = "updated"
    after_s: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Behaviour:
    handshake_status: int = 101  # anything else refuses the upgrade with it
    handshake_delay_s: float = 0.0  # FOREVER hangs
    mute: bool = False  # accepts the socket, then says nothing at all
    updated: bool = True  # False: session.updated never comes
    silent: bool = False  # a session without a single response
    silent_after: int | None = None  # as many responses, then no more
    output_format: dict[str, Any] | None = None  # in force, whatever is asked for
    input_format: dict[str, Any] | None = None
    close: Close | None = None
    frames: tuple[str | bytes, ...] = ()  # sent as they are after the greeting
    errors: tuple[str, ...] = ()  # codes of error events after the greeting
    failing: tuple[str, ...] = ()  # the next responses fail with these codes
    empty_responses: int = 0  # as many are completed without any output
    stale_deltas: bool = False  # late audio of a response that was cancelled
    short_by_ms: int = 0  # audio counts as so much shorter than its bytes are
    transcription_delay_s: float = 0.05
    transcribes: bool = True  # False: `failed` instead of the caller's words
    expires_in_s: float = 3600.0
    burst_pause_s: float = 0.02  # between deltas: audio comes far faster than it is spoken
    echo: bool = False  # the caller's audio comes back, as one endless response
    extra: dict[str, Any] = field(
        default_factory=dict
    )  # fields that the vendor has added since, in every event


BAD_JSON = '{"type":"response.output_audio.delta","delta":'
UNKNOWN_EVENT = json.dumps({"type": "response.mood.delta", "event_id": "event_x", "mood": "sunny"})
BAD_BASE64 = json.dumps(
    {
        "type": "response.output_audio.delta",
        "event_id": "event_y",
        "response_id": "resp_x",
        "item_id": "item_x",
        "output_index": 0,
        "content_index": 0,
        "delta": "%%%not base64%%%",
    }
)
BETA_DELTA = json.dumps({"type": "response.audio.delta", "item_id": "item_x", "delta": "/////w=="})
BINARY_FRAME = b"\x00\x01\x02\x03"
