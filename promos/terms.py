"""The terms of a batch and the rules they must keep: pure, so that forms, commands and services say the same."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from disbursements.accounts import name_currencies
from disbursements.configuration import ProviderAccount
from ledger.money import MINOR_UNITS, format_amount, is_payable
from promos.configuration import PromoRules
from promos.refusals import PromoRefusal

# What pays each currency (`disbursements.accounts.paying_accounts`).
Accounts = Mapping[str, ProviderAccount]

LONGEST_NAME = 120
LONGEST_DESCRIPTION = 2_000
# What numeric(16,2) holds.
LARGEST_BUDGET = Decimal("99999999999999.99")


class InvalidTerms(PromoRefusal):
    """Terms that break a rule; `errors` has words by field."""

    code = "INVALID_TERMS"

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


@dataclass(frozen=True, kw_only=True)
class BatchTerms:
    """What people decide about a batch. Codes are accepted before `expiration_date`; no budget means no limit."""

    name: str
    description: str = ""
    amount_per_code: Decimal
    currency: str
    expiration_date: datetime
    budget: Decimal | None = None


def clean_name(name: str) -> str:
    """One line, single spaces: names that look the same are the same."""
    return " ".join(name.split())


def find_errors(
    terms: BatchTerms, *, rules: PromoRules, accounts: Accounts, before: BatchTerms | None, at: datetime
) -> dict[str, str]:
    """Words by field for what is wrong; empty when all is well. A date that stays as `before` is not judged
    again, nor is the currency, which cannot change.
    """
    errors: dict[str, str] = {}
    name = clean_name(terms.name)
    if not name:
        errors["name"] = "A batch needs a name."
    elif len(name) > LONGEST_NAME:
        errors["name"] = f"The name is longer than {LONGEST_NAME} characters."
    elif not name.isprintable():
        errors["name"] = "The name has characters that cannot be shown."
    if len(terms.description) > LONGEST_DESCRIPTION:
        errors["description"] = f"The description is longer than {LONGEST_DESCRIPTION:,} characters."
    errors |= _find_money_errors(terms, before, accounts)
    if before is None or terms.expiration_date != before.expiration_date:
        errors |= _find_date_errors(terms.expiration_date, rules=rules, at=at)
    return errors


def currency_error(currency: str, *, accounts: Accounts) -> str:
    """Why nothing can be promised in this currency; empty when it can."""
    return "" if currency in accounts else f"Payouts are made in {name_currencies(accounts)}."


def amount_error(amount: Decimal, currency: str, *, accounts: Accounts) -> str:
    """Why a code cannot pay this; empty when it can. The currency is known; one that no account pays any more has
    no limits.
    """
    if not amount.is_finite() or amount <= 0:
        return "The amount must be above zero."
    if not is_payable(amount, currency):
        units = MINOR_UNITS[currency]
        return f"{currency} is paid " + (f"with at most {units} decimals." if units else "in whole units.")
    account = accounts.get(currency)
    if account is not None and not account.min_amount <= amount <= account.max_amount:
        return f"Payouts are between {account.min_amount:,} and {account.max_amount:,} {currency}."
    return ""


def end_of_day(day: date, *, rules: PromoRules) -> datetime:
    """The last second of a day in the country: "until 31 December" includes the 31st."""
    return datetime.combine(day, time(23, 59, 59), tzinfo=rules.zone)


def default_expiration(*, rules: PromoRules, at: datetime) -> datetime:
    """When a new batch ends if nothing else is said."""
    return end_of_day(at.astimezone(rules.zone).date() + timedelta(days=rules.default_expiration_days), rules=rules)


def _find_money_errors(terms: BatchTerms, before: BatchTerms | None, accounts: Accounts) -> dict[str, str]:
    if not re.fullmatch(r"[A-Z]{3}", terms.currency) or terms.currency not in MINOR_UNITS:
        return {"currency": f"The currency must be one of {', '.join(sorted(MINOR_UNITS))}."}
    errors: dict[str, str] = {}
    if before is not None and terms.currency != before.currency:
        errors["currency"] = "The currency of a batch cannot be changed."
    elif before is None and (error := currency_error(terms.currency, accounts=accounts)):
        return {"currency": error}
    if error := amount_error(terms.amount_per_code, terms.currency, accounts=accounts):
        errors["amount_per_code"] = error
    budget = terms.budget
    if budget is None:
        return errors
    if not budget.is_finite() or budget <= 0 or budget > LARGEST_BUDGET or not is_payable(budget, terms.currency):
        errors["budget"] = f"The budget must be an amount of {terms.currency} above zero."
    elif "amount_per_code" not in errors and budget < terms.amount_per_code:
        one = format_amount(terms.amount_per_code, terms.currency)
        errors["budget"] = f"The budget does not cover a single code of {one}."
    return errors


def _find_date_errors(expires: datetime, *, rules: PromoRules, at: datetime) -> dict[str, str]:
    if expires <= at:
        return {"expiration_date": "The expiration date must be in the future."}
    if expires < at + timedelta(days=rules.min_expiration_days):
        return {"expiration_date": f"A batch must run at least {rules.min_expiration_days} days."}
    # The last allowed day counts to its end.
    latest = at.astimezone(rules.zone).date() + timedelta(days=rules.max_expiration_days)
    if expires.astimezone(rules.zone).date() > latest:
        return {"expiration_date": f"A batch may run at most {rules.max_expiration_days:,} days, until {latest}."}
    return {}
