"""Money put into the float."""

from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from ledger.selectors import balance_of
from ledger.services import InvalidPosting, PostingConflict, open_float_account, record_float_top_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def treasurer() -> User:
    return User.objects.create_user(email="treasurer@example.com", password="x")


def top_up(treasurer: User, amount: int, reference: str = "BANK-1") -> None:
    record_float_top_up(
        provider="mtn_momo",
        amount=Decimal(amount),
        currency="RWF",
        reference=reference,
        by=treasurer,
        at=timezone.now(),
    )


def test_top_up_is_entered_once_and_audited(treasurer: User) -> None:
    top_up(treasurer, 100_000)
    top_up(treasurer, 100_000)

    assert balance_of(open_float_account(provider="mtn_momo", currency="RWF")) == Decimal(100_000)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_label) == ("ledger.float.topped_up", "treasurer@example.com")


def test_same_reference_with_another_amount_is_refused(treasurer: User) -> None:
    top_up(treasurer, 100_000)

    with pytest.raises(PostingConflict):
        top_up(treasurer, 100_001)

    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize(("amount", "reference"), [(0, "BANK-1"), (-5, "BANK-1"), (5, " ")])
def test_bad_top_up_is_refused(treasurer: User, amount: int, reference: str) -> None:
    with pytest.raises(InvalidPosting):
        top_up(treasurer, amount, reference)

    assert AuditEvent.objects.count() == 0
