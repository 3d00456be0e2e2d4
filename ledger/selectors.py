"""Reading the ledger."""

from decimal import Decimal

from django.db.models import DecimalField, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from ledger.models import Account, Entry, Posting


def balance_of(account: Account) -> Decimal:
    """The signed sum of the account's entries: debits positive, credits negative."""
    total = Entry.objects.filter(account_id=account.pk).aggregate(total=Sum("amount"))["total"]
    return total or Decimal(0)


def accounts_with_totals() -> QuerySet[Account]:
    """Accounts with `total`, the signed sum of their entries."""
    zero = Value(Decimal(0), output_field=DecimalField(max_digits=30, decimal_places=2))
    return Account.objects.annotate(total=Coalesce(Sum("entries__amount"), zero))


def lines_of(posting: Posting) -> list[tuple[int, Decimal]]:
    """The posting's entries as (account id, amount), in a fixed order, for comparing contents."""
    return sorted(Entry.objects.filter(posting_id=posting.pk).values_list("account_id", "amount"))
