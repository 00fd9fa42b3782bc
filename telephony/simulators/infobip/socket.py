"""Infobip's end of a WebSocket leg: 20 ms of PCM both ways, keys, `clear`.

Source: Infobip, "Use WebSocket streaming". Stricter than the real one where that would play noise.
"""

import asyncio
import json
from collections import deque

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from agents.simulators.audio import Format
from agents.simulators.vad import Activity, VoiceActivity
from telephony.simulators.infobip.call import InfobipCall, Stream
from telephony.simulators.infobip.faults import Faults

FRAME_S = 0.02
OPEN_S = 10.0
MOST_WAITING_S = 5.0
_VOICE_START_MS, _VOICE_END_MS = 60, 300


class SocketFailed(Exception):
    """The leg never came up."""


class MediaSocket:
    def __init__(self, call: InfobipCall, record: Stream, faults: Faults) -> None:
        self._call, self._record, self._faults = call, record, faults
        self._format = Format("pcm", record.rate_hz)
        self._frame_bytes = self._format.bytes_for(FRAME_S * 1000)
        self._queue: deque[bytes] = deque()
        self._waiting = 0
        self._voice = VoiceActivity(self._format, end_ms=_VOICE_END_MS)
        self._was_speech = False
        call.speak_as(self._format)

    async def open(self) -> ClientConnection:
        try:
            return await connect(
                self._record.url,
                proxy=None,
                compression=None,
                open_timeout=OPEN_S,
                close_timeout=1,
                ping_interval=None,
                max_queue=None,
            )
        except (InvalidHandshake, InvalidURI, TimeoutError, OSError) as error:
            self._record.error = str(error)
            raise SocketFailed(str(error)) from error

    async def run(self, socket: ClientConnection, ended: asyncio.Event) -> None:
        """Until we close it, the dialog ends, or the caller hangs up."""
        self._record.connected_ms = self._call.now_ms()
        self._call.timeline.now_hears("silence")
        reader = asyncio.create_task(self._read(socket), name=f"leg:{self._call.sid}")
        try:
            await self._connected(socket)
            await self._talk(socket, reader, ended)
        except ConnectionClosed:
            pass
        finally:
            await socket.close()
            await reader
        self._record.close_code = socket.close_code

    async def _connected(self, socket: ClientConnection) -> None:
        if self._faults.first_message is not None:
            if self._faults.first_message:
                await socket.send(self._faults.first_message)
            return
        custom = self._record.custom_data
        told = {"customData": custom} if self._faults.nested_custom_data else custom
        content_type = self._faults.content_type or f"audio/l16;rate={self._record.rate_hz}"
        await socket.send(json.dumps({"event": "websocket:connected", "content-type": content_type, **told}))

    async def _talk(
        self, socket: ClientConnection, reader: "asyncio.Task[None]", ended: asyncio.Event
    ) -> None:
        clock = asyncio.get_running_loop().time
        began = due = clock()
        while not reader.done() and not ended.is_set() and not self._call.hung_up.is_set():
            drops = self._faults.drops_socket_after_s
            if drops is not None and clock() - began > drops:
                socket.transport.abort()
                return
            self._record.late_ms = max(self._record.late_ms, (clock() - due) * 1000)
            await self._exchange_frame(socket)
            due += FRAME_S
            await asyncio.sleep(max(due - clock(), 0))

    async def _exchange_frame(self, socket: ClientConnection) -> None:
        heard = self._play_frame()
        self._record.audio_heard += heard
        self._note_voice(heard)
        caller = self._call.caller
        before = caller.speaking
        frame = caller.exchange(heard)
        if caller.speaking is not None and caller.speaking is not before:
            self._call.line_begins(caller.speaking.text)
        elif caller.speaking is None and before is not None:
            self._call.line_ends()
        self._record.frames_sent += 1
        self._record.audio_sent += frame
        await socket.send(frame)
        if (digit := caller.take_digit()) is not None:
            self._call.digits += digit
            await socket.send(json.dumps({"event": "websocket:dtmf", "digit": digit, "duration": 250}))
        if caller.wants_to_hang_up:
            self._call.hang_up()

    def _play_frame(self) -> bytes:
        if not self._queue:
            self._record.starved += self._was_speech
            self._was_speech = False
            return self._format.silence(FRAME_S * 1000)
        frame = self._queue.popleft()
        self._waiting -= len(frame)
        self._was_speech = any(frame)
        return frame.ljust(self._frame_bytes, b"\x00")

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for message in socket:
                if isinstance(message, bytes):
                    self._take_audio(message)
                else:
                    self._obey(message)
        except ConnectionClosed:
            return

    def _take_audio(self, audio: bytes) -> None:
        self._record.frames_received.append((self._call.now_ms(), len(audio)))
        self._record.audio_received += audio
        if len(audio) != self._frame_bytes:
            self._call.warn(1, f"a binary message of {len(audio)} bytes, not of one 20 ms frame")
        self._queue.append(audio)
        self._waiting += len(audio)
        self._record.ahead_ms = max(self._record.ahead_ms, self._format.duration_ms(self._waiting))
        if self._format.duration_ms(self._waiting) > MOST_WAITING_S * 1000:
            self._call.warn(2, "more audio waits than is ever played in time")

    def _obey(self, message: str) -> None:
        try:
            told = json.loads(message)
        except ValueError:
            told = None
        if told != {"action": "clear"}:
            self._call.warn(3, f"a text message that means nothing: {message[:80]}")
            return
        self._record.clears.append(self._call.now_ms())
        self._queue.clear()
        self._waiting = 0
        self._was_speech = False

    def _note_voice(self, heard: bytes) -> None:
        for activity in self._voice.feed(heard):
            if activity is Activity.STARTED:
                self._call.timeline.now_hears("agent", since_ms=self._call.now_ms() - _VOICE_START_MS)
                self._call.agent_spoke.set()
            else:
                self._call.timeline.now_hears("silence", since_ms=self._call.now_ms() - _VOICE_END_MS)
