"""For load balancers and people at night: alive, ready, and figures."""

import secrets
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError

from telephony import live
from tenants.loopback import is_local
from tenants.shared_redis import shared_redis
from tonris import figures  # noqa: F401 - registers itself
from tonris.question import Question

DATABASE_SECONDS = 2.0
REDIS_SECONDS = 1.0

_seen: list[bool] = []


def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. Touches nothing else: a restart would not mend a database."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Whether this process should get traffic, and what is missing.

    Calls go on without Redis: if every process turned them away, callers would hear nothing at all.
    """
    checks = {"database": database(), "redis": redis(), "draining": "yes" if live.is_draining() else "ok"}
    ready = checks["database"] == checks["draining"] == "ok"
    body = {"status": "ready" if ready else "not ready", "calls": live.count(), **checks}
    return JsonResponse(body, status=200 if ready else 503)


def database() -> str:
    """A server that is frozen neither answers nor breaks off: whoever asks in its own thread would wait with it."""
    try:
        return _database.answer(DATABASE_SECONDS)
    except TimeoutError:
        return "unreachable"


def _ask_database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return "ok" if _migrated() else "migrations are missing"
    except DatabaseError:
        return "unreachable"
    finally:
        connection.close()


_database = Question(_ask_database)


def _migrated() -> bool:
    """Once seen, believed for the life of the process: reading every migration takes a while."""
    if not _seen:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _seen.append(True)
    return True


def redis() -> str:
    try:
        shared_redis(REDIS_SECONDS).ping()
    except RedisError:
        return "unreachable"
    return "ok"


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus figures, for loopback and for whoever holds METRICS_TOKEN."""
    if not _may_read_metrics(request):
        return JsonResponse({"success": False, "error": "Not for you", "code": "FORBIDDEN"}, status=403)
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


_PROBES = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}


def answer_probes(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: load balancers ask by address, which ALLOWED_HOSTS need not know."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        probe = _PROBES.get(request.path)
        if probe is None:
            return get_response(request)
        answer = probe(request)
        # Without it, who speaks HTTP/1.0 would get a chunk's length as part of the answer.
        answer.headers["Content-Length"] = str(len(answer.content))
        return answer

    return middleware


def _may_read_metrics(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if (
        token
        and scheme.lower() == "bearer"
        and secrets.compare_digest(given.strip().encode(), token.encode())
    ):
        return True
    return is_local(request)
