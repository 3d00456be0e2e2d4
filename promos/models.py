"""Promotions: batches, generation runs, codes, redemptions (spec 5)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from disbursements.models import Disbursement
from ledger.models import Account
from promos.statuses import BatchStatus, CodeStatus, Outcome, RedemptionStatus, RunStatus


class Batch(models.Model):
    """A promotion's codes: what each pays, until when, and how much may be spent in all."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    total_codes = models.PositiveIntegerField(default=0, help_text="Codes stored so far, all runs together")
    amount_per_code = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    expiration_date = models.DateTimeField()
    budget = models.DecimalField(
        max_digits=16,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="Most that may be paid; empty: all codes",
    )
    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="+")
    assigned_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="assigned_batches",
    )
    status = models.CharField(max_length=10, choices=BatchStatus, default=BatchStatus.ACTIVE)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "promos_batch"
        verbose_name_plural = "batches"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(Upper("name"), name="batch_name_unique"),
            models.CheckConstraint(condition=Q(amount_per_code__gt=0), name="batch_amount_positive"),
            models.CheckConstraint(
                condition=Q(budget__isnull=True) | Q(budget__gt=0), name="batch_budget_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BudgetSlice(models.Model):
    """A part of a batch's budget. Redemptions take from any free slice, so that they seldom wait for each other."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="budget_slices")
    number = models.PositiveSmallIntegerField()
    remaining = models.DecimalField(max_digits=16, decimal_places=2)

    class Meta:
        db_table = "promos_budget_slice"
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="budget_slice_unique"),
            models.CheckConstraint(condition=Q(remaining__gte=0), name="budget_slice_not_below_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.number}: {self.remaining}"


class GenerationRun(models.Model):
    """One order for codes. `generated` grows in the same transaction as the codes, so a crash loses no count."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="runs")
    requested = models.PositiveIntegerField()
    generated = models.PositiveIntegerField(default=0)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    code_date = models.DateField(help_text="The day printed in the codes")
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.QUEUED)
    cancel_requested = models.BooleanField(default=False)
    error_message = models.CharField(max_length=300, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True, help_text="A worker is on it until then")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "promos_generation_run"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(requested__gt=0), name="run_requested_positive"),
            models.CheckConstraint(condition=Q(generated__lte=F("requested")), name="run_not_over_requested"),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}: {self.generated}/{self.requested}"


class PromoCode(models.Model):
    """One code under one lid. Stored without hyphens, upper case, 16 characters."""

    code = models.CharField(max_length=16, unique=True)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="codes")
    run = models.ForeignKey(
        GenerationRun, null=True, blank=True, on_delete=models.PROTECT, related_name="codes"
    )
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    status = models.CharField(max_length=10, choices=CodeStatus, default=CodeStatus.ACTIVE)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: the batch's date")
    used_at = models.DateTimeField(null=True, blank=True)
    redeemed_at = models.DateTimeField(null=True, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True)
    blocked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "promos_code"
        ordering = ["-id"]
        indexes = [models.Index(fields=["batch", "status"], name="code_batch_status")]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="code_amount_positive")]

    def __str__(self) -> str:
        return "-".join(self.code[at : at + 4] for at in range(0, 16, 4))


class Redemption(models.Model):
    """A customer's accepted code and the payout it caused. One per code, whatever happens."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="redemptions"
    )
    promo_code = models.OneToOneField(PromoCode, on_delete=models.PROTECT, related_name="redemption")
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="redemptions")
    disbursement = models.OneToOneField(Disbursement, on_delete=models.PROTECT, related_name="redemption")
    phone = models.CharField(max_length=16)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=RedemptionStatus, default=RedemptionStatus.PENDING)
    idempotency_key = models.CharField(max_length=200, unique=True)
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.CharField(max_length=300, blank=True)
    announced_at = models.DateTimeField(
        null=True, blank=True, help_text="When the customer heard the outcome on a later dial"
    )
    created_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "promos_redemption"
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["customer", "-created_at"], name="redemption_customer"),
            models.Index(fields=["batch", "-created_at"], name="redemption_batch"),
            models.Index(fields=["status", "-created_at"], name="redemption_status"),
            models.Index(fields=["-created_at"], name="redemption_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.phone} {self.amount} {self.currency}"


class CodeAttempt(models.Model):
    """A typed code that was looked up and not redeemed. The floor of guess-blocking when Redis is away."""

    phone = models.CharField(max_length=16)
    outcome = models.CharField(max_length=20, choices=Outcome)
    code_hint = models.CharField(max_length=8, blank=True, help_text="First four characters only")
    at = models.DateTimeField()

    class Meta:
        db_table = "promos_code_attempt"
        ordering = ["-id"]
        indexes = [models.Index(fields=["phone", "-at"], name="code_attempt_phone")]

    def __str__(self) -> str:
        return f"{self.phone} {self.outcome}"
