"""Credit profiles: what a customer may borrow and why, how that changed, and the dialog that changes it."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RangeNumericFilter
from unfold.decorators import action, display

from accounts.admin.acting import acting_user
from audit.admin_lists import ReadOnlyAdmin, moment, row_named
from configuration.selectors import current
from loans.admin.dialogs import CreditByPhoneForm, CreditForm, ask, carry_out
from loans.admin.score_changes import shown_changes
from loans.admin.showing import lending_money, link_to, link_to_list, paragraphs, per_cent, typed_phone
from loans.configuration import CreditSettings
from loans.eligibility import decide_eligibility
from loans.explanations import explain_terms
from loans.models import CreditProfile, Loan, ScoreChange
from loans.services.credit import adjust_credit, facts_of
from loans.settings_in_force import lending_settings

PAGE = "admin:loans_creditprofile_change"


class DebtFilter(DropdownFilter):
    """By what the customer owes."""

    title = "debt"
    parameter_name = "debt"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("owes", "Owes money"), ("none", "Owes nothing"), ("above", "Owes more than the limit")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CreditProfile]) -> QuerySet[CreditProfile]:
        match self.value():
            case "owes":
                return queryset.filter(outstanding__gt=0)
            case "none":
                return queryset.filter(outstanding=0)
            case "above":
                return queryset.filter(outstanding__gt=F("credit_limit"))
        return queryset


class LimitFilter(DropdownFilter):
    """By who decides about the limit."""

    title = "limit"
    parameter_name = "limit"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("automatic", "Follows the score"), ("staff", "Set by staff")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CreditProfile]) -> QuerySet[CreditProfile]:
        return queryset.filter(automatic_limit=self.value() == "automatic") if self.value() else queryset


@admin.register(CreditProfile)
class CreditProfileAdmin(ReadOnlyAdmin):
    """Newest first. The search takes a whole phone number."""

    list_display = ("phone", "score", "limit", "debt", "total_loans", "standing", "last_loan")
    list_filter = (
        ("score", RangeNumericFilter),
        LimitFilter,
        DebtFilter,
        ("repayment_status", ChoicesDropdownFilter),
    )
    list_select_related = ("customer",)
    # By the column: by "customer" the customers' own order would be taken, which no index has.
    ordering = ("-created_at", "-customer_id")
    search_fields = ("customer__phone",)
    search_help_text = "A whole phone number"
    actions_list = ("set_credit",)
    actions_detail = ("adjust",)
    fieldsets = (
        (None, {"fields": (("shown_customer", "score"), ("limit", "debt"), ("held", "standing"))}),
        ("May borrow now", {"fields": ("why",)}),
        (
            "So far",
            {"fields": (("total_loans", "shown_loans"), ("borrowed", "repaid"), ("last_loan", "created"))},
        ),
        ("History of score and limit", {"fields": ("history",)}),
    )
    readonly_fields = (
        "shown_customer",
        "limit",
        "debt",
        "held",
        "standing",
        "why",
        "shown_loans",
        "borrowed",
        "repaid",
        "last_loan",
        "created",
        "history",
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[CreditProfile], search_term: str
    ) -> tuple[QuerySet[CreditProfile], bool]:
        """A whole number only: it has an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        phone = typed_phone(term)
        return (queryset.filter(customer__phone=phone) if phone else queryset.none()), False

    # Columns and fields

    @display(description="Customer", ordering=None)
    def phone(self, profile: CreditProfile) -> str:
        return str(profile.customer.phone or profile.customer)

    @display(description="Customer")
    def shown_customer(self, profile: CreditProfile) -> SafeString | str:
        return link_to(profile.customer, str(profile.customer.phone or profile.customer))

    @display(description="Limit")
    def limit(self, profile: CreditProfile) -> str:
        limit = lending_money(facts_of(profile, current(CreditSettings)).credit_limit)
        return f"{limit}, {'follows the score' if profile.automatic_limit else 'set by staff'}"

    @display(description="Outstanding")
    def debt(self, profile: CreditProfile) -> str:
        return lending_money(profile.outstanding)

    @display(description="Held for the customer")
    def held(self, profile: CreditProfile) -> str:
        return lending_money(profile.overpaid)

    @display(description="Borrowed")
    def borrowed(self, profile: CreditProfile) -> str:
        return lending_money(profile.total_borrowed)

    @display(description="Repaid")
    def repaid(self, profile: CreditProfile) -> str:
        return lending_money(profile.total_repaid)

    @display(description="Repayment")
    def standing(self, profile: CreditProfile) -> str:
        return profile.get_repayment_status_display()

    @display(description="Last loan (UTC)")
    def last_loan(self, profile: CreditProfile) -> SafeString:
        return moment(profile.last_loan_at)

    @display(description="Since (UTC)")
    def created(self, profile: CreditProfile) -> SafeString:
        return moment(profile.created_at)

    @display(description="Loans")
    def shown_loans(self, profile: CreditProfile) -> SafeString:
        return link_to_list(Loan, "Show the loans", q=profile.customer.phone or "")

    @display(description="Largest offer")
    def why(self, profile: CreditProfile) -> SafeString | str:
        """What the next dial would offer, by the settings in force."""
        settings = lending_settings()
        facts = facts_of(profile, settings.credit)
        found = decide_eligibility(facts, settings.credit, settings.loans, versions=settings.versions)
        terms = f"{lending_money(found.amount)} at {per_cent(found.rate)} for {found.days} days."
        return paragraphs([terms, *explain_terms(found.explanation)])

    @display(description="Newest first")
    def history(self, profile: CreditProfile) -> SafeString | str:
        return shown_changes(ScoreChange.objects.filter(customer_id=profile.pk))

    # Acts

    def has_adjust_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button; the service decides."""
        if not request.user.has_perm("loans.adjust_creditprofile") or str(request.user.pk) == str(object_id):
            return False
        # From the list nobody is named yet.
        return not object_id or row_named(CreditProfile, object_id).exists()

    @action(
        description="Adjust",
        permissions=["adjust"],
        icon="tune",
        dialog=ask("Adjust", "Takes effect with the customer's next dial.", CreditForm),
    )
    def adjust(self, request: HttpRequest, form: CreditForm, object_id: str) -> HttpResponse:
        """Set score and limit of the customer on this page."""
        return self._adjust(request, form, UUID(object_id))

    @action(
        description="Set a customer's credit",
        permissions=["adjust"],
        icon="tune",
        dialog=ask("Set credit", "Also for a customer who has not borrowed yet.", CreditByPhoneForm),
    )
    def set_credit(self, request: HttpRequest, form: CreditByPhoneForm) -> HttpResponse:
        """Set score and limit of a customer by phone number."""
        return self._adjust(request, form, form.cleaned_data["phone"].pk)

    def _adjust(self, request: HttpRequest, form: CreditForm, customer_id: UUID) -> HttpResponse:
        person, now = acting_user(request), timezone.now()
        return carry_out(
            request,
            lambda: adjust_credit(customer_id=customer_id, changed_by=person, at=now, **form.values()),
            done="Score and limit are set.",
            page=PAGE,
            object_id=customer_id,
        )
