"""The database connection while we speak with a provider."""

from django.db import connection


def release_connection() -> None:
    """Give this thread's connection back to the pool: a call to a provider may take a minute, and a worker's other
    threads need connections meanwhile. The next statement takes one again.

    Without a pool it stays open, because making a new one costs more than keeping it.
    """
    if connection.settings_dict["OPTIONS"].get("pool") and not connection.in_atomic_block:
        connection.close()
