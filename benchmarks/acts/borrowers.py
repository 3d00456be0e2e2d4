"""Customers who may borrow, with a past: rows as the product would have left them, made by the database itself.

Each has a credit profile, and as many loans as asked for, all paid out and repaid. How they came is not what
is measured, so this is plain SQL. What an offer or an approval never reads is left out: the ledger, repayments and
the audit trail of those loans.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from psycopg import sql

from benchmarks.stock import BORROWER_PREFIX, FIRST_BORROWER
from loans.accounts import receivable_account
from loans.configuration import LoanSettings

_TABLES = ("accounts_user", "loans_credit_profile", "disbursements_disbursement", "loans_loan")
# Of a customer with the starting score, whose limit follows it: three equal offers whatever they did before.
_SCORE, _LIMIT = 300, 10_000
_AMOUNT, _INTEREST, _DAYS = 10_000, 1_000, 30
# Days since the latest loan of the past: out of every pause, and spread over most of a year; and between two of them.
_LEAST_AGO, _MOST_AGO, _BETWEEN = 1, 330, 365
# Above what the sequence of this year's numbers reaches.
_FIRST_NUMBER = 1_000_000

_CUSTOMERS = """
    INSERT INTO accounts_user (id, password, is_superuser, phone, first_name, last_name, language, network, is_active,
                               is_staff, is_verified, created_at, updated_at)
    SELECT gen_random_uuid(), '!unusable', false, %(prefix)s || (%(base)s + number), '', '', 'en', 'MTN NG', true,
           false, false, now() - interval '3 years', now()
      FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(count)s::bigint - 1) AS number
"""
_PROFILES = """
    INSERT INTO loans_credit_profile (customer_id, score, credit_limit, automatic_limit, total_loans, total_borrowed,
                                      total_repaid, outstanding, overpaid, repayment_status, last_loan_at, created_at,
                                      updated_at)
    SELECT customer.id, %(score)s, %(limit)s, true, %(loans)s, %(loans)s * %(amount)s, %(loans)s * %(amount)s, 0, 0,
           CASE WHEN %(loans)s > 0 THEN 'COMPLETED' ELSE '' END,
           CASE WHEN %(loans)s > 0 THEN now() - make_interval(days => %(least_ago)s)
                                              - random() * make_interval(days => %(most_ago)s - %(least_ago)s) END,
           customer.created_at, now()
      FROM accounts_user customer
     WHERE customer.phone BETWEEN %(prefix)s || (%(base)s + %(first)s)
                              AND %(prefix)s || (%(base)s + %(first)s + %(count)s - 1)
"""
# One loan of each customer at a time, so that a customer's loans lie as far apart as in life.
_PAYOUTS = """
    INSERT INTO disbursements_disbursement (id, key, purpose, payee, customer_id, amount, currency, funded_from_id,
                provider, status, wait_reason, tries, reserve_number, error_class, error_code, error_message,
                provider_transaction_id, environment, base_url, alarm, requested_at, open_since, last_attempt_at,
                disbursed_at, created_at, updated_at)
    SELECT gen_random_uuid(), 'loan:' || gen_random_uuid(), 'loan', customer.phone, customer.id,
           %(amount)s - %(interest)s, %(currency)s, %(account)s, 'mtn_momo_ng', 'completed', '', 0, 1, '', '', '',
           gen_random_uuid()::text, 'sandbox', '', '', made.at, made.at, made.at, made.at, made.at, made.at
      FROM accounts_user customer
      JOIN loans_credit_profile profile ON profile.customer_id = customer.id
     CROSS JOIN LATERAL (
           SELECT profile.last_loan_at - make_interval(days => %(between)s * (%(turn)s - 1)) AS at
           ) AS made
     WHERE customer.phone BETWEEN %(prefix)s || (%(base)s + %(first)s)
                              AND %(prefix)s || (%(base)s + %(first)s + %(count)s - 1)
