"""The vocabularies of lending and the moves between their words (contract sections 1 and 2)."""

from enum import nonmember

from django.db import models


class LoanStatus(models.TextChoices):
    """A loan's life. A payout that failed for good leaves it APPROVED, with an error, until somebody retries."""

    PENDING = "PENDING", "Waiting for approval"
    APPROVED = "APPROVED", "Approved, payout under way"
    DISBURSED = "DISBURSED", "Paid out"
    REPAYING = "REPAYING", "Partly repaid"
    OVERDUE = "OVERDUE", "Overdue"
    COMPLETED = "COMPLETED", "Repaid"
    REJECTED = "REJECTED", "Rejected"
    CANCELLED = "CANCELLED", "Cancelled"
    WRITTEN_OFF = "WRITTEN_OFF", "Written off"

    # The customer has the money and owes it.
    OWED = nonmember(frozenset({"DISBURSED", "REPAYING", "OVERDUE"}))
    # Counted against the credit limit: promised or owed.
    OUTSTANDING = nonmember(frozenset({"PENDING", "APPROVED", "DISBURSED", "REPAYING", "OVERDUE"}))
    # Nothing will come of it any more, and nothing was paid out.
    DEAD = nonmember(frozenset({"REJECTED", "CANCELLED"}))
    MOVES = nonmember(
        {
            "PENDING": {"APPROVED", "REJECTED", "CANCELLED"},
            "APPROVED": {"DISBURSED", "CANCELLED"},
            "DISBURSED": {"REPAYING", "COMPLETED", "OVERDUE", "WRITTEN_OFF"},
            # A reversed repayment leads back.
            "REPAYING": {"DISBURSED", "COMPLETED", "OVERDUE", "WRITTEN_OFF"},
            # A due date that was moved leads back to where repayment stands.
            "OVERDUE": {"DISBURSED", "REPAYING", "COMPLETED", "WRITTEN_OFF"},
            "COMPLETED": {"DISBURSED", "REPAYING", "OVERDUE", "WRITTEN_OFF"},
            # What comes in after the write-off is a recovery; when all of it came, the loan is repaid.
            "WRITTEN_OFF": {"COMPLETED"},
            "REJECTED": set(),
            "CANCELLED": set(),
        }
    )


class RepaymentStanding(models.TextChoices):
    """How the customer stands with their latest debt (spec 2, `User.repaymentStatus`)."""

    NONE = "", "Nothing borrowed yet"
    PENDING = "PENDING", "Nothing repaid yet"
    PARTIAL = "PARTIAL", "Partly repaid"
    COMPLETED = "COMPLETED", "All repaid"


class LoanChannel(models.TextChoices):
    """Who made the loan, and so the first letters of its number."""

    USSD = "ussd", "USSD"
    STAFF = "staff", "Back office"

    PREFIXES = nonmember({"ussd": "USS", "staff": "LOAN"})


class Refusal(models.TextChoices):
    """Why an offer or approval is refused: the codes of contract section 2."""

    INVALID_REQUEST = "INVALID_REQUEST", "Invalid request"
    USER_NOT_FOUND = "USER_NOT_FOUND", "No such customer"
    NO_ELIGIBLE_AMOUNT = "NO_ELIGIBLE_AMOUNT", "Not eligible for any amount"
    NO_OFFERS = "NO_OFFERS", "No offers"
    INVALID_SELECTION = "INVALID_SELECTION", "Not one of the offers"
    CREDIT_LIMIT_EXCEEDED = "CREDIT_LIMIT_EXCEEDED", "Above the credit limit"
    COOLDOWN_ACTIVE = "COOLDOWN_ACTIVE", "Too soon after the last loan"
    REQUEST_IN_PROGRESS = "REQUEST_IN_PROGRESS", "The same request is under way"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE", "Service unavailable"


class ScoreReason(models.TextChoices):
    """Why a credit score or limit changed."""

    REPAYMENT = "repayment", "Repayment"
    REVERSAL = "reversal", "Repayment reversed"
    OVERDUE = "overdue", "Loan overdue"
    WRITE_OFF = "write_off", "Loan written off"
    STAFF = "staff", "Changed by staff"


class Rail(models.TextChoices):
    """How a repayment came: whose transaction number its reference is."""

    MTN_MOMO = "mtn_momo", "MTN MoMo"
    BANK = "bank", "Bank"
    CASH = "cash", "Cash"
    CREDIT = "credit", "Overpaid before"


class RepaymentChannel(models.TextChoices):
    """Who told us of a repayment."""

    REQUEST_TO_PAY = "request_to_pay", "Request to pay"
    PAID_IN = "paid_in", "Paid-in notice"
    STAFF = "staff", "Entered by staff"
    FILE = "file", "File of repayments"
    CREDIT = "credit", "Taken from what was overpaid"


class RepaymentStatus(models.TextChoices):
    """A repayment is there, or was taken back."""

    COMPLETED = "completed", "Completed"
    REVERSED = "reversed", "Reversed"

    MOVES = nonmember({"completed": {"reversed"}, "reversed": set()})


class CollectionStatus(models.TextChoices):
    """A request to pay. Only a final word of the provider ends one whose reference may have left."""

    QUEUED = "queued", "Waiting"
    PENDING = "pending", "Customer is asked"
    COMPLETED = "completed", "Paid"
    FAILED = "failed", "Not paid"

    OPEN = nonmember(frozenset({"queued", "pending"}))
    MOVES = nonmember(
        {
            "queued": {"pending", "failed", "completed"},
            "pending": {"completed", "failed"},
            # The provider is found to have taken the money after all.
            "failed": {"completed"},
            "completed": set(),
        }
    )


class CollectionAlarm(models.TextChoices):
    """Why a person must look at a request to pay. It stays until a person closes it or a final word answers it."""

    NONE = "", "Nothing to look at"
    MISMATCH = "mismatch", "Paid, with another amount, currency, payer or a used transaction: nothing was booked"
    CONTRADICTION = "contradiction", "The provider contradicts what is booked"
    LOST = "lost", "The provider accepted it and no longer knows it"
    CONFIGURATION = "configuration", "The provider refuses our set-up"

    # What one final word of the provider answers by itself.
    ANSWERED_BY_WORD = nonmember(frozenset({"lost", "configuration"}))


class PaidInStatus(models.TextChoices):
    """What became of a notice of money that came in unasked."""

    APPLIED = "applied", "Booked as a repayment"
    UNMATCHED = "unmatched", "Waits for a person"
    DISMISSED = "dismissed", "Looked at: not a repayment"

    MOVES = nonmember({"unmatched": {"applied", "dismissed"}, "applied": set(), "dismissed": {"applied"}})


class FileStatus(models.TextChoices):
    """A file of repayments."""

    PREVIEWED = "previewed", "Read, not applied"
    APPLYING = "applying", "Being applied"
    APPLIED = "applied", "Applied"

    MOVES = nonmember({"previewed": {"applying"}, "applying": {"applied"}, "applied": set()})


class LineStatus(models.TextChoices):
    """A line of a file of repayments: what it would do, then what it did."""

    GOOD = "good", "Will be booked"
    BAD = "bad", "Bad, skipped"
    BOOKED = "booked", "Booked"
    REPEATED = "repeated", "Booked before"

    # A good line can turn bad, or turn out booked, between preview and application.
    MOVES = nonmember({"good": {"bad", "booked", "repeated"}, "bad": set(), "booked": set(), "repeated": set()})
