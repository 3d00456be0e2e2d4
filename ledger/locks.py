"""Row locks of the ledger."""

from collections.abc import Iterable

from ledger.models import Balance


def lock_balances(account_ids: Iterable[int]) -> dict[int, Balance]:
    """Balances of these accounts, locked in account order so that two postings never wait for each other in a ring."""
    rows = Balance.objects.select_for_update(of=("self",)).filter(pk__in=set(account_ids)).order_by("pk")
    return {row.pk: row for row in rows}
