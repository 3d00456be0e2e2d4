"""Batches: created and changed through the services, filled, blocked, given to staff."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from accounts.admin.acting import acting_user
from audit.admin_lists import DayRangeFilter, UncountedAdmin, moment
from promos.admin.batch_form import BatchForm
from promos.admin.dialogs import AssignForm, GenerateForm, ask, carry_out
from promos.admin.showing import COLOURS, link_to, link_to_list, money, progress_bar
from promos.models import Batch, GenerationRun, PromoCode, Redemption
from promos.refusals import PromoRefusal
from promos.selectors import batches_with_budget_left, count_codes, promised_amount
from promos.services.batch_status import block_batch, unblock_batch
from promos.services.batches import assign_batch, create_batch, update_batch
from promos.services.generation import order_codes
from promos.statuses import BatchStatus, CodeStatus

RUNS_SHOWN = 5
PAGE = "admin:promos_batch_change"


@admin.register(Batch)
class BatchAdmin(UncountedAdmin):
    """Newest first. The search takes any part of a name."""

    form = BatchForm
    list_display = ("name", "shown_status", "amount", "number", "shown_budget", "ends", "assigned_user")
    list_filter = (("status", ChoicesDropdownFilter), ("created_at", DayRangeFilter))
    list_select_related = ("assigned_user",)
    search_fields = ("name",)
    actions = None
    actions_detail = ("generate", "assign", "block", "unblock")
    readonly_fields = (
        "shown_status",
        "codes",
        "shown_runs",
        "promised",
        "budget_left",
        "shown_account",
        "shown_currency",
        "assigned",
        "created",
        "created_by",
        "shown_redemptions",
    )

    class Media:
        js = ("promos/run_progress.js",)

    def get_fieldsets(self, request: HttpRequest, obj: Batch | None = None) -> Any:
        terms: list[Any] = ["name", "description", ("amount_per_code", "shown_currency"), ("budget", "expires_on")]
        if obj is None:
            terms[2] = ("amount_per_code", "currency")
            return [(None, {"fields": [*terms, "assigned_user"]})]
        return [
            ("State", {"fields": [("shown_status", "assigned"), "codes", "shown_runs"]}),
            ("Money", {"fields": [("promised", "budget_left"), ("shown_redemptions", "shown_account")]}),
            ("Terms", {"fields": terms}),
            ("Origin", {"fields": [("created", "created_by")]}),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        return batches_with_budget_left()

    def get_paginator(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Paginator:
        """The pick-lists of other pages must know where they end; the list itself is not counted."""
        match = request.resolver_match
        is_pick_list = match is not None and match.url_name == "autocomplete"
        paginator = Paginator if is_pick_list else self.paginator
        return paginator(*args, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Batch | None = None) -> bool:
        """Its codes and money name it; it can be blocked."""
        return False

    # Saving

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What the service refuses under its lock comes back as an error of the form, with all that was typed."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except PromoRefusal as refusal:
            request.promo_refusal = refusal  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Batch | None = None, change: bool = False, **kwargs: Any) -> Any:
        # The form names its fields itself; what is only shown is no field of it.
        form = type("RequestBatchForm", (self.form,), {"refusal": getattr(request, "promo_refusal", None)})
        return super().get_form(request, obj, change, **kwargs | {"form": form, "fields": None})

    def save_model(self, request: HttpRequest, obj: Batch, form: BatchForm, change: bool) -> None:
        """Through the services, which judge, lock and record."""
        at = timezone.now()
        if change:
            saved = update_batch(batch_id=obj.pk, terms=form.terms(), at=at)
        else:
            assigned = form.cleaned_data["assigned_user"]
            saved = create_batch(terms=form.terms(), assigned_user=assigned, created_by=acting_user(request), at=at)
        # The admin goes on with the object it was given.
        obj.__dict__.update({name: value for name, value in saved.__dict__.items() if name != "_state"})
        obj._state.adding = False

    # Columns and fields

    @display(description="Status", label=COLOURS)
    def shown_status(self, batch: Batch) -> str:
        return batch.get_status_display()

    @display(description="Per code")
    def amount(self, batch: Batch) -> str:
        return money(batch.amount_per_code, batch.currency)

    @display(description="Codes")
    def number(self, batch: Batch) -> str:
        return f"{batch.total_codes:,}"

    @display(description="Budget left")
    def shown_budget(self, batch: Batch) -> str:
        left = money(batch.budget_left, batch.currency)  # type: ignore[attr-defined]
        return f"{left} of {money(batch.budget, batch.currency)}" if batch.budget is not None else "no limit"

    @display(description="Ends (UTC)")
    def ends(self, batch: Batch) -> SafeString:
        return moment(batch.expiration_date)

    @display(description="Currency")
    def shown_currency(self, batch: Batch) -> str:
        return batch.currency

    @display(description="Assigned to")
    def assigned(self, batch: Batch) -> SafeString | str:
        return link_to(batch.assigned_user)

    @display(description="Created (UTC)")
    def created(self, batch: Batch) -> SafeString:
        return moment(batch.created_at)

    @display(description="Ledger account")
    def shown_account(self, batch: Batch) -> SafeString | str:
        return link_to(batch.account)

    @display(description="Budget left")
    def budget_left(self, batch: Batch) -> str:
        return self.shown_budget(batch)

    @display(description="Promised to customers")
    def promised(self, batch: Batch) -> str:
        return money(promised_amount(batch), batch.currency)

    @display(description="Redemptions")
    def shown_redemptions(self, batch: Batch) -> SafeString:
        return link_to_list(Redemption, "Show the redemptions", batch__id__exact=batch.pk)

    @display(description="Codes")
    def codes(self, batch: Batch) -> SafeString | str:
        counts = count_codes(batch)
        if not counts:
            return "None yet: generate some."
        parts = [
            (link_to_list(PromoCode, f"{counts[status]:,}", batch__id__exact=batch.pk, status__exact=status), status)
            for status in CodeStatus.values
            if status in counts
        ]
        return format_html_join(", ", "{} {}", parts)

    @display(description="Generation runs")
    def shown_runs(self, batch: Batch) -> SafeString | str:
        runs = list(GenerationRun.objects.filter(batch=batch)[:RUNS_SHOWN])
        if not runs:
            return "-"
        rows = format_html_join(
            "",
            '<div class="flex flex-row flex-wrap gap-4 items-center">{}{}</div>',
            ((progress_bar(run), link_to(run, f"Run of {run.created_at:%Y-%m-%d %H:%M}")) for run in runs),
        )
        return format_html('<div class="flex flex-col gap-3">{}</div>', rows)

    # Acts

    def has_generate_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button; the service decides."""
        able = {BatchStatus.ACTIVE, BatchStatus.COMPLETED}
        return request.user.has_perm("promos.add_generationrun") and self._is(object_id, able)

    def has_assign_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return request.user.has_perm("promos.assign_batch")

    def has_block_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button; the service decides."""
        unblocked = set(BatchStatus) - {BatchStatus.BLOCKED}
        return request.user.has_perm("promos.block_batch") and self._is(object_id, unblocked)

    def has_unblock_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button; the service decides."""
        return request.user.has_perm("promos.block_batch") and self._is(object_id, {BatchStatus.BLOCKED})

    def _is(self, object_id: str, statuses: set[BatchStatus]) -> bool:
        return Batch.objects.filter(pk=object_id, status__in=statuses).exists()

    @action(
        description="Generate codes",
        permissions=["generate"],
        icon="add_circle",
        dialog=ask("Generate codes", "They are made in the background; this page shows how far.", GenerateForm),
    )
    def generate(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Order codes for the batch."""
        order = form.cleaned_data
        return carry_out(
            request,
            lambda: order_codes(
                batch_id=UUID(object_id),
                count=order["count"],
                amount=order["amount"],
                ordered_by=acting_user(request),
                at=timezone.now(),
            ),
            done=f"{order['count']:,} codes ordered.",
            page=PAGE,
            object_id=object_id,
        )

    @action(
        description="Assign",
        permissions=["assign"],
        icon="person",
        dialog=ask("Assign", "Who is responsible for this batch?", AssignForm),
    )
    def assign(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Give the batch to a staff member."""
        who = form.cleaned_data["assigned_user"]
        return carry_out(
            request,
            lambda: assign_batch(batch_id=UUID(object_id), assigned_user=who, at=timezone.now()),
            done=f"Assigned to {who or 'nobody'}.",
            page=PAGE,
            object_id=object_id,
        )

    @action(
        description="Block",
        permissions=["block"],
        icon="block",
        dialog=ask("Block batch", "Its codes are refused from now on. Payouts already promised go on."),
    )
    def block(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Stop the batch."""
        reason = form.cleaned_data["reason"]
        return carry_out(
            request,
            lambda: block_batch(batch_id=UUID(object_id), reason=reason, at=timezone.now()),
            done="Blocked.",
            page=PAGE,
            object_id=object_id,
        )

    @action(
        description="Unblock",
        permissions=["unblock"],
        icon="lock_open",
        dialog=ask("Unblock batch", "Its codes can be redeemed again, unless its date is over."),
    )
    def unblock(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Let the batch go on."""
        reason = form.cleaned_data["reason"]
        return carry_out(
            request,
            lambda: unblock_batch(batch_id=UUID(object_id), reason=reason, at=timezone.now()),
            done="Unblocked.",
            page=PAGE,
            object_id=object_id,
        )
