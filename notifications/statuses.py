"""What becomes of a message, and of a report about it."""

from enum import nonmember

from django.db import models


class MessageStatus(models.TextChoices):
    """`sent` means the provider took it; `delivered` that the phone has it.

    `MOVES` says what may follow what; a trigger of the database keeps to it. A failed message goes back to the
    queue only when staff send it again; one the network could not reach may still be reported delivered.
    """

    QUEUED = "queued", "Waiting to be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Taken by the provider"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"

    MOVES = nonmember(
        {
            "queued": {"sending"},
            "sending": {"queued", "sent", "failed"},
            "sent": {"delivered", "failed"},
            "delivered": set(),
            "failed": {"queued", "delivered"},
        }
    )
    WAITING = nonmember(frozenset({"queued", "sending"}))


class ReportResult(models.TextChoices):
    """What a delivery report did."""

    RECEIVED = "received", "Stored, not looked at yet"
    APPLIED = "applied", "Changed the message"
    IN_PROGRESS = "in_progress", "On its way: nothing to change"
    REPEATED = "repeated", "Said already"
    CONTRADICTS = "contradicts", "Contradicts an earlier final report: nothing changed"
    UNKNOWN_MESSAGE = "unknown_message", "No message of ours has this id"
    UNKNOWN_STATUS = "unknown_status", "A status we do not know: nothing changed"
