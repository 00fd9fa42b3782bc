"""How calls felt, for people: on a call's page in words, above the list of calls as a table."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.views import ChangeList

from telephony.feel.figures import DEAD_AIR_SECONDS
from telephony.feel.recent import Spread, Summary, summary_of
from telephony.feel.record import Record

RECENT_CALLS = 500
NOT_MEASURED = "Not measured: no agent was on the line, or nobody could write it down."

_LINE = (
    '<div class="story"><span class="means" style="flex:0 0 150px">{}</span>'
    '<span style="flex:0 1 280px">{}</span><span class="means">{}</span></div>'
)


def story_of(record: Record) -> SafeString | str:
    """A call's figures, one a line: what, how much, and what that means."""
    return format_html_join("", _LINE, _lines(record)) if record else NOT_MEASURED


def _lines(record: Record) -> Iterator[tuple[str, str, str]]:
    yield (
        "Greeting",
        f"after {seconds(record['greeting_delay_ms'])}" if "greeting_delay_ms" in record else "none",
        "from the beginning to the agent's first word",
    )
    yield "Answers", _answers(record), "from the end of the caller's speech to the agent's"
    yield (
        "Both at once",
        seconds(record["talk_over_ms"]) if record["talk_over_ms"] else "never",
        "how long both spoke",
    )
    yield "Dead air", _dead_air(record), f"nobody speaks for longer than {DEAD_AIR_SECONDS:g} s"
    yield "Interruptions", _reactions(record), "from the caller's voice to the agent's silence"
    yield (
        "False interruptions",
        _times(record["false_interruptions"]),
        "the agent fell silent, and nobody had spoken",
    )
    clipped = record["clipped_ending_ms"]
    yield (
        "Last words",
        f"{seconds(clipped)} of them not heard" if clipped else "not cut",
        "still to be played when the line closed, and not by the caller",
    )


def _answers(record: Record) -> str:
    gaps = record["response_gaps_ms"]
    if len(gaps) <= 1:
        return f"after {seconds(gaps[0])}" if gaps else "none"
    half, most = record["response_gap_p50_ms"], record["response_gap_p95_ms"]
    return f"{len(gaps)}: half within {seconds(half)}, 95 % within {seconds(most)}"


def _dead_air(record: Record) -> str:
    silences = record["dead_airs_ms"]
    if len(silences) <= 1:
        return f"once, {seconds(silences[0])}" if silences else "none"
    return (
        f"{len(silences)} times, {seconds(record['dead_air_ms'])} in all, {seconds(max(silences))} at worst"
    )


def _reactions(record: Record) -> str:
    reactions = record["barge_in_reactions_ms"]
    if not reactions:
        return "none"
    return f"{_times(len(reactions))}, after {', '.join(map(seconds, reactions[:5]))}"


def _times(count: int) -> str:
    return {0: "none", 1: "once", 2: "twice"}.get(count, f"{count} times")


def seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.2f} s" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def spread(of: Spread | None) -> str:
    return f"{of.p50 / 1000:.1f} / {of.p95 / 1000:.1f}" if of else "-"


@dataclass(frozen=True, slots=True)
class Row:
    tenant: str
    calls: int
    cells: list[str]


class CallList(ChangeList):  # type: ignore[misc]
    """The list, and how the latest of its calls felt: of each business, when it shows several."""

    COLUMNS = [
        "Greeting",
        "Answers",
        "Interruptions",
        "Both at once",
        "Dead air",
        "False interruptions",
        "Clipped endings",
    ]

    def felt(self) -> list[Row]:
        measured = self.queryset.exclude(feel={}).order_by("-created_at")
        by_tenant: dict[str, list[Record]] = {}
        for tenant, record in measured.values_list("tenant__name", "feel")[:RECENT_CALLS]:
            by_tenant.setdefault(tenant, []).append(record)
        summaries = ((tenant, summary_of(records)) for tenant, records in sorted(by_tenant.items()))
        return [Row(tenant, summary.calls, _cells(summary)) for tenant, summary in summaries]


def _cells(summary: Summary) -> list[str]:
    return [
        spread(summary.greeting_delay),
        spread(summary.response_gap),
        spread(summary.barge_in_reaction),
        spread(summary.talk_over),
        spread(summary.dead_air),
        str(summary.false_interruptions),
        str(summary.clipped_endings),
    ]
