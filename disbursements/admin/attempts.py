"""References handed to providers."""

from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.decorators import display

from audit.admin_lists import DayRangeFilter, ReadOnlyAdmin, moment
from disbursements.models import Attempt, Disbursement
from disbursements.statuses import AttemptStatus

ATTEMPT_COLOURS = {
    AttemptStatus.UNKNOWN.label: "warning",
    AttemptStatus.ACCEPTED.label: "primary",
    AttemptStatus.SUCCEEDED.label: "success",
    AttemptStatus.REFUSED.label: "danger",
    AttemptStatus.TURNED_AWAY.label: "danger",
}


class AttemptInline(TabularInline):
    """Every reference that was handed to the provider."""

    model = Attempt
    fields = ("number", "reference", "status", "sends", "polls", "http_status", "error_code", "sent_at", "finished_at")
    readonly_fields = fields
    ordering = ("number",)
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Disbursement | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Disbursement | None = None) -> bool:
        return False


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    """References handed to providers, newest first. The search takes a whole reference or external id."""

    list_display = ("created", "reference", "payout", "shown_status", "sends", "polls", "error_code", "environment")
    list_filter = ("status", ("created_at", DayRangeFilter))
    list_select_related = ("disbursement",)
    search_fields = ("external_id",)
    search_help_text = "The whole reference or external id"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Attempt], search_term: str
    ) -> tuple[QuerySet[Attempt], bool]:
        """Whole values only: each has an index."""
        term = search_term.strip()
        try:
            return queryset.filter(pk=UUID(term)), False
        except ValueError:
            return (queryset.filter(external_id=term) if term else queryset), False

    @display(description="Created (UTC)")
    def created(self, attempt: Attempt) -> SafeString:
        return moment(attempt.created_at)

    @display(description="Payout")
    def payout(self, attempt: Attempt) -> SafeString:
        page = reverse("admin:disbursements_disbursement_change", args=[attempt.disbursement_id])
        return format_html('<a href="{}">{}</a>', page, attempt.disbursement.key)

    @display(description="Status", label=ATTEMPT_COLOURS)
    def shown_status(self, attempt: Attempt) -> str:
        return AttemptStatus(attempt.status).label
