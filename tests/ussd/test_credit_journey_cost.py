"""Architecture section 7 on the credit line: a turn that reads costs at most 2 SQL statements and 3 round trips."""

from datetime import datetime

import pytest

from accounts.models import User
from loans.models import Loan
from tests.ussd.lending import MAIN, OFFERS, TAKEN, make_borrower, make_line, phone_of, settle, take_loan
from tests.ussd.test_cost_of_a_turn import measured
from ussd.models import Gateway
from ussd.statuses import GatewayKind

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def line(now: datetime) -> Gateway:
    return make_line(GatewayKind.AFRICAS_TALKING, at=now)


@pytest.fixture(autouse=True)
def ada(line: Gateway, now: datetime) -> User:
    """Her process has answered turns before: settings and gateways are known, connections open."""
    ada = make_borrower(at=now)
    phone = phone_of(line)
    phone.dial()
    phone.type("1")
    return ada


# What is typed from the main screen on, with the most statements and the round trips of each turn.
WALKS = {
    "offers and their terms": [("1", 2, 3), ("3", 0, 2), ("2", 0, 2), ("0", 0, 2)],
    "my loan": [("2", 1, 2), ("0", 0, 2)],
    "repay": [("3", 1, 2), ("2", 0, 2), ("x", 0, 2), ("500", 0, 2), ("2", 0, 2)],
    "why": [("4", 1, 2), ("0", 0, 2)],
    "language": [("5", 0, 2), ("0", 0, 2)],
}


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)
def test_reading_turn_stays_within_its_budget(
    line: Gateway, now: datetime, monkeypatch: pytest.MonkeyPatch, walk: list[tuple[str, int, int]]
) -> None:
    take_loan(phone_of(line))
    settle(Loan.objects.get(), "on_paid", now)
    phone = phone_of(line)
    with measured(monkeypatch) as dialled:
        assert phone.dial().endswith(MAIN)
    assert (len(dialled.statements), dialled.round_trips) == (1, 2)
    phone.type("9")

    for typed, statements, round_trips in walk:
        with measured(monkeypatch) as cost:
            phone.type(typed)
        assert (typed, len(cost.statements), cost.round_trips) == (typed, statements, round_trips), cost.statements


def test_news_that_was_heard_costs_one_statement_more(
    line: Gateway, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_loan(phone_of(line))
    settle(Loan.objects.get(), "on_paid", now)
    phone = phone_of(line)
    assert phone.dial() != MAIN

    with measured(monkeypatch) as cost:
        phone.type("4")
    assert (len(cost.statements), cost.round_trips) == (2, 2)


def test_consent_costs_at_most_fourteen_statements(
    line: Gateway, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another customer's loan has opened the accounts and made the year's numbers.
    first = phone_of(line)
    first.phone = str(make_borrower("+2348037654321", at=now).phone)
    take_loan(first)
    phone = phone_of(line)
    phone.dial()
    assert phone.type("1") == OFFERS
    phone.type("3")

    with measured(monkeypatch) as cost:
        assert phone.type("1") == TAKEN
    writes = [sql for sql in cost.statements if not sql.startswith(("BEGIN", "COMMIT"))]
    assert len(writes) <= 14, "\n".join(writes)
