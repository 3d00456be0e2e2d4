"""Payouts: what is owed to whom, each reference handed to a provider, and what providers told us."""

import uuid
from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from disbursements.statuses import (
    Alarm,
    AttemptStatus,
    CallbackResult,
    DisbursementStatus,
    ErrorClass,
    ProviderSlug,
    WaitReason,
)
from ledger.models import Account


def moves_trigger(name: str, moves: Any, *, condition: Any = None) -> pgtrigger.Trigger:
    """The database's copy of a table of moves; a test holds the two against each other."""
    transitions = [(old, new) for old, targets in moves.items() for new in sorted(targets)]
    return pgtrigger.FSM(name=name, field="status", transitions=transitions, condition=condition)


LIVE = sorted(DisbursementStatus.LIVE)

# A refused reference found paid: a person decides, and stands in the row (`transitions.revive_attempt`).
REVIVED_BY_A_PERSON = pgtrigger.Q(
    old__status="refused", new__status="succeeded", new__decided_by__isnull=False, old__decided_by__isnull=True
)


class Disbursement(models.Model):
    """Money to pay once. The row is the queue: `next_action_at` holds the whole schedule of sends and polls."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=150, unique=True, help_text="Made from the owner's row; the same key pays once")
    purpose = models.CharField(max_length=30, help_text="Names the owner that is told of the outcome")
    payee = models.CharField(max_length=16, help_text="E.164")
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="disbursements",
    )
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    funded_from = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", help_text="Account that bears the cost"
    )
    provider = models.CharField(max_length=30, choices=ProviderSlug)
    status = models.CharField(max_length=20, choices=DisbursementStatus, default=DisbursementStatus.QUEUED)
    wait_reason = models.CharField(max_length=20, choices=WaitReason, blank=True, default=WaitReason.NONE)
    tries = models.PositiveSmallIntegerField(default=0, help_text="Refused tries that count against the schedule")
    reserve_number = models.PositiveSmallIntegerField(
        default=1, help_text="Counts ledger reserves; a retry after failure reserves again"
    )
    next_action_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True, help_text="A worker is on it until then")
    swept_at = models.DateTimeField(null=True, blank=True, help_text="When the sweep last handed it to the workers")
    error_class = models.CharField(max_length=20, choices=ErrorClass, blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.CharField(max_length=300, blank=True)
    provider_transaction_id = models.CharField(max_length=100, null=True, blank=True, unique=True)
    environment = models.CharField(max_length=40, blank=True, help_text="Target environment it was last sent to")
    base_url = models.CharField(max_length=200, blank=True, help_text="Host it was last sent to")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    alarm = models.CharField(
        max_length=20, choices=Alarm, blank=True, default=Alarm.NONE, help_text="Why a person must look"
    )
    requested_at = models.DateTimeField()
    open_since = models.DateTimeField(help_text="When it was last requested, approved or retried")
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    disbursed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "disbursements_disbursement"
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["next_action_at"], condition=Q(next_action_at__isnull=False), name="disbursement_due"),
            models.Index(fields=["status", "-created_at"], name="disbursement_status"),
            models.Index(fields=["-created_at"], name="disbursement_recent"),
            models.Index(fields=["customer", "-created_at"], name="disbursement_customer"),
            models.Index(fields=["payee", "-created_at"], name="disbursement_payee"),
            models.Index(fields=["open_since"], condition=Q(status__in=LIVE), name="disbursement_live"),
            models.Index(fields=["open_since"], condition=~Q(alarm=""), name="disbursement_alarm"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="disbursement_amount_positive"),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | Q(requested_by__isnull=True)
                | ~Q(approved_by=F("requested_by")),
                name="disbursement_maker_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | Q(customer__isnull=True) | ~Q(approved_by=F("customer")),
                name="disbursement_payee_not_checker",
            ),
            models.CheckConstraint(condition=Q(payee__regex=r"^\+[1-9][0-9]{6,14}$"), name="disbursement_payee_e164"),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "processing"], next_action_at__isnull=False)
                | ~Q(status__in=["queued", "processing"]) & Q(next_action_at__isnull=True),
                name="disbursement_scheduled_while_open",
            ),
            models.CheckConstraint(
                condition=Q(status="completed", disbursed_at__isnull=False)
                | ~Q(status="completed") & Q(disbursed_at__isnull=True),
                name="disbursement_paid_has_time",
            ),
        ]
        triggers = [
            moves_trigger("disbursement_moves", DisbursementStatus.MOVES),
            pgtrigger.ReadOnly(
                name="disbursement_fixed",
                fields=["key", "purpose", "payee", "customer", "amount", "currency", "funded_from", "requested_at"],
            ),
            pgtrigger.Protect(name="disbursement_kept", operation=pgtrigger.Delete),
        ]
        permissions = [
            ("approve_disbursement", "Can approve a payout that waits for a second person"),
            ("retry_disbursement", "Can retry a failed payout"),
            ("cancel_disbursement", "Can cancel a payout before it is sent"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def is_blocked(self) -> bool:
        """Whether money may have moved that is not booked, so that nothing more may be sent."""
        return self.alarm in Alarm.BLOCKING


class Attempt(models.Model):
    """One transfer reference handed to a provider. Stored and committed before anything is sent."""

    reference = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    disbursement = models.ForeignKey(Disbursement, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    external_id = models.CharField(max_length=64, unique=True)
    status = models.CharField(max_length=12, choices=AttemptStatus, default=AttemptStatus.CREATED)
    environment = models.CharField(max_length=40)
    base_url = models.CharField(max_length=200)
    api_user = models.CharField(max_length=100, blank=True, help_text="Only this API user can ask about it")
    sends = models.PositiveSmallIntegerField(
        default=1, help_text="Times this same reference may have left; counted and committed before each"
    )
    polls = models.PositiveSmallIntegerField(default=0)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.CharField(max_length=300, blank=True)
    provider_transaction_id = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_polled_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who had it settled on the provider's word after it had been refused",
    )

    class Meta:
        db_table = "disbursements_attempt"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["disbursement", "number"], name="attempt_number_unique"),
            models.UniqueConstraint(
                fields=["disbursement"], condition=~Q(status="refused"), name="attempt_one_not_refused"
            ),
        ]
        triggers = [
            moves_trigger("attempt_moves", AttemptStatus.MOVES, condition=~REVIVED_BY_A_PERSON),
            pgtrigger.ReadOnly(
                name="attempt_fixed", fields=["reference", "disbursement", "number", "external_id", "created_at"]
            ),
            pgtrigger.Protect(name="attempt_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return str(self.reference)

    @property
    def is_unsent(self) -> bool:
        """Whether it is certain that this reference has never left us."""
        return self.status == AttemptStatus.CREATED and self.sends == 0

    @property
    def was_answered_at_the_door(self) -> bool:
        """Whether it left once only and was turned away for certain."""
        return self.status == AttemptStatus.TURNED_AWAY and self.sends == 1

    @property
    def place(self) -> tuple[str, str, str]:
        """Where and as whom it was last sent. Nowhere else, and as nobody else, can it be asked about."""
        return self.base_url, self.environment, self.api_user


class ProviderCallback(models.Model):
    """What a provider sent us, stored whole before it is believed: it is only a hint to ask."""

    provider = models.CharField(max_length=30, choices=ProviderSlug)
    reference = models.CharField(max_length=64, blank=True, db_index=True)
    method = models.CharField(max_length=8)
    headers = models.JSONField()
    body = models.TextField()
    ip = models.GenericIPAddressField(null=True)
    received_at = models.DateTimeField()
    result = models.CharField(max_length=20, choices=CallbackResult, blank=True, default=CallbackResult.PENDING)
    processed_at = models.DateTimeField(null=True, blank=True)
    looks = models.PositiveSmallIntegerField(default=0, help_text="Times the provider was asked without a final word")
    look_again_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "disbursements_callback"
        ordering = ["-id"]
        triggers = [
            pgtrigger.ReadOnly(
                name="callback_fixed",
                fields=["provider", "reference", "method", "headers", "body", "ip", "received_at"],
            ),
        ]
        indexes = [
            models.Index(fields=["received_at"], condition=Q(processed_at__isnull=True), name="callback_unprocessed"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.reference}"


class ProviderBalance(models.Model):
    """What the provider last said our float is, and since when it has been short."""

    provider = models.CharField(max_length=30, choices=ProviderSlug)
    environment = models.CharField(max_length=40)
    currency = models.CharField(max_length=3)
    available = models.DecimalField(max_digits=16, decimal_places=2)
    checked_at = models.DateTimeField()
    short_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "disbursements_provider_balance"
        constraints = [
            models.UniqueConstraint(fields=["provider", "environment", "currency"], name="provider_balance_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.currency}: {self.available}"
