"""Reading the trail as evidence: is every row what was written, and are the guards in place?"""

from collections.abc import Iterator
from dataclasses import dataclass
from hmac import compare_digest

from django.db import connection

from audit.canonical import row_hash
from audit.models import AuditEvent

# Rows held in memory at a time.
PAGE = 2000
GUARDS = ("audit_append_only", "audit_no_truncate")


@dataclass(frozen=True)
class Breach:
    """Something that must not be: `where` names the row or the table, `what` says it in words."""

    kind: str
    where: str
    what: str


def checked_rows(*, up_to_id: int) -> Iterator[tuple[int, Breach | None]]:
    """Each event up to this id, oldest first, with a breach when its hash is not of what it says.

    Reads page by page on the key, so that memory stays flat whatever the pooler or the size.
    """
    last = 0
    while True:
        page = list(AuditEvent.objects.filter(id__gt=last, id__lte=up_to_id).order_by("id")[:PAGE])
        for event in page:
            yield event.pk, _check(event)
        if len(page) < PAGE:
            return
        last = page[-1].pk


def _check(event: AuditEvent) -> Breach | None:
    if compare_digest(row_hash(event), event.integrity_hash):
        return None
    return Breach(
        kind="row_changed",
        where=f"event {event.pk}",
        what=f"{event.action} on {event.target_type} {event.target_id} at {event.at.isoformat()} "
        "is not what was written: its hash does not match.",
    )


def missing_guards() -> list[Breach]:
    """Tables of the trail (the parent and each partition) whose append-only triggers are absent or switched off."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH tables AS (
                SELECT %s::regclass AS oid UNION
                SELECT inhrelid FROM pg_inherits WHERE inhparent = %s::regclass
            )
            SELECT tables.oid::regclass::text, guard
            FROM tables CROSS JOIN unnest(%s::text[]) AS guard
            WHERE NOT EXISTS (
                SELECT FROM pg_trigger
                WHERE tgrelid = tables.oid AND tgname = guard AND tgenabled IN ('O', 'A')
            )
            ORDER BY 1, 2
            """,
            [AuditEvent._meta.db_table, AuditEvent._meta.db_table, list(GUARDS)],
        )
        return [
            Breach(kind="guard_missing", where=table, what=f"Trigger {guard} is absent or switched off.")
            for table, guard in cursor.fetchall()
        ]


def newest_event_id() -> int:
    """The highest id, 0 when there are no events."""
    newest = AuditEvent.objects.order_by("-id").values_list("id", flat=True).first()
    return newest or 0


def target_types() -> list[str]:
    """The types that events have as target, by name: read by hops over the index, however long the trail."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE hops AS (
                SELECT (SELECT min(target_type) FROM audit_event) AS target_type
                UNION ALL
                SELECT (SELECT min(target_type) FROM audit_event WHERE target_type > hops.target_type)
                FROM hops WHERE hops.target_type IS NOT NULL
            )
            SELECT target_type FROM hops WHERE target_type IS NOT NULL
            """
        )
        return [row[0] for row in cursor.fetchall()]
