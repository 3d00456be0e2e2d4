"""Files of repayments: read and shown first, then applied line by line."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from ledger.guards import kept, status_moves
from loans.models.fields import money_field
from loans.models.loans import Loan
from loans.models.repayments import Repayment
from loans.statuses import FileStatus, LineStatus


class RepaymentFile(models.Model):
    """A CSV file of repayments. The same bytes are one file."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the bytes")
    status = models.CharField(max_length=10, choices=FileStatus, default=FileStatus.PREVIEWED)
    total_lines = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True, help_text="A worker applies it until then")
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    ordered_at = models.DateTimeField(null=True, blank=True, help_text="When somebody had it applied")
    applied_at = models.DateTimeField(null=True, blank=True, help_text="When its last line was done")

    class Meta:
        db_table = "loans_repayment_file"
        ordering = ["-created_at", "-id"]
        permissions = [("apply_repaymentfile", "Can apply a file of repayments")]
        indexes = [models.Index(fields=["-created_at", "-id"], name="repayment_file_recent")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="previewed", applied_by__isnull=True)
                | ~Q(status="previewed") & Q(applied_by__isnull=False, ordered_at__isnull=False),
                name="repayment_file_applied_by",
            ),
            models.CheckConstraint(
                condition=Q(status="applied", applied_at__isnull=False)
                | ~Q(status="applied") & Q(applied_at__isnull=True),
                name="repayment_file_applied_at",
            ),
        ]
        triggers = [status_moves("repayment_file_moves", FileStatus.MOVES), kept("repayment_file_kept")]

    def __str__(self) -> str:
        return self.name


class RepaymentFileLine(models.Model):
    """One line of a file: what it says, what it would do or why it is bad, and what became of it."""

    id = models.BigAutoField(primary_key=True)
    file = models.ForeignKey(RepaymentFile, on_delete=models.PROTECT, related_name="lines", db_index=False)
    number = models.PositiveIntegerField(help_text="In the file; the heading is line 1")
    status = models.CharField(max_length=10, choices=LineStatus)
    reason = models.CharField(max_length=300, blank=True, help_text="What it would do, or why it is bad")
    text = models.CharField(max_length=200, blank=True, help_text="A line that could not be read, as it stands")
    loan_number = models.CharField(max_length=20, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    amount = money_field(null=True, blank=True)
    rail = models.CharField(max_length=12, blank=True)
    reference = models.CharField(max_length=100, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    loan = models.ForeignKey(Loan, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    repayment = models.ForeignKey(
        Repayment, null=True, blank=True, on_delete=models.PROTECT, related_name="file_lines", db_index=False
    )

    class Meta:
        db_table = "loans_repayment_file_line"
        verbose_name = "line"
        ordering = ["file", "number"]
        indexes = [
            models.Index(fields=["file", "number"], condition=Q(status="good"), name="file_line_to_do"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["file", "number"], name="file_line_number"),
            models.CheckConstraint(
                condition=Q(status__in=["booked", "repeated"], repayment__isnull=False)
                | ~Q(status__in=["booked", "repeated"]) & Q(repayment__isnull=True),
                name="file_line_booked",
            ),
        ]
        triggers = [status_moves("file_line_moves", LineStatus.MOVES), kept("file_line_kept")]

    def __str__(self) -> str:
        return f"line {self.number}"
