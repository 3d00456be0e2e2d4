"""Locks of this app."""

from django.db import connection


def lock_category(slug: str) -> None:
    """Wait until this transaction is the only one that changes the category; held until it ends.

    An advisory lock, because before the first change there is no row to lock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"configuration:{slug}"])
