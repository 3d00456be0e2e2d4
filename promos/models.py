"""Promotions: batches, generation runs, codes, redemptions (spec 5)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from accounts.models import User
from disbursements.models import Disbursement
from ledger.guards import fixed, kept, status_moves
from ledger.models import Account
from ledger.money import format_amount
from promos.codes import hyphenate
from promos.statuses import BatchStatus, CodeStatus, Outcome, RedemptionStatus, RunStatus


class Batch(models.Model):
    """A promotion's codes: what each pays, until when, and how much may be spent in all."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    total_codes = models.PositiveIntegerField(default=0, help_text="Codes stored so far, all runs together")
    amount_per_code = models.DecimalField(
        max_digits=14, decimal_places=2, help_text="What each code pays; codes made before a change keep theirs"
    )
    currency = models.CharField(max_length=3)
    expiration_date = models.DateTimeField(help_text="Codes are accepted before this moment, and a grace period after")
    budget = models.DecimalField(
        max_digits=16,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="Most that may be promised to customers; empty: whatever the codes say",
    )
    account = models.OneToOneField(
        Account, on_delete=models.PROTECT, related_name="+", help_text="Ledger account that bears the cost"
    )
    assigned_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="assigned_batches",
        help_text="Staff member responsible for the batch",
    )
    status = models.CharField(max_length=10, choices=BatchStatus, default=BatchStatus.ACTIVE)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "promos_batch"
        verbose_name_plural = "batches"
        permissions = [
            ("assign_batch", "Can give a batch to a staff member"),
            ("block_batch", "Can block and unblock a batch"),
        ]
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="batch_recent"),
            models.Index(fields=["status", "expiration_date"], name="batch_status_expiration"),
        ]
        constraints = [
            models.UniqueConstraint(
                Upper("name"), name="batch_name_unique", violation_error_message="A batch with this name exists."
            ),
            models.CheckConstraint(condition=Q(amount_per_code__gt=0), name="batch_amount_positive"),
            models.CheckConstraint(condition=Q(budget__isnull=True) | Q(budget__gt=0), name="batch_budget_positive"),
            models.CheckConstraint(condition=Q(status__in=BatchStatus.values), name="batch_status_known"),
        ]
        triggers = [
            status_moves("batch_status_moves", BatchStatus.MOVES),
            fixed("batch_fixed", "currency", "account", "created_at"),
        ]

    def __str__(self) -> str:
        return self.name


