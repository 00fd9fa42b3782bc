"""When the workers were last at work: a moment in Redis."""

import time

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

KEY = "tonris:worker:seen"
QUEUE = "celery"
"""What Celery calls the list of the tasks that wait."""
KEPT_SECONDS = 86_400
REDIS_SECONDS = 0.5


def give() -> None:
    with _redis() as redis:
        redis.set(KEY, str(time.time()), ex=KEPT_SECONDS)


def seconds_since() -> float | None:
    """None: not within a day. Raises RedisError."""
    with _redis() as redis:
        seen = redis.get(KEY)
    return max(time.time() - float(seen), 0.0) if seen else None


def waiting() -> int:
    """Tasks that nobody has taken yet. Raises RedisError."""
    with _redis() as redis:
        return int(redis.llen(QUEUE))


def memory() -> str:
    """What Redis holds, in its own words: "1.27M"; "" where it is unreachable."""
    try:
        with _redis() as redis:
            return str(redis.info("memory").get("used_memory_human", ""))
    except RedisError:
        return ""


def _redis() -> Redis:
    return Redis.from_url(
        settings.REDIS_URL, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
    )
