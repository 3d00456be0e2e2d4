"""Our accounts at providers, one for each market: which of them pays a currency, and its settings in force.

An account is named by its provider's slug. Its settings are a category of its own (`configuration.ProviderAccount`);
registering another such category makes another account.
"""

from collections.abc import Iterable

from configuration.selectors import SettingsUnknown, current, current_or_raise
from disbursements.configuration import ProviderAccount, account_categories


class UnknownProvider(LookupError):
    """No account has this provider's slug."""

    code = "UNKNOWN_PROVIDER"


class InvalidDisbursement(ValueError):
    """The payee is no E.164 number, or the amount cannot be paid in this currency or from this account."""

    code = "INVALID_DISBURSEMENT"


class CurrencyNotPaid(InvalidDisbursement):
    """No account of ours has its float, and with it limits on amounts, in this currency."""

    code = "CURRENCY_NOT_PAID"


def account_of(provider: str) -> ProviderAccount:
    """The settings in force of the account with this slug. Raises UnknownProvider."""
    categories = account_categories()
    for category in categories:
        if category.provider == provider:
            return current(category)
    known = ", ".join(sorted(category.provider for category in categories))
    raise UnknownProvider(f"No provider {provider!r}; known: {known}")


def account_paying(currency: str) -> ProviderAccount:
    """The account that pays this currency, with the limits in force.

    Raises CurrencyNotPaid, and SettingsUnknown while an account whose settings are not known might be the one.
    """
    unknown: SettingsUnknown | None = None
    for category in account_categories():
        try:
            account = current_or_raise(category)
        except SettingsUnknown as error:
            unknown = error
            continue
        if account.momo_enabled and account.momo_currency == currency:
            return account
    if unknown is not None:
        raise unknown
    raise CurrencyNotPaid(f"Payouts are made in {name_currencies(paying_accounts())}, not in {currency}.")


def all_accounts() -> list[ProviderAccount]:
    """Every account as configured now, also those that are switched off: what was promised from them goes on."""
    return [current(category) for category in account_categories()]


def paying_accounts() -> dict[str, ProviderAccount]:
    """The accounts that make new payouts, by currency: one for each, as `account_paying` finds it."""
    found: dict[str, ProviderAccount] = {}
    for account in all_accounts():
        if account.momo_enabled:
            found.setdefault(account.momo_currency, account)
    return found


def name_currencies(currencies: Iterable[str]) -> str:
    """For people: `NGN and RWF`."""
    return " and ".join(sorted(currencies)) or "no currency"


def longest_call_seconds() -> int:
    """The time limits of one call, at whichever account they are longest."""
    return max(account.momo_connect_timeout_seconds + account.momo_read_timeout_seconds for account in all_accounts())