class BudgetSlice(models.Model):
    """A part of a batch's budget. Redemptions take from any free slice, so that they seldom wait for each other."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="budget_slices", db_index=False)
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
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "promos_generation_run"
        permissions = [("cancel_generationrun", "Can cancel a generation run")]
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="run_recent"),
            models.Index(fields=["lease_until"], condition=Q(status__in=["queued", "running"]), name="run_unfinished"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(requested__gt=0), name="run_requested_positive"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="run_amount_positive"),
            models.CheckConstraint(condition=Q(generated__lte=F("requested")), name="run_not_over_requested"),
            models.CheckConstraint(
                condition=~Q(status="completed") | Q(generated=F("requested")), name="run_completed_is_whole"
            ),
            models.CheckConstraint(condition=Q(status__in=RunStatus.values), name="run_status_known"),
        ]
        triggers = [
            status_moves("run_status_moves", RunStatus.MOVES),
            fixed("run_fixed", "batch", "requested", "amount", "code_date", "created_at"),
        ]

    def __str__(self) -> str:
        return f"{self.generated:,} of {self.requested:,}"

    @property
    def is_finished(self) -> bool:
        """Whether no worker will touch it again."""
        return self.status not in RunStatus.UNFINISHED


class PromoCode(models.Model):
    """One code under one lid. Stored without hyphens, upper case, 16 characters.

    Its uniqueness is one index with byte order (collation C), which also serves searches for the first characters;
    `unique=True` would add a second one, and a million codes are written through every index.
    """

    code = models.CharField(max_length=16, db_collation="C")
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="codes", db_index=False)
    run = models.ForeignKey(GenerationRun, null=True, blank=True, on_delete=models.PROTECT, related_name="codes")
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
        permissions = [("stop_promocode", "Can block, report and unblock codes")]
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["batch", "status", "id"], name="code_batch_status"),
            models.Index(fields=["status", "id"], name="code_status"),
            models.Index(
                fields=["expires_at"],
                condition=Q(status="active", expires_at__isnull=False),
                name="code_own_expiry_due",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["code"], name="code_unique"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="code_amount_positive"),
            models.CheckConstraint(condition=Q(code__regex="^[A-Z0-9]{16}$"), name="code_stored_form"),
            models.CheckConstraint(
                condition=Q(status__in=["used", "redeemed"], used_at__isnull=False)
                | Q(status__in=["active", "expired", "reported", "blocked"], used_at__isnull=True),
                name="code_used_has_time",
            ),
            models.CheckConstraint(
                condition=Q(status="redeemed", redeemed_at__isnull=False)
                | ~Q(status="redeemed") & Q(redeemed_at__isnull=True),
                name="code_redeemed_has_time",
            ),
        ]
        triggers = [
            status_moves("code_status_moves", CodeStatus.MOVES),
            fixed("code_fixed", "code", "batch", "run", "amount", "created_at"),
        ]

    def __str__(self) -> str:
        return hyphenate(self.code)

    @property
    def maker(self) -> User | None:
        """Who had this money promised: the person who ordered the codes, else who made the batch."""
        ordered_by = self.run.created_by if self.run else None
        return ordered_by or self.batch.created_by


class Redemption(models.Model):
    """A customer's accepted code and the payout it caused. One per code, whatever happens."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="redemptions", db_index=False
    )
    promo_code = models.OneToOneField(PromoCode, on_delete=models.PROTECT, related_name="redemption")
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="redemptions", db_index=False)
    disbursement = models.OneToOneField(Disbursement, on_delete=models.PROTECT, related_name="redemption")
    phone = models.CharField(max_length=16)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=RedemptionStatus, default=RedemptionStatus.PENDING)
    idempotency_key = models.CharField(
        max_length=200, unique=True, help_text="The caller's session or request, and the code"
    )
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.CharField(max_length=300, blank=True)
    announced_at = models.DateTimeField(
        null=True, blank=True, help_text="When the customer, on a later dial, heard where the payout stands"
    )
    created_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "promos_redemption"
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["customer", "-created_at"], name="redemption_customer"),
            models.Index(fields=["batch", "-created_at"], name="redemption_batch"),
            models.Index(fields=["status", "-created_at"], name="redemption_status"),
            models.Index(fields=["-created_at", "-id"], name="redemption_recent"),
            models.Index(
                fields=["customer", "-created_at"], condition=Q(announced_at__isnull=True), name="redemption_news"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="redemption_amount_positive"),
            models.CheckConstraint(condition=Q(status__in=RedemptionStatus.values), name="redemption_status_known"),
            models.CheckConstraint(
                condition=Q(status="completed", completed_at__isnull=False)
                | ~Q(status="completed") & Q(completed_at__isnull=True),
                name="redemption_paid_has_time",
            ),
        ]
        triggers = [
            status_moves("redemption_status_moves", RedemptionStatus.MOVES),
            fixed(
                "redemption_fixed",
                "customer",
                "promo_code",
                "batch",
                "disbursement",
                "phone",
                "amount",
                "currency",
                "idempotency_key",
                "created_at",
            ),
            kept("redemption_kept"),
        ]

    def __str__(self) -> str:
        return f"{self.phone} {format_amount(self.amount, self.currency)}"


class CodeAttempt(models.Model):
    """A typed code that was looked up and not redeemed. The floor of guess-blocking when Redis is away.

    A row with the outcome TOO_MANY_ATTEMPTS marks the moment from which the phone was shut out.
    """

    phone = models.CharField(max_length=16)
    outcome = models.CharField(max_length=20, choices=Outcome)
    code_hint = models.CharField(max_length=4, blank=True, help_text="First four characters only")
    at = models.DateTimeField()

    class Meta:
        db_table = "promos_code_attempt"
        ordering = ["-id"]
        indexes = [models.Index(fields=["phone", "-at"], name="code_attempt_phone")]

    def __str__(self) -> str:
        return f"{self.phone} {self.outcome}"
