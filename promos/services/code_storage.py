"""Storing new codes: COPY straight into the table, and a slower road when a code is already taken.

A code is as good as unique by chance (50 random bits), so each chunk is copied without looking. When the unique index
refuses one, the chunk goes in again code by code with `ON CONFLICT DO NOTHING`, and new codes are drawn until it is
whole: the database's word decides, and the count is never short.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg
from django.db import connection, transaction

from promos.models import GenerationRun
from promos.refusals import PromoRefusal
from promos.statuses import CodeStatus

# How many times in a row a draw may bring nothing new before we say that no codes are left.
FRUITLESS_DRAWS = 20
# Codes drawn at least when topping up: with few left, most draws are taken ones.
SMALLEST_DRAW = 1_000

_COPY = "COPY promos_code (code, batch_id, run_id, amount, status, created_at) FROM STDIN"
_INSERT_NEW = """
    INSERT INTO promos_code (code, batch_id, run_id, amount, status, created_at)
    SELECT drawn, %(batch)s, %(run)s, %(amount)s, %(status)s, %(at)s
      FROM unnest(%(codes)s::text[]) AS drawn
     WHERE NOT EXISTS (SELECT 1 FROM promos_code WHERE code = drawn)
     LIMIT %(most)s
    ON CONFLICT (code) DO NOTHING
"""

Draw = Callable[[int], list[str]]


class CodesExhausted(PromoRefusal):
    """The alphabet has no codes left for this day."""

    code = "CODES_EXHAUSTED"


def store_codes(*, run: GenerationRun, count: int, draw: Draw, at: datetime) -> None:
    """Store exactly `count` new active codes of the run, in the caller's transaction. `draw(n)` gives n random codes.

    Raises CodesExhausted when the draws bring nothing new any more, and OperationalError when two runs draw each
    other's codes and wait in a ring: then the whole transaction is to be done again.
    """
    codes = draw(count)
    if not _copy(run, codes, at=at):
        _insert_and_top_up(run, codes, count=count, draw=draw, at=at)


def _copy(run: GenerationRun, codes: list[str], *, at: datetime) -> bool:
    """All of them with one COPY; False, and nothing stored, when one is taken."""
    # Everything but the code is the same in every row.
    rest = f"\t{run.batch_id}\t{run.pk}\t{run.amount}\t{CodeStatus.ACTIVE.value}\t{at.isoformat()}\n"
    try:
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.write(rest.join(codes) + rest)
    except (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected):
        return False
    return True


def _insert_and_top_up(run: GenerationRun, codes: list[str], *, count: int, draw: Draw, at: datetime) -> None:
    missing, fruitless = count, 0
    while missing:
        stored = _insert_new(run, codes, most=missing, at=at)
        missing -= stored
        fruitless = 0 if stored else fruitless + 1
        if fruitless >= FRUITLESS_DRAWS:
            raise CodesExhausted(
                f"No codes are left for {run.code_date} with this alphabet. Use more characters, or go on another day."
            )
        codes = draw(max(missing, SMALLEST_DRAW))


def _insert_new(run: GenerationRun, codes: list[str], *, most: int, at: datetime) -> int:
    """As many as `most` of those that are new; how many."""
    values: dict[str, Any] = {
        "batch": run.batch_id,
        "run": run.pk,
        "amount": run.amount,
        "status": CodeStatus.ACTIVE.value,
        "at": at,
        # Each once, in the order drawn: which of them are kept must not depend on what they are.
        "codes": list(dict.fromkeys(codes)),
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_NEW, values)
        return cursor.rowcount
