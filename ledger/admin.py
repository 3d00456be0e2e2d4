"""The book in the back office: accounts with their totals, postings with their lines. To read only."""

from decimal import Decimal

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.decorators import display

from audit.admin_lists import DayRangeFilter, ReadOnlyAdmin, moment
from ledger.models import Account, Entry, Posting
from ledger.money import format_amount
from ledger.selectors import accounts_with_totals


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """By code. The total is the signed sum of the account's lines: debits positive."""

    list_display = ("code", "name", "kind", "currency", "money", "keeps_balance", "owner")
    list_filter = ("kind", "currency", "keeps_balance")
    list_select_related = ("owner",)
    fields = (("code", "name"), ("kind", "currency"), "money", ("keeps_balance", "owner"), "created_at")
    readonly_fields = ("money",)
    search_fields = ("code",)
    search_help_text = "The beginning of an account's code"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        return accounts_with_totals()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Account], search_term: str
    ) -> tuple[QuerySet[Account], bool]:
        """From the beginning: the code has an index for it."""
        return queryset.filter(code__startswith=search_term.strip()), False

    @display(description="Total")
    def money(self, account: Account) -> str:
        total: Decimal = account.total  # type: ignore[attr-defined]
        return format_amount(total, account.currency)


class EntryInline(TabularInline):
    """The lines of a posting."""

    model = Entry
    fields = ("account", "amount", "currency")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Posting | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Posting | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        return super().get_queryset(request).select_related("account").order_by("id")


@admin.register(Posting)
class PostingAdmin(ReadOnlyAdmin):
    """Newest first. The search takes the beginning of a key: `disbursement:<id>` shows all postings of a payout."""

    list_display = ("posted", "key", "description", "reverses")
    list_filter = (("posted_at", DayRangeFilter),)
    list_select_related = ("reverses",)
    search_fields = ("key",)
    search_help_text = "The beginning of a posting's key"
    inlines = (EntryInline,)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Posting], search_term: str
    ) -> tuple[QuerySet[Posting], bool]:
        """From the beginning: the key has an index for it."""
        return queryset.filter(key__startswith=search_term.strip()), False

    @display(description="Posted (UTC)")
    def posted(self, posting: Posting) -> SafeString:
        return moment(posting.posted_at)
