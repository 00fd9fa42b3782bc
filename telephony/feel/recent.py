"""Many calls' records, taken together: half of all answers came within this time, 95 % within that."""

from collections.abc import Iterable
from dataclasses import dataclass

from telephony.feel.figures import percentile
from telephony.feel.record import Record


@dataclass(frozen=True, slots=True)
class Spread:
    """In milliseconds."""

    p50: int
    p95: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A spread is None where there was nothing to measure."""

    calls: int
    greeting_delay: Spread | None
    response_gap: Spread | None
    barge_in_reaction: Spread | None
    talk_over: Spread | None
    """Of each call; so is dead air."""
    dead_air: Spread | None
    false_interruptions: int
    clipped_endings: int


def summary_of(records: Iterable[Record]) -> Summary:
    measured = [record for record in records if record]
    return Summary(
        calls=len(measured),
        greeting_delay=_spread(_of_each(measured, "greeting_delay_ms")),
        response_gap=_spread(_of_all(measured, "response_gaps_ms")),
        barge_in_reaction=_spread(_of_all(measured, "barge_in_reactions_ms")),
        talk_over=_spread(_of_each(measured, "talk_over_ms")),
        dead_air=_spread(_of_each(measured, "dead_air_ms")),
        false_interruptions=sum(record.get("false_interruptions", 0) for record in measured),
        clipped_endings=sum(bool(record.get("clipped_ending_ms")) for record in measured),
    )


def _of_each(records: list[Record], name: str) -> list[int]:
    return [record[name] for record in records if name in record]


def _of_all(records: list[Record], name: str) -> list[int]:
    return [value for record in records for value in record.get(name, ())]


def _spread(values: list[int]) -> Spread | None:
    return Spread(int(percentile(values, 0.5)), int(percentile(values, 0.95))) if values else None
