"""What a hand in the database could do to lending, past every trigger: each is found by its check.

Alice repaid a loan partly. Bob repaid one after a payment had bounced, paid too much, and owes another. A third loan is
written off with a recovery, a fourth waits for its payout.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from loans.invariants import LENDING_INVARIANTS
from loans.models import Loan, PaidInNotice, Repayment
from loans.services.paid_in import match_notice, store_notice
from loans.services.reversals import reverse_repayment
from loans.services.write_offs import write_off_loan
from tests.loans.books import approved_loan, broken, fake_world, paid_out_loan, repay, tamper
from tests.loans.conftest import make_customer

pytestmark = pytest.mark.django_db

Loans = dict[str, Loan]


@pytest.fixture
def loans(alice: User, bob: User, boss: User, monkeypatch: pytest.MonkeyPatch) -> Loans:
    fake_world(monkeypatch)
    now = timezone.now() - timedelta(days=1)
    found = {
        "partly": paid_out_loan(alice, at=now),
        "repaid": paid_out_loan(bob, at=now, amount=5000),
        "lost": paid_out_loan(make_customer("+2348030000003"), at=now),
        "waiting": approved_loan(make_customer("+2348030000004"), at=now),
    }
    repay(found["partly"], 4000, at=now)
    bounced = repay(found["repaid"], 1000, at=now).repayment
    reverse_repayment(repayment_id=bounced.pk, reversed_by=boss, reason="Bounced", at=now + timedelta(minutes=1))
    repay(found["repaid"], 5700, at=now + timedelta(minutes=2))
    found["owed"] = paid_out_loan(bob, at=now + timedelta(minutes=3), amount=3000)
    write_off_loan(loan_id=found["lost"].pk, written_off_by=boss, reason="Gone", at=now + timedelta(minutes=4))
    repay(found["lost"], 500, at=now + timedelta(minutes=5))
    notice = store_notice(
        rail="mtn_momo",
        reference="778899",
        phone=alice.phone or "",
        amount=found["partly"].amount / 10,
        currency="NGN",
        loan_number="",
        partner="bank@example.com",
        paid_at=now,
        at=now + timedelta(minutes=6),
    ).notice
    match_notice(notice_id=notice.pk, at=now + timedelta(minutes=6))
    for loan in found.values():
        loan.refresh_from_db()
    statuses = {name: loan.status for name, loan in found.items()}
    assert statuses == {
        "partly": "REPAYING",
        "repaid": "COMPLETED",
        "lost": "WRITTEN_OFF",
        "waiting": "APPROVED",
        "owed": "REPAYING",
    }
    assert broken() == set()
    return found


def row(loan: Loan, change: str) -> str:
    return f"UPDATE loans_loan SET {change} WHERE id = '{loan.pk}'"


def profile(loan: Loan, change: str) -> str:
    return f"UPDATE loans_credit_profile SET {change} WHERE customer_id = '{loan.customer_id}'"


def repayment(loan: Loan, change: str, rail: str = "bank") -> str:
    return (
        f"UPDATE loans_repayment SET {change} WHERE loan_id = '{loan.pk}' AND rail = '{rail}' AND status = 'completed'"
    )


def payout(loan: Loan, change: str) -> str:
    return f"UPDATE disbursements_disbursement SET {change} WHERE id = '{loan.disbursement_id}'"


def lines(key: str, change: str) -> str:
    return (
        f"UPDATE ledger_entry SET {change} WHERE posting_id IN (SELECT id FROM ledger_posting WHERE key LIKE '{key}')"
    )


def gone(loan: Loan, action: str) -> str:
    return f"DELETE FROM audit_event WHERE target_id = '{loan.pk}' AND action = '{action}'"


CORRUPTIONS: dict[str, tuple[str, Callable[[Loans], list[str]]]] = {
    "a loan owes less than the ledger says": (
        "loans.receivables",
        lambda x: [row(x["partly"], "outstanding = 1, amount_paid = amount - 1")],
    ),
    "the ledger owes less than the loan": (
        "loans.receivables",
        lambda x: [lines(f"loan:{x['partly'].pk}:repayment:%", "amount = amount * 2")],
    ),
    "a repayment is posted to another loan's name": (
        "loans.receivables",
        lambda x: [
            f"UPDATE ledger_posting SET key = replace(key, '{x['partly'].pk}', '{x['owed'].pk}')"
            f" WHERE key LIKE 'loan:{x['partly'].pk}:repayment:%'"
        ],
    ),
    "money is held for nobody": (
        "loans.overpaid_accounts",
        lambda x: [profile(x["owed"], "overpaid = 5")],
    ),
    "a loss is larger than the debt": (
        "loans.write_offs",
        lambda x: [lines(f"loan:{x['lost'].pk}:write-off", "amount = sign(amount) * 99999")],
    ),
    "a write-off is forgotten": (
        "loans.write_offs",
        lambda x: [row(x["lost"], "status = 'OVERDUE', overdue_at = now(), written_off_at = NULL")],
    ),
    "interest was earned by another rate": (
        "loans.interest",
        lambda x: [lines(f"loan:{x['owed'].pk}:interest", "amount = amount * 2")],
    ),
    "a repayment's posting is another one's": (
        "loans.repayment_postings",
        lambda x: [
            f"UPDATE loans_repayment SET posting_id = gen_random_uuid() WHERE loan_id = '{x['lost'].pk}'",
        ],
    ),
    "a recovery is booked as an ordinary repayment": (
        "loans.repayment_postings",
        lambda x: [repayment(x["lost"], "was_written_off = false")],
    ),
    "the reference of cash stands on the bank's account": (
        "loans.repayment_postings",
        lambda x: [repayment(x["partly"], "rail = 'cash'")],
    ),
    "a repayment stands though it was reversed in the ledger": (
        "loans.repayment_postings",
        lambda x: [
            f"UPDATE loans_repayment SET status = 'completed', reversed_at = NULL"
            f" WHERE loan_id = '{x['repaid'].pk}' AND status = 'reversed'"
        ],
    ),
    "a repayment is gone": (
        "loans.repayment_postings",
        lambda x: [
            f"DELETE FROM loans_score_change WHERE repayment_id IN"
            f" (SELECT id FROM loans_repayment WHERE loan_id = '{x['lost'].pk}')",
            f"DELETE FROM loans_repayment WHERE loan_id = '{x['lost'].pk}'",
        ],
    ),
    "a loan was paid more than came in": (
        "loans.amounts_paid",
        lambda x: [row(x["partly"], "amount_paid = 9000, outstanding = 1000")],
    ),
    "a profile forgets a loan": ("loans.profiles", lambda x: [profile(x["partly"], "total_loans = 0")]),
    "a profile owes nothing": ("loans.profiles", lambda x: [profile(x["partly"], "outstanding = 0")]),
    "a profile repaid more": ("loans.profiles", lambda x: [profile(x["partly"], "total_repaid = 1")]),
    "a profile borrowed more": ("loans.profiles", lambda x: [profile(x["partly"], "total_borrowed = 1")]),
    "a profile is gone": (
        "loans.profiles",
        lambda x: [
            f"DELETE FROM loans_score_change WHERE customer_id = '{x['waiting'].customer_id}'",
            f"DELETE FROM loans_credit_profile WHERE customer_id = '{x['waiting'].customer_id}'",
        ],
    ),
    "a standing is too good": ("loans.standings", lambda x: [profile(x["partly"], "repayment_status = 'COMPLETED'")]),
    "a standing is kept without a loan": (
        "loans.standings",
        lambda x: [profile(x["waiting"], "repayment_status = 'PENDING'")],
    ),
    "another amount was paid out": (
        "loans.payouts",
        lambda x: [payout(x["partly"], "amount = amount + 1")],
    ),
    "another phone was paid": ("loans.payouts", lambda x: [payout(x["partly"], "payee = '+2348030000009'")]),
    "a loan is owed whose payout failed": (
        "loans.payouts",
        lambda x: [payout(x["partly"], "status = 'failed', disbursed_at = NULL")],
    ),
    "a loan waits whose payout arrived": (
        "loans.payouts",
        lambda x: [payout(x["waiting"], "status = 'completed', disbursed_at = now(), next_action_at = NULL")],
    ),
    "a payout has no loan": ("loans.payouts", lambda x: [row(x["waiting"], "disbursement_id = NULL")]),
    "a failed payout does not show": (
        "loans.payouts",
        lambda x: [payout(x["waiting"], "status = 'failed', next_action_at = NULL")],
    ),
    "partly repaid and nothing paid": ("loans.statuses", lambda x: [row(x["partly"], "status = 'DISBURSED'")]),
    "overdue before its day": (
        "loans.statuses",
        lambda x: [row(x["partly"], "status = 'OVERDUE', overdue_at = disbursed_at")],
    ),
    "repaid at no time": ("loans.statuses", lambda x: [row(x["repaid"], "completed_at = NULL")]),
    "repaid before it was paid out": (
        "loans.statuses",
        lambda x: [row(x["repaid"], "completed_at = disbursed_at - interval '1 day'")],
    ),
    "written off at no time": ("loans.statuses", lambda x: [row(x["lost"], "written_off_at = NULL")]),
    "a notice is booked as other money": (
        "loans.sources",
        lambda x: ["UPDATE loans_paid_in_notice SET amount = amount + 1"],
    ),
    "points from nowhere": ("loans.points", lambda x: [row(x["partly"], "points_applied = 99")]),
    "a score that no change led to": ("loans.scores", lambda x: [profile(x["partly"], "score = score + 50")]),
    "a change of the score is gone": (
        "loans.scores",
        lambda x: [
            f"DELETE FROM loans_score_change WHERE id = (SELECT id FROM loans_score_change"
            f" WHERE customer_id = '{x['repaid'].customer_id}' ORDER BY id LIMIT 1 OFFSET 1)"
        ],
    ),
    "a payout without its event": ("loans.audit_events", lambda x: [gone(x["partly"], "loan.disbursed")]),
    "repayments without events": ("loans.audit_events", lambda x: [gone(x["partly"], "loan.repaid")]),
    "a reversal without its event": (
        "loans.audit_events",
        lambda x: [gone(x["repaid"], "loan.repayment_reversed")],
    ),
    "a write-off without its event": ("loans.audit_events", lambda x: [gone(x["lost"], "loan.written_off")]),
    "an approval without its event": ("loans.audit_events", lambda x: [gone(x["waiting"], "loan.approved")]),
    "a match without its event": (
        "loans.audit_events",
        lambda x: ["DELETE FROM audit_event WHERE action = 'paid_in.matched'"],
    ),
    "a repayment nobody was told of": (
        "loans.customers_are_told",
        lambda x: ["DELETE FROM notifications_sms WHERE template = 'loan.partly_repaid'"],
    ),
    "a reversal nobody was told of": (
        "loans.customers_are_told",
        lambda x: ["DELETE FROM notifications_sms WHERE template = 'loan.repayment_reversed'"],
    ),
    "a stranger was told": (
        "loans.customers_are_told",
        lambda x: ["""UPDATE notifications_sms SET "to" = '+2348030000009' WHERE template = 'loan.paid'"""],
    ),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corruption_is_found(loans: Loans, name: str) -> None:
    invariant, statements = CORRUPTIONS[name]

    tamper(*statements(loans))

    assert invariant in broken()


def test_every_check_has_a_corruption_that_it_finds() -> None:
    assert {invariant for invariant, _statements in CORRUPTIONS.values()} == set(LENDING_INVARIANTS)


def test_nothing_is_found_where_nothing_is(db: None, now: datetime) -> None:
    assert not Loan.objects.exists()
    assert not Repayment.objects.exists()
    assert not PaidInNotice.objects.exists()
    assert broken() == set()
