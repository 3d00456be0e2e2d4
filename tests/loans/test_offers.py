"""Offers, beyond what the callback shows: figures, days, settings."""

from datetime import datetime

import pytest

from accounts.models import User
from configuration.selectors import SettingsUnknown
from loans.services import offers
from tests.loans.conftest import ALICE, make_profile
from tests.loans.test_offer_records import ask

pytestmark = pytest.mark.django_db


def test_offer_result_tells_the_menu_all_it_needs(alice: User, now: datetime) -> None:
    result = ask(at=now, session_id="")

    assert result.refusal is None
    assert (result.customer_id, result.phone, result.currency, result.network) == (alice.pk, ALICE, "NGN", "mtn")
    assert result.session_id and result.instance
    assert result.eligible_amount == 10_000
    terms = result.terms[2]
    assert (terms.amount, terms.disbursed_amount, terms.due_date.isoformat()) == (10_000, 9_000, "2026-12-20")


def test_spec_example_comes_out_to_the_unit(alice: User, now: datetime) -> None:
    """Spec 1, decision 4: 10,000 at 10 % pays out 9,000, and 10,000 is repaid."""
    terms = ask(at=now).terms[-1]

    assert (terms.amount, terms.interest, terms.disbursed_amount) == (10_000, 1_000, 9_000)


def test_due_date_counts_from_the_countrys_day(alice: User, now: datetime) -> None:
    """Half past eleven at night in UTC is tomorrow in Lagos."""
    late = now.replace(hour=23, minute=30)

    assert ask(at=late).terms[0].due_date.isoformat() == "2026-12-21"


def test_settings_never_read_make_no_offer(alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise SettingsUnknown("never read")

    monkeypatch.setattr(offers, "lending_settings", refuse)

    assert ask(at=now).refusal == "SERVICE_UNAVAILABLE"


def test_profile_decides_from_the_second_loan_on(alice: User, now: datetime) -> None:
    make_profile(alice, at=now, score=560, total_loans=2)

    assert ask(at=now).eligible_amount == 35_000
    assert {terms.rate for terms in ask(at=now).terms} == {8}
