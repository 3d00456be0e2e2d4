"""What several pages of lending show alike: links, amounts, sentences, tables, and the search by phone."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Model
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.phone_numbers import InvalidPhoneNumber, parse_phone
from configuration.selectors import current
from ledger.money import format_amount
from loans.configuration import LoanSettings
from loans.statuses import LoanStatus, RepaymentStatus

PAYOUT_FAILED = "Payout failed"
# Letters of a link that stays on one line.
SHORT = 20
STATUS_COLOURS: dict[str, str] = {
    LoanStatus.PENDING.label: "warning",
    LoanStatus.APPROVED.label: "info",
    LoanStatus.DISBURSED.label: "primary",
    LoanStatus.REPAYING.label: "primary",
    LoanStatus.OVERDUE.label: "danger",
    LoanStatus.COMPLETED.label: "success",
    LoanStatus.WRITTEN_OFF.label: "danger",
    PAYOUT_FAILED: "danger",
    RepaymentStatus.REVERSED.label: "danger",
}


def link_to(row: Model | None, words: str = "") -> SafeString | str:
    """A link to the row's page in the admin."""
    if row is None:
        return "-"
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    words = words or str(row)
    # A loan number broken at its hyphens is hard to read; a key of the ledger may be broken.
    style = "text-link whitespace-nowrap" if len(words) <= SHORT else "text-link"
    return format_html('<a class="{}" href="{}">{}</a>', style, reverse(name, args=[row.pk]), words)


def link_to_list(model: type[Model], words: str, **query: Any) -> SafeString:
    """A link to the model's list in the admin, searched or filtered."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    return format_html('<a class="text-link" href="{}">{}</a>', reverse(name, query=query), words)


def money(amount: Decimal | None, currency: str) -> str:
    """An amount for people."""
    return "-" if amount is None else format_amount(amount, currency)


def lending_money(amount: Decimal | None) -> str:
    """An amount of a credit profile, which is in the currency of lending."""
    return money(amount, current(LoanSettings).currency)


def per_cent(rate: Decimal) -> str:
    """`10.00` as `10 %`."""
    return f"{rate.normalize():f} %"


def paragraphs(sentences: Iterable[SafeString | str]) -> SafeString | str:
    """Sentences one below the other, wide enough to be read in a table on a phone."""
    found = list(sentences)
    if not found:
        return "-"
    lines = format_html_join("", "<li>{}</li>", ((sentence,) for sentence in found))
    return format_html('<ul class="flex flex-col gap-1 whitespace-normal" style="min-width: 9rem">{}</ul>', lines)


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str) -> SafeString | str:
    """A small table within a page; it scrolls sideways where there is no room."""
    if not rows:
        return empty
    return render_to_string("loans/admin/table.html", {"headers": headers, "rows": rows})


def typed_phone(term: str) -> str | None:
    """The phone number that was typed: in any usual form if it is of the lending country, else as E.164."""
    try:
        return parse_phone(term, region=current(LoanSettings).region, any_country=True)
    except InvalidPhoneNumber:
        return term if term.startswith("+") else None
