"""Where a process can be killed that makes a loan: every step of an approval, and what a loan's payout passes more.

The engine's own steps stand in `tests.crash.steps`; of the owner's the loan's stand here.
"""

from typing import Any

from tests.crash.steps import NUDGE, Step

APPROVALS = "loans.services.approvals"
OWNER = "loans.services.payouts"
VIEWS = "ussd.loan_callbacks.views"
NUDGES = "disbursements.services.nudges"
ADVANCE_TASK = "disbursements.advance"


def _holds_a_payout(connection: Any) -> bool:
    """Whether this COMMIT is the approval's: it is the one after which a worker is told of a payout."""
    return any(after.__module__ == NUDGES for _savepoints, after, *_robust in connection.run_on_commit)


def _nudges_payout(task: Any, *_args: Any, **_kwargs: Any) -> bool:
    return bool(task.name == ADVANCE_TASK)


# In the order in which an approval passes them.
BEFORE_APPROVAL = {
    "session_read": Step(f"{APPROVALS}.read_session"),
    "borrower_found": Step(f"{APPROVALS}.find_borrower"),
    "lock_taken": Step(f"{APPROVALS}.ask_for_answer"),
    "number_taken": Step(f"{APPROVALS}.next_loan_number"),
    "profile_locked": Step(f"{APPROVALS}._lock_profile"),
    "loans_looked_at": Step(f"{APPROVALS}._judge"),
    "limit_checked": Step(f"{APPROVALS}.check_limit"),
    "loan_payout_requested": Step(f"{APPROVALS}.request_payout"),
    "loan_counted": Step(f"{APPROVALS}.count_approved"),
    "loan_written": Step(f"{APPROVALS}.record", "before"),
    "loan_recorded": Step(f"{APPROVALS}.record"),
    "commit_not_delivered": Step("django.db.backends.base.base.BaseDatabaseWrapper._commit", "before", _holds_a_payout),
}
AFTER_APPROVAL = {
    "commit_delivered": Step("django.db.backends.base.base.BaseDatabaseWrapper._commit", "after", _holds_a_payout),
    "loan_payout_not_nudged": Step(NUDGE, "before", _nudges_payout),
    "loan_payout_nudged": Step(NUDGE, "after", _nudges_payout),
    "answer_not_kept": Step("loans.first_answers.FirstAnswer.keep", "before"),
    "answer_kept": Step("loans.first_answers.FirstAnswer.keep"),
    "lock_given_back": Step("loans.first_answers.FirstAnswer.release"),
    "loan_answer_chosen": Step(f"{VIEWS}.approve_offer"),
    "loan_answer_written": Step(f"{VIEWS}.write_loan"),
}
APPROVE = {**BEFORE_APPROVAL, **AFTER_APPROVAL}

# Under the settlement, in place of the steps of a promo's owner; the last one is after the commit.
_TOLD = {
    "loan_locked": Step(f"{OWNER}._lock"),
    "loan_moved": Step(f"{OWNER}._move"),
    "loan_message_queued": Step(f"{OWNER}._tell"),
}
LOAN_PAID = {
    **_TOLD,
    "interest_earned": Step(f"{OWNER}._earn_interest"),
    "standing_set": Step(f"{OWNER}.refresh_standing"),
    "loan_told": Step(f"{OWNER}.LoanPayouts.on_paid"),
    "session_not_ended": Step("loans.sessions._forget", "before"),
    "session_ended": Step("loans.sessions._forget"),
}
LOAN_GIVEN_UP = {
    **_TOLD,
    "loan_told_of_failure": Step(f"{OWNER}.LoanPayouts.on_failed"),
    "answer_not_forgotten": Step("loans.first_answers._forget", "before"),
    "answer_forgotten": Step("loans.first_answers._forget"),
}
LOAN_STEPS = {**LOAN_PAID, **LOAN_GIVEN_UP}
