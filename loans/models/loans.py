"""Loans."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from disbursements.models import Disbursement
from ledger.guards import fixed, kept, status_moves
from loans.models.fields import money_field
from loans.statuses import LoanChannel, LoanStatus


class Loan(models.Model):
    """One loan. Interest is deducted upfront: `amount` is what is owed, `disbursed_amount` what the customer gets."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField(max_length=20, unique=True, help_text="USS-2026-001, LOAN-2026-001")
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="loans", db_index=False
    )
    phone = models.CharField(max_length=16)
    currency = models.CharField(max_length=3)
    amount = money_field(help_text="What the customer owes")
    interest_rate = models.DecimalField(max_digits=5, decimal_places=2, help_text="Per cent of the amount")
    interest = money_field()
    disbursed_amount = money_field(help_text="What the customer gets: amount less interest")
    amount_paid = money_field(default=0)
    outstanding = money_field(help_text="Amount less what was paid")
    repayment_period_days = models.PositiveIntegerField()
    due_date = models.DateField(help_text="Last day to repay, in the country's time zone")
    status = models.CharField(max_length=12, choices=LoanStatus, default=LoanStatus.PENDING)
    channel = models.CharField(max_length=10, choices=LoanChannel)
    network = models.CharField(max_length=40, blank=True)
    partner = models.CharField(max_length=254, blank=True, help_text="Who asked: the token's partner or the gateway")
    session_id = models.CharField(max_length=128, blank=True, help_text="As the gateway calls it")
    session_instance = models.CharField(max_length=100, blank=True, help_text="Ours, never used again")
    idempotency_key = models.CharField(max_length=250, unique=True)
    offer = models.UUIDField(null=True, blank=True, help_text="The offer's own id")
    explanation = models.JSONField(default=dict, help_text="Which tier, which cap, which version of the settings")
    disbursement = models.OneToOneField(
        Disbursement, null=True, blank=True, on_delete=models.PROTECT, related_name="loan"
    )
    points_applied = models.IntegerField(default=0, help_text="What its repayments gave the customer's score so far")
    penalised_days = models.PositiveIntegerField(
        default=0, help_text="First day of the last overdue tier that cost the customer points"
    )
    reminded_on = models.DateField(null=True, blank=True, help_text="Day of the last reminder")
    error_code = models.CharField(max_length=80, blank=True, help_text="Why the payout failed, while it is failed")
    error_message = models.CharField(max_length=300, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="Why it was rejected, cancelled or written off")
    announced_at = models.DateTimeField(
        null=True, blank=True, help_text="When the customer, on a later dial, heard where the loan stands"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: the system",
    )
    created_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True, blank=True)
    disbursed_at = models.DateTimeField(null=True, blank=True)
    overdue_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    written_off_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "loans_loan"
        ordering = ["-created_at", "-id"]
        permissions = [
            ("approve_loan", "Can approve and reject loans made in the back office"),
            ("disburse_loan", "Can have an approved loan paid out, retry and cancel"),
            ("write_off_loan", "Can write off loans"),
        ]
        indexes = [
            models.Index(fields=["customer", "-created_at"], name="loan_customer"),
            models.Index(fields=["-created_at", "-id"], name="loan_recent"),
            models.Index(fields=["status", "-created_at"], name="loan_status"),
            models.Index(fields=["phone", "-created_at"], name="loan_phone"),
            models.Index(
                fields=["due_date", "id"],
                condition=Q(status__in=["DISBURSED", "REPAYING", "OVERDUE"]),
                name="loan_owed_by_due_date",
            ),
            models.Index(fields=["customer", "-created_at"], condition=Q(announced_at__isnull=True), name="loan_news"),
            # The funnel counts what happened lately.
            models.Index(fields=["approved_at"], name="loan_approved_at"),
            models.Index(fields=["disbursed_at"], name="loan_disbursed_at"),
            models.Index(fields=["completed_at"], name="loan_completed_at"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="loan_amount_positive"),
            models.CheckConstraint(
                condition=Q(interest__gte=0, disbursed_amount__gt=0, disbursed_amount=F("amount") - F("interest")),
                name="loan_interest_upfront",
            ),
            models.CheckConstraint(
                condition=Q(amount_paid__gte=0, outstanding__gte=0, outstanding=F("amount") - F("amount_paid")),
                name="loan_balance_adds_up",
            ),
            models.CheckConstraint(condition=Q(status__in=LoanStatus.values), name="loan_status_known"),
            models.CheckConstraint(
                condition=Q(status="COMPLETED", outstanding=0) | ~Q(status="COMPLETED"), name="loan_completed_is_paid"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["PENDING", "REJECTED", "CANCELLED"])
                | Q(status="APPROVED")
                | Q(disbursed_at__isnull=False, disbursement__isnull=False),
                name="loan_owed_was_paid_out",
            ),
            # One session makes one loan, whatever amounts are approved in it (contract section 2).
            models.UniqueConstraint(
                fields=["customer", "session_instance"],
                condition=Q(channel="ussd") & ~Q(status__in=["REJECTED", "CANCELLED"]),
                name="loan_one_per_session",
            ),
        ]
        triggers = [
            status_moves("loan_status_moves", LoanStatus.MOVES),
            fixed(
                "loan_fixed",
                "number",
                "customer",
                "phone",
                "currency",
                "amount",
                "interest_rate",
                "interest",
                "disbursed_amount",
                "channel",
                "session_instance",
                "idempotency_key",
                "created_at",
            ),
            kept("loan_kept"),
        ]

    def __str__(self) -> str:
        return self.number
