"""Credit profiles: opened with the first loan, moved by repayments, lateness and staff. Each change leaves its trail.

The limit of a profile that follows the score is computed from the settings in force (`facts_of`); the column keeps what
it was at the last change.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import User
from audit.context import acting
from audit.services import record
from ledger.inserts import insert_once
from ledger.money import is_payable
from loans.configuration import CreditSettings
from loans.eligibility import BorrowerFacts, limit_in_force
from loans.locks import lock_profile
from loans.models import CreditProfile, Loan, Repayment, ScoreChange
from loans.refusals import LendingRefusal
from loans.scoring import RepaidFacts, repayment_points, rescore, score_after
from loans.settings_in_force import LendingSettings, lending_settings
from loans.statuses import ScoreReason

# A limit that fits its column, far above anything lent.
HIGHEST_LIMIT = Decimal(999_999_999_999)


class CreditRefusal(LendingRefusal):
    """Staff asked for a change of a customer's credit that cannot be made. Nothing was changed."""

    code = "CREDIT_REFUSED"


class OwnCredit(CreditRefusal):
    """Nobody decides about their own credit."""

    code = "OWN_CREDIT"


class InvalidCredit(CreditRefusal):
    """The score or the limit is out of range, or no reason was given."""

    code = "INVALID_CREDIT"


def facts_of(profile: CreditProfile | None, credit: CreditSettings) -> BorrowerFacts:
    """What decides about the customer; without a profile, a newcomer. `credit_limit` is the limit in force."""
    if profile is None:
        return BorrowerFacts(
            score=credit.starting_score, credit_limit=credit.starting_limit, automatic_limit=True, total_loans=0
        )
    return BorrowerFacts(
        score=profile.score,
        credit_limit=limit_in_force(
            stored=profile.credit_limit,
            automatic=profile.automatic_limit,
            score=profile.score,
            total_loans=profile.total_loans,
            credit=credit,
        ),
        automatic_limit=profile.automatic_limit,
        total_loans=profile.total_loans,
    )


def open_profile(*, customer: User, at: datetime) -> CreditProfile:
    """The customer's profile, locked; made with the starting values when there is none yet.

    One statement when there is one. Raises SettingsUnknown when one must be made and the settings are not known.
    """
    try:
        return lock_profile(customer.pk)
    except CreditProfile.DoesNotExist:
        credit = lending_settings().credit
        insert_once(
            CreditProfile(
                customer=customer, score=credit.starting_score, credit_limit=credit.starting_limit, created_at=at
            )
        )
        return lock_profile(customer.pk)


def apply_loan_points(
    *, profile: CreditProfile, loan: Loan, repayment: Repayment | None, reason: ScoreReason, at: datetime
) -> bool:
    """Put the points that the loan's repayments are worth by now in place of those applied before.

    The caller holds the locks of profile and loan and has saved what was repaid. Saves the score, an automatic limit
    and the loan's `points_applied`; leaves one row of history and one audit event when score or limit changed, and says
    whether they did.
    """
    settings = lending_settings()
    facts = RepaidFacts(
        amount_paid=loan.amount_paid,
        due_date=loan.due_date,
        completed_on=settings.local_day(loan.completed_at) if loan.completed_at and not loan.outstanding else None,
    )
    worth = repayment_points(facts, settings.credit)
    new = rescore(score=profile.score, points_applied=loan.points_applied, points=worth.points, credit=settings.credit)
    if new.points_applied != loan.points_applied:
        loan.points_applied = new.points_applied
        loan.save(update_fields=["points_applied"])
    trail = ScoreChange(reason=reason, explanation=worth.explanation, loan=loan, repayment=repayment, at=at)
    return _set_score(profile, new.score, settings, trail)


