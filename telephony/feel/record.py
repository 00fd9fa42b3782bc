"""Figures as they are kept with the call: JSON, whole milliseconds, at most a few kilobytes."""

from typing import Any, Final

from telephony.feel.figures import Figures, percentile

VERSION: Final = 1
MAX_VALUES = 200
"""Of a call that had more answers than this, the first ones are kept. Its percentiles are of all."""

Record = dict[str, Any]


def record_of(figures: Figures) -> Record:
    """Keys whose value is not known are left out: a greeting that never came, percentiles of nothing."""
    gaps, reactions = figures.response_gaps, figures.barge_in_reactions
    known = {
        "version": VERSION,
        "length_ms": _ms(figures.length),
        "caller_speech_ms": _ms(figures.caller_spoke),
        "agent_speech_ms": _ms(figures.agent_spoke),
        "greeting_delay_ms": None if figures.greeting_delay is None else _ms(figures.greeting_delay),
        "response_gaps_ms": [_ms(gap) for gap in gaps[:MAX_VALUES]],
        "response_gap_p50_ms": _ms(percentile(gaps, 0.5)) if gaps else None,
        "response_gap_p95_ms": _ms(percentile(gaps, 0.95)) if gaps else None,
        "talk_over_ms": _ms(figures.talk_over),
        "dead_airs_ms": [_ms(silence) for silence in figures.dead_airs[:MAX_VALUES]],
        "dead_air_ms": _ms(sum(figures.dead_airs)),
        "barge_in_reactions_ms": [_ms(reaction) for reaction in reactions[:MAX_VALUES]],
        "false_interruptions": figures.false_interruptions,
        "clipped_ending_ms": _ms(figures.clipped),
    }
    return {name: value for name, value in known.items() if value is not None}


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
