"""The vocabularies of promotions (spec 5, database schema; contract section 4)."""

from enum import nonmember

from django.db import models


class BatchStatus(models.TextChoices):
    """A batch's life. `expired` and `completed` follow from dates and redemptions; people block and unblock."""

    ACTIVE = "active", "Active"
    EXPIRED = "expired", "Expired"
    BLOCKED = "blocked", "Blocked"
    COMPLETED = "completed", "Completed"


class CodeStatus(models.TextChoices):
    """A code's life: active, used (payout under way), redeemed (paid). It never becomes active again by itself."""

    ACTIVE = "active", "Active"
    USED = "used", "Used, payout under way"
    REDEEMED = "redeemed", "Redeemed"
    EXPIRED = "expired", "Expired"
    REPORTED = "reported", "Reported"
    BLOCKED = "blocked", "Blocked"

    MOVES = nonmember(
        {
            "active": {"used", "expired", "reported", "blocked"},
            "used": {"redeemed"},
            "redeemed": set(),
            "expired": {"active", "blocked"},
            "reported": {"active", "blocked"},
            "blocked": {"active"},
        }
    )


class RedemptionStatus(models.TextChoices):
    """Whether the customer has the money."""

    PENDING = "pending", "Payout under way"
    COMPLETED = "completed", "Paid"
    FAILED = "failed", "Payout failed"


class RunStatus(models.TextChoices):
    """A generation run's life."""

    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"


class Outcome(models.TextChoices):
    """What a customer hears after typing a code (contract section 4)."""

    REDEEMED = "REDEEMED", "Accepted, payout queued"
    INVALID_FORMAT = "INVALID_FORMAT", "Not a code"
    NOT_FOUND = "NOT_FOUND", "No such code"
    ALREADY_USED = "ALREADY_USED", "Used before"
    EXPIRED = "EXPIRED", "Expired"
    BLOCKED = "BLOCKED", "Blocked or reported"
    BATCH_INACTIVE = "BATCH_INACTIVE", "Its promotion is not running"
    LIMIT_REACHED = "LIMIT_REACHED", "Customer's or promotion's limit reached"
    TOO_MANY_ATTEMPTS = "TOO_MANY_ATTEMPTS", "Too many wrong codes"
    TRY_LATER = "TRY_LATER", "Could not be decided now"
