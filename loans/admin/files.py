"""Files of repayments: uploaded, shown line by line, applied."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from accounts.admin.acting import acting_user
from audit.admin_lists import ReadOnlyAdmin, moment, row_named
from configuration.selectors import current
from loans.admin.dialogs import ask
from loans.admin.repayment_forms import UploadForm
from loans.admin.showing import link_to, link_to_list, money, table
from loans.configuration import LoanSettings
from loans.models import RepaymentFile, RepaymentFileLine
from loans.repayment_csv import COLUMNS, MAX_LINES, SAMPLE, UnreadableFile
from loans.selectors import count_lines
from loans.services.repayment_files import order_application, upload_file
from loans.statuses import FileStatus, LineStatus

PAGE = "admin:loans_repaymentfile_change"
# Of each kind on the file's page; the list of lines has all.
LINES_SHOWN = 50
FILE_COLOURS = {FileStatus.APPLYING.label: "primary", FileStatus.APPLIED.label: "success"}
LINE_COLOURS = {
    LineStatus.GOOD.label: "info",
    LineStatus.BAD.label: "danger",
    LineStatus.BOOKED.label: "success",
}


@admin.register(RepaymentFile)
class RepaymentFileAdmin(ReadOnlyAdmin):
    """Newest first. A file is read and shown; then somebody has it applied."""

    # How many lines of each kind stands on the file's page: counting them for fifty files reads every line of theirs.
    list_display = ("uploaded", "name", "shown_status", "total_lines", "uploaded_by", "applied_by")
    list_filter = (("status", ChoicesDropdownFilter),)
    list_select_related = ("uploaded_by", "applied_by")
    actions_detail = ("apply",)
    fieldsets = (
        (None, {"fields": (("name", "shown_status"), "counts")}),
        ("Bad lines", {"fields": ("bad_lines",)}),
        ("The other lines", {"fields": ("other_lines",)}),
        ("Who and when (UTC)", {"fields": (("uploaded", "uploaded_by"), ("ordered", "applied_by"), "done", "digest")}),
    )
    readonly_fields = ("shown_status", "counts", "bad_lines", "other_lines", "uploaded", "ordered", "done")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("loans.add_repaymentfile")

    def get_urls(self) -> list[URLPattern]:
        """A sample to begin with."""
        view = self.admin_site.admin_view(self.sample_view)
        return [path("sample.csv", view, name="loans_repaymentfile_sample"), *super().get_urls()]

    def sample_view(self, request: HttpRequest) -> HttpResponse:
        """With a byte order mark, so that Excel reads it as UTF-8."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        headers = {"Content-Disposition": 'attachment; filename="repayments-sample.csv"'}
        return HttpResponse("\ufeff" + SAMPLE, content_type="text/csv; charset=utf-8", headers=headers)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Upload a file; what cannot be read is said beside it, and nothing is kept."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                result = upload_file(
                    name=file.name, content=file.read(), uploaded_by=acting_user(request), at=timezone.now()
                )
            except UnreadableFile as refusal:
                form.add_error("file", str(refusal))
            else:
                words = "The file was read. Nothing is booked yet." if result.is_new else "This file is here already."
                messages.add_message(request, messages.SUCCESS if result.is_new else messages.WARNING, words)
                return HttpResponseRedirect(reverse(PAGE, args=[result.file.pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Upload repayments",
            "form": form,
            "columns": COLUMNS.items(),
            "most": f"{MAX_LINES:,}",
            "zone": current(LoanSettings).time_zone,
            "sample": reverse("admin:loans_repaymentfile_sample"),
        }
        return TemplateResponse(request, "loans/admin/upload.html", context)

    @display(description="Uploaded (UTC)")
    def uploaded(self, file: RepaymentFile) -> SafeString:
        return moment(file.created_at)

    @display(description="Applied from")
    def ordered(self, file: RepaymentFile) -> SafeString:
        return moment(file.ordered_at)

    @display(description="Done")
    def done(self, file: RepaymentFile) -> SafeString:
        return moment(file.applied_at)

    @display(description="Status", label=FILE_COLOURS)
    def shown_status(self, file: RepaymentFile) -> str:
        return file.get_status_display()

    @display(description="Lines")
    def counts(self, file: RepaymentFile) -> SafeString | str:
        found = count_lines(file)
        words = [
            (link_to_list(RepaymentFileLine, f"{found[status]:,}", file=file.pk, status__exact=status), status.label)
            for status in LineStatus
            if status in found
        ]
        return format_html_join(", ", "{} {}", ((link, label.lower()) for link, label in words)) if words else "None"

    @display(description="Skipped")
    def bad_lines(self, file: RepaymentFile) -> SafeString | str:
        bad = RepaymentFileLine.objects.filter(file=file, status=LineStatus.BAD)[:LINES_SHOWN]
        rows = [(line.number, _wide(line.reason), line.text or _told(line)) for line in bad]
        return table(("Line", "Why", "What it says"), rows, empty="None.")

    @display(description="First ones")
    def other_lines(self, file: RepaymentFile) -> SafeString | str:
        lines = RepaymentFileLine.objects.filter(file=file).exclude(status=LineStatus.BAD).select_related("loan")
        rows = [
            (
                line.number,
                _wide(line.reason),
                link_to(line.loan),
                f"{line.rail} {line.reference}",
                line.get_status_display(),
            )
            for line in lines[:LINES_SHOWN]
        ]
        headers = ("Line", "What it does", "Loan", "Reference", "Status")
        return table(headers, rows, empty="None.")

    def has_apply_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """For the button; the service decides."""
        if not request.user.has_perm("loans.apply_repaymentfile"):
            return False
        read = row_named(RepaymentFile, object_id).filter(status=FileStatus.PREVIEWED)
        return read.filter(lines__status=LineStatus.GOOD).exists()

    @action(
        description="Apply",
        permissions=["apply"],
        icon="done_all",
        dialog=ask("Apply", "Every good line is booked, in the background; bad lines are skipped.", BaseDialogForm),
    )
    def apply(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Book the good lines."""
        ordered = order_application(file_id=UUID(object_id), applied_by=acting_user(request), at=timezone.now())
        if ordered:
            messages.success(request, "The lines are being booked. Reload this page to see how far it is.")
        else:
            messages.warning(request, "Somebody had this file applied already.")
        return HttpResponse(headers={"HX-Redirect": reverse(PAGE, args=[object_id])})


def _told(line: RepaymentFileLine) -> str:
    """What a line says that could be read."""
    amount = money(line.amount, current(LoanSettings).currency) if line.amount is not None else ""
    return ", ".join(filter(None, (line.loan_number, line.phone, amount, line.rail, line.reference)))


@admin.register(RepaymentFileLine)
class RepaymentFileLineAdmin(ReadOnlyAdmin):
    """The lines of one file, in its order; reached from the file's page."""

    list_display = ("number", "shown_status", "shown_loan", "phone", "came_in", "rail", "reference", "reason", "text")
    list_filter = (("status", ChoicesDropdownFilter),)
    list_select_related = ("loan",)
    # By the column: by "file" the files' own order would be taken, which no index of lines has.
    ordering = ("file_id", "number")
    fieldsets = (
        (None, {"fields": (("shown_file", "number"), ("shown_status", "reason"), "text")}),
        ("As it was read", {"fields": (("loan_number", "phone"), ("came_in", "paid"), ("rail", "reference"), "note")}),
        ("Booked", {"fields": (("shown_loan", "shown_repayment"),)}),
    )
    readonly_fields = ("shown_file", "shown_status", "came_in", "paid", "shown_loan", "shown_repayment")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Files link to their lines."""
        return lookup == "file" or super().lookup_allowed(lookup, value, request)

    @display(description="File")
    def shown_file(self, line: RepaymentFileLine) -> SafeString | str:
        return link_to(line.file)

    @display(description="Status", label=LINE_COLOURS)
    def shown_status(self, line: RepaymentFileLine) -> str:
        return line.get_status_display()

    @display(description="Loan")
    def shown_loan(self, line: RepaymentFileLine) -> SafeString | str:
        return link_to(line.loan, line.loan.number) if line.loan else line.loan_number or "-"

    @display(description="Amount")
    def came_in(self, line: RepaymentFileLine) -> str:
        return money(line.amount, current(LoanSettings).currency)

    @display(description="Paid (UTC)")
    def paid(self, line: RepaymentFileLine) -> SafeString:
        return moment(line.received_at)

    @display(description="Repayment")
    def shown_repayment(self, line: RepaymentFileLine) -> SafeString | str:
        return link_to(line.repayment)


def _wide(words: str) -> SafeString:
    """Words that may break in a table whose other cells do not."""
    return format_html('<span class="block whitespace-normal" style="min-width: 16rem">{}</span>', words)
