"""The walk through a call's TwiML: verb after verb, document after document, until somebody hangs up."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from telephony.simulators.twilio import twiml
from telephony.simulators.twilio.call import SimulatedCall, Stream
from telephony.simulators.twilio.line import Line
from telephony.simulators.twilio.stream import MediaStream, StreamError
from telephony.simulators.twilio.twiml import TwimlError, Verb
from telephony.simulators.twilio.webhooks import Exchange, Webhooks, new_sid, stream_event_fields, voice_form

MAX_DOCUMENTS = 25
APOLOGY = "We are sorry, an application error has occurred. Goodbye."
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PARAMETER_LIMIT = 500


class HangUp(Exception):
    """The call is over."""


@dataclass(frozen=True)
class Place:
    """A document to be fetched and run."""

    url: str
    method: str
    fields: Mapping[str, str]


class Elsewhere(Exception):
    """The call leaves this document for another."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.url)
        self.place = place


class CallFlow:
    def __init__(
        self,
        call: SimulatedCall,
        line: Line,
        webhooks: Webhooks,
        in_background: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._call, self._line = call, line
        self._webhooks = webhooks
        self._in_background = in_background
        self._here = line.voice_url  # the URL of the document that is running
        self._verbs: dict[str, Callable[[Verb], Awaitable[None]]] = {
            "Connect": self._connect,
            "Dial": self._dial,
            "Gather": self._gather,
            "Hangup": self._hangup,
            "Pause": self._pause,
            "Play": self._play,
            "Record": self._record,
            "Redirect": self._redirect,
            "Reject": self._reject,
            "Say": self._say,
        }

    async def run(self) -> None:
        """Returns when the call is over."""
        place = Place(self._line.voice_url, "POST", {})
        fell_back = False
        try:
            for _ in range(MAX_DOCUMENTS):
                try:
                    place = await self._run_document(place)
                except TwimlError as error:
                    self._call.warn(error.code, str(error))
                    if self._line.fallback_url is None or fell_back:
                        await self._apologise()
                        return
                    fell_back = True
                    fields = {"ErrorCode": str(error.code), "ErrorUrl": place.url}
                    place = Place(self._line.fallback_url, "POST", fields)
            self._call.warn(12101, f"more than {MAX_DOCUMENTS} documents in one call")
        except HangUp:
            return

    async def _run_document(self, place: Place) -> Place:
        """Run it to its end, which hangs up, or to the place where it sends the call."""
        document = await self._fetch(place)
        for position, verb in enumerate(document.verbs):
            if verb.name == "Reject" and position:
                self._call.warn(12200, "<Reject> must be the first verb")
                continue
            if verb.name != "Reject":
                self._answer()
            try:
                await self._verbs[verb.name](verb)
            except Elsewhere as elsewhere:
                return elsewhere.place
        self._end("carrier")
        raise HangUp

    async def _fetch(self, place: Place) -> twiml.Document:
        fields = {**self._form(), **place.fields}
        exchange = await self._request(place.url, fields, place.method)
        if self._call.hung_up.is_set():
            raise HangUp
        if not exchange.ok:
            raise TwimlError(11200, f"{place.url} {exchange.failure}")
        self._here = exchange.final_url
        document = twiml.parse(exchange.content_type, exchange.body)
        for warning in document.warnings:
            self._call.warn(12200, warning)
        return document

    async def _request(self, url: str, fields: Mapping[str, str], method: str) -> Exchange:
        exchange = await self._webhooks.send(url, fields, method)
        self._call.exchanges.append(exchange)
        return exchange

    def _form(self) -> dict[str, str]:
        call = self._call
        return voice_form(self._line.account_sid, call.sid, call.to, call.from_, call.status)

    def _answer(self) -> None:
        if self._call.answered_ms is None:
            self._call.set_status("in-progress")

    def _end(self, by: Literal["carrier", "server"]) -> None:
        self._call.ended_by = self._call.ended_by or by

    async def _pass_time(self, seconds: float) -> None:
        """Or HangUp, if the caller has had enough."""
        try:
            await asyncio.wait_for(self._call.hung_up.wait(), seconds)
        except TimeoutError:
            return
        raise HangUp

    async def _apologise(self) -> None:
        self._answer()
        self._end("carrier")
        await self._speak(APOLOGY)

    async def _speak(self, text: str) -> None:
        self._call.timeline.now_hears("say", text)
        await self._pass_time(len(text) / self._line.say_chars_per_second)
        self._call.timeline.now_hears("silence")

    def _after(self, verb: Verb, fields: Mapping[str, str], *, default_here: bool = False) -> None:
        """To the verb's `action`, if it has one; else simply on with the next verb."""
        action = verb.get("action")
        if action or default_here:
            url = urljoin(self._here, action)
            raise Elsewhere(Place(url, verb.get("method", "POST"), fields))

    async def _say(self, verb: Verb) -> None:
        loops = int(verb.get("loop", "1") or 1)
        for _ in range(max(loops, 1)):
            await self._speak(verb.text)

    async def _play(self, verb: Verb) -> None:
        self._call.timeline.now_hears("play", verb.text)
        await self._pass_time(1.0)
        self._call.timeline.now_hears("silence")

    async def _pause(self, verb: Verb) -> None:
        self._call.timeline.now_hears("silence")
        await self._pass_time(_seconds(verb.get("length"), 1.0))

    async def _hangup(self, _verb: Verb) -> None:
        self._end("server")
        raise HangUp

    async def _reject(self, verb: Verb) -> None:
        self._call.set_status("busy" if verb.get("reason") == "busy" else "no-answer")
        self._call.timeline.now_hears("busy", verb.get("reason", "rejected"))
        self._end("server")
        raise HangUp

    async def _redirect(self, verb: Verb) -> None:
        raise Elsewhere(Place(urljoin(self._here, verb.text), verb.get("method", "POST"), {}))

    async def _gather(self, verb: Verb) -> None:
        prompts = {"Say": self._say, "Play": self._play, "Pause": self._pause}
        for child in verb.children:
            await prompts[child.name](child)
        count = verb.get("numDigits")
        digits = self._call.caller.take_digits(int(count) if count else None)
        if digits:
            self._call.digits += digits
            self._after(verb, {"Digits": digits}, default_here=True)
        await self._pass_time(_seconds(verb.get("timeout"), 5.0))
        if verb.get("actionOnEmptyResult") == "true":
            self._after(verb, {"Digits": ""}, default_here=True)

    async def _record(self, verb: Verb) -> None:
        self._call.timeline.now_hears("record", "beep")
        line = self._call.caller.next_line()
        spoken_s = len(line.audio) / 8000 if line else self._line.record_s
        if line:
            self._call.line_begins(line.text)
        duration_s = min(spoken_s, _seconds(verb.get("maxLength"), 3600.0))
        try:
            await self._pass_time(duration_s)
        finally:
            self._call.line_ends()
        if not duration_s:
            return  # silence: on to the next verb
        recording_sid = new_sid("RE")
        base = (
            f"https://api.twilio.com/2010-04-01/Accounts/{self._line.account_sid}/Recordings/{recording_sid}"
        )
        recorded = {
            "RecordingSid": recording_sid,
            "RecordingUrl": base,
            "RecordingDuration": str(max(round(duration_s), 1)),
        }
        if callback := verb.get("recordingStatusCallback"):
            fields = {
                **recorded,
                "AccountSid": self._line.account_sid,
                "CallSid": self._call.sid,
                "RecordingStatus": "completed",
            }
            self._in_background(self._call_back(urljoin(self._here, callback), fields))
        self._after(verb, {**recorded, "Digits": ""}, default_here=True)

    async def _dial(self, verb: Verb) -> None:
        numbers = [child.text for child in verb.children if child.name == "Number"] or [verb.text]
        if not all(numbers):
            self._call.warn(13223, "<Dial> without a number")
        far_end = self._line.far_end
        self._call.timeline.now_hears("dial", ", ".join(numbers))
        timeout_s = _seconds(verb.get("timeout"), 30.0)
        await self._pass_time(min(far_end.rings_s, timeout_s))
        answered = far_end.outcome == "answered"
        if answered:
            await self._pass_time(far_end.talks_s)
        self._call.timeline.now_hears("silence")
        self._after(
            verb,
            {
                "DialCallStatus": "completed" if answered else far_end.outcome,
                "DialCallSid": new_sid("CA"),
                "DialBridged": "true" if answered else "false",
                **({"DialCallDuration": str(max(round(far_end.talks_s), 1))} if answered else {}),
            },
        )

    async def _connect(self, verb: Verb) -> None:
        noun = verb.find("Stream")
        if noun is None:
            self._call.warn(12200, "<Connect> without <Stream>")
        else:
            await self._stream(noun)
        self._call.timeline.now_hears("silence")
        if self._call.hung_up.is_set():
            raise HangUp
        self._after(verb, {})

    async def _stream(self, noun: Verb) -> None:
        record = Stream(urljoin(_websocket(self._here), noun.get("url")), self._parameters(noun))
        self._call.streams.append(record)
        try:
            self._inspect(noun, record.url)
            signature = self._webhooks.stream_signature(record.url) if self._line.signs_stream else None
            media = MediaStream(self._call, record, self._line.account_sid, signature)
            socket = await media.open()
        except StreamError as error:
            record.error = str(error)
            self._call.warn(error.code, str(error))
            self._stream_event(noun, record, "stream-error", str(error))
            return
        self._stream_event(noun, record, "stream-started")
        try:
            await media.run(socket)
        finally:
            self._stream_event(noun, record, "stream-stopped")

    def _inspect(self, noun: Verb, url: str) -> None:
        parts = urlsplit(url)
        if parts.query:
            raise StreamError(31920, "the URL of a <Stream> cannot carry a query string")
        if parts.scheme != "wss" and not (parts.scheme == "ws" and parts.hostname in LOOPBACK):
            raise StreamError(31922, f"the URL of a <Stream> must be wss: {url}")
        if noun.get("track", "inbound_track") != "inbound_track":
            raise StreamError(31941, "under <Connect> only inbound_track is allowed")

    def _parameters(self, noun: Verb) -> dict[str, str]:
        parameters = {}
        for child in noun.children:
            name, value = child.get("name"), child.get("value")
            if len(name) + len(value) >= _PARAMETER_LIMIT:
                self._call.warn(12200, f"<Parameter> {name!r} is longer than {_PARAMETER_LIMIT} characters")
            else:
                parameters[name] = value
        return parameters

    def _stream_event(self, noun: Verb, record: Stream, event: str, error: str = "") -> None:
        callback = noun.get("statusCallback")
        if not callback:
            return
        fields = {
            "AccountSid": self._line.account_sid,
            "CallSid": self._call.sid,
            "StreamSid": record.stream_sid,
            "StreamName": noun.get("name") or record.stream_sid,
            **stream_event_fields(event, error),
        }
        url = urljoin(self._here, callback)
        self._in_background(self._call_back(url, fields, noun.get("statusCallbackMethod", "POST")))

    async def _call_back(self, url: str, fields: Mapping[str, str], method: str = "POST") -> None:
        exchange = await self._request(url, fields, method)
        if not exchange.ok:
            self._call.warn(11200, f"{url} {exchange.failure}")


def _seconds(value: str, otherwise: float) -> float:
    try:
        return float(value) if value else otherwise
    except ValueError:
        return otherwise


def _websocket(url: str) -> str:
    return url.replace("http", "ws", 1)
