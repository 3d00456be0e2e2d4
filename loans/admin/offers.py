"""Offers: what each customer was shown, or why nothing, and by which rules. To read only."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from accounts.models import User
from audit.admin_lists import DayRangeFilter, ReadOnlyAdmin, moment, unbroken
from loans.admin.showing import link_to, link_to_list, money, paragraphs, per_cent, table, typed_phone
from loans.explanations import explain_terms
from loans.models import Loan, Offer
from loans.statuses import Refusal


class OutcomeFilter(DropdownFilter):
    """By whether something was offered, and why not."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        reasons = (Refusal.NO_ELIGIBLE_AMOUNT, Refusal.NO_OFFERS)
        return [("offered", "Offered"), *((reason.value, reason.label) for reason in reasons)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Offer]) -> QuerySet[Offer]:
        if not self.value():
            return queryset
        return queryset.filter(refusal="" if self.value() == "offered" else self.value())


@admin.register(Offer)
class OfferAdmin(ReadOnlyAdmin):
    """Newest first. The search takes a whole phone number."""

    list_display = ("made", "phone", "eligible", "choices", "score", "outcome", "network")
    list_filter = (OutcomeFilter, ("at", DayRangeFilter))
    search_fields = ("phone",)
    search_help_text = "A whole phone number"
    fieldsets = (
        (None, {"fields": (("made", "outcome"), ("shown_customer", "score"), ("eligible", "shown_loan"))}),
        ("Why", {"fields": ("why",)}),
        ("As shown to the customer", {"fields": ("shown_offers",)}),
        ("Where from", {"fields": (("network", "partner"), ("session_id", "uid"))}),
    )
    readonly_fields = ("made", "outcome", "shown_customer", "eligible", "shown_loan", "why", "shown_offers", "uid")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Offer], search_term: str
    ) -> tuple[QuerySet[Offer], bool]:
        """A whole number only: it has an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        phone = typed_phone(term)
        return (queryset.filter(phone=phone) if phone else queryset.none()), False

    @display(description="Made (UTC)")
    def made(self, offer: Offer) -> SafeString:
        return moment(offer.at)

    @display(description="Up to")
    def eligible(self, offer: Offer) -> SafeString:
        return unbroken(money(offer.eligible_amount, offer.currency))

    @display(description="Choices")
    def choices(self, offer: Offer) -> SafeString:
        return unbroken(" · ".join(f"{Decimal(terms['amount']):,f}" for terms in _shown(offer)))

    @display(description="Outcome", label={Refusal.NO_ELIGIBLE_AMOUNT.label: "danger", "Offered": "success"})
    def outcome(self, offer: Offer) -> str:
        return dict(Refusal.choices).get(offer.refusal, offer.refusal) if offer.refusal else "Offered"

    @display(description="Customer")
    def shown_customer(self, offer: Offer) -> SafeString | str:
        return link_to(User.objects.filter(pk=offer.customer_id).first(), offer.phone)

    @display(description="Loan made of it")
    def shown_loan(self, offer: Offer) -> SafeString | str:
        loan = Loan.objects.filter(customer_id=offer.customer_id, offer=offer.uid).first()
        return link_to(loan) if loan else link_to_list(Loan, "None; show the customer's loans", q=offer.phone)

    @display(description="Explanation")
    def why(self, offer: Offer) -> SafeString | str:
        return paragraphs(explain_terms(offer.explanation))

    @display(description="Choices")
    def shown_offers(self, offer: Offer) -> SafeString | str:
        return table(
            ("Option", "Repays", "Gets", "Interest", "Days", "Due"),
            [
                (
                    terms["option"],
                    money(Decimal(terms["amount"]), offer.currency),
                    money(Decimal(terms["disbursed_amount"]), offer.currency),
                    f"{money(Decimal(terms['interest']), offer.currency)} ({per_cent(Decimal(terms['rate']))})",
                    terms["days"],
                    terms["due_date"],
                )
                for terms in _shown(offer)
            ],
            empty="Nothing was offered.",
        )


def _shown(offer: Offer) -> list[Mapping[str, Any]]:
    """The choices as stored by `loans.offer_log.terms_as_json`."""
    return list(offer.offers)
