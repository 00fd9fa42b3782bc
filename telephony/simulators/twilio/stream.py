"""The carrier's end of a media stream: a WebSocket client that speaks every 20 ms and plays what it is sent.
Source: Twilio, "Media Streams - WebSocket Messages"."""

import asyncio
import base64
import json

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from agents.simulators.vad import Activity, VoiceActivity
from agents.simulators.voice import MULAW_8K
from telephony.simulators.twilio.call import SimulatedCall, Stream
from telephony.simulators.twilio.inspection import Clear, Mark, Media, MisuseError, read_server_message
from telephony.simulators.twilio.playout import Playout

FRAME_S = 0.02
OPEN_TIMEOUT_S = 10.0
_VOICE_END_MS = 300  # a shorter gap in the agent's speech is part of it
_VOICE_START_MS = 60


class StreamError(Exception):
    """The stream never opened; the code is the debugger's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class MediaStream:
    def __init__(self, call: SimulatedCall, record: Stream, account_sid: str, signature: str | None) -> None:
        self._call = call
        self._record = record
        self._account_sid = account_sid
        self._headers = {"x-twilio-signature": signature} if signature else {}
        self._playout = Playout()
        self._agent_voice = VoiceActivity(MULAW_8K, end_ms=_VOICE_END_MS)
        self._sequence = 0
        self._dropping = False

    async def open(self) -> ClientConnection:
        """The WebSocket, or StreamError."""
        try:
            return await connect(
                self._record.url,
                additional_headers=self._headers,
                user_agent_header="TwilioMediaStreams/1.0",
                proxy=None,
                compression=None,
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=2,
                ping_interval=None,
                max_queue=None,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            raise StreamError(31920, f"the handshake was answered with {status}, not 101") from error
        except InvalidURI as error:
            raise StreamError(31923, f"not a WebSocket URL: {self._record.url}") from error
        except TimeoutError as error:
            raise StreamError(31901, "the WebSocket server did not answer") from error
        except InvalidHandshake as error:
            raise StreamError(31920, f"the handshake failed: {error}") from error
        except OSError as error:
            raise StreamError(31902, f"the WebSocket server refused the connection: {error}") from error

    async def run(self, socket: ClientConnection) -> None:
        """Until our server closes, or the caller hangs up."""
        self._record.connected_ms = self._call.now_ms()
        self._call.timeline.now_hears("silence")
        reader = asyncio.create_task(self._read(socket), name=f"stream:{self._record.stream_sid}")
        try:
            await self._talk(socket, reader)
        except ConnectionClosed:
            self._record.closed_by = self._record.closed_by or "server"
        finally:
            await socket.close()
            await reader
        self._record.close_code = socket.close_code
        self._record.close_reason = socket.close_reason or ""

    async def _talk(self, socket: ClientConnection, reader: "asyncio.Task[None]") -> None:
        await socket.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        await self._send(socket, "start", self._start())
        clock = asyncio.get_running_loop().time
        began = due = clock()
        while not reader.done():
            if self._call.hung_up.is_set():
                await self._stop(socket)
                return
            self._record.late_ms = max(self._record.late_ms, (clock() - due) * 1000)
            await self._exchange_frame(socket, round((due - began) * 1000))
            due += FRAME_S
            await asyncio.sleep(max(due - clock(), 0))
        self._record.closed_by = "server"

    async def _exchange_frame(self, socket: ClientConnection, timestamp_ms: int) -> None:
        """What the caller hears in these 20 ms, and what they say."""
        heard, marks = self._playout.play_frame()
        self._record.audio_heard += heard
        self._note_voice(heard)
        await self._echo(socket, marks)
        caller = self._call.caller
        speaking_before = caller.speaking
        frame = caller.exchange(heard)
        if caller.speaking is not None and caller.speaking is not speaking_before:
            self._call.line_begins(caller.speaking.text)
        elif caller.speaking is None and speaking_before is not None:
            self._call.line_ends()
        await self._send_media(socket, frame, timestamp_ms)
        if (digit := caller.take_digit()) is not None:
            self._call.digits += digit
            await self._send(socket, "dtmf", {"dtmf": {"track": "inbound_track", "digit": digit}})
        if caller.wants_to_hang_up:
            self._call.hang_up()

    async def _send_media(self, socket: ClientConnection, frame: bytes, timestamp_ms: int) -> None:
        """Fifty times a second and call, hence written out."""
        self._sequence += 1
        self._record.frames_sent += 1
        payload = base64.b64encode(frame).decode("ascii")
        await socket.send(
            f'{{"event":"media","sequenceNumber":"{self._sequence}","streamSid":"{self._record.stream_sid}",'
            f'"media":{{"track":"inbound","chunk":"{self._record.frames_sent}",'
            f'"timestamp":"{timestamp_ms}","payload":"{payload}"}}}}'
        )

    async def _send(self, socket: ClientConnection, event: str, body: dict[str, object]) -> None:
        self._sequence += 1
        head = {
            "event": event,
            "sequenceNumber": str(self._sequence),
            "streamSid": self._record.stream_sid,
        }
        await socket.send(json.dumps({**head, **body}))

    async def _stop(self, socket: ClientConnection) -> None:
        self._record.closed_by = "carrier"
        ids = {"accountSid": self._account_sid, "callSid": self._call.sid}
        await self._send(socket, "stop", {"stop": ids})

    def _start(self) -> dict[str, object]:
        return {
            "start": {
                "streamSid": self._record.stream_sid,
                "accountSid": self._account_sid,
                "callSid": self._call.sid,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": self._record.parameters,
            }
        }

    async def _read(self, socket: ClientConnection) -> None:
        """Until the socket is closed, by either side."""
        try:
            async for message in socket:
                try:
                    await self._obey(socket, read_server_message(message, self._record.stream_sid))
                except MisuseError as error:
                    self._call.warn(error.code, str(error))
        except ConnectionClosed:
            return

    async def _obey(self, socket: ClientConnection, message: Media | Mark | Clear) -> None:
        match message:
            case Media(audio):
                self._record.frames_received += 1
                self._record.audio_received += audio
                if not self._playout.add(audio) and not self._dropping:
                    self._dropping = True
                    self._call.warn(31931, "more than 10 minutes of audio are waiting; the rest is lost")
            case Mark(name):
                self._record.marks_received.append(name)
                await self._echo(socket, self._playout.mark(name))
            case Clear():
                self._record.clears.append(self._call.now_ms())
                await self._echo(socket, self._playout.clear())

    async def _echo(self, socket: ClientConnection, marks: list[str]) -> None:
        for name in marks:
            self._record.marks_echoed.append((name, self._call.now_ms()))
            await self._send(socket, "mark", {"mark": {"name": name}})

    def _note_voice(self, heard: bytes) -> None:
        for activity in self._agent_voice.feed(heard):
            if activity is Activity.STARTED:
                since_ms = self._call.now_ms() - _VOICE_START_MS
                self._call.timeline.now_hears("agent", since_ms=since_ms)
                self._call.agent_spoke.set()
            else:
                since_ms = self._call.now_ms() - _VOICE_END_MS
                self._call.timeline.now_hears("silence", since_ms=since_ms)
