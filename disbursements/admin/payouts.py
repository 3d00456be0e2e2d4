"""Payouts with their attempts, and the buttons of those who decide about them."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import action, display

from accounts.admin.acting import acting_user
from accounts.phone_numbers import InvalidPhoneNumber, parse_phone
from audit.admin_lists import DayRangeFilter, ReadOnlyAdmin, moment
from disbursements.admin.attempts import AttemptInline
from disbursements.admin.dialogs import ask_first, carry_out
from disbursements.models import Attempt, Disbursement
from disbursements.owners import registered_purposes
from disbursements.selectors import stuck_disbursements
from disbursements.services.alarms import clear_alarm
from disbursements.services.decisions import approve_disbursement, cancel_disbursement, retry_disbursement
from disbursements.services.resolutions import settle_on_word, state_not_paid
from disbursements.statuses import Alarm, DisbursementStatus
from ledger.money import format_amount

STATUS_COLOURS = {
    DisbursementStatus.AWAITING_APPROVAL.label: "warning",
    DisbursementStatus.QUEUED.label: "info",
    DisbursementStatus.PROCESSING.label: "primary",
    DisbursementStatus.COMPLETED.label: "success",
    DisbursementStatus.FAILED.label: "danger",
}


class PurposeFilter(DropdownFilter):
    """By what the money is for. The choices come from the register: reading them from the rows would take long."""

    title = "purpose"
    parameter_name = "purpose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(purpose, purpose) for purpose in registered_purposes()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Disbursement]) -> QuerySet[Disbursement]:
        return queryset.filter(purpose=self.value()) if self.value() else queryset


class AttentionFilter(DropdownFilter):
    """What a person should look at."""

    title = "attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("alarm", "A person must look"), ("stuck", "Under way for too long")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Disbursement]) -> QuerySet[Disbursement]:
        if self.value() == "alarm":
            return queryset.exclude(alarm="")
        if self.value() == "stuck":
            return queryset.filter(pk__in=stuck_disbursements(at=timezone.now()).order_by().values("pk"))
        return queryset


@admin.register(Disbursement)
class DisbursementAdmin(ReadOnlyAdmin):
    """Newest first. The search takes a whole phone number, key, payout id or reference of an attempt."""

    list_display = (
        "requested",
        "payee",
        "money",
        "purpose",
        "shown_status",
        "waits_for",
        "tries",
        "error_code",
        "look",
    )
    list_filter = ("status", "wait_reason", PurposeFilter, AttentionFilter, ("created_at", DayRangeFilter))
    search_fields = ("key",)
    search_help_text = "A whole phone number, key, payout id or attempt reference"
    inlines = (AttemptInline,)
    actions_detail = ("approve", "retry", "cancel", "settle", "not_paid", "clear")
    fieldsets = (
        (None, {"fields": (("key", "purpose"), ("payee", "customer"), ("amount", "currency"), "funded_from")}),
        ("State", {"fields": (("status", "wait_reason"), ("tries", "next_action_at"), ("alarm", "open_since"))}),
        (
            "Provider",
            {
                "fields": (
                    ("provider", "provider_transaction_id"),
                    ("environment", "base_url"),
                    ("error_class", "error_code"),
                    "error_message",
                )
            },
        ),
        (
            "Times and people",
            {
                "fields": (
                    ("requested_at", "requested_by"),
                    ("approved_at", "approved_by"),
                    ("last_attempt_at", "disbursed_at"),
                    ("claimed_until", "swept_at"),
                    ("created_at", "updated_at"),
                )
            },
        ),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Disbursement], search_term: str
    ) -> tuple[QuerySet[Disbursement], bool]:
        """Whole values only: each has an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            reference = UUID(term)
        except ValueError:
            pass
        else:
            return (queryset.filter(pk=reference) | queryset.filter(pk__in=_holders(reference))), False
        try:
            return queryset.filter(payee=parse_phone(term, any_country=True)), False
        except InvalidPhoneNumber:
            return queryset.filter(payee=term) if term.startswith("+") else queryset.filter(key=term), False

    @display(description="Requested (UTC)")
    def requested(self, disbursement: Disbursement) -> SafeString:
        return moment(disbursement.requested_at)

    @display(description="Amount")
    def money(self, disbursement: Disbursement) -> str:
        return format_amount(disbursement.amount, disbursement.currency)

    @display(description="Status", label=STATUS_COLOURS)
    def shown_status(self, disbursement: Disbursement) -> str:
        return DisbursementStatus(disbursement.status).label

    @display(description="Waits for")
    def waits_for(self, disbursement: Disbursement) -> str:
        return disbursement.get_wait_reason_display() if disbursement.wait_reason else "-"

    @display(description="Look", label="danger")
    def look(self, disbursement: Disbursement) -> str:
        return disbursement.get_alarm_display() if disbursement.alarm else ""

    def has_approve_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button; the service decides."""
        return self._may(request, "approve", object_id, {DisbursementStatus.AWAITING_APPROVAL})

    def has_retry_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button; the service decides."""
        return self._may(request, "retry", object_id, {DisbursementStatus.FAILED})

    def has_cancel_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button; the service decides."""
        open_ones = {DisbursementStatus.AWAITING_APPROVAL, DisbursementStatus.QUEUED}
        return self._may(request, "cancel", object_id, open_ones)

    def has_clear_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button: whoever may retry may also say that an alarm is dealt with."""
        marked = Disbursement.objects.filter(pk=object_id).exclude(alarm="")
        return request.user.has_perm("disbursements.retry_disbursement") and marked.exists()

    def has_settle_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button: whoever may retry. The provider's word decides."""
        return request.user.has_perm("disbursements.retry_disbursement") and _is_in_doubt(object_id)

    def has_not_paid_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button: whoever may let money go as the second person."""
        return request.user.has_perm("disbursements.approve_disbursement") and _is_in_doubt(object_id)

    @action(
        description="Approve",
        permissions=["approve"],
        icon="done_all",
        dialog=ask_first("Approve", "The money is sent at once.", with_reason=False),
    )
    def approve(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """The second person lets it go."""
        person, now = acting_user(request), timezone.now()
        return carry_out(
            request,
            object_id,
            lambda payout: approve_disbursement(disbursement_id=payout, approved_by=person, at=now),
            "Approved. It will be sent now.",
        )

    @action(
        description="Retry",
        permissions=["retry"],
        icon="replay",
        dialog=ask_first("Retry", "If the provider may know of it already, it is asked first: nothing is paid twice."),
    )
    def retry(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Set a failed payout going again."""
        person, reason, now = acting_user(request), form.cleaned_data["reason"], timezone.now()
        return carry_out(
            request,
            object_id,
            lambda payout: retry_disbursement(disbursement_id=payout, requested_by=person, reason=reason, at=now),
            "Queued again.",
        )

    @action(
        description="Cancel payout",
        permissions=["cancel"],
        icon="block",
        dialog=ask_first("Cancel payout", "The money stays with us and the customer gets nothing."),
    )
    def cancel(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Call off a payout before anything was sent."""
        person, reason, now = acting_user(request), form.cleaned_data["reason"], timezone.now()
        return carry_out(
            request,
            object_id,
            lambda payout: cancel_disbursement(disbursement_id=payout, cancelled_by=person, reason=reason, at=now),
            "Cancelled.",
        )

    @action(
        description="Mark as looked at",
        permissions=["clear"],
        icon="visibility",
        dialog=ask_first("Mark as looked at", "Say what you found. The alarm goes, the audit trail keeps it."),
    )
    def clear(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """A person has looked at an alarm."""
        person, reason, now = acting_user(request), form.cleaned_data["reason"], timezone.now()
        return carry_out(
            request,
            object_id,
            lambda payout: clear_alarm(disbursement_id=payout, cleared_by=person, reason=reason, at=now),
            "Marked as looked at.",
        )

    @action(
        description="Settle on the provider's word",
        permissions=["settle"],
        icon="gavel",
        dialog=ask_first(
            "Settle on the provider's word",
            "The provider is asked about every reference again. The one it reports as paid is booked.",
        ),
    )
    def settle(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Book what the provider says it paid."""
        person, reason, now = acting_user(request), form.cleaned_data["reason"], timezone.now()
        return carry_out(
            request,
            object_id,
            lambda payout: settle_on_word(disbursement_id=payout, decided_by=person, reason=reason, at=now),
            "Settled as paid.",
        )

    @action(
        description="Not paid",
        permissions=["not_paid"],
        icon="money_off",
        dialog=ask_first(
            "Not paid",
            "The provider is asked about every reference again. If none can have been paid, it may be sent anew.",
        ),
    )
    def not_paid(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """State that nothing was paid, after the provider said so."""
        person, reason, now = acting_user(request), form.cleaned_data["reason"], timezone.now()
        return carry_out(
            request,
            object_id,
            lambda payout: state_not_paid(disbursement_id=payout, decided_by=person, reason=reason, at=now),
            "Stated as not paid.",
        )

    def _may(self, request: HttpRequest, verb: str, object_id: str, statuses: set[DisbursementStatus]) -> bool:
        if not request.user.has_perm(f"disbursements.{verb}_disbursement"):
            return False
        return Disbursement.objects.filter(pk=object_id, status__in=statuses).exists()


def _is_in_doubt(object_id: str) -> bool:
    return Disbursement.objects.filter(pk=object_id, alarm__in=Alarm.BLOCKING).exists()


def _holders(reference: UUID) -> QuerySet[Attempt, Any]:
    return Attempt.objects.filter(pk=reference).values("disbursement_id")
