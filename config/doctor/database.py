"""PostgreSQL: does it keep what it promised, and does it agree with us on the time?"""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from config.doctor.findings import Finding, Verdict, judge


def reach_postgres() -> None:
    """Raises when PostgreSQL does not answer."""
    connection.ensure_connection()


def _show(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return str(cursor.fetchone()[0])


def check_durability() -> list[Finding]:
    """A committed payout must survive a power cut; these settings decide that it does."""
    return [
        judge(
            f"postgres {name}",
            _show(name) == "on",
            f"{name} = {_show(name)}",
            f"ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf(); or a crash may forget a stored reference.",
        )
        for name in ("fsync", "synchronous_commit", "full_page_writes")
    ]


def check_clock() -> list[Finding]:
    """Schedules and expiry compare our clock with stored times."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        skew = abs((cursor.fetchone()[0] - datetime.now(UTC)).total_seconds())
    return [
        judge(
            "clock",
            skew < 2,
            f"{skew:.2f} s between this host and PostgreSQL",
            "Run an NTP client on both hosts.",
        )
    ]


def check_time_zone() -> list[Finding]:
    """Everything is stored and compared in UTC."""
    zone = connection.timezone_name
    return [
        judge(
            "time zone",
            settings.USE_TZ and settings.TIME_ZONE == "UTC" and zone == "UTC",
            f"settings {settings.TIME_ZONE}, connection {zone}",
            "Keep USE_TZ on and TIME_ZONE UTC; business days use the zone in configuration.",
        )
    ]


def check_connections() -> list[Finding]:
    """Every process of ours may open its whole pool."""
    limit = int(_show("max_connections"))
    options: Any = settings.DATABASES["default"]["OPTIONS"]
    pool = options.get("pool")
    size = pool["max_size"] if isinstance(pool, dict) else 1
    return [
        judge(
            "postgres connections",
            limit >= size * 6,
            f"max_connections {limit}, {size} a process",
            "Raise max_connections, lower DATABASE_POOL_SIZE, or put PgBouncer in front (BEHIND_PGBOUNCER=1).",
            otherwise=Verdict.WARN,
        )
    ]


def check_migrations() -> list[Finding]:
    """Code and schema belong together."""
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [judge("migrations", not pending, f"{len(pending)} pending", "Run manage.py migrate.")]
