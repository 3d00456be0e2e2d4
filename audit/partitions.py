"""Monthly partitions of a table that only grows. The audit trail and the log of USSD turns use it.

The table is `PARTITION BY RANGE (at)`, with a DEFAULT partition named `<table>_default` that takes rows of months that
have no partition yet, so that an insert never fails for want of one.
"""

from datetime import UTC, datetime

from django.db import connection, transaction
from psycopg import sql

# Seconds. ATTACH waits for whoever writes; better to try again later than to make writers queue behind it.
LOCK_TIMEOUT_SECONDS: float = 5


def ensure_monthly_partitions(table: str, *, at: datetime, months_ahead: int) -> list[str]:
    """Make the partitions of `at`'s month (UTC) and of `months_ahead` months after it; return the names made.

    Safe to call at any time from many processes: an advisory lock lets one work and the others then find nothing
    to do. Rows of a new partition's month that are waiting in the DEFAULT partition move into it.
    Statement triggers of the table are put on each new partition, since PostgreSQL copies only row triggers.
    Raises django.db.OperationalError when a writer holds the table longer than LOCK_TIMEOUT_SECONDS.
    """
    months = _months(at, count=months_ahead + 1)
    if not _missing(table, months):
        return []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {int(LOCK_TIMEOUT_SECONDS * 1000)}")
        _take_turns(table)
        missing = _missing(table, months)
        for month in missing:
            _create(table, month)
    return [_name(table, month) for month in missing]


def _take_turns(table: str) -> None:
    """Wait for whoever makes partitions of this table now; held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"partitions:{table}"])


def _months(at: datetime, *, count: int) -> list[datetime]:
    first = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    months = [first]
    while len(months) < count:
        months.append(_next(months[-1]))
    return months


def _next(month: datetime) -> datetime:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def _name(table: str, month: datetime) -> str:
    return f"{table}_{month:%Y_%m}"


def _missing(table: str, months: list[datetime]) -> list[datetime]:
    names = [_name(table, month) for month in months]
    with connection.cursor() as cursor:
        # Not to_regclass: it may answer from this session's cache that a table just committed elsewhere is absent.
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relnamespace = current_schema()::regnamespace",
            [names],
        )
        present = {row[0] for row in cursor.fetchall()}
    return [month for month in months if _name(table, month) not in present]


def _create(table: str, month: datetime) -> None:
    parent, partition = sql.Identifier(table), sql.Identifier(_name(table, month))
    default = sql.Identifier(f"{table}_default")
    first, end = sql.Literal(month.isoformat()), sql.Literal(_next(month).isoformat())
    with connection.cursor() as cursor:
        run = cursor.execute
        run(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING IDENTITY)").format(partition, parent))
        run(sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE at >= {} AND at < {})").format(default, first, end))
        (strays,) = cursor.fetchone()
        if strays:
            # Detached, the default partition has lost the row triggers it had from its parent, so that rows
            # of an append-only table can move. Nobody reads or writes meanwhile: DETACH locks the parent.
            run(sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(parent, default))
            moved = sql.SQL("WITH moved AS (DELETE FROM {} WHERE at >= {} AND at < {} RETURNING *) ")
            run(moved.format(default, first, end) + sql.SQL("INSERT INTO {} SELECT * FROM moved").format(partition))
        attach = sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})")
        run(attach.format(parent, partition, first, end))
        if strays:
            run(sql.SQL("ALTER TABLE {} ATTACH PARTITION {} DEFAULT").format(parent, default))
    _copy_statement_triggers(table, _name(table, month))


def _copy_statement_triggers(table: str, partition: str) -> None:
    """tgtype's lowest bit means FOR EACH ROW; without it the trigger is a statement's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_triggerdef(oid, true) FROM pg_trigger "
            "WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgtype & 1 = 0",
            [table],
        )
        for (definition,) in cursor.fetchall():
            head, _, tail = definition.partition(f" ON {table} ")
            cursor.execute(sql.SQL(f"{head} ON {{}} {tail}").format(sql.Identifier(partition)))
