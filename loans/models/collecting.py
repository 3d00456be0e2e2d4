"""Asking customers to pay by mobile money."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from disbursements.statuses import CallbackResult
from ledger.guards import fixed, kept, status_moves
from ledger.money import format_amount
from loans.models.fields import money_field
from loans.models.loans import Loan
from loans.models.repayments import Repayment
from loans.statuses import CollectionAlarm, CollectionStatus


class CollectionRequest(models.Model):
    """A request to pay that a customer made from the menu. Its reference is stored before it is sent, and a new one is
    made only for a new request. The row is the queue: `next_action_at` holds the whole schedule of sends and questions.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False, help_text="Also the reference sent")
    key = models.CharField(max_length=250, unique=True, help_text="The caller's session and act")
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="collection_requests")
    customer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    phone = models.CharField(max_length=16)
    amount = money_field()
    currency = models.CharField(max_length=3)
    base_url = models.CharField(max_length=200, blank=True, help_text="Where it was sent")
    environment = models.CharField(max_length=40, blank=True)
    api_user = models.CharField(max_length=100, blank=True, help_text="Only this API user can ask about it")
    status = models.CharField(max_length=10, choices=CollectionStatus, default=CollectionStatus.QUEUED)
    alarm = models.CharField(
        max_length=20, choices=CollectionAlarm, blank=True, default=CollectionAlarm.NONE, help_text="Why a person looks"
    )
    sends = models.PositiveIntegerField(
        default=0, help_text="Times this same reference may have left; counted and committed before each"
    )
    polls = models.PositiveIntegerField(default=0)
    was_turned_away = models.BooleanField(
        default=False, help_text="The provider refused to take it, after an earlier send that may have got through"
    )
    http_status = models.PositiveIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.CharField(max_length=300, blank=True)
    provider_reference = models.CharField(max_length=100, blank=True, help_text="financialTransactionId")
    repayment = models.OneToOneField(
        Repayment, null=True, blank=True, on_delete=models.PROTECT, related_name="collection_request"
    )
    announced_at = models.DateTimeField(null=True, blank=True)
    next_action_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True, help_text="A worker is on it until then")
    swept_at = models.DateTimeField(null=True, blank=True, help_text="When the sweep last handed it to the workers")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True, help_text="When the provider was last asked about it")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "loans_collection_request"
        ordering = ["-created_at", "-id"]
        permissions = [("close_collectionrequest", "Can have the provider asked again, and close a request to pay")]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="collection_recent"),
            models.Index(fields=["phone", "-created_at"], name="collection_phone"),
            models.Index(fields=["created_at"], condition=~Q(alarm=""), name="collection_alarm"),
            models.Index(fields=["next_action_at"], condition=Q(next_action_at__isnull=False), name="collection_due"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="collection_amount_positive"),
            # Nobody is asked twice at once for one loan.
            models.UniqueConstraint(
                fields=["loan"], condition=Q(status__in=["queued", "pending"]), name="collection_one_open_per_loan"
            ),
            models.CheckConstraint(
                condition=Q(status="completed", repayment__isnull=False)
                | ~Q(status="completed") & Q(repayment__isnull=True),
                name="collection_paid_is_booked",
            ),
            # One that was given up without the provider's word is asked about for a while.
            models.CheckConstraint(
                condition=Q(status__in=["queued", "pending"], next_action_at__isnull=False)
                | Q(status="completed", next_action_at__isnull=True)
                | Q(status="failed"),
                name="collection_scheduled_while_open",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "pending"], finished_at__isnull=True)
                | Q(status__in=["completed", "failed"], finished_at__isnull=False),
                name="collection_finished_has_time",
            ),
        ]
        triggers = [
            status_moves("collection_status_moves", CollectionStatus.MOVES),
            fixed("collection_fixed", "key", "loan", "customer", "phone", "amount", "currency", "created_at"),
            kept("collection_kept"),
        ]

    def __str__(self) -> str:
        return f"{self.phone} {format_amount(self.amount, self.currency)}"


class CollectionCallback(models.Model):
    """What the provider told us about a request to pay, as it came. Stored before it is believed."""

    id = models.BigAutoField(primary_key=True)
    reference = models.UUIDField(null=True, blank=True, help_text="From the address; the body has none")
    method = models.CharField(max_length=4)
    headers = models.JSONField(default=dict)
    body = models.TextField()
    ip = models.GenericIPAddressField(null=True, blank=True)
    received_at = models.DateTimeField()
    result = models.CharField(max_length=20, choices=CallbackResult, blank=True, default=CallbackResult.PENDING)
    processed_at = models.DateTimeField(null=True, blank=True)
    looks = models.PositiveIntegerField(default=0, help_text="Times the provider was asked without a final word")
    look_again_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "loans_collection_callback"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["reference"], name="collection_callback_ref"),
            models.Index(
                fields=["received_at"], condition=Q(processed_at__isnull=True), name="collection_callback_waiting"
            ),
        ]
        triggers = [fixed("collection_callback_fixed", "reference", "method", "headers", "body", "ip", "received_at")]

    def __str__(self) -> str:
        return f"{self.reference} {self.received_at:%Y-%m-%d %H:%M}"
