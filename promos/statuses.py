"""The vocabularies of promotions and the moves between their words (spec 5, database schema; contract section 4)."""

from enum import nonmember

from django.db import models


class BatchStatus(models.TextChoices):
    """A batch's life. `expired` and `completed` follow from dates and redemptions; people block and unblock."""

    ACTIVE = "active", "Active"
    EXPIRED = "expired", "Expired"
    BLOCKED = "blocked", "Blocked"
    COMPLETED = "completed", "Completed"

    MOVES = nonmember(
        {
            "active": {"expired", "blocked", "completed"},
            # A later expiration date, more codes, or an unblocked code give it something to redeem again.
            "expired": {"active", "blocked"},
            "completed": {"active", "expired", "blocked"},
            "blocked": {"active", "expired", "completed"},
        }
    )


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
            # Its batch was given a later expiration date.
            "expired": {"active", "reported", "blocked"},
            "reported": {"active", "expired", "blocked"},
            "blocked": {"active", "expired", "reported"},
        }
    )


class RedemptionStatus(models.TextChoices):
    """Whether the customer has the money. Only `cancelled` gives the amount back to the batch's budget."""

    PENDING = "pending", "Payout under way"
    COMPLETED = "completed", "Paid"
    FAILED = "failed", "Payout failed"
    CANCELLED = "cancelled", "Payout cancelled"

    MOVES = nonmember(
        {
            "pending": {"completed", "failed", "cancelled"},
            "completed": set(),
            # Staff try again; or the provider is found to have paid after all.
            "failed": {"pending", "completed"},
            "cancelled": set(),
        }
    )


class RunStatus(models.TextChoices):
    """A generation run's life."""

    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"

    UNFINISHED = nonmember(frozenset({"queued", "running"}))
    MOVES = nonmember(
        {
            "queued": {"running", "cancelled"},
            "running": {"completed", "cancelled", "failed"},
            "completed": set(),
            "cancelled": set(),
            "failed": set(),
        }
    )


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

    # Tries that tell a guesser something about a code which is not theirs to redeem.
    BURNING = nonmember(frozenset({"NOT_FOUND", "ALREADY_USED", "EXPIRED", "BLOCKED", "BATCH_INACTIVE"}))


class Reason(models.TextChoices):
    """Why a limit was reached or a customer refused: finer than the outcome, for the customer's words."""

    NONE = "", "None"
    CUSTOMER_TOTAL = "customer_total", "Codes of this customer, in all"
    CUSTOMER_BATCH = "customer_batch", "Codes of this customer, in this batch"
    CUSTOMER_DAY = "customer_day", "Codes of this customer, today"
    COOLDOWN = "cooldown", "Too soon after the last redemption"
    BUDGET = "budget", "The batch's budget is spent"
    CUSTOMER_INACTIVE = "customer_inactive", "The customer's account is switched off"
