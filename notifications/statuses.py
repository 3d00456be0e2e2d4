"""What becomes of a message."""

from enum import nonmember

from django.db import models


class MessageStatus(models.TextChoices):
    """`sent` means the provider took it; `delivered` that the phone has it.

    `MOVES` says what may follow what. A failed message goes back to the queue only when staff send it again;
    one that the network gave up on may still be reported delivered.
    """

    QUEUED = "queued", "Waiting to be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Taken by the provider"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"

    MOVES = nonmember(
        {
            "queued": {"sending", "failed"},
            "sending": {"queued", "sent", "failed", "delivered"},
            "sent": {"delivered", "failed"},
            "delivered": set(),
            "failed": {"queued"},
        }
    )
    WAITING = nonmember(frozenset({"queued", "sending"}))
