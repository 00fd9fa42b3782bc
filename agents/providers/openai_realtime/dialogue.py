"""One session's conversation without its socket: server events in; our events and what is to be sent out. Pure."""

import logging
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any

from agents.audio import AudioFormat
from agents.events import AgentEvent, CallerSpeaks, Speech, ToolCall
from agents.providers.openai_realtime import protocol
from agents.providers.openai_realtime.protocol import Failure, FunctionCall, Json, ReplyAudio, ResponseDone
from agents.providers.openai_realtime.replies import Replies
from agents.providers.openai_realtime.story import Story
from agents.providers.openai_realtime.usage import Usage
from agents.so_far import tool_told
from agents.speech import speech_for

logger = logging.getLogger(__name__)

LENGTH_MARGIN_MS = 100
"""The server counts an item's audio a little shorter than its bytes are, and refuses to cut beyond that."""
MOST_IDLE_PROMPTS = 3
REMEMBERED = 100
_NOT_AN_OBJECT = {
    "success": False,
    "error": "The arguments are not a JSON object",
    "code": "VALIDATION_ERROR",
}
_NO_SOUND = Failure("", "two responses without a sound")


@dataclass(slots=True)
class _Spoken:
    """One reply of the agent's."""

    response_id: str
    size: int = 0
    words: str = ""
    """As far as they have come."""
    text: str | None = None
    heard_ms: int | None = None


