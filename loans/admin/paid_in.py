"""Money that came in unasked: what a partner told us, and the loan it was booked to, or a person's decision."""

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
from loans.admin.repayment_forms import MatchForm
from loans.admin.showing import link_to, money, typed_phone
from loans.models import PaidInNotice
from loans.services.paid_in import dismiss_notice, match_to_loan
from loans.statuses import PaidInStatus, Rail

PAGE = "admin:loans_paidinnotice_change"
COLOURS = {PaidInStatus.APPLIED.label: "success", PaidInStatus.UNMATCHED.label: "warning"}


@admin.register(PaidInNotice)
class PaidInNoticeAdmin(ReadOnlyAdmin):
    """Newest first. The search takes a whole phone number or reference."""

    list_display = ("received", "phone", "came_in", "reference", "loan_number", "shown_status", "shown_loan", "note")
    list_filter = (("status", ChoicesDropdownFilter), ("received_at", DayRangeFilter))
    list_select_related = ("repayment__loan",)
    search_fields = ("reference",)
    search_help_text = "A whole phone number or reference"
    actions_detail = ("match", "dismiss")
    fieldsets = (
        (None, {"fields": (("came_in", "shown_status"), ("phone", "loan_number"), ("rail", "reference"))}),
        ("What became of it", {"fields": (("shown_loan", "shown_repayment"), "note")}),
        ("Where from", {"fields": (("partner", "paid"), ("received", "looked"))}),
    )
    readonly_fields = ("came_in", "shown_status", "shown_loan", "shown_repayment", "paid", "received", "looked")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PaidInNotice], search_term: str
    ) -> tuple[QuerySet[PaidInNotice], bool]:
        """Whole values only."""
        term = search_term.strip()
        if not term:
            return queryset, False
        by_reference = queryset.filter(rail__in=Rail.values, reference=term)
        phone = typed_phone(term)
        return (queryset.filter(phone=phone) if phone and not by_reference.exists() else by_reference), False

    @display(description="Received (UTC)")
    def received(self, notice: PaidInNotice) -> SafeString:
        return moment(notice.received_at)

    @display(description="Paid (UTC)")
    def paid(self, notice: PaidInNotice) -> SafeString:
        return moment(notice.paid_at)

    @display(description="Loan looked for (UTC)")
    def looked(self, notice: PaidInNotice) -> SafeString:
        return moment(notice.looked_at)

    @display(description="Amount")
    def came_in(self, notice: PaidInNotice) -> SafeString:
        return unbroken(money(notice.amount, notice.currency))

    @display(description="Status", label=COLOURS)
    def shown_status(self, notice: PaidInNotice) -> str:
        return notice.get_status_display()

    @display(description="Booked to")
    def shown_loan(self, notice: PaidInNotice) -> SafeString | str:
        return link_to(notice.repayment.loan if notice.repayment else None)

    @display(description="Repayment")
    def shown_repayment(self, notice: PaidInNotice) -> SafeString | str:
        return link_to(notice.repayment)

    def has_match_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button; the service decides."""
        return self._may(request, object_id, {PaidInStatus.UNMATCHED, PaidInStatus.DISMISSED})

    def has_dismiss_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button; the service decides."""
        return self._may(request, object_id, {PaidInStatus.UNMATCHED})

    def _may(self, request: HttpRequest, object_id: str, statuses: set[PaidInStatus]) -> bool:
        if not request.user.has_perm("loans.match_paidinnotice"):
            return False
        return row_named(PaidInNotice, object_id).filter(status__in=statuses).exists()

    @action(
        description="Book to a loan",
        permissions=["match"],
        icon="link",
        dialog=ask("Book to a loan", "It becomes a repayment of this loan at once.", MatchForm),
    )
    def match(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """A person knows which loan it is for."""
        person, said = acting_user(request), form.cleaned_data
        return carry_out(
            request,
            lambda: match_to_loan(
                notice_id=UUID(object_id),
                loan_id=said["loan"].pk,
                matched_by=person,
                reason=said["reason"],
                at=timezone.now(),
            ),
            done="Booked.",
            page=PAGE,
            object_id=object_id,
        )

    @action(
        description="Dismiss",
        permissions=["dismiss"],
        icon="block",
        dialog=ask("Dismiss", "It is no repayment. It can still be booked to a loan later.", ReasonForm),
    )
    def dismiss(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """A person found that it is no repayment."""
        person, reason = acting_user(request), form.cleaned_data["reason"]
        return carry_out(
            request,
            lambda: dismiss_notice(notice_id=UUID(object_id), dismissed_by=person, reason=reason, at=timezone.now()),
            done="Dismissed.",
            page=PAGE,
            object_id=object_id,
        )
