"""Redis and Celery: will a task be lost, or given out twice while it still runs?"""

from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from django.conf import settings
from django_celery_beat.models import PeriodicTask
from django_redis import get_redis_connection

from config.celery import app
from config.doctor.findings import Finding, Verdict, judge

QUEUES = ("payouts", "exports", "notifications", "default")
# Seconds to wait for a broker, and for workers to say what they listen to.
PATIENCE = 2


def reach_redis() -> None:
    """Raises when a Redis of ours does not answer."""
    for alias in settings.CACHES:
        get_redis_connection(alias).ping()


def reach_broker() -> None:
    """Raises when the broker does not answer."""
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=PATIENCE)


def check_redis() -> list[Finding]:
    """A broker that evicts forgets tasks; one that does not write to disk forgets them when it stops."""
    client = get_redis_connection("default")
    policy = _config(client, "maxmemory-policy")
    durable = _config(client, "appendonly")
    return [
        judge(
            "redis eviction",
            policy in ("noeviction", "unknown"),
            f"maxmemory-policy {policy}",
            "CONFIG SET maxmemory-policy noeviction: other policies throw away queued tasks and sessions.",
        ),
        judge(
            "redis persistence",
            durable in ("yes", "unknown"),
            f"appendonly {durable}",
            "CONFIG SET appendonly yes. Payouts survive without it (rows are the queue) but wait for a sweep.",
            otherwise=Verdict.WARN,
        ),
    ]


def _config(client: Any, name: str) -> str:
    # Hosted Redis often refuses CONFIG; its console shows the value instead.
    try:
        value = client.config_get(name).get(name, "unknown")
    except redis.ResponseError:
        return "unknown"
    return value.decode() if isinstance(value, bytes) else str(value)


def check_visibility() -> list[Finding]:
    """Redis redelivers a task that is not acknowledged in time: it must outlast our longest task."""
    timeout = int(str(settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]))
    longest = settings.CELERY_TASK_TIME_LIMIT
    return [
        judge(
            "broker visibility",
            timeout >= longest * 1.5,
            f"visibility time-out {timeout} s, longest task {longest} s",
            "Raise visibility_timeout in CELERY_BROKER_TRANSPORT_OPTIONS to 1.5 times CELERY_TASK_TIME_LIMIT or more.",
        )
    ]


def check_workers() -> list[Finding]:
    """Somebody must listen to every queue."""
    found = app.control.inspect(timeout=PATIENCE).active_queues() or {}
    heard = {queue["name"] for queues in found.values() for queue in queues}
    missing = sorted(set(QUEUES) - heard)
    return [
        judge(
            "workers",
            not missing,
            f"{len(found)} worker(s); queues without one: {', '.join(missing) or 'none'}",
            f"Start: celery -A config worker -Q {','.join(missing or QUEUES)}",
        )
    ]


def check_beat() -> list[Finding]:
    """Sweeps find what a lost nudge left; without beat nothing finds it."""
    latest = PeriodicTask.objects.filter(enabled=True, last_run_at__isnull=False).order_by("-last_run_at").first()
    at = latest.last_run_at if latest else None
    fresh = at is not None and datetime.now(UTC) - at < timedelta(minutes=10)
    return [
        judge(
            "beat",
            fresh,
            f"last scheduled run noted at {at:%Y-%m-%d %H:%M:%S} UTC" if at else "no scheduled run noted yet",
            "Start exactly one: celery -A config beat (it notes its runs every few minutes).",
        )
    ]
