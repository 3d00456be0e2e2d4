"""Adding a row that may already be there, in one statement and without a savepoint."""

from functools import cache
from typing import Any

from django.db import connection, models


def insert_once(instance: models.Model) -> bool:
    """INSERT the row unless one of its unique columns is taken; True when it was added.

    Waits for a transaction that is adding the same key; after False the other's row is committed and can be read.
    Django's `get_or_create` needs two statements more (SELECT first, then a savepoint), and its
    `ignore_conflicts` does not say whether the row was added.
    """
    fields = instance._meta.concrete_fields
    values: list[Any] = [field.get_db_prep_save(field.pre_save(instance, add=True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(_statement(type(instance)), values)
        added = cursor.rowcount == 1
    if added:
        instance._state.adding = False
        instance._state.db = connection.alias
    return added


@cache
def _statement(model: type[models.Model]) -> str:
    """Names come from the model, values are parameters."""
    quote, fields = connection.ops.quote_name, model._meta.concrete_fields
    columns = ", ".join(quote(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
