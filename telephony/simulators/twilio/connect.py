"""`<Connect><Stream>`: the verb that waits until our server, or the caller, has had enough."""

from urllib.parse import urljoin, urlsplit

from telephony.simulators.twilio.call import Stream
from telephony.simulators.twilio.course import Course, HangUp
from telephony.simulators.twilio.stream import MediaStream, StreamError
from telephony.simulators.twilio.twiml import Verb
from telephony.simulators.twilio.webhooks import stream_event_fields

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PARAMETER_LIMIT = 500


class Connector:
    def __init__(self, course: Course) -> None:
        self._course, self._call = course, course.call

    async def connect(self, verb: Verb) -> None:
        noun = verb.find("Stream")
        if noun is None:
            self._call.warn(12200, "<Connect> without <Stream>")
        else:
            await self._stream(noun)
        self._call.timeline.now_hears("silence")
        if self._call.hung_up.is_set():
            raise HangUp
        self._course.after(verb, {})

    async def _stream(self, noun: Verb) -> None:
        record = Stream(urljoin(_websocket(self._course.here), noun.get("url")), self._parameters(noun))
        self._call.streams.append(record)
        try:
            _inspect(noun, record.url)
            signature = (
                self._course.webhooks.stream_signature(record.url) if self._course.line.signs_stream else None
            )
            media = MediaStream(self._call, record, self._course.line.account_sid, signature)
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
            "AccountSid": self._course.line.account_sid,
            "CallSid": self._call.sid,
            "StreamSid": record.stream_sid,
            "StreamName": noun.get("name") or record.stream_sid,
            **stream_event_fields(event, error),
        }
        self._course.call_back(callback, fields, noun.get("statusCallbackMethod", "POST"))


def _inspect(noun: Verb, url: str) -> None:
    parts = urlsplit(url)
    if parts.query:
        raise StreamError(31920, "the URL of a <Stream> cannot carry a query string")
    if parts.scheme != "wss" and not (parts.scheme == "ws" and parts.hostname in LOOPBACK):
        raise StreamError(31922, f"the URL of a <Stream> must be wss: {url}")
    if noun.get("track", "inbound_track") != "inbound_track":
        raise StreamError(31941, "under <Connect> only inbound_track is allowed")


def _websocket(url: str) -> str:
    return url.replace("http", "ws", 1)
