"""When a response may be asked for: never two at once, and one for all the tools of a response. Pure.

    idle    --  ask, or a tool's last answer      -->  asked     (one `response.create` is out)
    idle    --  the caller has finished speaking  -->  active    (the server creates it by itself)
    asked   --  response.created                  -->  active
    active  --  response.done                     -->  idle      (and what has become due meanwhile is asked for)

The two ends may act at once: an answer that the server's own response has seen needs no response of ours.
"""

from agents.providers.openai_realtime.protocol import FunctionCall


class Replies:
    def __init__(self) -> None:
        self.active = ""
        """The id of the response under way, or ""."""
        self._asked = False
        self._due = False
        self._caller_speaks = False
        self._server_will = False
        self._unanswered: set[str] = set()
        self._unseen: set[str] = set()
        """Answers of ours that do not stand in the conversation yet, as far as we know."""
        self._active_saw_all = False

    @property
    def expected(self) -> bool:
        """The server owes us something: its silence means that it hangs."""
        return bool(self.active) or self._asked or self._server_will

    @property
    def idle(self) -> bool:
        """Between two turns, with nothing left to do."""
        return not (self.expected or self._due or self._caller_speaks or self._unanswered)

    def want(self) -> None:
        """A response is due; `take` it when it may be asked for."""
        self._due = True

    def take(self) -> bool:
        """Whether to send one `response.create` now."""
        if not self._due or self.expected or self._unanswered or self._caller_speaks:
            return False
        self._due, self._asked = False, True
        return True

    def caller_speaks(self) -> None:
        self._caller_speaks, self._server_will = True, False

    def caller_has_spoken(self) -> None:
        self._caller_speaks, self._server_will = False, True

    def created(self, response_id: str) -> None:
        self.active = response_id
        self._asked = self._server_will = False
        self._active_saw_all = not self._unseen and not self._unanswered
        if self._active_saw_all:
            self._due = False

    def done(self, response_id: str, calls: tuple[FunctionCall, ...]) -> None:
        """`calls` are those to be answered before the next response."""
        if response_id == self.active:
            self.active = ""
        self._unanswered |= {call.call_id for call in calls}

    def answers(self, call_id: str, item_id: str) -> bool:
        """Whether anybody waits for that answer; it goes out as that item."""
        if call_id not in self._unanswered:
            return False
        self._unanswered.discard(call_id)
        self._unseen.add(item_id)
        if not self._unanswered:
            self._due = True
        return True

    def stands(self, item_id: str) -> None:
        """The server has put an item into the conversation."""
        self._unseen.discard(item_id)

    def refused(self) -> None:
        """Our `response.create` met a response that was under way."""
        self._asked = False
        self._due = not (self.active and self._active_saw_all)
