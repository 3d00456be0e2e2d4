"""What several pages show alike: links, amounts, progress bars."""

from decimal import Decimal
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ledger.money import format_amount
from promos.models import GenerationRun
from promos.statuses import BatchStatus, CodeStatus, RedemptionStatus, RunStatus

COLOURS: dict[str, str] = {
    BatchStatus.ACTIVE.label: "success",
    BatchStatus.COMPLETED.label: "info",
    CodeStatus.USED.label: "warning",
    CodeStatus.REDEEMED.label: "info",
    CodeStatus.REPORTED.label: "danger",
    CodeStatus.BLOCKED.label: "danger",
    RedemptionStatus.PENDING.label: "warning",
    RedemptionStatus.COMPLETED.label: "success",
    RedemptionStatus.FAILED.label: "danger",
    RunStatus.RUNNING.label: "primary",
    RunStatus.FAILED.label: "danger",
}

# The script fills the bar in; without it the page shows where the run stood.
_BAR = """
<div class="flex flex-col gap-1 max-w-full" style="width: 16rem"{live}>
  <div class="bg-base-100 overflow-hidden rounded-default dark:bg-base-800" role="progressbar"
       aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}">
    <div class="bg-primary-600 h-1.5 dark:bg-primary-500" data-run-bar style="width: {percent}%"></div>
  </div>
  <span class="text-xs whitespace-nowrap" data-run-words>{words}</span>
</div>
"""


def link_to(row: Model | None, words: str = "") -> SafeString | str:
    """A link to the row's page in the admin."""
    if row is None:
        return "-"
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return format_html('<a class="text-link" href="{}">{}</a>', reverse(name, args=[row.pk]), words or str(row))


def link_to_list(model: type[Model], words: str, **filters: Any) -> SafeString:
    """A link to the model's list in the admin, filtered."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    return format_html('<a class="text-link" href="{}">{}</a>', reverse(name, query=filters), words)


def money(amount: Decimal | None, currency: str) -> str:
    """An amount for people."""
    return "-" if amount is None else format_amount(amount, currency)


def progress_of(run: GenerationRun) -> dict[str, Any]:
    """Where a run stands, for the bar and for the script that keeps it moving."""
    percent = run.generated * 100 // run.requested
    return {
        "percent": percent,
        "words": f"{run.generated:,} of {run.requested:,} ({percent} %), {run.get_status_display().lower()}",
        "finished": run.is_finished,
    }


def progress_bar(run: GenerationRun) -> SafeString:
    """The run's bar; alive while the run is."""
    progress = progress_of(run)
    address = reverse("admin:promos_generationrun_progress", args=[run.pk])
    live = "" if progress["finished"] else format_html(' data-run-progress="{}"', address)
    return format_html(_BAR, live=live, percent=progress["percent"], words=progress["words"])
