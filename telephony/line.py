"""What tools and staff may do with a call that some process of ours carries.

A tool call by webhook is answered by a web process, the call's audio lives in a media process: Redis carries the
word from one to the other. Every media process listens while it carries calls, and acts on its own.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from django.conf import settings
from redis import asyncio as redis_asyncio
from redis.exceptions import RedisError

from agents.live_calls import Act, Reach
from agents.models import Conversation
from telephony.models import Call
from telephony.people import transfers
from tenants.shared_redis import shared_redis

logger = logging.getLogger(__name__)

CHANNEL = "tonris:acts"
RECONNECT_SECONDS = 1.0
REDIS_SECONDS = 1.0

_bridges: dict[UUID, Callable[[Act], None]] = {}
_ears: dict[UUID, Callable[[str], None]] = {}
"""Of the agents."""
_listener: asyncio.Task[None] | None = None


class Line:
    """What `agents.live_calls` asks for."""

    def is_live(self, conversation: Conversation) -> bool:
        calls = Call.objects.for_tenant(conversation.tenant_id).filter(conversation=conversation)
        return calls.filter(stream_started_at__isnull=False, stream_ended_at=None).exists()

    def reach(self, conversation: Conversation) -> Reach:
        return transfers.reach(conversation)

    def perform(self, conversation_id: UUID, act: Act) -> bool:
        return _publish(conversation_id, {"act": act})


def whisper(conversation_id: UUID, text: str) -> bool:
    """Tell the agent of a call something; whether somebody was there to pass it on."""
    return _publish(conversation_id, {"whisper": text})


def _publish(conversation_id: UUID, wanted: dict[str, str]) -> bool:
    """Whether any process that carries calls has heard it."""
    try:
        told = json.dumps({"conversation": str(conversation_id), **wanted})
        heard = shared_redis(REDIS_SECONDS).publish(CHANNEL, told)
    except RedisError:
        logger.exception("The process that carries a call could not be told what to do with it")
        return False
    return int(str(heard)) > 0


@asynccontextmanager
async def acting_on(
    conversation_id: UUID, act: Callable[[Act], None], whispered: Callable[[str], None]
) -> AsyncIterator[None]:
    """While this lasts, what tools and staff want done with the call reaches it, whichever process they are in."""
    global _listener  # noqa: PLW0603 - one listener for all calls of the process
    _bridges[conversation_id], _ears[conversation_id] = act, whispered
    if _listener is None:
        _listener = asyncio.create_task(_listen(), name="acts")
    try:
        yield
    finally:
        del _bridges[conversation_id], _ears[conversation_id]
        if not _bridges and _listener is not None:
            listener, _listener = _listener, None
            await _stop(listener)


async def _stop(listener: asyncio.Task[None]) -> None:
    """Once more when that is lost: a cancellation while it connects may come out of redis as a time-out."""
    while not listener.done():
        listener.cancel()
        await asyncio.wait({listener}, timeout=0.05)


async def _listen() -> None:
    while True:
        try:
            async with (
                redis_asyncio.Redis.from_url(settings.REDIS_URL) as redis,
                redis.pubsub(ignore_subscribe_messages=True) as subscription,
            ):
                await subscription.subscribe(CHANNEL)
                async for message in subscription.listen():
                    _act(message["data"])
        except (RedisError, OSError):
            logger.warning("Redis is unreachable: tools by webhook cannot transfer or end calls meanwhile")
        await asyncio.sleep(RECONNECT_SECONDS)


def _act(text: bytes) -> None:
    try:
        wanted = json.loads(text)
        conversation_id = UUID(wanted["conversation"])
        said, act = str(wanted.get("whisper", "")), Act(wanted["act"]) if "act" in wanted else None
    except (ValueError, TypeError, LookupError, AttributeError):  # of a newer version, say; listen on
        logger.warning("A word for a call was not understood")
        return
    bridge, ear = _bridges.get(conversation_id), _ears.get(conversation_id)
    if act is not None and bridge is not None:
        bridge(act)
    elif said and ear is not None:
        ear(said)
