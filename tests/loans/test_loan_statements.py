"""Architecture section 7: an offer costs at most 2 SQL statements and 3 round trips to Redis, an approval at most 14
statements; no bcrypt in the steady state."""

from datetime import datetime

import pytest

from accounts import token_text
from accounts.models import User
from loans.models import Loan
from tests.loans.conftest import make_customer, make_profile
from tests.loans.partner import APPROVE, OFFER, Partner
from tests.ussd.test_cost_of_a_turn import measured

pytestmark = pytest.mark.django_db(transaction=True)
CAROL = "+2348051234567"


@pytest.fixture
def partner(bob: User, monkeypatch: pytest.MonkeyPatch) -> Partner:
    """The process has made a loan before: settings, accounts, sequence and token are known."""
    partner = Partner()
    partner.borrow(bob.phone)
    monkeypatch.setattr(token_text, "has_hash", lambda *_args: pytest.fail("bcrypt in the steady state"))
    return partner


def kinds(statements: list[str]) -> list[str]:
    return [" ".join(sql.replace('"', "").split()[: 3 if sql.startswith("INSERT") else 1]) for sql in statements]


def test_offer_costs_two_statements_and_two_round_trips(
    partner: Partner, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with measured(monkeypatch) as cost:
        response = partner.post(OFFER, {"msisdn": alice.phone, "sessionId": "s"})

    assert response.content.startswith(b"CON ")
    # The token, the borrower; the throttle, session and record together.
    assert kinds(cost.statements) == ["SELECT", "SELECT"]
    assert cost.round_trips == 2


APPROVAL = [
    "SELECT",  # token
    "SELECT",  # borrower: customer and profile
    "SELECT",  # number
    "BEGIN",
    "{profile}",
    "SELECT",  # loans in question, again
    "INSERT INTO disbursements_disbursement",
    "INSERT INTO ledger_posting",
    "INSERT INTO ledger_entry",
    "INSERT INTO audit_event",
    "INSERT INTO loans_loan",
    "UPDATE",  # profile
    "INSERT INTO audit_event",
    "COMMIT",
]


@pytest.mark.parametrize("has_profile", [True, False])
@pytest.mark.parametrize("has_session", [True, False])
def test_approval_costs_fourteen_statements(
    partner: Partner, now: datetime, has_profile: bool, has_session: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol = make_customer(CAROL)
    if has_profile:
        make_profile(carol, at=now)
    if has_session:
        partner.offer(CAROL, sessionId="s")

    with measured(monkeypatch) as cost:
        response = partner.post(APPROVE, {"msisdn": CAROL, "sessionId": "s", "selectedOption": 2})

    assert Loan.objects.filter(customer=carol).count() == 1, response.content
    profile = "SELECT" if has_profile else "INSERT INTO loans_credit_profile"
    expected = [kind.format(profile=profile) for kind in APPROVAL]
    assert len(expected) <= 14
    assert kinds(cost.statements) == expected, "\n".join(cost.statements)


def test_approval_locks_the_profile_before_it_looks_and_writes(
    partner: Partner, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_profile(make_customer(CAROL), at=now)

    with measured(monkeypatch) as cost:
        partner.post(APPROVE, {"msisdn": CAROL, "sessionId": "s", "selectedOption": 2})

    locks = [number for number, sql in enumerate(cost.statements) if "FOR NO KEY UPDATE" in sql]
    looks = [number for number, sql in enumerate(cost.statements) if 'FROM "loans_loan"' in sql]
    assert locks == [4]
    assert '"loans_credit_profile"' in cost.statements[4] and "lock_timeout" in cost.statements[4]
    assert looks == [5]


def test_repeat_costs_the_token_and_the_borrower(
    partner: Partner, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner.borrow(alice.phone)

    with measured(monkeypatch) as cost:
        partner.approve(alice.phone)

    assert kinds(cost.statements) == ["SELECT", "SELECT"]
