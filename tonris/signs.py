"""When the workers were last at work: a moment in Redis."""

import time

from redis.exceptions import RedisError

from tenants.shared_redis import shared_redis

KEY = "tonris:worker:seen"
QUEUE = "celery"
"""What Celery calls the list of the tasks that wait."""
KEPT_SECONDS = 86_400
REDIS_SECONDS = 0.5


def give() -> None:
    shared_redis(REDIS_SECONDS).set(KEY, str(time.time()), ex=KEPT_SECONDS)


def seconds_since() -> float | None:
    """None: not within a day. Raises RedisError."""
    seen = shared_redis(REDIS_SECONDS).get(KEY)
    return max(time.time() - float(seen), 0.0) if seen else None


def waiting() -> int:
    """Tasks that nobody has taken yet. Raises RedisError."""
    return int(shared_redis(REDIS_SECONDS).llen(QUEUE))


def memory() -> str:
    """What Redis holds, in its own words: "1.27M"; "" where it is unreachable."""
    try:
        return str(shared_redis(REDIS_SECONDS).info("memory").get("used_memory_human", ""))
    except RedisError:
        return ""
