"""How calls feel, over all calls that this process carried: without tenants, who are nobody's business there."""

from prometheus_client import Histogram

from telephony.feel.figures import Figures

_ANSWERS = (0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 2.5, 3, 4, 6, 10)
_WAITS = (0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8)
_REACTIONS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2)
_OF_A_CALL = (0, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)
_TIMES = (0, 1, 2, 3, 5, 10)

greeting_delay = Histogram(
    "tonris_call_greeting_delay_seconds",
    "From the stream's start to the agent's first speech",
    buckets=_WAITS,
)
response_gap = Histogram(
    "tonris_call_response_gap_seconds",
    "From the end of the caller's speech to the agent's next, each",
    buckets=_ANSWERS,
)
talk_over = Histogram(
    "tonris_call_talk_over_seconds", "How long both spoke at once, of each call", buckets=_OF_A_CALL
)
dead_air = Histogram(
    "tonris_call_dead_air_seconds", "Silences of both over three seconds, of each call", buckets=_OF_A_CALL
)
barge_in_reaction = Histogram(
    "tonris_call_barge_in_reaction_seconds",
    "From the caller's speech over the agent to the agent's silence, each",
    buckets=_REACTIONS,
)
false_interruptions = Histogram(
    "tonris_call_false_interruptions",
    "How often the agent fell silent though the caller had not spoken, of each call",
    buckets=_TIMES,
)
clipped_ending = Histogram(
    "tonris_call_clipped_ending_seconds",
    "The agent's last words that nobody heard, of each call",
    buckets=_OF_A_CALL,
)


def observe(figures: Figures) -> None:
    """Once a call, at its end."""
    if figures.greeting_delay is not None:
        greeting_delay.observe(figures.greeting_delay)
    for gap in figures.response_gaps:
        response_gap.observe(gap)
    for reaction in figures.barge_in_reactions:
        barge_in_reaction.observe(reaction)
    talk_over.observe(figures.talk_over)
    dead_air.observe(sum(figures.dead_airs))
    false_interruptions.observe(figures.false_interruptions)
    clipped_ending.observe(figures.clipped)
