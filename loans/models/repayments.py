"""Money that came in for loans."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from ledger.guards import fixed, kept, status_moves
from ledger.models import Posting
from ledger.money import format_amount
from loans.models.fields import money_field
from loans.models.loans import Loan
from loans.statuses import PaidInStatus, Rail, RepaymentChannel, RepaymentStatus


class Repayment(models.Model):
    """Money that came in for a loan, once per transaction of the rail it came by."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="repayments", db_index=False)
    customer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    amount = money_field(help_text="What came in")
    applied = money_field(help_text="What of it the loan took")
    overpaid = money_field(default=0, help_text="What of it we hold for the customer")
    currency = models.CharField(max_length=3)
    rail = models.CharField(max_length=12, choices=Rail)
    reference = models.CharField(max_length=100, help_text="The rail's own number of the transaction")
    channel = models.CharField(max_length=15, choices=RepaymentChannel)
    status = models.CharField(max_length=10, choices=RepaymentStatus, default=RepaymentStatus.COMPLETED)
    posting = models.OneToOneField(Posting, on_delete=models.PROTECT, related_name="+")
    was_written_off = models.BooleanField(default=False, help_text="A recovery: the loan had been written off")
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=300, blank=True)
    received_at = models.DateTimeField(help_text="When the customer paid")
    created_at = models.DateTimeField()
    reversed_at = models.DateTimeField(null=True, blank=True)
    reversed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reversal_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "loans_repayment"
        ordering = ["-created_at", "-id"]
        permissions = [("reverse_repayment", "Can take a repayment back")]
        indexes = [
            models.Index(fields=["loan", "created_at"], name="repayment_loan"),
            models.Index(fields=["customer", "-created_at"], name="repayment_customer"),
            models.Index(fields=["-created_at", "-id"], name="repayment_recent"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["rail", "reference"], name="repayment_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="repayment_amount_positive"),
            models.CheckConstraint(
                condition=Q(applied__gte=0, overpaid__gte=0, amount=F("applied") + F("overpaid")),
                name="repayment_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(status="reversed", reversed_at__isnull=False)
                | Q(status="completed", reversed_at__isnull=True),
                name="repayment_reversed_has_time",
            ),
        ]
        triggers = [
            status_moves("repayment_status_moves", RepaymentStatus.MOVES),
            fixed(
                "repayment_fixed",
                "loan",
                "customer",
                "amount",
                "applied",
                "overpaid",
                "currency",
                "rail",
                "reference",
                "posting",
                "created_at",
            ),
            kept("repayment_kept"),
        ]

    def __str__(self) -> str:
        return f"{self.get_rail_display()} {self.reference}: {format_amount(self.amount, self.currency)}"


class PaidInNotice(models.Model):
    """Money a customer sent us unasked, as a partner told us of it, once per transaction of the rail."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rail = models.CharField(max_length=12, choices=Rail)
    reference = models.CharField(max_length=100)
    phone = models.CharField(max_length=16)
    amount = money_field()
    currency = models.CharField(max_length=3)
    loan_number = models.CharField(max_length=20, blank=True, help_text="What the payer wrote as account")
    partner = models.CharField(max_length=254)
    status = models.CharField(max_length=10, choices=PaidInStatus, default=PaidInStatus.UNMATCHED)
    repayment = models.OneToOneField(
        Repayment, null=True, blank=True, on_delete=models.PROTECT, related_name="paid_in_notice"
    )
    note = models.CharField(max_length=300, blank=True)
    paid_at = models.DateTimeField()
    received_at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True, blank=True, help_text="When a loan was last looked for")

    class Meta:
        db_table = "loans_paid_in_notice"
        ordering = ["-received_at", "-id"]
        permissions = [("match_paidinnotice", "Can book money that came in unasked to a loan, or dismiss it")]
        indexes = [
            models.Index(fields=["-received_at", "-id"], name="paid_in_recent"),
            models.Index(fields=["status", "-received_at"], name="paid_in_status"),
            models.Index(fields=["received_at"], condition=Q(looked_at__isnull=True), name="paid_in_unseen"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["rail", "reference"], name="paid_in_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="paid_in_amount_positive"),
            models.CheckConstraint(
                condition=Q(status="applied", repayment__isnull=False)
                | ~Q(status="applied") & Q(repayment__isnull=True),
                name="paid_in_applied_is_booked",
            ),
        ]
        triggers = [
            status_moves("paid_in_status_moves", PaidInStatus.MOVES),
            fixed("paid_in_fixed", "rail", "reference", "phone", "amount", "currency", "partner", "received_at"),
            kept("paid_in_kept"),
        ]

    def __str__(self) -> str:
        return f"{self.get_rail_display()} {self.reference}"
