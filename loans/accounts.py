"""The ledger accounts of lending, by currency. Money is followed from the payout to the last repayment.

A payout reserves from `receivable`, what customers owe; upfront interest is added to it when the payout is confirmed,
so that the receivable of a paid-out loan is its whole amount. Postings name their loan in the second part of their key.
"""

from ledger.models import Account
from ledger.services import open_account
from ledger.statuses import AccountKind


def receivable_account(currency: str) -> Account:
    """What customers owe us."""
    return _open("receivable", AccountKind.ASSET, currency, "Loans receivable")


def interest_income_account(currency: str) -> Account:
    """Interest earned, deducted upfront."""
    return _open("interest_income", AccountKind.INCOME, currency, "Interest on loans")


def overpaid_account(currency: str) -> Account:
    """Customers' money that we hold: paid in beyond what they owed."""
    return _open("overpaid", AccountKind.LIABILITY, currency, "Overpaid by borrowers")


def written_off_account(currency: str) -> Account:
    """What we gave up."""
    return _open("written_off", AccountKind.EXPENSE, currency, "Loans written off")


def recovered_account(currency: str) -> Account:
    """What came in after we had given it up."""
    return _open("recovered", AccountKind.INCOME, currency, "Recovered after write-off")


def collected_account(rail: str, currency: str) -> Account:
    """Money that customers paid in by this rail."""
    return _open(f"collected:{rail}", AccountKind.ASSET, currency, f"Collected by {rail}")


def _open(what: str, kind: AccountKind, currency: str, name: str) -> Account:
    return open_account(code=f"loans:{what}:{currency}", kind=kind, currency=currency, name=f"{name}, {currency}")
