"""A circuit breaker for each agent: after several failures in a row of seconds no caller waits for it any more.

    closed  --  FAILURES within WINDOW_SECONDS  -->  open
    open    --  OPEN_SECONDS later              -->  half open: one call at a time tries the agent
    half open:  a good call closes it, a bad one opens it again

Its state is in Redis, because one process answers a call and another carries it. Without Redis nothing is known and
every call tries its agent: a lost breaker costs callers seconds, never the agent.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID, uuid4

from redis import Redis
from redis.exceptions import RedisError

from tenants.shared_redis import shared_redis

logger = logging.getLogger(__name__)
T = TypeVar("T")

PREFIX = "tonris:breaker"
FAILURES = 5
WINDOW_SECONDS = 30.0
OPEN_SECONDS = 30.0
PROBE_SECONDS = 30.0
"""A call that tries the agent and says nothing of it in this time leaves the try to another."""
MEMORY_SECONDS = 3600
"""An agent that nobody has called for so long starts afresh."""
REDIS_SECONDS = 0.25

BAD = frozenset({"agent_refused", "agent_unreachable", "agent_lost", "agent_silent", "unsupported_audio"})
GOOD = frozenset({"agent_ended", "transfer", "menu", "time_limit", "spend_limit"})


@dataclass(frozen=True, slots=True)
class Circuit:
    """One tenant's agent: what is wrong with one tenant's key is no matter of another's."""

    tenant_id: UUID
    provider: str
    agent_id: str

    def key(self, part: str) -> str:
        return f"{PREFIX}:{self.tenant_id}:{self.provider}:{self.agent_id}:{part}"


def allows(circuit: Circuit) -> bool:
    """Whether a call may try this agent now. In the half-open state the first one that asks is the one that may."""
    return _ask(lambda redis: _allows(redis, circuit), otherwise=True)


def note(circuit: Circuit, outcome: str, *, agent_was_heard: bool) -> None:
    """How a call with this agent ended. Never raises; what says nothing of the agent changes nothing."""
    if outcome in BAD:
        _ask(lambda redis: _failed(redis, circuit), otherwise=None)
    elif outcome in GOOD or agent_was_heard:
        _ask(lambda redis: _close(redis, circuit), otherwise=None)


def _allows(redis: Redis, circuit: Circuit) -> bool:
    is_open, tripped = redis.mget(circuit.key("open"), circuit.key("tripped"))
    if is_open:
        return False
    return not tripped or bool(redis.set(circuit.key("probe"), "1", nx=True, px=_ms(PROBE_SECONDS)))


def _failed(redis: Redis, circuit: Circuit) -> None:
    now, failures = time.time(), circuit.key("failures")
    with redis.pipeline() as pipe:
        pipe.zadd(failures, {uuid4().hex: now})
        pipe.zremrangebyscore(failures, "-inf", now - WINDOW_SECONDS)
        pipe.zcard(failures)
        pipe.expire(failures, int(WINDOW_SECONDS) + 1)
        pipe.exists(circuit.key("tripped"))
        _, _, count, _, tripped = pipe.execute()
    if count >= FAILURES or tripped:
        with redis.pipeline() as pipe:
            pipe.set(circuit.key("open"), "1", px=_ms(OPEN_SECONDS))
            pipe.set(circuit.key("tripped"), "1", ex=MEMORY_SECONDS)
            pipe.delete(circuit.key("probe"))
            pipe.execute()
        logger.warning("Agent %s fails: its calls go elsewhere for a while", circuit.agent_id)


def _close(redis: Redis, circuit: Circuit) -> None:
    redis.delete(*(circuit.key(part) for part in ("failures", "open", "tripped", "probe")))


def _ask(question: Callable[[Redis], T], *, otherwise: T) -> T:
    try:
        return question(shared_redis(REDIS_SECONDS))
    except RedisError:
        logger.warning("Redis is unreachable: whether an agent fails is not known")
        return otherwise


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
