"""Health endpoints (contract section 8)."""

import redis
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from django_redis import get_redis_connection

from ussd.watchdog import database_work_ends

# Seconds for one word from the database, also when it is stopped rather than gone. Whoever asks has time-outs too.
PATIENCE = 2.5

_migrated = False


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """The process runs."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """The process can work: database, Redis and migrations answer 200, anything else 503 with what is wrong."""
    database = _database()
    found = {
        "database": database,
        "redis": _redis(),
        # Without the database there is nothing to wait for twice.
        "migrations": _migrations() if database == "ok" else "unknown",
    }
    ok = all(word == "ok" for word in found.values())
    return JsonResponse({"status": "ok" if ok else "unavailable", **found}, status=200 if ok else 503)


def _database() -> str:
    try:
        with database_work_ends(within=PATIENCE), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return "unreachable"
    return "ok"


def _redis() -> str:
    try:
        for alias in settings.CACHES:
            get_redis_connection(alias).ping()
    except (redis.RedisError, OSError):
        return "unreachable"
    return "ok"


def _migrations() -> str:
    global _migrated  # migrations do not come undone while a process runs
    if _migrated:
        return "ok"
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error:
        return "unknown"
    _migrated = not pending
    return "ok" if _migrated else f"{len(pending)} pending"
