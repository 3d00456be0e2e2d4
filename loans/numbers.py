"""Loan numbers, `USS-2026-001`: from a PostgreSQL sequence per channel and year of the country.

A sequence is no lock: nobody waits for another's transaction, and a number whose transaction is rolled back stays
unused (contract section 2: unique, at least three digits, restarts each year).
"""

from contextlib import nullcontext
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import DatabaseError, connection, transaction
from psycopg import errors, sql

from loans.statuses import LoanChannel


def next_loan_number(*, channel: LoanChannel, at: datetime, zone: ZoneInfo) -> str:
    """A number nobody else gets. One statement; the first of a year makes its sequence, in a transaction of its own.

    Call it before the transaction that stores the loan: inside one it costs a savepoint, and making the sequence
    keeps others who want to make it waiting until that transaction ends.
    """
    year = at.astimezone(zone).year
    try:
        # Only inside somebody's transaction, which a missing sequence must not spoil.
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            number = _next_value(channel, year)
    except DatabaseError as error:
        if not isinstance(error.__cause__, errors.UndefinedTable):
            raise
        make_sequence(channel=channel, year=year)
        number = _next_value(channel, year)
    return f"{LoanChannel.PREFIXES[channel]}-{year}-{number:03d}"


def make_sequence(*, channel: LoanChannel, year: int) -> None:
    """The sequence of this channel and year, made unless it is there. Safe when many do it at once."""
    name = sql.Identifier(name_sequence(channel, year))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE SEQUENCE IF NOT EXISTS {}").format(name))
    except DatabaseError as error:
        # PostgreSQL looks before it creates, so two may both see nothing; then the unique names of its catalogue hold.
        if not isinstance(error.__cause__, errors.UniqueViolation | errors.DuplicateTable | errors.DuplicateObject):
            raise


def name_sequence(channel: str, year: int) -> str:
    """Of the sequence that numbers this channel's loans of this year."""
    return f"loans_number_{channel}_{year}"


def _next_value(channel: str, year: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s)", [name_sequence(channel, year)])
        return cursor.fetchone()[0]
