"""The benchmarks of lending: what they send, what they are held against, and the past they make."""

import json

import pytest
from django.db import connection

from accounts.models import User
from benchmarks.acts.borrowers import add_borrowers
from benchmarks.acts.lending import count_loans, explain
from benchmarks.site.statements import STATEMENTS
from benchmarks.stock import borrower
from benchmarks.turns import approve, ask_offer
from loans.invariants.sums import check_payouts, check_statuses
from loans.models import CreditProfile, Loan
from tests.loans.test_loan_statements import APPROVAL


def schema() -> list[tuple[str, str]]:
    """Every constraint and index there is. PostgreSQL words a condition anew when it is put back: that is left out."""
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT conrelid::regclass::text || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint
             UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2
        """)
        return [(name, definition.partition(" WHERE ")[0]) for name, definition in cursor.fetchall()]


def test_bare_approval_does_the_statements_that_the_product_is_counted_with() -> None:
    counted = [kind.format(profile="SELECT").split()[0] for kind in APPROVAL]

    assert list(STATEMENTS["approval"]) == counted


@pytest.mark.parametrize(
    ("request_bytes", "path", "more"),
    [
        (ask_offer(phone="+2348031000001", session_id="s", token="t"), b"/api/ussd/loan-offer", {}),
        (
            approve(phone="+2348031000001", session_id="s", token="t"),
            b"/api/ussd/loan-approve",
            {"selectedOption": 2},
        ),
    ],
)
def test_callbacks_are_sent_whole(request_bytes: bytes, path: bytes, more: dict[str, object]) -> None:
    head, _, body = request_bytes.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")

    assert lines[0] == b"POST " + path + b" HTTP/1.1"
    assert b"x-api-token: t" in lines
    assert f"Content-Length: {len(body)}".encode() in lines
    asked = {"msisdn": "+2348031000001", "sessionId": "s", "network": "mtn", "responseType": "json"}
    assert json.loads(body) == asked | more


@pytest.mark.parametrize("number", [-1, 9_000_000])
def test_borrowers_beyond_the_range_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="no borrower"):
        borrower(number)


@pytest.mark.django_db(transaction=True)
def test_borrowers_come_with_a_past_and_the_schema_stays() -> None:
    before = schema()

    add_borrowers(first=0, count=3, loans=2)
    add_borrowers(first=3, count=1, loans=0)

    assert schema() == before
    assert sorted(User.objects.values_list("phone", flat=True)) == [borrower(number) for number in range(4)]
    assert sorted(CreditProfile.objects.values_list("total_loans", flat=True)) == [0, 2, 2, 2]
    assert [Loan.objects.filter(customer__phone=borrower(number)).count() for number in range(4)] == [2, 2, 2, 0]
    assert check_payouts() == check_statuses() == []


@pytest.mark.django_db(transaction=True)
def test_large_tables_are_found_by_their_indexes() -> None:
    add_borrowers(first=0, count=1_500, loans=1)

    looks = explain(phones=[borrower(0), borrower(1)])

    assert count_loans() == {"loans": 2, "payouts": 2}
    large = {look["table"] for look in looks if look["is_large"]}
    assert large == {"accounts_user", "loans_credit_profile", "loans_loan"}
    assert [look for look in looks if look["is_large"] and not look["indexes"]] == []


@pytest.mark.django_db(transaction=True)
def test_a_table_without_its_index_is_told() -> None:
    add_borrowers(first=0, count=1_500, loans=1)
    with connection.cursor() as cursor:
        cursor.execute("SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off")
        try:
            looks = explain(phones=[borrower(0), borrower(1)])
        finally:
            cursor.execute("RESET enable_indexscan; RESET enable_bitmapscan; RESET enable_indexonlyscan")

    assert {"table": "loans_loan", "indexes": [], "is_large": True} in looks
