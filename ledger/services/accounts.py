"""Opening accounts."""

from django.db import transaction

from accounts.models import User
from ledger.models import Account, Balance
from ledger.money import minor_units
from ledger.statuses import AccountKind

# Accounts seen committed, by code. They are never changed nor removed (triggers), so they never go stale.
_known: dict[str, Account] = {}


class AccountMismatch(ValueError):
    """The account exists and is something else."""

    code = "ACCOUNT_MISMATCH"


def open_account(
    *,
    code: str,
    kind: AccountKind,
    currency: str,
    name: str,
    keeps_balance: bool = False,
    owner: User | None = None,
) -> Account:
    """The account with this code, made when it is new. Costs no statement once the process has seen it committed.

    `name` counts only when the account is made. Raises AccountMismatch when the code stands for another kind,
    currency, owner or way of keeping balances, and UnknownCurrency.
    """
    minor_units(currency)
    account = _known.get(code) or _get_or_create(
        Account(code=code, kind=kind, currency=currency, name=name, keeps_balance=keeps_balance, owner=owner)
    )
    asked = (kind, currency, keeps_balance, owner.pk if owner else None)
    if (account.kind, account.currency, account.keeps_balance, account.owner_id) != asked:
        raise AccountMismatch(f"Account {code!r} exists with another kind, currency, owner or balance keeping.")
    return account


def open_float_account(*, provider: str, currency: str) -> Account:
    """Our money at a provider: what may still be paid out there."""
    return open_account(
        code=f"float:{provider}:{currency}",
        kind=AccountKind.ASSET,
        currency=currency,
        name=f"Float at {provider}, {currency}",
    )


def open_in_flight_account(*, currency: str) -> Account:
    """Money promised to payees and not yet known to be paid."""
    return open_account(
        code=f"payouts_in_flight:{currency}",
        kind=AccountKind.LIABILITY,
        currency=currency,
        name=f"Payouts in flight, {currency}",
    )


def forget_known_accounts(**_kwargs: object) -> None:
    """For when the tables were made anew under this process (after `migrate` and `flush`)."""
    _known.clear()


def _get_or_create(wanted: Account) -> Account:
    with transaction.atomic():
        account, made = Account.objects.get_or_create(
            code=wanted.code,
            defaults={
                "kind": wanted.kind,
                "currency": wanted.currency,
                "name": wanted.name,
                "keeps_balance": wanted.keeps_balance,
                "owner": wanted.owner,
            },
        )
        if made and account.keeps_balance:
            Balance.objects.create(account=account)
        # Only after the commit: a rolled-back account must not be remembered.
        transaction.on_commit(lambda: _known.__setitem__(account.code, account))
    return account
