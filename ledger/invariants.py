"""What must never be, asked of the stored rows (architecture section 3). Each app registers its own questions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.db import connection

# One broken rule can touch every row; so many are named.
NAMED_AT_MOST = 100


@dataclass(frozen=True)
class Breach:
    """One row, or sum, that breaks an invariant."""

    subject: str
    detail: str


Invariant = Callable[[], Sequence[Breach]]
_invariants: dict[str, Invariant] = {}


def register_invariant(name: str, function: Invariant) -> None:
    """Called from `AppConfig.ready`. Raises ImproperlyConfigured when the name has another function."""
    if _invariants.get(name, function) is not function:
        raise ImproperlyConfigured(f"Invariant {name!r} is registered already.")
    _invariants[name] = function


def registered_invariants() -> dict[str, Invariant]:
    """By name."""
    return dict(sorted(_invariants.items()))


def find_breaches(sql: str) -> list[Breach]:
    """A breach per row of a SELECT of two columns: subject and detail."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({sql}) AS breaches LIMIT {NAMED_AT_MOST}")  # noqa: S608 - written in code
        return [Breach(str(subject), str(detail)) for subject, detail in cursor.fetchall()]


def check_postings_balanced() -> list[Breach]:
    """Every posting has lines, and they add up to zero in each currency."""
    return find_breaches("""
        SELECT posting.key, coalesce(entry.currency || ' adds up to ' || sum(entry.amount), 'no lines')
          FROM ledger_posting posting LEFT JOIN ledger_entry entry ON entry.posting_id = posting.id
         GROUP BY posting.key, entry.currency HAVING coalesce(sum(entry.amount), 1) <> 0
    """)


def check_entry_currencies() -> list[Breach]:
    """Every line is in the currency of its account."""
    return find_breaches("""
        SELECT account.code, 'line ' || entry.id || ' is in ' || entry.currency
          FROM ledger_entry entry JOIN ledger_account account ON account.id = entry.account_id
         WHERE entry.currency <> account.currency
    """)


def check_kept_balances() -> list[Breach]:
    """Kept balances equal the lines and are not below zero; accounts keep one exactly when they say so."""
    return find_breaches("""
        SELECT account.code, 'balance ' || coalesce(balance.amount::text, 'missing') || ', lines ' || lines.total
          FROM ledger_account account
          LEFT JOIN ledger_balance balance ON balance.account_id = account.id
         CROSS JOIN LATERAL (
               SELECT coalesce(sum(amount), 0) * CASE WHEN account.kind IN ('asset', 'expense') THEN 1 ELSE -1 END
                      AS total
                 FROM ledger_entry WHERE account_id = account.id
               ) lines
         WHERE CASE WHEN account.keeps_balance
                    THEN balance.amount IS NULL OR balance.amount < 0 OR balance.amount <> lines.total
                    ELSE balance.amount IS NOT NULL END
    """)


def check_reversals() -> list[Breach]:
    """A reversal is the mirror image of what it reverses."""
    return find_breaches("""
        SELECT reversal.key, 'account ' || entry.account_id || ' is left with ' || sum(entry.amount)
          FROM ledger_posting reversal
          JOIN ledger_entry entry ON entry.posting_id IN (reversal.id, reversal.reverses_id)
         WHERE reversal.reverses_id IS NOT NULL
         GROUP BY reversal.key, entry.account_id HAVING sum(entry.amount) <> 0
    """)


LEDGER_INVARIANTS: dict[str, Invariant] = {
    "ledger.postings_balanced": check_postings_balanced,
    "ledger.entry_currencies": check_entry_currencies,
    "ledger.kept_balances": check_kept_balances,
    "ledger.reversals": check_reversals,
}
