"""Codes: to find in whatever form they are typed, to block, report and unblock. Their money is fixed."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import action, display

from audit.admin_lists import ReadOnlyAdmin, moment, unbroken
from promos.admin.dialogs import ask, carry_out
from promos.admin.showing import COLOURS, link_to, money
from promos.codes import search_form
from promos.models import PromoCode
from promos.refusals import PromoRefusal
from promos.selectors import redemption_of
from promos.services.codes import MOST_AT_ONCE, block_codes, report_codes, unblock_codes
from promos.statuses import CodeStatus

IN_BULK = "Several codes at once, in the back office"
STOPPABLE = {CodeStatus.ACTIVE, CodeStatus.EXPIRED}
STOPPED = {CodeStatus.BLOCKED, CodeStatus.REPORTED}


@admin.register(PromoCode)
class PromoCodeAdmin(ReadOnlyAdmin):
    """Newest first. The search takes a code, or its first characters, in any case, with spaces, hyphens or none."""

    list_display = ("shown_code", "batch", "shown_status", "amount_each", "made", "used")
    list_filter = (("status", ChoicesDropdownFilter), ("batch", AutocompleteSelectFilter))
    list_select_related = ("batch",)
    search_fields = ("code",)
    search_help_text = "A code or its first characters, in any case, with spaces, hyphens or none"
    actions = ("block_many", "report_many", "unblock_many")
    actions_detail = ("block", "report", "unblock")
    fieldsets = (
        (None, {"fields": (("shown_code", "shown_status"), ("shown_batch", "amount_each"), "shown_redemption")}),
        ("Origin", {"fields": (("made", "shown_run"), "ends")}),
        ("Times (UTC)", {"fields": (("used", "redeemed"), ("blocked", "reported"))}),
    )
    readonly_fields = (
        "shown_code",
        "shown_status",
        "shown_batch",
        "amount_each",
        "shown_redemption",
        "made",
        "shown_run",
        "ends",
        "used",
        "redeemed",
        "blocked",
        "reported",
    )

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Batches and runs link to their codes."""
        return lookup in {"run__id__exact", "batch__id__exact"} or super().lookup_allowed(lookup, value, request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PromoCode], search_term: str
    ) -> tuple[QuerySet[PromoCode], bool]:
        """From the first character on: the unique index serves that."""
        typed = search_form(search_term)
        return (queryset.filter(code__startswith=typed) if typed else queryset), False

    # Columns and fields

    @display(description="Code")
    def shown_code(self, code: PromoCode) -> SafeString:
        return unbroken(str(code))

    @display(description="Status", label=COLOURS)
    def shown_status(self, code: PromoCode) -> str:
        return code.get_status_display()

    @display(description="Amount")
    def amount_each(self, code: PromoCode) -> str:
        return money(code.amount, code.batch.currency)

    @display(description="Made (UTC)")
    def made(self, code: PromoCode) -> SafeString:
        return moment(code.created_at)

    @display(description="Used (UTC)")
    def used(self, code: PromoCode) -> SafeString:
        return moment(code.used_at)

    @display(description="Redeemed")
    def redeemed(self, code: PromoCode) -> SafeString:
        return moment(code.redeemed_at)

    @display(description="Blocked")
    def blocked(self, code: PromoCode) -> SafeString:
        return moment(code.blocked_at)

    @display(description="Reported")
    def reported(self, code: PromoCode) -> SafeString:
        return moment(code.reported_at)

    @display(description="Ends (UTC)")
    def ends(self, code: PromoCode) -> SafeString:
        return moment(code.expires_at or code.batch.expiration_date)

    @display(description="Batch")
    def shown_batch(self, code: PromoCode) -> SafeString | str:
        return link_to(code.batch)

    @display(description="Generation run")
    def shown_run(self, code: PromoCode) -> SafeString | str:
        return link_to(code.run)

    @display(description="Redemption")
    def shown_redemption(self, code: PromoCode) -> SafeString | str:
        return link_to(redemption_of(code))

    # Acts

    def has_stop_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the buttons; the service decides."""
        return self._may(request, object_id, STOPPABLE)

    def has_unblock_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the buttons; the service decides."""
        return self._may(request, object_id, STOPPED)

    def _may(self, request: HttpRequest, object_id: str, statuses: set[CodeStatus]) -> bool:
        if not request.user.has_perm("promos.stop_promocode"):
            return False
        return not object_id or PromoCode.objects.filter(pk=object_id, status__in=statuses).exists()

    @action(
        description="Block",
        permissions=["stop"],
        icon="block",
        dialog=ask("Block code", "It is refused from now on."),
    )
    def block(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Stop one code."""
        return self._act(request, form, object_id, block_codes, "Blocked.")

    @action(
        description="Report",
        permissions=["stop"],
        icon="report",
        dialog=ask("Report code", "It is suspicious, and refused until somebody has looked."),
    )
    def report(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Mark one code as suspicious."""
        return self._act(request, form, object_id, report_codes, "Reported.")

    @action(
        description="Unblock",
        permissions=["unblock"],
        icon="lock_open",
        dialog=ask("Unblock code", "It can be redeemed again, unless its date is over."),
    )
    def unblock(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Let one code go on."""
        return self._act(request, form, object_id, unblock_codes, "Unblocked.")

    @action(description="Block selected codes", permissions=["stop"])
    def block_many(self, request: HttpRequest, queryset: QuerySet[PromoCode]) -> None:
        """Stop the ticked codes."""
        self._act_on_many(request, queryset, block_codes, "blocked")

    @action(description="Report selected codes", permissions=["stop"])
    def report_many(self, request: HttpRequest, queryset: QuerySet[PromoCode]) -> None:
        """Mark the ticked codes as suspicious."""
        self._act_on_many(request, queryset, report_codes, "reported")

    @action(description="Unblock selected codes", permissions=["unblock"])
    def unblock_many(self, request: HttpRequest, queryset: QuerySet[PromoCode]) -> None:
        """Let the ticked codes go on."""
        self._act_on_many(request, queryset, unblock_codes, "unblocked")

    def _act(self, request: HttpRequest, form: Form, object_id: str, service: Any, done: str) -> HttpResponse:
        reason = form.cleaned_data["reason"]
        return carry_out(
            request,
            lambda: service(code_ids=[int(object_id)], reason=reason, at=timezone.now()),
            done=done,
            page="admin:promos_promocode_change",
            object_id=object_id,
        )

    def _act_on_many(self, request: HttpRequest, codes: QuerySet[PromoCode], service: Any, word: str) -> None:
        # One more than may be: the service says no instead of us reading a million.
        chosen = list(codes.order_by("pk").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        try:
            result = service(code_ids=chosen, reason=IN_BULK, at=timezone.now())
        except PromoRefusal as refusal:
            messages.error(request, str(refusal))
            return
        messages.success(request, f"{result.changed:,} {word}.")
        if result.left:
            messages.warning(request, f"{result.left:,} left as they are: their status does not allow it.")
