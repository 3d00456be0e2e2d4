"""My loan, and why this amount: what the customer owes and why they are offered what they are. Nothing changes."""

from configuration.selectors import SettingsUnknown
from ledger.money import format_amount
from loans.models import Loan
from loans.selectors_menu import loans_to_show
from loans.services.why import AmountReasons, explain_amount
from loans.statuses import LoanStatus
from ussd.drawing import words_of
from ussd.screens import Choice, Result, Screen, Step
from ussd.texts.dates import short_day
from ussd.visits import Visit

# The line about a loan, by its status.
LOAN_LINES = {
    LoanStatus.PENDING: "credit.loan_waiting",
    LoanStatus.APPROVED: "credit.loan_under_way",
    LoanStatus.DISBURSED: "credit.loan_paid_out",
    LoanStatus.REPAYING: "credit.loan_partly_repaid",
    LoanStatus.OVERDUE: "credit.loan_overdue",
    LoanStatus.COMPLETED: "credit.loan_repaid",
    LoanStatus.REJECTED: "credit.loan_rejected",
    LoanStatus.CANCELLED: "credit.loan_cancelled",
    LoanStatus.WRITTEN_OFF: "credit.loan_written_off",
}
PAYOUT_FAILED = "credit.loan_payout_failed"


def look_up_loans(visit: Visit, _typed: str) -> Result:
    """What the customer owes, oldest due first, a line each; else their latest loan."""
    found = loans_to_show(visit.customer_id)
    if not found:
        return Result("NONE")
    return Result("FOUND", {"loans": "\n".join(_line(visit, loan) for loan in found)})


def look_up_reasons(visit: Visit, _typed: str) -> Result:
    """Why the customer is offered what they are."""
    try:
        reasons = explain_amount(visit.customer_id, phone=visit.phone)
    except SettingsUnknown:
        return Result("UNKNOWN")
    facts = {
        "amount": format_amount(reasons.amount, reasons.currency),
        "limit": format_amount(reasons.limit, reasons.currency),
        "balance": format_amount(reasons.outstanding, reasons.currency),
        "score": str(reasons.score),
    }
    return Result(_reason(reasons), facts)


def _line(visit: Visit, loan: Loan) -> str:
    failed = loan.status == LoanStatus.APPROVED and loan.error_code
    facts = {
        "number": loan.number,
        "get": format_amount(loan.disbursed_amount, loan.currency),
        "repay": format_amount(loan.amount, loan.currency),
        "balance": format_amount(loan.outstanding, loan.currency),
        "due": short_day(loan.due_date, visit.session.language),
    }
    return words_of(visit, PAYOUT_FAILED if failed else LOAN_LINES[LoanStatus(loan.status)], facts)


def _reason(reasons: AmountReasons) -> str:
    if not reasons.amount:
        return "NOTHING"
    if reasons.is_first:
        return "FIRST"
    return "SCORE" if reasons.has_room else "LIMIT"


_REASONS = {
    "NOTHING": "credit.why_none",
    "FIRST": "credit.why_first",
    "SCORE": "credit.why_score",
    "LIMIT": "credit.why_limit",
}
MY_LOAN = Choice("credit.loan", Step({"FOUND": "credit.loans", "NONE": "credit.no_loan"}, act=look_up_loans))
WHY = Choice("credit.why", Step({**_REASONS, "UNKNOWN": "credit.unavailable"}, act=look_up_reasons))
SCREENS = tuple(Screen(words, words=words) for words in ("credit.loans", "credit.no_loan", *_REASONS.values()))
