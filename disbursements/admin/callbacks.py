"""What providers sent us, as it came."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from audit.admin_lists import DayRangeFilter, ReadOnlyAdmin, moment
from disbursements.models import ProviderCallback
from disbursements.statuses import CallbackResult


@admin.register(ProviderCallback)
class ProviderCallbackAdmin(ReadOnlyAdmin):
    """Newest first. The search takes a whole reference."""

    list_display = ("received", "provider", "reference", "method", "ip", "shown_result", "processed")
    list_filter = ("provider", "result", ("received_at", DayRangeFilter))
    search_fields = ("reference",)
    search_help_text = "The whole reference of the attempt"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ProviderCallback], search_term: str
    ) -> tuple[QuerySet[ProviderCallback], bool]:
        """Whole references only: they have an index, parts of them have none."""
        term = search_term.strip().lower()
        return (queryset.filter(reference=term) if term else queryset), False

    @display(description="Received (UTC)")
    def received(self, callback: ProviderCallback) -> SafeString:
        return moment(callback.received_at)

    @display(description="Looked at (UTC)")
    def processed(self, callback: ProviderCallback) -> SafeString:
        return moment(callback.processed_at)

    @display(
        description="Result",
        label={
            CallbackResult.SETTLED.label: "success",
            CallbackResult.UNKNOWN_REFERENCE.label: "warning",
            CallbackResult.CONTRADICTS.label: "danger",
        },
    )
    def shown_result(self, callback: ProviderCallback) -> str:
        return CallbackResult(callback.result).label
