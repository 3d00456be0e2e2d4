"""What a customer may borrow, and why that changed."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from ledger.guards import fixed, kept
from loans.models.fields import money_field
from loans.models.loans import Loan
from loans.models.repayments import Repayment
from loans.statuses import RepaymentStanding, ScoreReason


class CreditProfile(models.Model):
    """What we know of a customer as a borrower. Its row is locked by whatever changes their loans.

    `outstanding` is the sum over their loans that count against the limit, `overpaid` money of theirs that we hold.
    """

    customer = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.PROTECT, related_name="credit"
    )
    score = models.PositiveIntegerField()
    credit_limit = money_field()
    automatic_limit = models.BooleanField(default=True, help_text="The limit follows the score")
    total_loans = models.PositiveIntegerField(default=0, help_text="Loans approved, less those cancelled")
    total_borrowed = money_field(default=0, help_text="What was paid out, interest included")
    total_repaid = money_field(default=0)
    outstanding = money_field(default=0, help_text="Promised or owed; counts against the limit")
    overpaid = money_field(default=0, help_text="The customer's money that we hold")
    repayment_status = models.CharField(
        max_length=10, choices=RepaymentStanding, default=RepaymentStanding.NONE, blank=True
    )
    last_loan_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "loans_credit_profile"
        ordering = ["-created_at", "-customer"]
        permissions = [("adjust_creditprofile", "Can change a customer's score and limit")]
        indexes = [
            models.Index(fields=["-created_at", "-customer"], name="credit_recent"),
            models.Index(fields=["score", "customer"], name="credit_score"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(credit_limit__gte=0), name="credit_limit_not_negative"),
            models.CheckConstraint(condition=Q(outstanding__gte=0), name="credit_outstanding_not_negative"),
            models.CheckConstraint(condition=Q(overpaid__gte=0), name="credit_overpaid_not_negative"),
            models.CheckConstraint(condition=Q(total_repaid__gte=0), name="credit_repaid_not_negative"),
        ]
        triggers = [kept("credit_kept")]

    def __str__(self) -> str:
        return f"Score {self.score}"


class ScoreChange(models.Model):
    """One change of a customer's score or limit, and why (spec 2, `CreditScoreHistory`). Never edited."""

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="score_changes", db_index=False
    )
    at = models.DateTimeField()
    reason = models.CharField(max_length=12, choices=ScoreReason)
    score_before = models.PositiveIntegerField()
    score_after = models.PositiveIntegerField()
    limit_before = money_field()
    limit_after = money_field()
    loan = models.ForeignKey(Loan, null=True, blank=True, on_delete=models.PROTECT, related_name="score_changes")
    repayment = models.ForeignKey(Repayment, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    configuration_version = models.PositiveIntegerField(help_text="Version of the credit settings that decided")
    explanation = models.JSONField(default=dict, help_text="Tiers and points")
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "loans_score_change"
        ordering = ["-id"]
        indexes = [models.Index(fields=["customer", "-id"], name="score_change_customer")]
        triggers = [
            fixed(
                "score_change_fixed",
                "customer",
                "at",
                "reason",
                "score_before",
                "score_after",
                "limit_before",
                "limit_after",
                "loan",
                "repayment",
                "configuration_version",
                "explanation",
                "changed_by",
                "note",
            ),
            kept("score_change_kept"),
        ]

    def __str__(self) -> str:
        return f"{self.score_before} to {self.score_after}"
