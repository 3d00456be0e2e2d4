"""Repayments: what came in, how, and what it settled; and taking one back."""

from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from accounts.admin.acting import acting_user
from audit.admin_lists import DayRangeFilter, ReadOnlyAdmin, moment, row_named, unbroken
from loans.admin.dialogs import ReasonForm, ask, carry_out
from loans.admin.showing import link_to, money, typed_phone
from loans.models import Repayment
from loans.services.reversals import reverse_repayment
from loans.statuses import Rail, RepaymentStatus

COLOURS = {RepaymentStatus.COMPLETED.label: "success", RepaymentStatus.REVERSED.label: "danger"}


@admin.register(Repayment)
class RepaymentAdmin(ReadOnlyAdmin):
    """Newest first. The search takes a whole phone number, loan number or reference."""

    list_display = ("booked", "shown_loan", "came_in", "for_loan", "rail", "reference", "channel", "shown_status")
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("rail", ChoicesDropdownFilter),
        ("channel", ChoicesDropdownFilter),
        ("created_at", DayRangeFilter),
    )
    list_select_related = ("loan",)
    search_fields = ("reference",)
    search_help_text = "A whole phone number, loan number or reference"
    actions_detail = ("take_back",)
    fieldsets = (
        (None, {"fields": (("came_in", "shown_status"), ("shown_loan", "shown_customer"))}),
        ("What it settled", {"fields": (("for_loan", "too_much"), "was_written_off")}),
        ("How it came", {"fields": (("rail", "reference"), ("channel", "entered_by"), "note", "shown_posting")}),
        ("Taken back", {"fields": (("undone", "reversed_by"), "reversal_reason")}),
        ("Times (UTC)", {"fields": (("paid", "booked"),)}),
    )
    readonly_fields = (
        "came_in",
        "shown_status",
        "shown_loan",
        "shown_customer",
        "for_loan",
        "too_much",
        "shown_posting",
        "undone",
        "paid",
        "booked",
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Repayment], search_term: str
    ) -> tuple[QuerySet[Repayment], bool]:
        """Whole values only: each has an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        by_reference = queryset.filter(rail__in=Rail.values, reference=term)
        if by_reference.exists():
            return by_reference, False
        if phone := typed_phone(term):
            return queryset.filter(customer__phone=phone), False
        return queryset.filter(loan__number=term.upper()), False

    @display(description="Booked (UTC)")
    def booked(self, repayment: Repayment) -> SafeString:
        return moment(repayment.created_at)

    @display(description="Paid")
    def paid(self, repayment: Repayment) -> SafeString:
        return moment(repayment.received_at)

    @display(description="Taken back (UTC)")
    def undone(self, repayment: Repayment) -> SafeString:
        return moment(repayment.reversed_at)

    @display(description="Came in")
    def came_in(self, repayment: Repayment) -> SafeString:
        return unbroken(money(repayment.amount, repayment.currency))

    @display(description="For this loan")
    def for_loan(self, repayment: Repayment) -> SafeString:
        return unbroken(money(repayment.applied, repayment.currency))

    @display(description="Too much: for other loans, or held")
    def too_much(self, repayment: Repayment) -> str:
        return money(repayment.overpaid, repayment.currency)

    @display(description="Status", label=COLOURS)
    def shown_status(self, repayment: Repayment) -> str:
        return repayment.get_status_display()

    @display(description="Loan")
    def shown_loan(self, repayment: Repayment) -> SafeString | str:
        return link_to(repayment.loan)

    @display(description="Customer")
    def shown_customer(self, repayment: Repayment) -> SafeString | str:
        return link_to(repayment.customer)

    @display(description="Posting")
    def shown_posting(self, repayment: Repayment) -> SafeString | str:
        return link_to(repayment.posting)

    def has_take_back_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button; the service decides."""
        if not request.user.has_perm("loans.reverse_repayment"):
            return False
        standing = row_named(Repayment, object_id).filter(status=RepaymentStatus.COMPLETED)
        return standing.exclude(rail=Rail.CREDIT).exists()

    @action(
        description="Take back",
        permissions=["take_back"],
        icon="undo",
        dialog=ask(
            "Take back",
            "The loan is owed again, score and limit go back, and the customer is told. What it paid too much is taken "
            "back from the loans it went to.",
            ReasonForm,
        ),
    )
    def take_back(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Undo a repayment that bounced or was a mistake."""
        person, reason = acting_user(request), form.cleaned_data["reason"]
        return carry_out(
            request,
            lambda: reverse_repayment(
                repayment_id=UUID(object_id), reversed_by=person, reason=reason, at=timezone.now()
            ),
            done="Taken back.",
            page="admin:loans_repayment_change",
            object_id=object_id,
        )
