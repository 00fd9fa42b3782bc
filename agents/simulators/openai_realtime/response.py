"""One response on its way out: items, their audio in bursts, and the same orderly end whether or not it was cut."""

import asyncio
import base64
import itertools
import json
import secrets
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from agents.simulators.audio import Format
from agents.simulators.openai_realtime.behaviour import Behaviour
from agents.simulators.openai_realtime.items import Item, Items
from agents.simulators.openai_realtime.model import Call, Output, Say
from agents.simulators.openai_realtime.record import Json, Record, ToolUse
from agents.simulators.voice import speak

Send = Callable[..., Awaitable[None]]
_BURSTS_MS = (200.3, 413.1, 100.0, 610.7)  # never whole 20 ms frames


class Response:
    def __init__(
        self,
        send: Send,
        items: Items,
        record: Record,
        behaviour: Behaviour,
        *,
        audio_format: Format,
        chars_per_second: float,
        metadata: Any = None,
    ) -> None:
        self.id = f"resp_{secrets.token_hex(10)}"
        self.cancelled = ""
        """Why, if it was."""
        self._send, self._items, self._record, self._behaviour = send, items, record, behaviour
        self._format = audio_format
        self._chars_per_second = chars_per_second
        self._metadata = metadata
        self._output: list[Json] = []
        self._spoken_ms = 0.0
        self.last_item: Item | None = None
        """What it speaks, or spoke last."""

    async def run(self, outputs: list[Output], *, input_tokens: tuple[int, int], failure: str = "") -> None:
        await self._send("response.created", response=self._body("in_progress"))
        await asyncio.sleep(0.01)
        if failure:
            error = {"type": "server_error", "code": failure, "message": f"The response failed: {failure}."}
            await self._finish("failed", {"type": "failed", "error": error}, input_tokens)
            return
        for index, output in enumerate(outputs):
            if self.cancelled:
                break
            await (self._say(output, index) if isinstance(output, Say) else self._call(output, index))
        if self.cancelled:
            await self._finish("cancelled", {"type": "cancelled", "reason": self.cancelled}, input_tokens)
        else:
            await self._finish("completed", None, input_tokens)

    async def echo(self, frames: "asyncio.Queue[bytes]") -> None:
        """For ever: what the caller says, as one item."""
        await self._send("response.created", response=self._body("in_progress"))
        item = self._items.new("message", role="assistant", status="in_progress")
        await self._added(item, 0)
        while True:
            await self._delta(item, 0, await frames.get())

    async def late_delta(self, item: Item) -> None:
        """Audio that was on its way when the response was cancelled."""
        await self._delta(item, 0, speak("too late", self._format))

    async def _say(self, say: Say, index: int) -> None:
        item = self._items.new("message", role="assistant", status="in_progress")
        self._record.said.append(("agent", say.text))
        self.last_item = item
        await self._added(item, index)
        part = {"response_id": self.id, "item_id": item.id, "output_index": index, "content_index": 0}
        await self._send("response.content_part.added", **part, part={"type": "audio", "transcript": ""})
        audio = speak(say.text, self._format, self._chars_per_second)
        for chunk in self._bursts(audio):
            if self.cancelled:
                break
            await self._delta(item, index, chunk)
            share = item.audio_ms / max(self._format.duration_ms(len(audio)), 1)
            words = say.text[: round(len(say.text) * min(share, 1))]
            await self._send(
                "response.output_audio_transcript.delta", **part, delta=words[len(item.transcript) :]
            )
            item.transcript = words
            await asyncio.sleep(self._behaviour.burst_pause_s)
        await self._send("response.output_audio.done", **part)
        await self._send("response.output_audio_transcript.done", **part, transcript=item.transcript)
        done = {"type": "audio", "transcript": item.transcript}
        await self._send("response.content_part.done", **part, part=done)
        await self._done(item, index)

    async def _call(self, call: Call, index: int) -> None:
        item = self._items.new("function_call", status="in_progress")
        item.call_id, item.name = f"call_{secrets.token_hex(8)}", call.name
        await self._added(item, index)
        item.arguments = json.dumps(call.arguments)
        ids = {
            "response_id": self.id,
            "item_id": item.id,
            "output_index": index,
            "call_id": item.call_id,
        }
        await self._send("response.function_call_arguments.delta", **ids, delta=item.arguments)
        await self._send(
            "response.function_call_arguments.done", **ids, name=item.name, arguments=item.arguments
        )
        if not self.cancelled:
            self._record.tools.append(ToolUse(call.name, item.call_id, dict(call.arguments)))
        await self._done(item, index)

    async def _added(self, item: Item, index: int) -> None:
        await self._send(
            "response.output_item.added", response_id=self.id, output_index=index, item=item.body()
        )
        await self._send("conversation.item.added", previous_item_id=item.previous, item=item.body())

    async def _done(self, item: Item, index: int) -> None:
        item.status = "incomplete" if self.cancelled else "completed"
        self._output.append(item.body())
        await self._send(
            "response.output_item.done", response_id=self.id, output_index=index, item=item.body()
        )
        await self._send("conversation.item.done", previous_item_id=item.previous, item=item.body())

    async def _delta(self, item: Item, index: int, audio: bytes) -> None:
        item.audio_ms += self._format.duration_ms(len(audio))
        self._spoken_ms += self._format.duration_ms(len(audio))
        self._record.sent_audio += audio
        self._record.spoken_ms[item.id] = item.audio_ms
        await self._send(
            "response.output_audio.delta",
            response_id=self.id,
            item_id=item.id,
            output_index=index,
            content_index=0,
            delta=base64.b64encode(audio).decode("ascii"),
        )

    def _bursts(self, audio: bytes) -> Iterator[bytes]:
        at = 0
        for duration_ms in itertools.cycle(_BURSTS_MS):
            if at >= len(audio):
                return
            size = self._format.bytes_for(duration_ms)
            yield audio[at : at + size]
            at += size

    async def _finish(self, status: str, details: Json | None, input_tokens: tuple[int, int]) -> None:
        self._record.statuses.append(status)
        await self._send("response.done", response=self._body(status, details, self._usage(*input_tokens)))

    def _body(self, status: str, details: Json | None = None, usage: Json | None = None) -> Json:
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": self._output,
            "conversation_id": "conv_simulated",
            "output_modalities": ["audio"],
            "max_output_tokens": "inf",
            "usage": usage,
            "metadata": self._metadata,
        }

    def _usage(self, text_in: int, audio_in: int) -> Json:
        """Assistant audio is a token for each 50 ms; half of the text comes from the cache."""
        audio_out, text_out, cached = (
            round(self._spoken_ms / 50),
            round(self._spoken_ms / 250) + 5,
            text_in // 2,
        )
        return {
            "total_tokens": text_in + audio_in + audio_out + text_out,
            "input_tokens": text_in + audio_in,
            "output_tokens": audio_out + text_out,
            "input_token_details": {
                "text_tokens": text_in,
                "audio_tokens": audio_in,
                "image_tokens": 0,
                "cached_tokens": cached,
                "cached_tokens_details": {"text_tokens": cached, "audio_tokens": 0, "image_tokens": 0},
            },
            "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
        }