def apply_penalty(
    *, profile: CreditProfile, loan: Loan, points: int, reason: ScoreReason, explanation: dict[str, Any], at: datetime
) -> bool:
    """Take points for what the customer did not do; the score stays at or above 0. Whether score or limit changed.

    The caller holds the locks of profile and loan and sees to it that each penalty is taken once. Trail as above.
    """
    settings = lending_settings()
    trail = ScoreChange(reason=reason, explanation={**explanation, "points": points}, loan=loan, at=at)
    return _set_score(profile, score_after(profile.score, points, settings.credit), settings, trail)


def adjust_credit(
    *,
    customer_id: UUID,
    score: int,
    credit_limit: Decimal | None,
    automatic_limit: bool,
    reason: str,
    changed_by: User,
    at: datetime,
) -> CreditProfile:
    """Staff set a customer's score, and either a limit or that it follows the score (then `credit_limit` is not read).

    A customer who never borrowed gets a profile. The same values again change nothing.
    Raises OwnCredit, InvalidCredit, User.DoesNotExist, SettingsUnknown.
    """
    if changed_by.pk == customer_id:
        raise OwnCredit("Another person must decide about your own credit.")
    settings = lending_settings()
    _check_adjustment(score, credit_limit, automatic_limit, reason, settings)
    with acting(user_id=changed_by.pk, label=changed_by.get_username()), transaction.atomic():
        profile = open_profile(customer=User.objects.get(pk=customer_id), at=at)
        before = facts_of(profile, settings.credit)
        profile.automatic_limit = automatic_limit
        if not automatic_limit and credit_limit is not None:
            profile.credit_limit = credit_limit
        trail = ScoreChange(
            reason=ScoreReason.STAFF,
            explanation={"automatic_limit": {"before": before.automatic_limit, "after": automatic_limit}},
            changed_by=changed_by,
            note=reason.strip(),
            at=at,
        )
        _set_score(profile, score, settings, trail, before=before)
    return profile


def _check_adjustment(
    score: int, credit_limit: Decimal | None, automatic_limit: bool, reason: str, settings: LendingSettings
) -> None:
    if not reason.strip():
        raise InvalidCredit("Say why: the reason is kept with the change.")
    if not 0 <= score <= settings.credit.max_score:
        raise InvalidCredit(f"The score must be from 0 to {settings.credit.max_score}.")
    if automatic_limit:
        return
    if credit_limit is None:
        raise InvalidCredit("Give a limit, or let it follow the score.")
    if not credit_limit.is_finite() or not 0 <= credit_limit <= HIGHEST_LIMIT:
        raise InvalidCredit(f"The limit must be from 0 to {HIGHEST_LIMIT:,}.")
    if not is_payable(credit_limit, settings.loans.currency):
        raise InvalidCredit(f"The limit has more decimals than {settings.loans.currency} has.")


def _set_score(
    profile: CreditProfile,
    score: int,
    settings: LendingSettings,
    trail: ScoreChange,
    *,
    before: BorrowerFacts | None = None,
) -> bool:
    """Save the score and the limit in force, and the trail with both; nothing when they are as they were `before`."""
    before = before or facts_of(profile, settings.credit)
    profile.score = score
    after = facts_of(profile, settings.credit)
    if after == before:
        return False
    profile.credit_limit = after.credit_limit
    profile.save(update_fields=["score", "credit_limit", "automatic_limit", "updated_at"])
    trail.customer_id = profile.pk
    trail.score_before, trail.score_after = before.score, after.score
    trail.limit_before, trail.limit_after = before.credit_limit, after.credit_limit
    trail.configuration_version = settings.versions[CreditSettings.slug]
    trail.save(force_insert=True)
    record(
        "credit.adjusted" if trail.reason == ScoreReason.STAFF else "credit.score_changed",
        target=profile,
        before=_audited(before),
        after={**_audited(after), "change": trail.pk},
        reason=trail.note or trail.get_reason_display(),
        at=trail.at,
    )
    return True


def _audited(facts: BorrowerFacts) -> dict[str, Any]:
    return {
        "score": facts.score,
        "credit_limit": str(facts.credit_limit),
        "automatic_limit": facts.automatic_limit,
    }
