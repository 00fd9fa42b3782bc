"""Connections to Redis that a process keeps: to make one costs more than most of what is asked through it."""

import atexit
from functools import cache

from django.conf import settings
from redis import BlockingConnectionPool, Redis

MOST_CONNECTIONS = 8


def shared_redis(seconds: float) -> Redis:
    """For all threads, whoever is as patient: connecting, each answer, a free connection may take so long.

    Raises redis.exceptions.RedisError when used. It is not the caller's to close.
    """
    return _client(settings.REDIS_URL, seconds)


@cache
def _client(url: str, seconds: float) -> Redis:
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=MOST_CONNECTIONS,
        timeout=seconds,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
    )
    atexit.register(pool.disconnect)
    return Redis(connection_pool=pool)