"""
_LOANS = """
    INSERT INTO loans_loan (id, number, customer_id, phone, currency, amount, interest_rate, interest, disbursed_amount,
                amount_paid, outstanding, repayment_period_days, due_date, status, channel, network, partner,
                session_id, session_instance, idempotency_key, explanation, disbursement_id, points_applied,
                penalised_days, error_code, error_message, reason, announced_at, created_at, approved_at,
                disbursed_at, completed_at)
    SELECT split_part(payout.key, ':', 2)::uuid,
           'USS-' || extract(year FROM payout.requested_at) || '-'
                  || %(number)s + (SELECT count(*) FROM loans_loan) + row_number() OVER (),
           payout.customer_id, payout.payee, payout.currency, %(amount)s, %(interest)s * 100.0 / %(amount)s,
           %(interest)s, payout.amount, %(amount)s, 0, %(days)s, payout.requested_at::date + %(days)s, 'COMPLETED',
           'ussd', 'MTN NG', 'bench@starhash.example', 'past-' || %(turn)s, gen_random_uuid()::text,
           'ussd:' || payout.key, '{"option": 3}', payout.id, 0, 0, '', '', '', payout.requested_at,
           payout.requested_at, payout.requested_at, payout.requested_at,
           payout.requested_at + interval '12 hours'
      FROM disbursements_disbursement payout
     WHERE NOT EXISTS (SELECT 1 FROM loans_loan WHERE disbursement_id = payout.id)
"""


def add_borrowers(*, first: int, count: int, loans: int) -> None:
    """Borrowers number `first` and up, each with `loans` loans of the past; then what autovacuum would do some time.

    Indexes and foreign keys are put back at the end, so the database itself says that the rows fit together.
    """
    rules = LoanSettings()
    facts = {
        "prefix": BORROWER_PREFIX,
        "base": FIRST_BORROWER,
        "first": first,
        "count": count,
        "loans": loans,
        "score": _SCORE,
        "limit": _LIMIT,
        "amount": _AMOUNT,
        "interest": _INTEREST,
        "days": _DAYS,
        "least_ago": _LEAST_AGO,
        "most_ago": _MOST_AGO,
        "between": _BETWEEN,
        "number": _FIRST_NUMBER,
        "currency": rules.currency,
        "account": receivable_account(rules.currency).pk,
    }
    with transaction.atomic(), _patient("SET LOCAL"), _without_indexes(), connection.cursor() as cursor:
        # Sorting millions of rows in memory, for this transaction only.
        cursor.execute("SET LOCAL work_mem = '256MB'; SET LOCAL maintenance_work_mem = '512MB'")
        cursor.execute(_CUSTOMERS, facts)
        cursor.execute(_PROFILES, facts)
        for turn in range(1, loans + 1):
            cursor.execute(_PAYOUTS, facts | {"turn": turn})
            cursor.execute(_LOANS, facts | {"turn": turn})
    with _patient("SET"), connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"VACUUM (ANALYZE) {table}")


@contextmanager
def _patient(order: str) -> Iterator[None]:
    """Inside, a statement may take longer than in any request."""
    with connection.cursor() as cursor:
        cursor.execute(f"{order} statement_timeout = 0")
        yield
        cursor.execute("RESET statement_timeout")


@contextmanager
def _without_indexes() -> Iterator[None]:
    """Inside, the tables have only the indexes of their primary keys and unique columns, and no foreign keys."""
    keys = _rows("""
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
         WHERE contype = 'f' AND conrelid = ANY(%s::regclass[])
    """)
    indexes = _rows("""
        SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
         WHERE indrelid = ANY(%s::regclass[]) AND NOT indisunique
    """)
    with connection.cursor() as cursor:
        for table, key, _definition in keys:
            order = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
            cursor.execute(order.format(sql.Identifier(table), sql.Identifier(key)))
        for index, _definition in indexes:
            cursor.execute(f"DROP INDEX {index}")
        yield
        for _index, definition in indexes:
            cursor.execute(definition)
        for table, key, definition in keys:
            order = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")
            cursor.execute(order.format(sql.Identifier(table), sql.Identifier(key), sql.SQL(definition)))


def _rows(question: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(question, [list(_TABLES)])
        return cursor.fetchall()
