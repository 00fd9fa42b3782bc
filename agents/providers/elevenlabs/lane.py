"""What of an ElevenLabs agent's messages takes the fast lane: audio, pings, and what it tells and nobody answers."""

from time import monotonic

from agents.events import AgentSaid, HangUp, Speech, ToolCall
from agents.fast_lane import Note, Take, WayOut, not_now
from agents.fast_lane.shortcut import Shortcut
from agents.providers.elevenlabs.protocol import (
    Decoder,
    Metadata,
    Ping,
    Refusal,
    ServerMessage,
    plain_ping,
    pong,
)

MAX_NOTE_BYTES = 4096
"""A message so long may be audio in a shape of its own: it is not worth reading twice."""


class AgentLane:
    """All that each message looks at, in one small object (`fast_lane.cutter.Way`)."""

    __slots__ = (
        "_decoder",
        "last_message_at",
        "note",
        "play",
        "refusal",
        "send_now",
        "shortcut",
        "spoke",
        "way_out",
    )

    way_out: WayOut
    """By which the shortcut leads to who hears the agent."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self.play: Take = not_now
        self.note: Note = not_now
        self.send_now: Take = not_now
        """To the agent."""
        self.shortcut: Shortcut | None = None
        """By which audio may go past us: what it passes changes nothing here."""
        self.spoke = False
        self.refusal: Refusal | None = None
        """The last one, until the agent goes on all the same."""
        self.last_message_at = 0.0
        """But what went past."""

    def let_go(self) -> None:
        """Of all who hold us: nobody hears the agent any more."""
        self.play = self.note = self.send_now = not_now
        self.shortcut = None

    def take(self, message: bytes) -> bool:
        """False: not taken, it comes by `events`."""
        audio = self._decoder.plain_audio(message)
        if audio is not None:
            taken = self.play(audio)
            if taken:
                self.spoke, self.refusal = True, None
                if self.shortcut is not None:
                    self.shortcut.offer(message, self.way_out)
        elif (ping := plain_ping(message)) is not None:
            taken = self.send_now(pong(ping).encode())
        else:
            taken = len(message) <= MAX_NOTE_BYTES and self._take_note(message)
        if taken:
            self.last_message_at = monotonic()
        return taken

    def _take_note(self, message: bytes) -> bool:
        try:
            note = self._decoder.decode(message)
        except ValueError:
            return False
        if isinstance(note, Metadata | Ping | Refusal):
            return False
        taken = note is None or self.note(note)
        if taken:
            self.heard(note)
        return taken

    def heard(self, message: ServerMessage | None) -> None:
        """An error may be the last word before a close that looks like any other, or cost no more than a moment."""
        match message:
            case Refusal():
                self.refusal = message
            case Speech() | AgentSaid() | ToolCall() | HangUp():
                self.refusal = None
