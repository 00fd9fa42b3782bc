"""The desk's socket: a snapshot at first, then each call as it changes.

server: {"type": "snapshot", "calls": [card, ...], "mayAct": true}
        {"type": "call", "call": card}     {"type": "gone", "id": "..."}
        {"type": "refused", "id": "...", "reason": "..."}     {"type": "away"}: the database is
browser: {"do": "hang_up" | "transfer", "id": "..."}     {"do": "whisper", "id": "...", "text": "..."}
"""

import asyncio
import itertools
import json
import logging
from contextlib import suppress
from typing import Any

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, WebSocketScope
from channels.consumer import AsyncConsumer
from django.db import DatabaseError

from telephony.same_site import is_same_site
from telephony.watching import door, stepping_in
from telephony.watching.picture import Card, picture
from tenants.scoping import in_thread

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.7
"""Between two looks at what goes on: soon enough to read along, and one small statement while all is quiet."""
LOOKS_A_CHECK = 20
"""So often it is asked again whether the person may still look: logged out, moved, suspended."""
MAX_COMMAND = 4096
POLICY_VIOLATION = 1008
SIGNED_OUT = 4401


class LiveCallsConsumer(AsyncConsumer):  # type: ignore[misc]
    """One browser at the desk."""

    async def __call__(
        self, scope: WebSocketScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        await receive()  # websocket.connect
        self._scope, self._send = scope, send
        self._shown: dict[str, Card] = {}
        watcher = await self._who() if is_same_site(scope) else None
        if watcher is None:
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": ""})
            return
        self._watcher = watcher
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        showing = asyncio.create_task(self._show(), name="live calls")
        listening = asyncio.create_task(self._listen(receive), name="live commands")
        try:
            await asyncio.wait({showing, listening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (showing, listening):
                task.cancel()
            for result in await asyncio.gather(showing, listening, return_exceptions=True):
                if isinstance(result, Exception):
                    logger.error("The desk's socket broke", exc_info=result)

    async def _who(self) -> door.Watcher | None:
        with suppress(DatabaseError):
            return await in_thread(door.watcher, self._scope)
        return None

    # --- What the browser sees ---

    async def _show(self) -> None:
        first = True
        for look in itertools.count(1):
            try:
                if look % LOOKS_A_CHECK == 0 and not await self._still_welcome():
                    await self._send({"type": "websocket.close", "code": SIGNED_OUT, "reason": "signed out"})
                    return
                now = await in_thread(picture, self._watcher.tenant_id)
            except DatabaseError:
                await self._tell({"type": "away"})
                first = True
            else:
                await self._tell_news(now, first=first)
                first = False
            await asyncio.sleep(LOOK_SECONDS)

    async def _still_welcome(self) -> bool:
        """Raises DatabaseError where that cannot be known: nobody is thrown out for it."""
        watcher = await in_thread(door.watcher, self._scope)
        if watcher is None or watcher.tenant_id != self._watcher.tenant_id:
            return False
        self._watcher = watcher
        return True

    async def _tell_news(self, now: dict[str, Card], *, first: bool) -> None:
        before, self._shown = self._shown, now
        if first:
            cards = list(now.values())
            await self._tell({"type": "snapshot", "calls": cards, "mayAct": self._watcher.may_act})
            return
        for call_id, card in now.items():
            if before.get(call_id) != card:
                await self._tell({"type": "call", "call": card})
        for call_id in before.keys() - now.keys():
            await self._tell({"type": "gone", "id": call_id})

    async def _tell(self, message: dict[str, Any]) -> None:
        text = json.dumps(message, ensure_ascii=False)
        await self._send({"type": "websocket.send", "text": text, "bytes": None})

    # --- What the browser wants ---

    async def _listen(self, receive: ASGIReceiveCallable) -> None:
        while True:
            event: dict[str, Any] = dict(await receive())
            if event["type"] == "websocket.disconnect":
                return
            wish = stepping_in.read((event.get("text") or "")[:MAX_COMMAND])
            if wish is None:
                continue
            try:
                reason = await in_thread(stepping_in.carry_out, self._watcher, wish)
            except DatabaseError:
                reason = "The database cannot be reached. Please try again in a moment."
            if reason:
                await self._tell({"type": "refused", "id": str(wish.call_id), "reason": reason})
