"""The items of a conversation, and what a client may do to them."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from agents.simulators.openai_realtime.client_events import Rejected
from agents.simulators.openai_realtime.record import Json


@dataclass
class Item:
    id: str
    type: str
    previous: str | None
    role: str = ""
    status: str = "completed"
    content: list[Json] = field(default_factory=list)
    transcript: str = ""
    audio_ms: float = 0.0
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    output: str = ""

    def body(self) -> Json:
        head: Json = {"id": self.id, "object": "realtime.item", "type": self.type, "status": self.status}
        if self.type == "function_call":
            return {**head, "call_id": self.call_id, "name": self.name, "arguments": self.arguments}
        if self.type == "function_call_output":
            return {**head, "call_id": self.call_id, "output": self.output}
        content = self.content
        if self.role == "assistant" and not content and self.audio_ms:
            content = [{"type": "output_audio", "transcript": self.transcript}]
        return {**head, "role": self.role, "content": content}


class Items:
    def __init__(self, short_by_ms: int = 0) -> None:
        self._items: dict[str, Item] = {}
        self._short_by_ms = short_by_ms

    def get(self, item_id: str) -> Item | None:
        return self._items.get(item_id)

    def new(self, kind: str, *, item_id: str = "", role: str = "", status: str = "completed") -> Item:
        previous = next(reversed(self._items), None)
        item = Item(item_id or f"item_{secrets.token_hex(10)}", kind, previous, role, status)
        self._items[item.id] = item
        return item

    def create(self, told: Json) -> Item:
        """A client's item. Raises Rejected."""
        if told.get("id") in self._items:
            raise Rejected("invalid_value", f"Item '{told['id']}' exists already.", "item.id")
        if len(told.get("id", "")) > 32:
            raise Rejected("string_above_max_length", "Invalid 'item.id': more than 32.", "item.id")
        kind = told["type"]
        if kind == "function_call_output":
            self._expect_call(told["call_id"])
        item = self.new(kind, item_id=told.get("id", ""), role=told.get("role", ""))
        item.content = told.get("content", [])
        item.call_id, item.output = told.get("call_id", ""), told.get("output", "")
        item.name, item.arguments = told.get("name", ""), told.get("arguments", "")
        return item

    def _expect_call(self, call_id: str) -> None:
        calls = (item for item in self._items.values() if item.type == "function_call")
        if not any(item.call_id == call_id and item.status == "completed" for item in calls):
            raise Rejected(
                "invalid_tool_call_id",
                f"Tool call ID '{call_id}' not found in conversation.",
                "item.call_id",
            )

    def delete(self, item_id: str) -> None:
        if self._items.pop(item_id, None) is None:
            raise Rejected(
                "item_delete_invalid_item_id",
                f"Error deleting item: the item with id '{item_id}' does not exist.",
                "item_id",
            )

    def retrieve(self, item_id: str) -> Any:
        item = self._items.get(item_id)
        if item is None:
            raise Rejected("item_retrieve_invalid_item_id", f"Item '{item_id}' does not exist.", "item_id")
        return item.body()

    def truncate(self, item_id: str, end_ms: int) -> None:
        """Forgets the words with the audio: the server does not know which were heard."""
        item = self._items.get(item_id)
        if item is None:
            raise Rejected(
                "item_truncate_invalid_item_id", f"Item with item_id '{item_id}' not found.", "item_id"
            )
        if item.role != "assistant" or not item.audio_ms:
            raise Rejected(None, "Only model output audio messages can be truncated.", "item_id")
        actual = int(item.audio_ms) - self._short_by_ms
        if end_ms > actual:
            raise Rejected(None, f"Audio content of {actual}ms is already shorter than {end_ms}ms")
        item.audio_ms, item.transcript = end_ms, ""
