"""Redemptions: who redeemed what, and where the money is. To read; the payout's page has the buttons."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from accounts.phone_numbers import InvalidPhoneNumber, parse_phone
from audit.admin_lists import DayRangeFilter, ReadOnlyAdmin, moment
from promos.admin.showing import COLOURS, link_to, money
from promos.codes import normalise_code
from promos.models import Redemption


@admin.register(Redemption)
class RedemptionAdmin(ReadOnlyAdmin):
    """Newest first. The search takes a whole phone number or a whole code."""

    list_display = ("redeemed", "phone", "amount_paid", "shown_status", "batch", "shown_payout", "error_code")
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("batch", AutocompleteSelectFilter),
        ("created_at", DayRangeFilter),
    )
    list_select_related = ("batch", "disbursement", "promo_code")
    search_fields = ("phone",)
    search_help_text = "A whole phone number, or a whole code"
    fieldsets = (
        (None, {"fields": (("phone", "shown_customer"), ("amount_paid", "shown_status"), "shown_payout")}),
        ("Code", {"fields": (("shown_code", "shown_batch"),)}),
        ("Failure", {"fields": (("error_code", "error_message"),)}),
        ("Times (UTC)", {"fields": (("redeemed", "paid"), "heard", "idempotency_key")}),
    )
    readonly_fields = (
        "shown_customer",
        "amount_paid",
        "shown_status",
        "shown_payout",
        "shown_code",
        "shown_batch",
        "redeemed",
        "paid",
        "heard",
    )

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Batches link to their redemptions."""
        return lookup == "batch__id__exact" or super().lookup_allowed(lookup, value, request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Redemption], search_term: str
    ) -> tuple[QuerySet[Redemption], bool]:
        """Whole values only: each has an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if code := normalise_code(term):
            return queryset.filter(promo_code__code=code), False
        try:
            phone = parse_phone(term, any_country=True)
        except InvalidPhoneNumber:
            return queryset.none(), False
        return queryset.filter(customer__phone=phone), False

    @display(description="Redeemed (UTC)")
    def redeemed(self, redemption: Redemption) -> SafeString:
        return moment(redemption.created_at)

    @display(description="Paid")
    def paid(self, redemption: Redemption) -> SafeString:
        return moment(redemption.completed_at)

    @display(description="Told on a later dial")
    def heard(self, redemption: Redemption) -> SafeString:
        return moment(redemption.announced_at)

    @display(description="Amount")
    def amount_paid(self, redemption: Redemption) -> str:
        return money(redemption.amount, redemption.currency)

    @display(description="Status", label=COLOURS)
    def shown_status(self, redemption: Redemption) -> str:
        return redemption.get_status_display()

    @display(description="Payout")
    def shown_payout(self, redemption: Redemption) -> SafeString | str:
        return link_to(redemption.disbursement, redemption.disbursement.get_status_display())

    @display(description="Customer")
    def shown_customer(self, redemption: Redemption) -> SafeString | str:
        return link_to(redemption.customer)

    @display(description="Code")
    def shown_code(self, redemption: Redemption) -> SafeString | str:
        return link_to(redemption.promo_code)

    @display(description="Batch")
    def shown_batch(self, redemption: Redemption) -> SafeString | str:
        return link_to(redemption.batch)
