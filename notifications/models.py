"""Messages to customers: queued rows, and the delivery reports that come back."""

import uuid

import pgtrigger
from django.db import models
from django.db.models import Q

from notifications.statuses import MessageStatus, ReportResult


class SmsMessage(models.Model):
    """One SMS to send. The row is the queue: `next_action_at` says when a worker should look at it again.

    While a worker speaks to the provider the row is `sending`, and `next_action_at` is the end of its lease:
    a worker that was killed is followed by another then.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=150, unique=True, help_text="The same key is sent once")
    to = models.CharField(max_length=16, help_text="E.164")
    template = models.CharField(max_length=60)
    language = models.CharField(max_length=2)
    body = models.CharField(max_length=480)
    status = models.CharField(max_length=12, choices=MessageStatus, default=MessageStatus.QUEUED)
    provider_message_id = models.CharField(max_length=100, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True, help_text="Of the last try that did not succeed")
    error_message = models.CharField(max_length=300, blank=True)
    next_action_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    queued_at = models.DateTimeField(help_text="Its age counts from here: asked for, or sent again by staff")
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "notifications_sms"
        ordering = ["-created_at", "id"]
        verbose_name = "SMS"
        verbose_name_plural = "SMS"
        indexes = [
            models.Index(fields=["next_action_at"], condition=Q(next_action_at__isnull=False), name="sms_due"),
            models.Index(
                fields=["provider_message_id"], condition=~Q(provider_message_id=""), name="sms_by_provider_id"
            ),
            models.Index(fields=["to", "-created_at"], name="sms_by_phone"),
            models.Index(fields=["-created_at", "id"], name="sms_recent"),
            models.Index(fields=["status", "-created_at"], name="sms_by_status"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="sms_moves",
                field="status",
                transitions=[(old, new) for old, found in MessageStatus.MOVES.items() for new in sorted(found)],
            )
        ]
        constraints = [
            # What waits is due some day, what is done never is: no message can be forgotten.
            models.CheckConstraint(
                condition=Q(status__in=sorted(MessageStatus.WAITING), next_action_at__isnull=False)
                | (~Q(status__in=sorted(MessageStatus.WAITING)) & Q(next_action_at__isnull=True)),
                name="sms_waiting_is_due",
            ),
            models.CheckConstraint(
                condition=~Q(status=MessageStatus.DELIVERED) | Q(delivered_at__isnull=False),
                name="sms_delivered_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} to {self.to}"


class DeliveryReport(models.Model):
    """What the SMS provider told us, stored whole before it is believed."""

    provider_message_id = models.CharField(max_length=100)
    status = models.CharField(max_length=40)
    failure_reason = models.CharField(max_length=60, blank=True)
    payload = models.JSONField()
    received_at = models.DateTimeField()
    result = models.CharField(
        max_length=20, choices=ReportResult, default=ReportResult.RECEIVED, help_text="What became of it"
    )

    class Meta:
        db_table = "notifications_delivery_report"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["provider_message_id", "id"], name="report_by_provider_id"),
            models.Index(fields=["received_at"], condition=Q(result=ReportResult.RECEIVED), name="report_unapplied"),
        ]

    def __str__(self) -> str:
        return f"{self.provider_message_id}: {self.status}"
