"""Reading the ledger."""

from decimal import Decimal

from django.db.models import OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from ledger.models import Account, Entry, Posting


def balance_of(account: Account) -> Decimal:
    """The signed sum of the account's entries: debits positive, credits negative."""
    total = Entry.objects.filter(account_id=account.pk).aggregate(total=Sum("amount"))["total"]
    return total or Decimal(0)


def accounts_with_totals() -> QuerySet[Account]:
    """Accounts with `total`, the signed sum of their entries. A page of accounts reads the entries of these only."""
    amounts = Entry.objects.filter(account=OuterRef("pk")).order_by().values("account")
    total = Subquery(amounts.annotate(total=Sum("amount")).values("total"))
    return Account.objects.annotate(total=Coalesce(total, Value(Decimal(0))))


def lines_of(posting: Posting) -> list[tuple[int, Decimal]]:
    """The posting's entries as (account id, amount), in a fixed order, for comparing contents."""
    return sorted(Entry.objects.filter(posting_id=posting.pk).values_list("account_id", "amount"))
