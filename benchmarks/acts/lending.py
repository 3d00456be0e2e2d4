"""What offers and approvals left behind, how the database finds what they ask for, and what knowing a token costs."""

import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.services.token_checks import check_token
from benchmarks.stock import PARTNER
from disbursements.models import Disbursement
from disbursements.statuses import DisbursementStatus
from loans.models import Loan
from loans.services.approvals import approve_offer
from loans.services.offers import make_offers
from loans.statuses import LoanStatus

# Statements that look for rows.
_READS = re.compile(r"\s*(SELECT\b.*\bFROM|UPDATE)\b", re.DOTALL)
# Reading a table of fewer rows from end to end is what a database should do.
_LARGE = 1_000


def count_loans() -> dict[str, int]:
    """Loans approved and not paid out yet, and payouts queued for them."""
    return {
        "loans": Loan.objects.filter(status=LoanStatus.APPROVED).count(),
        "payouts": Disbursement.objects.filter(status=DisbursementStatus.QUEUED).count(),
    }


def check_tokens(*, token: str, count: int) -> dict[str, Any]:
    """Check the token so many times after a first time; seconds of each, of its SQL, and of the processor for all."""
    check_token(token, at=timezone.now())
    whole, asking = [], []

    def watch(execute: Callable[..., Any], *asked: Any) -> Any:
        before = time.perf_counter()
        try:
            return execute(*asked)
        finally:
            asking.append(time.perf_counter() - before)

    cpu_before = time.process_time()
    with connection.execute_wrapper(watch):
        for _ in range(count):
            before = time.perf_counter()
            check_token(token, at=timezone.now())
            whole.append(time.perf_counter() - before)
    return {"seconds": whole, "sql_seconds": asking, "cpu_seconds": time.process_time() - cpu_before}


def explain(*, phones: list[str]) -> list[dict[str, Any]]:
    """How PostgreSQL finds the rows of each statement, of an approval without a session, and of an offer and its own.

    Each with the next phone, whose loan stays. For each table looked into: its name, the indexes used (none: it is read
    from end to end), and whether it is a large table.
    """
    without, with_session = phones
    plans: list[dict[str, Any]] = []
    with connection.execute_wrapper(partial(_explain, plans)):
        _approve(without)
        make_offers(phone=with_session, session_id=with_session, network="", partner=PARTNER, at=timezone.now())
        _approve(with_session)
    large = _large_tables()
    looks = [look for plan in plans for look in _looks(plan)]
    return [{"table": table, "indexes": indexes, "is_large": table in large} for table, indexes in looks]


def _approve(phone: str) -> None:
    asked: dict[str, Any] = {"phone": phone, "session_id": phone, "network": "", "partner": PARTNER}
    result = approve_offer(**asked, option=2, amount=None, at=timezone.now())
    if result.loan is None:
        raise RuntimeError(f"a good approval came to {result.refusal}")


def _explain(plans: list[dict[str, Any]], execute: Callable[..., Any], query: Any, values: Any, *rest: Any) -> Any:
    """A statement on its way: its plan is asked for first, by the same connection."""
    if _READS.match(str(query)):
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {query}", values)
            plans.append(cursor.fetchone()[0][0]["Plan"])
    return execute(query, values, *rest)


def _looks(plan: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The tables that a plan reads, each with its indexes."""
    if "Relation Name" in plan and plan["Node Type"] != "ModifyTable":
        yield plan["Relation Name"], sorted(_indexes(plan))
    for part in plan.get("Plans", []):
        yield from _looks(part)


def _indexes(plan: dict[str, Any]) -> set[str]:
    """Of one look: a bitmap's indexes are named further down."""
    found = {plan["Index Name"]} if "Index Name" in plan else set()
    return found.union(*(_indexes(part) for part in plan.get("Plans", []) if part["Node Type"].startswith("Bitmap")))


def _large_tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= %s", [_LARGE])
        return {name for (name,) in cursor.fetchall()}
