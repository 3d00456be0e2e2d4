"""Requests to pay: what customers were asked for, what came of it, and the two buttons of those who look after them."""

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from accounts.admin.acting import acting_user
from audit.admin_lists import DayRangeFilter, ReadOnlyAdmin, moment, row_named
from disbursements.statuses import CallbackResult
from ledger.money import format_amount
from loans.admin.dialogs import ask, carry_out
from loans.admin.showing import link_to, typed_phone
from loans.models import CollectionCallback, CollectionRequest
from loans.selectors_collections import stuck_collections
from loans.services.collection_closing import ask_again, close_collection
from loans.statuses import CollectionStatus

PAGE = "admin:loans_collectionrequest_change"
STATUS_COLOURS = {
    CollectionStatus.QUEUED.label: "info",
    CollectionStatus.PENDING.label: "primary",
    CollectionStatus.COMPLETED.label: "success",
    CollectionStatus.FAILED.label: "warning",
}


class AttentionFilter(DropdownFilter):
    """What a person should look at."""

    title = "attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("alarm", "A person must look"), ("stuck", "Under way for too long")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CollectionRequest]) -> QuerySet[CollectionRequest]:
        if self.value() == "alarm":
            return queryset.exclude(alarm="")
        if self.value() == "stuck":
            return queryset.filter(pk__in=stuck_collections(at=timezone.now()).order_by().values("pk"))
        return queryset


@admin.register(CollectionRequest)
class CollectionRequestAdmin(ReadOnlyAdmin):
    """Newest first. The search takes a whole phone number or reference."""

    list_display = ("created", "phone", "money", "loan_number", "shown_status", "sends", "polls", "error_code", "look")
    list_filter = ("status", AttentionFilter, ("created_at", DayRangeFilter))
    list_select_related = ("loan",)
    search_fields = ("phone",)
    search_help_text = "A whole phone number or reference"
    actions_detail = ("ask_now", "close")
    fieldsets = (
        (
            None,
            {"fields": (("loan_number", "customer"), ("phone", "money"), ("shown_status", "alarm"), "shown_repayment")},
        ),
        (
            "Provider",
            {
                "fields": (
                    ("id", "provider_reference"),
                    ("base_url", "environment"),
                    ("api_user", "http_status"),
                    ("sends", "polls"),
                    ("error_code", "was_turned_away"),
                    "error_message",
                )
            },
        ),
        (
            "Times",
            {
                "fields": (
                    ("created_at", "finished_at"),
                    ("sent_at", "asked_at"),
                    ("next_action_at", "claimed_until"),
                    ("swept_at", "announced_at"),
                    "key",
                )
            },
        ),
    )
    readonly_fields = ("loan_number", "money", "shown_status", "shown_repayment")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[CollectionRequest], search_term: str
    ) -> tuple[QuerySet[CollectionRequest], bool]:
        """Whole values only: each has an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(pk=UUID(term)), False
        except ValueError:
            phone = typed_phone(term)
            return (queryset.filter(phone=phone) if phone else queryset.none()), False

    @display(description="Asked (UTC)")
    def created(self, collection: CollectionRequest) -> SafeString:
        return moment(collection.created_at)

    @display(description="Amount")
    def money(self, collection: CollectionRequest) -> str:
        return format_amount(collection.amount, collection.currency)

    @display(description="Loan")
    def loan_number(self, collection: CollectionRequest) -> SafeString | str:
        return link_to(collection.loan, collection.loan.number)

    @display(description="Repayment")
    def shown_repayment(self, collection: CollectionRequest) -> SafeString | str:
        return link_to(collection.repayment)

    @display(description="Status", label=STATUS_COLOURS)
    def shown_status(self, collection: CollectionRequest) -> str:
        return CollectionStatus(collection.status).label

    @display(description="Look", label="danger")
    def look(self, collection: CollectionRequest) -> str:
        return collection.get_alarm_display() if collection.alarm else ""

    def has_ask_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button; the service decides."""
        unbooked = row_named(CollectionRequest, object_id).filter(sends__gt=0, repayment__isnull=True)
        return request.user.has_perm("loans.close_collectionrequest") and unbooked.exists()

    def has_close_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button; the service decides."""
        if not request.user.has_perm("loans.close_collectionrequest"):
            return False
        found = row_named(CollectionRequest, object_id)
        return found.filter(status__in=CollectionStatus.OPEN).exists() or found.exclude(alarm="").exists()

    @action(
        description="Ask the provider",
        permissions=["ask"],
        icon="refresh",
        dialog=ask("Ask the provider", "A worker asks now what became of it.", BaseDialogForm),
    )
    def ask_now(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Have it asked about before it is due."""
        if ask_again(collection_id=UUID(object_id), at=timezone.now()):
            messages.success(request, "The provider is being asked. Look again in a moment.")
        else:
            messages.warning(request, "There is nothing to ask, or it is being asked at this moment.")
        return HttpResponse(headers={"HX-Redirect": reverse(PAGE, args=[object_id])})

    @action(
        description="Close",
        permissions=["close"],
        icon="block",
        dialog=ask(
            "Close", "The provider is asked first, and its word is booked. Else the request ends without money."
        ),
    )
    def close(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """End a request that nobody can settle, or what its alarm is about."""
        act = partial(
            close_collection,
            collection_id=UUID(object_id),
            closed_by=acting_user(request),
            reason=form.cleaned_data["reason"],
            at=timezone.now(),
        )
        return carry_out(request, act, done="Looked at and ended.", page=PAGE, object_id=object_id)


@admin.register(CollectionCallback)
class CollectionCallbackAdmin(ReadOnlyAdmin):
    """What the provider sent us about requests to pay, as it came. The search takes a whole reference."""

    list_display = ("received", "reference", "method", "ip", "shown_result", "processed")
    list_filter = ("result", ("received_at", DayRangeFilter))
    search_fields = ("reference",)
    search_help_text = "The whole reference of the request"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[CollectionCallback], search_term: str
    ) -> tuple[QuerySet[CollectionCallback], bool]:
        """Whole references only: they have an index."""
        term = search_term.strip()
        try:
            return (queryset.filter(reference=UUID(term)) if term else queryset), False
        except ValueError:
            return queryset.none(), False

    @display(description="Received (UTC)")
    def received(self, callback: CollectionCallback) -> SafeString:
        return moment(callback.received_at)

    @display(description="Looked at (UTC)")
    def processed(self, callback: CollectionCallback) -> SafeString:
        return moment(callback.processed_at)

    @display(
        description="Result",
        label={
            CallbackResult.SETTLED.label: "success",
            CallbackResult.UNKNOWN_REFERENCE.label: "warning",
            CallbackResult.CONTRADICTS.label: "danger",
        },
    )
    def shown_result(self, callback: CollectionCallback) -> str:
        return CallbackResult(callback.result).label
