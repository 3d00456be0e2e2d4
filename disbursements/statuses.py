"""The vocabularies of a payout (contract section 1, architecture section 2)."""

from enum import nonmember

from django.db import models


class DisbursementStatus(models.TextChoices):
    """Where a payout stands. One function, `services.transitions.move`, changes it; the database checks the move."""

    AWAITING_APPROVAL = "awaiting_approval", "Waiting for a second person"
    QUEUED = "queued", "Waiting to be sent"
    PROCESSING = "processing", "With the provider"
    COMPLETED = "completed", "Paid"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled before sending"

    MOVES = nonmember(
        {
            "awaiting_approval": {"queued", "cancelled"},
            "queued": {"processing", "cancelled", "failed"},
            "processing": {"queued", "completed", "failed"},
            "completed": set(),
            # A person asks again; or the provider is found to have paid after all.
            "failed": {"queued", "completed"},
            "cancelled": set(),
        }
    )


class AttemptStatus(models.TextChoices):
    """What we know of one reference at the provider. Only `refused` allows another reference (architecture section 3)."""

    CREATED = "created", "Stored, not yet sent"
    UNKNOWN = "unknown", "Sent, outcome unknown"
    ACCEPTED = "accepted", "Accepted, not yet paid"
    # The provider's door said no (4xx, configuration): it made no transfer, and the same reference can be sent again.
    TURNED_AWAY = "turned_away", "Not accepted for processing"
    SUCCEEDED = "succeeded", "Paid"
    REFUSED = "refused", "Definitely refused"


class ErrorClass(models.TextChoices):
    """What a refusal means for what happens next."""

    TEMPORARY = "temporary", "May pass: try again by the purpose's schedule"
    PERMANENT = "permanent", "Will not pass for this payee"
    FLOAT = "float", "Our float is short: wait, without using up tries"
    CONFIGURATION = "configuration", "Our set-up is wrong: a person must look"


class WaitReason(models.TextChoices):
    """Why a queued payout is not being sent right now."""

    NONE = "", "Not waiting"
    RETRY = "retry", "Waiting for the next try"
    FLOAT_SHORT = "float_short", "Float is short"
    PROVIDER_PAUSED = "provider_paused", "Provider paused after repeated errors"


class CallbackResult(models.TextChoices):
    """What became of a stored callback."""

    PENDING = "", "Not yet looked at"
    SETTLED = "settled", "Confirmed and settled"
    NO_CHANGE = "no_change", "Confirmed, nothing new"
    UNKNOWN_REFERENCE = "unknown_reference", "No such reference here"
    CONTRADICTS = "contradicts", "Contradicts what is settled: a person must look"
