"""The format that each provider speaks best on a line wider than the telephone's mu-law, without conversion."""

from agents.audio import PCM16_16K, PCM16_24K, AudioFormat

PCM_OF: dict[str, AudioFormat] = {"elevenlabs": PCM16_16K, "openai": PCM16_24K}


def pcm_of(provider: str) -> AudioFormat:
    return PCM_OF.get(provider, PCM16_16K)
