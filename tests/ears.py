"""What reached a caller's ear, whichever carrier carried it: of whom, when, and how long there was nothing."""

import asyncio
import math
from array import array
from typing import Any

from agents.audio import MULAW_8K, PCM16_16K, AudioFormat
from agents.simulators.elevenlabs import Session
from agents.simulators.openai_realtime import Record
from telephony.audio import converter

AgentRecord = Session | Record
ENOUGH_MS = 40
"""Of somebody's voice, to know it by: no longer, for a line that is busy may starve in the middle of a word."""


def legs_of(call: Any) -> list[Any]:
    """The media streams of a simulated call, as its carrier has recorded them."""
    return [*getattr(call, "sockets", ()), *call.streams]


def leg_of(call: Any) -> Any:
    """The first one."""
    return legs_of(call)[0]


def line_format(call: Any) -> AudioFormat:
    """Twilio's legs say no rate: they have one."""
    rate_hz = getattr(leg_of(call), "rate_hz", None)
    return AudioFormat("pcm16", rate_hz) if rate_hz else MULAW_8K


def spoken_format(call: Any, session: AgentRecord) -> AudioFormat:
    """What an agent's session spoke. An ElevenLabs agent is set up for one carrier's lines."""
    if isinstance(session, Session):
        return MULAW_8K if line_format(call) == MULAW_8K else PCM16_16K
    wanted = session.updates[-1]["audio"]["output"]["format"]
    return MULAW_8K if wanted["type"] == "audio/pcmu" else AudioFormat("pcm16", wanted["rate"])


def on_the_line(call: Any, session: AgentRecord) -> bytes:
    """All that the agent has said, as this leg has to carry it: the whole signal converted at once, if at all."""
    conversion = converter(spoken_format(call, session), line_format(call))
    audio = bytes(session.sent_audio)
    return audio if conversion is None else conversion.convert(audio)


def voice_of(audio: bytes, audio_format: AudioFormat) -> bytes:
    """Without its silence: between two replies a leg may carry any length of that."""
    if audio_format.encoding == "mulaw":
        return audio.translate(None, b"\xff\x7f")
    return array("h", filter(None, array("h", audio))).tobytes()


def heard_at_ms(call: Any, session: AgentRecord) -> float:
    """When the caller began to hear that agent, since the leg came up; infinite: not yet."""
    if not session.sent_audio:
        return math.inf
    line = line_format(call)
    size = round(line.bytes_per_second * ENOUGH_MS / 1000)
    said = on_the_line(call, session)[:size]
    at = bytes(leg_of(call).audio_heard).find(said) if len(said) == size else -1
    return math.inf if at < 0 else 1000 * at / line.bytes_per_second


async def until_heard(call: Any, session: AgentRecord, *, within_s: float = 20.0) -> float:
    """When that was."""
    async with asyncio.timeout(within_s):
        while (at_ms := heard_at_ms(call, session)) == math.inf:
            await asyncio.sleep(0.05)
    return at_ms


def longest_silence_ms(call: Any) -> float:
    """As the caller heard it, less what this machine was late with a frame."""
    late_ms = max((leg.late_ms for leg in legs_of(call)), default=0.0)
    return float(call.timeline.longest_ms("silence") - late_ms)
