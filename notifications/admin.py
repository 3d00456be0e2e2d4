"""Messages and delivery reports in the back office: to look at, and to send a failed message again."""

from typing import TYPE_CHECKING, cast

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from notifications.africastalking.reports import STATUSES
from notifications.models import DeliveryReport, SmsMessage
from notifications.services import MessageNotFailed, send_again
from notifications.statuses import MessageStatus, ReportResult
from notifications.templates import all_templates

if TYPE_CHECKING:
    from accounts.models import User


class ReadOnlyAdmin(ModelAdmin):
    """Rows are written by services. No page adds, edits or deletes any, whoever asks."""

    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    # Newest first, by an index. Sorting millions of rows by another column would take long.
    sortable_by = ()
    list_disable_select_all = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Services add rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Services change rows."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is deleted."""
        return False


class TemplateFilter(admin.SimpleListFilter):
    """By template. The choices come from the code: reading them from the rows would take long."""

    title = "template"
    parameter_name = "template"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        """Every registered template."""
        return [(template.key, template.key) for template in all_templates()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SmsMessage]) -> QuerySet[SmsMessage]:
        """Messages of the chosen template."""
        return queryset.filter(template=self.value()) if self.value() else queryset


class ReportedStatusFilter(admin.SimpleListFilter):
    """By the provider's word, of those we know."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        """Every status of the provider's documentation."""
        return [(status, status) for status in STATUSES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DeliveryReport]) -> QuerySet[DeliveryReport]:
        """Reports with the chosen status."""
        return queryset.filter(status=self.value()) if self.value() else queryset


@admin.register(SmsMessage)
class SmsMessageAdmin(ReadOnlyAdmin):
    """Every SMS, newest first. The action needs the permission to change messages."""

    list_display = ["created_at", "to", "template", "shown_status", "tries", "error_code", "next_action_at"]
    list_filter = ["status", TemplateFilter]
    # Equality on an indexed column: a search stays quick with millions of rows.
    search_fields = ["to__exact", "provider_message_id__exact", "key__exact"]
    search_help_text = "Whole phone number (+250...), message id of the provider, or key"
    actions = ["send_failed_again"]

    @display(
        description="Status",
        label={
            MessageStatus.QUEUED.label: "info",
            MessageStatus.SENDING.label: "info",
            MessageStatus.SENT.label: "primary",
            MessageStatus.DELIVERED.label: "success",
            MessageStatus.FAILED.label: "danger",
        },
    )
    def shown_status(self, message: SmsMessage) -> str:
        """The status in words, coloured."""
        return message.get_status_display()

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        """Asked by the action below."""
        return request.user.has_perm("notifications.change_smsmessage")

    @admin.action(description="Send again (failed messages only)", permissions=["send_again"])
    def send_failed_again(self, request: HttpRequest, queryset: QuerySet[SmsMessage]) -> None:
        """Put each failed message back into the queue, and say which were not failed."""
        sent, refused = 0, []
        for message_id in queryset.values_list("pk", flat=True):
            try:
                send_again(message_id=message_id, requested_by=cast("User", request.user), at=timezone.now())
                sent += 1
            except MessageNotFailed as refusal:
                refused.append(str(refusal))
        if sent:
            messages.success(request, f"{sent} put back into the queue.")
        for words in sorted(set(refused)):
            messages.warning(request, f"{refused.count(words)} × not sent again. {words}")


@admin.register(DeliveryReport)
class DeliveryReportAdmin(ReadOnlyAdmin):
    """What the provider reported, as it came, and what it did."""

    list_display = ["received_at", "provider_message_id", "status", "failure_reason", "shown_result"]
    list_filter = ["result", ReportedStatusFilter]
    search_fields = ["provider_message_id__exact"]
    search_help_text = "Whole message id of the provider"

    @display(
        description="Result",
        label={
            ReportResult.APPLIED.label: "success",
            ReportResult.CONTRADICTS.label: "danger",
            ReportResult.UNKNOWN_MESSAGE.label: "warning",
            ReportResult.UNKNOWN_STATUS.label: "warning",
        },
    )
    def shown_result(self, report: DeliveryReport) -> str:
        """What became of it, coloured."""
        return report.get_result_display()
