"""For load balancers and people at night: alive, ready, and figures."""

import ipaddress
import secrets

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis import Redis
from redis.exceptions import RedisError

from telephony import live

_seen: list[bool] = []


def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. Touches nothing else: a restart would not mend a database."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Whether this process should get traffic, and what is missing if not."""
    checks = {"database": _database(), "redis": _redis(), "draining": "yes" if live.is_draining() else "ok"}
    ready = set(checks.values()) == {"ok"}
    body = {"status": "ready" if ready else "not ready", "calls": live.count(), **checks}
    return JsonResponse(body, status=200 if ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return "ok" if _migrated() else "migrations are missing"
    except DatabaseError:
        return "unreachable"


def _migrated() -> bool:
    """Once seen, believed for the life of the process: reading every migration takes a while."""
    if not _seen:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _seen.append(True)
    return True


def _redis() -> str:
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as redis:
            redis.ping()
    except RedisError:
        return "unreachable"
    return "ok"


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus figures, for loopback and for whoever holds METRICS_TOKEN."""
    if not _may_read_metrics(request):
        return JsonResponse({"success": False, "error": "Not for you", "code": "FORBIDDEN"}, status=403)
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _may_read_metrics(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and secrets.compare_digest(given.encode(), token.encode()):
        return True
    # Behind a proxy everybody comes from loopback: its header tells that there is one.
    proxied = {"X-Forwarded-For", "Forwarded", "X-Real-Ip"} & set(request.headers)
    return not proxied and ipaddress.ip_address(request.META.get("REMOTE_ADDR") or "0.0.0.0").is_loopback  # noqa: S104
