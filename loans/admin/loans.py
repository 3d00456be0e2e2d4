"""Loans: terms and why, where the money is, what came back, and what it did to the score."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from audit.admin_lists import DayRangeFilter, ReadOnlyAdmin, day, moment, unbroken
from loans.admin.loan_actions import LIST_ACTIONS, LOAN_ACTIONS, LoanActions
from loans.admin.loan_filters import AttentionFilter, NetworkFilter
from loans.admin.score_changes import shown_changes
from loans.admin.showing import PAYOUT_FAILED, STATUS_COLOURS, link_to, money, paragraphs, per_cent, table, typed_phone
from loans.explanations import explain_terms
from loans.models import CreditProfile, Loan, Offer, Repayment, ScoreChange
from loans.statuses import LoanStatus


@admin.register(Loan)
class LoanAdmin(LoanActions, ReadOnlyAdmin):
    """Newest first. The search takes a whole phone number or loan number."""

    list_display = ("day_made", "shown_number", "phone", "owes", "left", "shown_status", "due", "network")
    list_filter = (
        ("status", ChoicesDropdownFilter),
        AttentionFilter,
        ("channel", ChoicesDropdownFilter),
        NetworkFilter,
        ("created_at", DayRangeFilter),
    )
    ordering = ("-created_at", "-id")
    search_fields = ("number",)
    search_help_text = "A whole phone number or loan number"
    actions_detail = LOAN_ACTIONS
    actions_list = LIST_ACTIONS
    fieldsets = (
        (None, {"fields": (("number", "shown_status"), ("shown_customer", "shown_credit"), ("left", "paid"))}),
        (
            "Terms",
            {"fields": (("owes", "gets"), ("shown_interest", "due_date"), ("repayment_period_days", "channel"), "why")},
        ),
        ("Payout", {"fields": (("shown_payout", "disbursed"), ("error_code", "error_message"))}),
        ("Repayments", {"fields": ("shown_repayments",)}),
        ("What it did to the score", {"fields": ("points_applied", "shown_score_changes")}),
        (
            "Times (UTC) and people",
            {
                "fields": (
                    ("made", "created_by"),
                    ("approved", "approver"),
                    ("overdue", "completed"),
                    ("written_off", "heard"),
                    "reason",
                )
            },
        ),
        (
            "Where from",
            {
                "fields": (
                    ("network", "partner"),
                    ("session_id", "session_instance"),
                    ("idempotency_key", "shown_offer"),
                )
            },
        ),
    )
    readonly_fields = (
        "shown_status",
        "shown_customer",
        "shown_credit",
        "left",
        "paid",
        "owes",
        "gets",
        "shown_interest",
        "why",
        "shown_payout",
        "disbursed",
        "shown_offer",
        "shown_repayments",
        "shown_score_changes",
        "made",
        "approved",
        "approver",
        "overdue",
        "completed",
        "written_off",
        "heard",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Loan]:
        """On the page of one loan, everything it names beside it; the list needs none of that."""
        queryset = super().get_queryset(request)
        match = request.resolver_match
        if match is not None and "object_id" in match.kwargs:
            return queryset.select_related("customer", "disbursement", "created_by", "approved_by")
        return queryset

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Loan], search_term: str
    ) -> tuple[QuerySet[Loan], bool]:
        """Whole values only: each has an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(pk=UUID(term)), False
        except ValueError:
            pass
        if term[:1].isalpha():
            return queryset.filter(number=term.upper()), False
        phone = typed_phone(term)
        return (queryset.filter(phone=phone) if phone else queryset.none()), False

    # Money

    @display(description="Owes")
    def owes(self, loan: Loan) -> SafeString:
        return unbroken(money(loan.amount, loan.currency))

    @display(description="Gets")
    def gets(self, loan: Loan) -> str:
        return money(loan.disbursed_amount, loan.currency)

    @display(description="Outstanding")
    def left(self, loan: Loan) -> SafeString:
        return unbroken(money(loan.outstanding, loan.currency))

    @display(description="Repaid")
    def paid(self, loan: Loan) -> str:
        return money(loan.amount_paid, loan.currency)

    @display(description="Interest")
    def shown_interest(self, loan: Loan) -> str:
        return f"{money(loan.interest, loan.currency)} ({per_cent(loan.interest_rate)}), deducted upfront"

    # What belongs to it

    @display(description="Status", label=STATUS_COLOURS)
    def shown_status(self, loan: Loan) -> str:
        """A failed payout leaves the loan approved until somebody retries; that is what a person must see."""
        is_stuck = loan.status == LoanStatus.APPROVED and loan.error_code
        return PAYOUT_FAILED if is_stuck else loan.get_status_display()

    @display(description="Number")
    def shown_number(self, loan: Loan) -> SafeString:
        return unbroken(loan.number)

    @display(description="Due")
    def due(self, loan: Loan) -> SafeString:
        return unbroken(loan.due_date.isoformat())

    @display(description="Customer")
    def shown_customer(self, loan: Loan) -> SafeString | str:
        return link_to(loan.customer, loan.phone)

    @display(description="Credit")
    def shown_credit(self, loan: Loan) -> SafeString | str:
        profile = CreditProfile.objects.filter(pk=loan.customer_id).first()
        return link_to(profile, f"Score {profile.score}") if profile else "-"

    @display(description="Why these terms")
    def why(self, loan: Loan) -> SafeString | str:
        return paragraphs(explain_terms(loan.explanation))

    @display(description="Offer")
    def shown_offer(self, loan: Loan) -> SafeString | str:
        return link_to(Offer.objects.filter(uid=loan.offer).first(), "What was offered") if loan.offer else "-"

    @display(description="Payout")
    def shown_payout(self, loan: Loan) -> SafeString | str:
        return link_to(loan.disbursement, loan.disbursement.get_status_display() if loan.disbursement else "")

    @display(description="Repayments")
    def shown_repayments(self, loan: Loan) -> SafeString | str:
        found = Repayment.objects.filter(loan=loan).order_by("created_at", "pk")
        return table(
            ("Paid (UTC)", "Amount", "Of it for this loan", "How", "Reference", "Status"),
            [
                (
                    moment(repayment.received_at),
                    money(repayment.amount, repayment.currency),
                    money(repayment.applied, repayment.currency),
                    f"{repayment.get_rail_display()}, {repayment.get_channel_display().lower()}",
                    link_to(repayment, repayment.reference),
                    _standing(repayment),
                )
                for repayment in found
            ],
            empty="None yet.",
        )

    @display(description="Newest first")
    def shown_score_changes(self, loan: Loan) -> SafeString | str:
        return shown_changes(ScoreChange.objects.filter(loan=loan))

    # Times and people

    @display(description="Made")
    def day_made(self, loan: Loan) -> SafeString:
        return day(loan.created_at)

    @display(description="Made (UTC)")
    def made(self, loan: Loan) -> SafeString:
        return moment(loan.created_at)

    @display(description="Approved")
    def approved(self, loan: Loan) -> SafeString:
        return moment(loan.approved_at)

    @display(description="Approved by")
    def approver(self, loan: Loan) -> Any:
        if loan.approved_at is None:
            return "-"
        return link_to(loan.approved_by) if loan.approved_by else "The system"

    @display(description="Paid out (UTC)")
    def disbursed(self, loan: Loan) -> SafeString:
        return moment(loan.disbursed_at)

    @display(description="Overdue since")
    def overdue(self, loan: Loan) -> SafeString:
        return moment(loan.overdue_at)

    @display(description="Repaid")
    def completed(self, loan: Loan) -> SafeString:
        return moment(loan.completed_at)

    @display(description="Written off")
    def written_off(self, loan: Loan) -> SafeString:
        return moment(loan.written_off_at)

    @display(description="Told on a later dial")
    def heard(self, loan: Loan) -> SafeString:
        return moment(loan.announced_at)


def _standing(repayment: Repayment) -> SafeString | str:
    words = repayment.get_status_display()
    return paragraphs([words, repayment.reversal_reason]) if repayment.reversal_reason else words
