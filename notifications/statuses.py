"""What becomes of a message."""

from django.db import models


class MessageStatus(models.TextChoices):
    """`sent` means the provider took it; `delivered` that the phone has it."""

    QUEUED = "queued", "Waiting to be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Taken by the provider"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"
