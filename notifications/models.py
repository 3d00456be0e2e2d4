"""Messages to customers: queued rows, and the delivery reports that come back."""

import uuid

from django.db import models

from notifications.statuses import MessageStatus


class SmsMessage(models.Model):
    """One SMS to send. The row is the queue: `next_action_at` says when a worker should look at it again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=150, unique=True, help_text="The same key is sent once")
    to = models.CharField(max_length=16, help_text="E.164")
    template = models.CharField(max_length=60)
    language = models.CharField(max_length=2)
    body = models.CharField(max_length=480)
    status = models.CharField(max_length=12, choices=MessageStatus, default=MessageStatus.QUEUED)
    provider_message_id = models.CharField(max_length=100, blank=True, db_index=True)
    tries = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.CharField(max_length=300, blank=True)
    next_action_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "notifications_sms"
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["next_action_at"], condition=models.Q(next_action_at__isnull=False), name="sms_due"),
            models.Index(fields=["to", "-created_at"], name="sms_by_phone"),
            models.Index(fields=["-created_at"], name="sms_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.template} to {self.to}"


class DeliveryReport(models.Model):
    """What the SMS provider told us, stored whole before it is believed."""

    provider_message_id = models.CharField(max_length=100, db_index=True)
    status = models.CharField(max_length=40)
    failure_reason = models.CharField(max_length=60, blank=True)
    payload = models.JSONField()
    received_at = models.DateTimeField()
    result = models.CharField(max_length=40, blank=True, help_text="What became of it")

    class Meta:
        db_table = "notifications_delivery_report"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.provider_message_id}: {self.status}"
