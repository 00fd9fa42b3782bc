"""What runs behind our address."""

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError


def database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return "ok"


def redis() -> str:
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as server:
            server.ping()
    except RedisError:
        return "unreachable"
    return "ok"


def workers() -> int:
    """How many answer within a second."""
    try:
        return len(current_app.control.ping(timeout=1.0) or [])
    except (OperationalError, OSError):
        return 0