class Dialogue:
    """`hear` what the server says, then take all of `news` and send all of `outbox`."""

    def __init__(self, spoken_format: AudioFormat, language: str = "en") -> None:
        self.news: deque[AgentEvent] = deque()
        self.outbox: deque[Json] = deque()
        self.replies = Replies()
        self.story = Story()
        self.usage = Usage()
        self.lost: Failure | None = None
        """Why this session is of no use any more."""
        self.finished = False
        """The caller has left the agent's questions unanswered too often."""
        self._format = spoken_format
        self._language = language
        self._spoken: OrderedDict[str, _Spoken] = OrderedDict()
        self._muted: deque[str] = deque(maxlen=20)
        self._truncations: OrderedDict[str, str] = OrderedDict()
        self._sent = 0
        self._ask_id = ""
        self._instructions = ""
        self._uses_tools = False
        self._voiced = False
        self._mute_replies = self._failed_replies = self._idle_prompts = 0
        self._calls: dict[str, FunctionCall] = {}
        """Not answered yet."""
        self._plays_until = self._stirred_at = 0.0

    def greet(self, instructions: str, *, uses_tools: bool = False) -> None:
        self._instructions, self._uses_tools = instructions, uses_tools
        self.replies.want()
        self._ask()

    def seed(self, history: list[tuple[str, str]]) -> None:
        """What was said in a session before this one."""
        for event in protocol.seeds(history):
            self.story.knows(event["item"]["id"])
            self._send(event)
        self.story.history = list(history)

    def tell(self, text: str) -> None:
        """A fact for the model, which it answers when it speaks next."""
        self._send(protocol.message("system", text))

    def stirred(self, now: float) -> None:
        """A sign of life, of either side's."""
        self._stirred_at = now

    def quiet_since(self) -> float | None:
        """Since when nobody has had anything to say, as far as audio has been played by then; None: it is not so.

        May lie ahead: the model speaks faster than it is heard.
        """
        return max(self._plays_until, self._stirred_at) if self.replies.idle else None

    def ask_whether_anybody_is_there(self, instructions: str) -> None:
        """For turn detections that let the model ask by itself see IdleTimeout."""
        self._idle_prompts += 1
        self.greet(instructions)

    def hear(self, event: protocol.ServerEvent, now: float) -> None:
        match event:
            case protocol.SpeechStarted():
                self._plays_until = now
                self.stirred(now)
                self._interrupt()
            case protocol.SpeechStopped():
                self.stirred(now)
                self.replies.caller_has_spoken()
            case protocol.IdleTimeout():
                self._idle_prompts += 1
                self.replies.caller_has_spoken()
            case protocol.ItemAdded(item_id, speaker):
                self.replies.stands(item_id)
                if speaker:
                    self.story.begins(item_id, speaker, now)
            case protocol.CallerText(item_id, text, usage):
                self.usage.add_transcription(usage)
                self.story.words(item_id, "caller", text, now)
            case _:
                self._hear_model(event, now)
        self.news += self.story.tell(now)
        self._ask()

    def _hear_model(self, event: protocol.ServerEvent, now: float) -> None:
        match event:
            case ReplyAudio():
                self._play(event, now)
            case protocol.ReplyWords(response_id, item_id, text):
                self._reply(response_id, item_id).words += text
            case protocol.ReplyText(item_id, text):
                self._said(item_id, text, now)
            case protocol.ResponseCreated(response_id):
                self._voiced = False
                self.replies.created(response_id)
            case ResponseDone():
                self._done(event, now)
            case Failure():
                self._failed(event)

    def answer(self, call_id: str, answer: dict[str, Any]) -> None:
        """To an answer that nobody waits for any more, nothing."""
        item_id = f"answer_{self._sent + 1}"
        call = self._calls.pop(call_id, None)
        if self.replies.answers(call_id, item_id):
            self._send(protocol.tool_output(item_id, call_id, answer))
            if call is not None:
                self.story.tool_answered(tool_told(call.name, call.arguments or {}, answer))
        self._ask()

    def breaks_off(self, now: float) -> None:
        """The session is over: of what it was saying, the words that have come."""
        for item_id, spoken in self._spoken.items():
            if spoken.text is None and spoken.words:
                self._said(item_id, "", now)

    def was_cut(self, item_id: str, heard_ms: int) -> None:
        """The caller heard that much of a reply; the model must not believe that it has said the rest."""
        spoken = self._spoken.get(item_id)
        if spoken is None or spoken.heard_ms is not None:
            return
        spoken.heard_ms = heard_ms
        self._mute(spoken.response_id)
        end_ms = min(heard_ms, int(self._length_ms(spoken)) - LENGTH_MARGIN_MS)
        self._cut(item_id, end_ms)
        self._correct(item_id, spoken)

    def _play(self, event: ReplyAudio, now: float) -> None:
        self._voiced = True
        if event.response_id in self._muted or not event.audio:
            return
        lasts_s = len(event.audio) / self._format.bytes_per_second
        self._plays_until = max(self._plays_until, now) + lasts_s
        self._reply(event.response_id, event.item_id).size += len(event.audio)
        self.news.append(Speech(event.audio, event.item_id))

    def _reply(self, response_id: str, item_id: str) -> _Spoken:
        spoken = self._spoken.get(item_id)
        if spoken is None:
            spoken = self._spoken[item_id] = _Spoken(response_id)
            if len(self._spoken) > REMEMBERED:
                self._spoken.popitem(last=False)
        return spoken

    def _interrupt(self) -> None:
        self._idle_prompts = 0
        self._mute(self.replies.active)
        self.replies.caller_speaks()
        self.news.append(CallerSpeaks())

    def _mute(self, response_id: str) -> None:
        if response_id:
            self._muted.append(response_id)

    def _said(self, item_id: str, text: str, now: float) -> None:
        spoken = self._spoken.get(item_id)
        text = text or (spoken.words.strip() if spoken else "")
        self.story.words(item_id, "agent", text, now)
        if spoken is not None and spoken.text is None:
            spoken.text = text
            self._correct(item_id, spoken)

    def _correct(self, item_id: str, spoken: _Spoken) -> None:
        if spoken.heard_ms is not None and spoken.text is not None:
            self.news += self.story.heard(item_id, self._heard_of(spoken, spoken.heard_ms, spoken.text))

    def _heard_of(self, spoken: _Spoken, heard_ms: int, text: str) -> str:
        """Whole words, by their share of the time: nobody tells when which word is spoken."""
        share = heard_ms / max(self._length_ms(spoken), 1.0)
        return text if share >= 1 else text[: int(len(text) * share)].rpartition(" ")[0]

    def _length_ms(self, spoken: _Spoken) -> float:
        return 1000 * spoken.size / self._format.bytes_per_second

    def _cut(self, item_id: str, end_ms: int) -> None:
        """A reply of which nothing was heard was not said at all."""
        if end_ms <= 0:
            self._send(protocol.delete(item_id))
            return
        self._truncations[self._send(protocol.truncate(item_id, end_ms))] = item_id
        if len(self._truncations) > REMEMBERED:
            self._truncations.popitem(last=False)

    def _done(self, event: ResponseDone, now: float) -> None:
        self.stirred(now)
        self.usage.add_response(event.usage)
        calls = event.calls if event.status == "completed" else ()  # otherwise arguments may be cut off
        self.replies.done(event.response_id, calls)
        for words in event.texts:
            self._said(words.item_id, words.text, now)
        for call in calls:
            self._call(call)
        if event.failure is not None:
            self._reply_failed(event.failure)
        elif event.status != "cancelled":  # one that is incomplete may have been cut before its first sound
            self._ended(spoke=self._voiced or bool(calls))
        else:
            self._instructions = ""
        self.finished = self._idle_prompts >= MOST_IDLE_PROMPTS

    def _call(self, call: FunctionCall) -> None:
        self._calls[call.call_id] = call
        if call.arguments is None:
            self.answer(call.call_id, {**_NOT_AN_OBJECT, "message": speech_for(self._language).say_again})
        else:
            self.news.append(ToolCall(call.call_id, call.name, call.arguments))

    def _ended(self, *, spoke: bool) -> None:
        """A response without a sound has been seen: it is asked for once more, and then the agent has failed."""
        self._failed_replies = 0
        self._mute_replies = 0 if spoke else self._mute_replies + 1
        if self._mute_replies > 1:
            self.lost = _NO_SOUND
        elif self._mute_replies:
            self.replies.want()
        else:
            self._instructions = ""

    def _reply_failed(self, failure: Failure) -> None:
        logger.warning("[MediaStream] OpenAI error: a response failed: %s", failure.code or failure.kind)
        self._failed_replies += 1
        if failure.is_fatal or self._failed_replies > 1:
            self.lost = failure
        else:
            self.replies.want()

    def _failed(self, failure: Failure) -> None:
        item_id = self._truncations.pop(failure.event_id, "")
        if failure.is_fatal:
            self.lost = failure
        elif failure.code == "conversation_already_has_active_response":
            self.replies.refused()
        elif item_id and failure.actual_ms is not None:
            self._send(protocol.truncate(item_id, failure.actual_ms))
        elif failure.event_id and failure.event_id == self._ask_id and not failure.is_benign:
            self.lost = failure
        else:
            logger.info("OpenAI passed over something: %s", failure.code or failure.kind or "error")

    def _ask(self) -> None:
        if self.replies.take():
            self._ask_id = self._send(
                protocol.create_response(self._instructions, uses_tools=self._uses_tools)
            )

    def _send(self, event: Json) -> str:
        """The id that an error about it will name."""
        self._sent += 1
        event["event_id"] = f"tonris_{self._sent}"
        self.outbox.append(event)
        return str(event["event_id"])
