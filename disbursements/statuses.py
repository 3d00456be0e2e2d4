"""The vocabularies of a payout (contract section 1, architecture section 2)."""

from enum import nonmember

from django.db import models


class ProviderSlug(models.TextChoices):
    """Who can move the money: an account for each market. `providers.registry` builds each."""

    MTN_MOMO = "mtn_momo", "MTN MoMo"
    MTN_MOMO_NG = "mtn_momo_ng", "MTN MoMo Nigeria"


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
            "queued": {"processing", "cancelled"},
            "processing": {"queued", "completed", "failed"},
            "completed": set(),
            # A person asks again; or the provider is found to have paid after all.
            "failed": {"queued", "completed"},
            "cancelled": set(),
        }
    )
    # Nothing more happens by itself.
    SETTLED = nonmember(frozenset({"completed", "failed", "cancelled"}))
    # Money is reserved for it and not yet known to be paid.
    LIVE = nonmember(frozenset({"awaiting_approval", "queued", "processing"}))


class AttemptStatus(models.TextChoices):
    """What we know of one reference at the provider. Only `refused` allows another (architecture section 3)."""

    CREATED = "created", "Stored, not yet sent"
    UNKNOWN = "unknown", "Sent, outcome unknown"
    ACCEPTED = "accepted", "Accepted, not yet paid"
    # The provider's door said no (4xx, configuration): it made no transfer, and the same reference can be sent again.
    TURNED_AWAY = "turned_away", "Not accepted for processing"
    SUCCEEDED = "succeeded", "Paid"
    REFUSED = "refused", "Definitely refused"

    MOVES = nonmember(
        {
            "created": {"unknown", "accepted", "turned_away", "succeeded", "refused"},
            "unknown": {"accepted", "turned_away", "succeeded", "refused"},
            # The same reference, sent again.
            "turned_away": {"unknown", "accepted", "succeeded", "refused"},
            "accepted": {"succeeded", "refused"},
            "succeeded": set(),
            "refused": set(),
        }
    )
    FINAL = nonmember(frozenset({"succeeded", "refused"}))


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
    PROVIDER_PAUSED = "provider_paused", "Provider out of reach or paused after errors"
    # Sent more than once and turned away for good: an earlier send may still arrive, so it is asked about until the
    # provider has had time to know it.
    LAST_LOOK = "last_look", "Turned away; asked once more before it is given up"
    ALARM = "alarm", "Waiting for a person to look"


class Alarm(models.TextChoices):
    """Why a person must look. Logged and audited when raised; it stays until a person clears it, or until the provider
    gives the final word that was missing.
    """

    NONE = "", "Nothing to look at"
    MISMATCH = "mismatch", "The provider reports another amount, currency, payee or a used transaction id"
    CONTRADICTION = "contradiction", "The provider contradicts what is settled"
    CONFIGURATION = "configuration", "The provider refuses our set-up"
    LOST = "lost", "The provider accepted it and no longer knows it"
    OVERTAKEN = "overtaken", "A late send got through after the payout was given up"
    PAID_AFTER_FAILURE = "paid_after_failure", "Was paid after it had been given up"

    # Money may have moved that is not booked: nothing more is sent, and nobody retries or cancels, until a person has
    # had the provider asked again (`services.resolutions`).
    BLOCKING = nonmember(frozenset({"contradiction", "lost", "mismatch", "overtaken"}))
    # What one final word of the provider about the reference answers by itself.
    ANSWERED_BY_WORD = nonmember(frozenset({"lost", "overtaken"}))


class CallbackResult(models.TextChoices):
    """What became of a stored callback."""

    PENDING = "", "Not yet looked at"
    SETTLED = "settled", "Confirmed and settled"
    NO_CHANGE = "no_change", "Confirmed, nothing new"
    UNKNOWN_REFERENCE = "unknown_reference", "No such reference here"
    CONTRADICTS = "contradicts", "Contradicts what is settled: a person must look"
    UNANSWERED = "unanswered", "The provider could not say in time"
