"""A payout above the threshold waits for a second person: never the one who had the code made."""

from datetime import datetime
from decimal import Decimal

import pytest

from accounts.models import User
from configuration.services import change_category
from disbursements.configuration import PaymentSettings
from disbursements.models import Disbursement
from disbursements.services.decisions import MakerIsChecker, approve_disbursement
from promos.models import PromoCode
from promos.services.batches import create_batch
from promos.services.generation import order_codes, run_generation
from tests.promos.conftest import promo_terms, redeem

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def maker() -> User:
    return User.objects.create_user(email="maker@example.com", password="x")


@pytest.fixture
def other() -> User:
    return User.objects.create_user(email="other@example.com", password="x")


def redeem_code_of(
    *, batch_of: User | None, ordered_by: User | None, customer: User, code_from_run: bool = True, at: datetime
) -> Disbursement:
    """A payout of 5,000 francs that waits, for a code made by these people."""
    change_category(
        PaymentSettings, changes={"approval_threshold": Decimal(1000)}, changed_by=None, reason="Test", at=at
    )
    batch = create_batch(terms=promo_terms(at), created_by=batch_of, at=at)
    if code_from_run:
        run = order_codes(batch_id=batch.pk, count=1, ordered_by=ordered_by, nudge=False, at=at)
        run_generation(run_id=run.pk, clock=lambda: at)
        code = PromoCode.objects.get()
    else:
        code = PromoCode.objects.create(code="ABCDEF26GH11JK20", batch=batch, amount=Decimal(5000), created_at=at)
    redeem(customer, code, at=at)
    return Disbursement.objects.get()


def test_who_ordered_the_codes_may_not_approve(maker: User, other: User, alice: User, now: datetime) -> None:
    payout = redeem_code_of(batch_of=other, ordered_by=maker, customer=alice, at=now)

    with pytest.raises(MakerIsChecker):
        approve_disbursement(disbursement_id=payout.pk, approved_by=maker, at=now)

    payout.refresh_from_db()
    assert (payout.status, payout.requested_by, payout.approved_by) == ("awaiting_approval", maker, None)


@pytest.mark.parametrize("code_from_run", [True, False])
def test_who_made_the_batch_may_not_approve_when_nobody_is_known_to_have_ordered(
    code_from_run: bool, maker: User, other: User, alice: User, now: datetime
) -> None:
    payout = redeem_code_of(batch_of=maker, ordered_by=None, customer=alice, code_from_run=code_from_run, at=now)

    with pytest.raises(MakerIsChecker):
        approve_disbursement(disbursement_id=payout.pk, approved_by=maker, at=now)

    assert approve_disbursement(disbursement_id=payout.pk, approved_by=other, at=now).status == "queued"


def test_codes_made_from_the_command_line_have_no_maker(maker: User, alice: User, now: datetime) -> None:
    payout = redeem_code_of(batch_of=None, ordered_by=None, customer=alice, at=now)

    assert payout.requested_by is None
    assert approve_disbursement(disbursement_id=payout.pk, approved_by=maker, at=now).status == "queued"
