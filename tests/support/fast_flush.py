"""Emptying the database after a test that commits: quickly, and past the append-only triggers.

Django would TRUNCATE every table and run post_migrate again. Tables here are small, so DELETE is faster; and audit
rows, postings and configuration versions refuse removal, so triggers are off for this one session (the test role is a
superuser).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.db import connection
from django.test import TransactionTestCase

from ledger.services.accounts import forget_known_accounts

# Filled by migrations, never changed by tests.
KEPT = {"django_content_type", "auth_permission", "django_migrations"}


def install() -> None:
    """From now on committing tests are cleaned up by `empty_tables`."""
    TransactionTestCase._fixture_teardown = lambda self: None if _keeping else empty_tables()  # type: ignore[method-assign]


_keeping = False


@contextmanager
def keep_rows() -> Iterator[None]:
    """Inside, a test leaves its rows to the next: for modules whose processes remember rows for longer than a test."""
    global _keeping
    _keeping = True
    try:
        yield
    finally:
        _keeping = False


def empty_tables() -> None:
    """Delete every row of every model's table."""
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)} - KEPT
    deletes = "; ".join(f'DELETE FROM "{table}"' for table in sorted(tables & _present_tables()))
    with connection.cursor() as cursor:
        cursor.execute(f"SET session_replication_role = replica; {deletes}; SET session_replication_role = DEFAULT")
    connection.close()
    forget_known_accounts()


_present: set[str] = set()


def _present_tables() -> set[str]:
    if not _present:
        _present.update(connection.introspection.table_names())
    return _present
