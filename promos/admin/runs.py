"""Generation runs: to watch, and to cancel."""

from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import action, display

from audit.admin_lists import ReadOnlyAdmin, moment
from promos.admin.dialogs import ask, carry_out
from promos.admin.showing import COLOURS, link_to, link_to_list, money, progress_bar, progress_of
from promos.models import GenerationRun, PromoCode
from promos.services.generation import cancel_generation
from promos.statuses import RunStatus


@admin.register(GenerationRun)
class GenerationRunAdmin(ReadOnlyAdmin):
    """Newest first. The bars move by themselves while codes are being made."""

    list_display = ("ordered", "batch", "shown_status", "progress", "amount_each")
    list_filter = (("status", ChoicesDropdownFilter), ("batch", AutocompleteSelectFilter))
    list_select_related = ("batch",)
    actions_detail = ("cancel",)
    fieldsets = (
        (None, {"fields": ("shown_batch", "progress", "shown_status", "error_message")}),
        ("Order", {"fields": (("requested", "amount_each"), ("code_date", "created_by"), "shown_codes")}),
        ("Times (UTC)", {"fields": (("ordered", "started"), ("finished", "leased"), "cancel_requested")}),
    )
    readonly_fields = (
        "shown_batch",
        "progress",
        "shown_status",
        "amount_each",
        "shown_codes",
        "ordered",
        "started",
        "finished",
        "leased",
    )

    class Media:
        js = ("promos/run_progress.js",)

    def get_urls(self) -> list[URLPattern]:
        """The bars ask here."""
        view = self.admin_site.admin_view(self.progress_view)
        return [path("<uuid:run_id>/progress/", view, name="promos_generationrun_progress"), *super().get_urls()]

    def progress_view(self, request: HttpRequest, run_id: UUID) -> JsonResponse:
        """Where the run stands, as JSON."""
        if not (self.has_view_permission(request) or request.user.has_perm("promos.view_batch")):
            raise PermissionDenied
        return JsonResponse(progress_of(get_object_or_404(GenerationRun, pk=run_id)))

    @display(description="Ordered")
    def ordered(self, run: GenerationRun) -> SafeString:
        return moment(run.created_at)

    @display(description="Started")
    def started(self, run: GenerationRun) -> SafeString:
        return moment(run.started_at)

    @display(description="Finished")
    def finished(self, run: GenerationRun) -> SafeString:
        return moment(run.finished_at)

    @display(description="A worker is on it until")
    def leased(self, run: GenerationRun) -> SafeString:
        return moment(run.lease_until)

    @display(description="Status", label=COLOURS)
    def shown_status(self, run: GenerationRun) -> str:
        return run.get_status_display()

    @display(description="Progress")
    def progress(self, run: GenerationRun) -> SafeString:
        return progress_bar(run)

    @display(description="Per code")
    def amount_each(self, run: GenerationRun) -> str:
        return money(run.amount, run.batch.currency)

    @display(description="Batch")
    def shown_batch(self, run: GenerationRun) -> SafeString | str:
        return link_to(run.batch)

    @display(description="Codes")
    def shown_codes(self, run: GenerationRun) -> SafeString:
        return link_to_list(PromoCode, "Show the codes", run__id__exact=run.pk)

    def has_cancel_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button; the service decides."""
        if not request.user.has_perm("promos.cancel_generationrun"):
            return False
        unfinished = GenerationRun.objects.filter(pk=object_id, status__in=RunStatus.UNFINISHED)
        return unfinished.filter(cancel_requested=False).exists()

    @action(
        description="Cancel run",
        permissions=["cancel"],
        icon="block",
        dialog=ask("Cancel run", "Codes made so far stay and can be redeemed; no more are made."),
    )
    def cancel(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Stop making codes."""
        reason = form.cleaned_data["reason"]
        return carry_out(
            request,
            lambda: cancel_generation(run_id=UUID(object_id), reason=reason, at=timezone.now()),
            done="The run stops after the codes it is just making.",
            page="admin:promos_generationrun_change",
            object_id=object_id,
        )
