"""What can go wrong between us and Infobip, to be switched on."""

import asyncio
from dataclasses import dataclass, field


@dataclass
class Faults:
    rest: list[tuple[str, int]] = field(default_factory=list)
    """(part of a path, status): the next request to such a path is answered with that instead."""
    rest_held: asyncio.Event | None = None
    """Requests are not looked at before it is set."""
    event_copies: int = 1
    late_events: frozenset[str] = frozenset()
    """Types that are told a second later than they happen."""
    lost_events: frozenset[str] = frozenset()
    content_type: str | None = None
    """What the WebSocket leg announces, whatever was configured."""
    nested_custom_data: bool = False
    first_message: str | bytes | None = None
    """Instead of `websocket:connected`; "" for none at all."""
    drops_socket_after_s: float | None = None
    """The leg's TCP connection is cut without a word, and the leg with it."""
    one_dialog_only: bool = False
    """A call that had a dialog may not have another."""
    create_call: list[str] = field(default_factory=list)
    """For the next calls made over REST: "drop" neither call nor answer, "lost" the call and no answer."""
    say_fails: bool = False
    """`say` is accepted, and an ERROR tells that it did not work."""
