"""How long the calendar keeps things for people who have not made up their minds, as a business settles it.

Read from `tenant.settings`. What makes no sense there counts as not settled: a call must not fail for a typing slip.
The page of the business refuses it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Keeping:
    """A whole number in the settings, with its bounds, which are inclusive."""

    key: str
    default: int
    least: int
    most: int
    means: str

    def of(self, settings: Any) -> int:
        """What holds for a business: the default where nothing, or nonsense, is written."""
        value = settings.get(self.key) if isinstance(settings, dict) else None
        return value if isinstance(value, int) and self._makes_sense(value) else self.default

    def problem(self, settings: dict[str, Any]) -> str:
        """What is wrong with what is written, or ""."""
        if self.key not in settings or self._makes_sense(settings[self.key]):
            return ""
        return f"{self.key}: must be a whole number from {self.least} to {self.most}"

    def _makes_sense(self, value: Any) -> bool:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and self.least <= value <= self.most


HOLD_SECONDS = Keeping("holdSeconds", 60, 15, 300, "seconds a slot is kept for a caller who is on the line")
KEEP_HELD_MINUTES = Keeping("keepHeldMinutes", 5, 1, 60, "minutes it is kept after the call was cut off")
WAITLIST_OFFER_MINUTES = Keeping(
    "waitlistOfferMinutes", 60, 5, 1440, "minutes an offer to those who wait stands"
)
HOLDS_PER_CALLER = Keeping("holdsPerCaller", 2, 1, 5, "slots kept for one caller, over all of their calls")
ALL = (HOLD_SECONDS, KEEP_HELD_MINUTES, WAITLIST_OFFER_MINUTES, HOLDS_PER_CALLER)


def problems(settings: dict[str, Any]) -> Iterator[str]:
    """Named by their fields."""
    return filter(None, (each.problem(settings) for each in ALL))


def explained() -> str:
    """For whoever writes the settings: "holdSeconds (seconds a slot is kept ..., 15 to 300, by default 60), ..."."""
    told = (f"{one.key} ({one.means}: {one.least} to {one.most}, by default {one.default})" for one in ALL)
    return ", ".join(told)
