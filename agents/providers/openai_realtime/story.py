"""What was said, in the order in which it was said. Pure.

A caller's words are made out by another model than the one that answers, and may come after the answer: whatever
was said later waits for them, but not for ever.
"""

from collections import OrderedDict
from dataclasses import dataclass

from agents.events import AgentCorrected, AgentEvent, AgentSaid, CallerSaid

WAIT_SECONDS = 4.0
MOST_OPEN = 100
REMEMBERED = 200


@dataclass(slots=True)
class _Place:
    speaker: str
    since: float
    text: str | None = None
    heard: str | None = None


class Story:
    def __init__(self) -> None:
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._told: OrderedDict[str, str] = OrderedDict()
        self.history: list[tuple[str, str]] = []
        """Speaker ("caller", "agent", "tool") and words, as they were told."""

    def knows(self, item_id: str) -> None:
        """It has been told before: nobody waits for its words."""
        self._told[item_id] = ""

    def begins(self, item_id: str, speaker: str, now: float) -> None:
        """A place in the order; words come later. Again, it changes nothing."""
        if item_id in self._places or item_id in self._told or not item_id:
            return
        self._places[item_id] = _Place(speaker, now)

    def words(self, item_id: str, speaker: str, text: str, now: float) -> None:
        """The first words that come for an item are its words."""
        self.begins(item_id, speaker, now)
        place = self._places.get(item_id)
        if place is not None and place.text is None:
            place.text = text

    def heard(self, item_id: str, text: str) -> list[AgentEvent]:
        """The agent was cut short: that much of the item was heard. What is to be told now, if anything."""
        place = self._places.get(item_id)
        if place is not None:
            place.heard = text
            return []
        return [AgentCorrected(text)] if self._told.get(item_id) == "agent" else []

    def text_of(self, item_id: str) -> str | None:
        place = self._places.get(item_id)
        return place.text if place else None

    def tell(self, now: float, *, all_of_it: bool = False) -> list[AgentEvent]:
        """What can be told by now."""
        events: list[AgentEvent] = []
        while self._places:
            item_id, place = next(iter(self._places.items()))
            too_late = now - place.since > WAIT_SECONDS or len(self._places) > MOST_OPEN
            if place.text is None and not too_late and not all_of_it:
                return events
            del self._places[item_id]
            if place.text is not None:
                events += self._tell(item_id, place)
        return events

    def _tell(self, item_id: str, place: _Place) -> list[AgentEvent]:
        self._told[item_id] = place.speaker
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        text = place.text or ""
        if not text:
            return []
        said = text if place.heard is None else place.heard
        if said:
            self._remember(place.speaker, said)
        if place.speaker == "caller":
            return [CallerSaid(text)]
        return [AgentSaid(text), *([AgentCorrected(place.heard)] if place.heard is not None else [])]

    def tool_answered(self, told: str) -> None:
        """For the next session alone: nobody has said that."""
        self._remember("tool", told)

    def _remember(self, speaker: str, words: str) -> None:
        self.history.append((speaker, words))
        del self.history[:-REMEMBERED]
