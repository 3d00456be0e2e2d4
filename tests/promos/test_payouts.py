"""What becomes of a redemption when its payout is paid, fails, is retried or cancelled."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from disbursements.models import Disbursement
from disbursements.providers.base import Answer, Outcome
from disbursements.providers.registry import provider_for
from disbursements.services.decisions import NotCancellable, cancel_disbursement, retry_disbursement
from disbursements.services.sending import open_attempt
from disbursements.services.settlement import settle_paid, settle_refused
from disbursements.statuses import ErrorClass
from ledger.selectors import balance_of
from notifications.models import SmsMessage
from promos.invariants import PROMO_INVARIANTS
from promos.models import Batch, BudgetSlice, PromoCode, Redemption
from promos.selectors import RedemptionNews, read_redemption_news, unheard_redemption
from promos.services.batches import create_batch
from promos.services.news import mark_news_heard
from promos.services.payouts import PromoPayouts
from promos.services.redemptions import RedemptionResult
from promos.statuses import Outcome as Said
from promos.statuses import RedemptionStatus
from promos.words import LONGEST, SMS
from tests.promos.conftest import actions, make_codes, promo_terms, redeem

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper() -> User:
    return User.objects.create_user(email="keeper@example.com", password="x")


@pytest.fixture
def redemption(alice: User, code: PromoCode, now: datetime) -> Redemption:
    redeem(alice, code, at=now)
    return Redemption.objects.get()


def pay(payout: Disbursement, at: datetime) -> None:
    attempt = open_attempt(disbursement_id=payout.pk, provider=provider_for(payout.provider), at=at)
    assert settle_paid(attempt=attempt, outcome=Outcome(Answer.PAID, transaction_id=f"T{payout.pk}"), at=at)


def fail(payout: Disbursement, at: datetime, code: str = "PAYEE_NOT_FOUND") -> None:
    attempt = open_attempt(disbursement_id=payout.pk, provider=provider_for(payout.provider), at=at)
    outcome = Outcome(Answer.REFUSED, ErrorClass.PERMANENT, code=code, message="No such wallet")
    assert settle_refused(attempt=attempt, outcome=outcome, balance=None, at=at)


def assert_invariants_hold() -> None:
    assert {name: check() for name, check in PROMO_INVARIANTS.items()} == {key: [] for key in PROMO_INVARIANTS}


def test_paid_redeems_the_code_and_tells_the_customer(redemption: Redemption, code: PromoCode, now: datetime) -> None:
    later = now + timedelta(minutes=1)

    pay(redemption.disbursement, later)

    redemption.refresh_from_db(), code.refresh_from_db()
    assert (redemption.status, redemption.completed_at) == ("completed", later)
    assert (code.status, code.used_at, code.redeemed_at) == ("redeemed", now, later)
    sms = SmsMessage.objects.get()
    assert (sms.to, sms.language, sms.template) == (redemption.phone, "en", "promo.paid")
    assert sms.body == (
        f"You have been paid RWF 5,000 for your promo code {code.code[:4]}... Thank you for taking part."
    )
    assert actions("promo.redemption") == ["promo.redemption.accepted", "promo.redemption.paid"]
    assert_invariants_hold()


def test_sms_is_in_the_customers_language(bob: User, code: PromoCode, now: datetime) -> None:
    redeem(bob, code, at=now)
    pay(Redemption.objects.get().disbursement, now)

    assert SmsMessage.objects.get().body.startswith("Mwishyuwe RWF 5,000")


def test_failed_for_good_is_visible_and_told(
    alice: User, redemption: Redemption, code: PromoCode, now: datetime
) -> None:
    fail(redemption.disbursement, now)

    redemption.refresh_from_db(), code.refresh_from_db()
    assert (redemption.status, redemption.error_code, redemption.error_message) == (
        "failed",
        "PAYEE_NOT_FOUND",
        "No such wallet",
    )
    assert (code.status, redemption.completed_at) == ("used", None)
    assert SmsMessage.objects.get().template == "promo.payment_failed"
    assert actions("promo.redemption") == ["promo.redemption.accepted", "promo.redemption.failed"]
    # The code never becomes active by itself.
    again = redeem(alice, code, at=now, key="session-2")
    assert (again.outcome, again.status) == (Said.ALREADY_USED, RedemptionStatus.FAILED)
    assert_invariants_hold()


def test_failed_then_retried_then_paid(redemption: Redemption, keeper: User, now: datetime) -> None:
    fail(redemption.disbursement, now)
    retry_disbursement(disbursement_id=redemption.disbursement_id, requested_by=keeper, reason="Wallet opened", at=now)
    redemption.refresh_from_db()
    assert (redemption.status, redemption.error_code) == ("pending", "")
    assert_invariants_hold()

    pay(redemption.disbursement, now)

    redemption.refresh_from_db()
    assert redemption.status == "completed"
    assert actions("promo.redemption") == [
        "promo.redemption.accepted",
        "promo.redemption.failed",
        "promo.redemption.retried",
        "promo.redemption.paid",
    ]
    assert_invariants_hold()


def test_customer_is_told_of_every_final_failure(redemption: Redemption, keeper: User, now: datetime) -> None:
    fail(redemption.disbursement, now)
    retry_disbursement(disbursement_id=redemption.disbursement_id, requested_by=keeper, reason="", at=now)
    fail(redemption.disbursement, now)

    assert list(SmsMessage.objects.values_list("template", flat=True)) == ["promo.payment_failed"] * 2


def test_cancelled_gives_the_budget_back(alice: User, keeper: User, now: datetime) -> None:
    batch = create_batch(terms=promo_terms(now, budget=Decimal(5000)), at=now)
    first, second = make_codes(batch, 2, at=now)
    redeem(alice, first, at=now)
    assert redeem(alice, second, at=now).outcome == Said.LIMIT_REACHED
    redemption = Redemption.objects.get()

    cancel_disbursement(disbursement_id=redemption.disbursement_id, cancelled_by=keeper, reason="Fraud", at=now)

    redemption.refresh_from_db(), first.refresh_from_db()
    assert (redemption.status, first.status) == ("cancelled", "used")
    assert sum(part.remaining for part in BudgetSlice.objects.all()) == Decimal(5000)
    assert balance_of(batch.account) == 0
    assert SmsMessage.objects.get().template == "promo.payment_cancelled"
    assert actions("promo.redemption") == ["promo.redemption.accepted", "promo.redemption.cancelled"]
    assert_invariants_hold()
    assert redeem(alice, second, at=now).outcome == Said.REDEEMED
    assert_invariants_hold()


def test_cancelled_redemptions_do_not_count_against_the_customer(
    alice: User, batch: Batch, keeper: User, now: datetime, rules
) -> None:
    first, second = make_codes(batch, 2, at=now)
    rules(max_redemptions_per_customer=1)
    redeem(alice, first, at=now)
    payout = Redemption.objects.get().disbursement
    cancel_disbursement(disbursement_id=payout.pk, cancelled_by=keeper, reason="", at=now)

    assert redeem(alice, second, at=now).outcome == Said.REDEEMED


def test_payout_under_way_cannot_be_cancelled(redemption: Redemption, keeper: User, now: datetime) -> None:
    open_attempt(disbursement_id=redemption.disbursement_id, provider=provider_for("mtn_momo"), at=now)

    with pytest.raises(NotCancellable):
        cancel_disbursement(disbursement_id=redemption.disbursement_id, cancelled_by=keeper, reason="", at=now)

    redemption.refresh_from_db()
    assert redemption.status == "pending"


@pytest.mark.parametrize("told", ["on_paid", "on_failed", "on_retried", "on_cancelled"])
def test_owner_told_twice_changes_nothing_more(told: str, redemption: Redemption, keeper: User, now: datetime) -> None:
    payout = redemption.disbursement
    acts: dict[str, Callable[[], object]] = {
        "on_paid": lambda: pay(payout, now),
        "on_failed": lambda: fail(payout, now),
        "on_retried": lambda: (
            fail(payout, now),
            retry_disbursement(disbursement_id=payout.pk, requested_by=keeper, reason="", at=now),
        ),
        "on_cancelled": lambda: cancel_disbursement(disbursement_id=payout.pk, cancelled_by=keeper, reason="", at=now),
    }
    acts[told]()
    redemption.refresh_from_db()
    before = (redemption.status, actions(), SmsMessage.objects.count())

    getattr(PromoPayouts(), told)(Disbursement.objects.get(pk=payout.pk), now)

    redemption.refresh_from_db()
    assert (redemption.status, actions(), SmsMessage.objects.count()) == before


def news_of(customer: User) -> RedemptionNews | None:
    """What the customer should hear."""
    found = User.objects.annotate(news=unheard_redemption()).get(pk=customer.pk).news
    return read_redemption_news(found) if found else None


def test_news_is_heard_once_and_again_when_it_changes(alice: User, redemption: Redemption, now: datetime) -> None:
    first = news_of(alice)
    assert first is not None
    assert (first.redemption_id, first.status) == (redemption.pk, RedemptionStatus.PENDING)
    assert (first.amount, first.currency, first.redeemed_at) == (Decimal(5000), "RWF", now)

    assert mark_news_heard(redemption_id=redemption.pk, status=first.status, at=now)
    assert news_of(alice) is None

    pay(redemption.disbursement, now)
    then = news_of(alice)
    assert then is not None
    assert then.status == RedemptionStatus.COMPLETED
    # Who was told of the state before has not heard this one.
    assert not mark_news_heard(redemption_id=redemption.pk, status=RedemptionStatus.PENDING, at=now)
    assert mark_news_heard(redemption_id=redemption.pk, status=RedemptionStatus.COMPLETED, at=now)
    assert news_of(alice) is None


def test_news_is_of_the_latest_redemption(alice: User, batch: Batch, now: datetime) -> None:
    old, new = make_codes(batch, 2, at=now)
    redeem(alice, old, at=now)
    redeem(alice, new, at=now + timedelta(seconds=1))

    found = news_of(alice)
    assert found is not None
    assert found.redemption_id == Redemption.objects.get(promo_code=new).pk


def test_paid_code_typed_again_says_paid(alice: User, redemption: Redemption, code: PromoCode, now: datetime) -> None:
    pay(redemption.disbursement, now)

    assert redeem(alice, code, at=now, key="session-9") == RedemptionResult(
        Said.ALREADY_USED,
        amount=Decimal(5000),
        currency="RWF",
        redemption_id=redemption.pk,
        status=RedemptionStatus.COMPLETED,
    )


@pytest.mark.parametrize("template", SMS)
@pytest.mark.parametrize("language", ["en", "rw", "sw", "fr"])
def test_words_fit_one_sms_at_their_longest(template: str, language: str) -> None:
    from notifications.gsm7 import is_gsm7, septets

    text = SMS[template][language].format(**LONGEST)
    assert is_gsm7(text)
    assert septets(text) <= 160
