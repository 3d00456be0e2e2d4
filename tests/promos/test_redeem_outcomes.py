"""Every outcome of a typed code, what it changes and what it leaves alone (contract section 4)."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from disbursements.models import Disbursement
from ledger.models import Entry
from promos.models import Batch, CodeAttempt, PromoCode, Redemption
from promos.services.batch_status import block_batch
from promos.services.batches import create_batch
from promos.services.codes import block_codes, report_codes
from promos.services.redemptions import RedemptionResult
from promos.services.upkeep import keep_up
from promos.statuses import CodeStatus, Outcome, Reason, RedemptionStatus
from tests.promos.conftest import actions, make_codes, promo_terms, redeem

pytestmark = pytest.mark.django_db


def assert_nothing_was_paid(code: PromoCode | None = None, status: str = CodeStatus.ACTIVE) -> None:
    assert Redemption.objects.count() == 0
    assert Disbursement.objects.count() == 0
    if code is not None:
        code.refresh_from_db()
        assert code.status == status


def test_redeem_accepts_a_good_code(alice: User, batch: Batch, code: PromoCode, now: datetime) -> None:
    result = redeem(alice, code, at=now)

    redemption = Redemption.objects.get()
    assert result == RedemptionResult(
        Outcome.REDEEMED,
        amount=Decimal(5000),
        currency="RWF",
        redemption_id=redemption.pk,
        status=RedemptionStatus.PENDING,
    )
    code.refresh_from_db()
    assert (code.status, code.used_at) == ("used", now)
    payout = Disbursement.objects.get()
    assert redemption.disbursement == payout
    assert (payout.purpose, payout.payee, payout.amount, payout.currency) == ("promo", alice.phone, 5000, "RWF")
    assert payout.key == f"promo:code:{code.pk}"
    assert payout.funded_from == batch.account
    assert sorted(Entry.objects.values_list("account__code", "amount")) == [
        ("payouts_in_flight:RWF", Decimal("-5000.00")),
        (f"promo:{batch.pk}", Decimal("5000.00")),
    ]
    assert actions("promo.redemption") == ["promo.redemption.accepted"]


@pytest.mark.parametrize("form", ["{0}", "{1}", "{2}", "{3}", " {0} "])
def test_redeem_reads_a_code_in_any_form(form: str, alice: User, code: PromoCode, now: datetime) -> None:
    typed = form.format(str(code), code.code, str(code).lower(), str(code).replace("-", " "))

    assert redeem(alice, typed, at=now).outcome == Outcome.REDEEMED


@pytest.mark.parametrize(
    "typed", ["", "12", "ABCD-EF26-GH13-JK01", "A" * 500, "ABCD-EF26-GH02-JK30", "****", "😀" * 16]
)
def test_redeem_refuses_what_is_no_code_without_counting_it(typed: str, alice: User, now: datetime) -> None:
    for _ in range(10):
        assert redeem(alice, typed, at=now) == RedemptionResult(Outcome.INVALID_FORMAT)

    assert CodeAttempt.objects.count() == 0
    assert_nothing_was_paid()


def test_redeem_unknown_code_is_not_found_and_counted(alice: User, now: datetime) -> None:
    assert redeem(alice, "ABCD-EF26-GH11-JK20", at=now) == RedemptionResult(Outcome.NOT_FOUND)

    attempt = CodeAttempt.objects.get()
    assert (attempt.phone, attempt.outcome, attempt.code_hint, attempt.at) == (alice.phone, "NOT_FOUND", "ABCD", now)
    assert_nothing_was_paid()


def test_redeem_again_in_the_same_session_says_the_first_outcome(alice: User, code: PromoCode, now: datetime) -> None:
    first = redeem(alice, code, at=now)

    again = redeem(alice, code, at=now + timedelta(days=400))

    assert again.said_before
    assert (again.outcome, again.redemption_id, again.amount) == (Outcome.REDEEMED, first.redemption_id, Decimal(5000))
    assert Redemption.objects.count() == Disbursement.objects.count() == 1
    assert CodeAttempt.objects.count() == 0


def test_redeem_another_code_in_the_same_session_is_another_redemption(
    alice: User, batch: Batch, now: datetime
) -> None:
    first, second = make_codes(batch, 2, at=now)

    results = [redeem(alice, code, at=now) for code in (first, second)]

    assert [result.outcome for result in results] == [Outcome.REDEEMED, Outcome.REDEEMED]
    assert results[0].redemption_id != results[1].redemption_id


def test_redeem_own_code_in_another_session_says_where_the_money_is(
    alice: User, code: PromoCode, now: datetime
) -> None:
    first = redeem(alice, code, at=now)

    again = redeem(alice, code, at=now, key="session-2")

    assert (again.outcome, again.redemption_id) == (Outcome.ALREADY_USED, first.redemption_id)
    assert (again.status, again.amount, again.currency) == (RedemptionStatus.PENDING, Decimal(5000), "RWF")
    assert not again.said_before
    # Asking about one's own money is no guess.
    assert CodeAttempt.objects.count() == 0


def test_redeem_somebody_elses_code_is_already_used_and_tells_nothing(
    alice: User, bob: User, code: PromoCode, now: datetime
) -> None:
    redeem(alice, code, at=now)

    assert redeem(bob, code, at=now) == RedemptionResult(Outcome.ALREADY_USED)
    assert CodeAttempt.objects.get().outcome == "ALREADY_USED"
    assert Redemption.objects.count() == 1


def test_redeem_expired_code(alice: User, code: PromoCode, batch: Batch, now: datetime) -> None:
    assert redeem(alice, code, at=batch.expiration_date) == RedemptionResult(Outcome.EXPIRED)
    assert_nothing_was_paid(code)

    keep_up(at=batch.expiration_date)

    assert redeem(alice, code, at=batch.expiration_date) == RedemptionResult(Outcome.EXPIRED)
    assert_nothing_was_paid(code, CodeStatus.EXPIRED)
    assert CodeAttempt.objects.filter(outcome="EXPIRED").count() == 2


def test_redeem_in_the_last_moment_and_in_the_grace_period(alice: User, batch: Batch, now: datetime, rules) -> None:
    last_moment, in_grace, too_late = make_codes(batch, 3, at=now)
    just_before = batch.expiration_date - timedelta(microseconds=1)
    assert redeem(alice, last_moment, at=just_before).outcome == Outcome.REDEEMED

    rules(grace_period_hours=2)

    grace_ends = batch.expiration_date + timedelta(hours=2)
    assert redeem(alice, in_grace, at=grace_ends - timedelta(microseconds=1)).outcome == Outcome.REDEEMED
    assert redeem(alice, too_late, at=grace_ends).outcome == Outcome.EXPIRED


def test_redeem_own_date_of_a_code_wins_over_the_batch(alice: User, code: PromoCode, now: datetime) -> None:
    PromoCode.objects.filter(pk=code.pk).update(expires_at=now)

    assert redeem(alice, code, at=now).outcome == Outcome.EXPIRED


@pytest.mark.parametrize("stop", [block_codes, report_codes])
def test_redeem_blocked_and_reported_codes(stop, alice: User, code: PromoCode, now: datetime) -> None:
    stop(code_ids=[code.pk], reason="Found in the street", at=now)

    assert redeem(alice, code, at=now) == RedemptionResult(Outcome.BLOCKED)
    assert Redemption.objects.count() == 0
    assert CodeAttempt.objects.get().outcome == "BLOCKED"


def test_redeem_code_of_a_blocked_batch(alice: User, batch: Batch, code: PromoCode, now: datetime) -> None:
    block_batch(batch_id=batch.pk, reason="Print run stolen", at=now)

    assert redeem(alice, code, at=now) == RedemptionResult(Outcome.BATCH_INACTIVE)
    assert_nothing_was_paid(code)
    assert CodeAttempt.objects.get().outcome == "BATCH_INACTIVE"


def test_redeem_for_a_customer_who_is_switched_off(alice: User, code: PromoCode, now: datetime) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert redeem(alice, code, at=now) == RedemptionResult(Outcome.BLOCKED, reason=Reason.CUSTOMER_INACTIVE)
    assert_nothing_was_paid(code)


def test_redeem_up_to_the_customers_total(alice: User, bob: User, batch: Batch, now: datetime, rules) -> None:
    first, second, third = make_codes(batch, 3, at=now)
    rules(max_redemptions_per_customer=2)
    redeem(alice, first, at=now)
    redeem(alice, second, at=now)

    assert redeem(alice, third, at=now) == RedemptionResult(Outcome.LIMIT_REACHED, reason=Reason.CUSTOMER_TOTAL)
    assert CodeAttempt.objects.count() == 0
    assert redeem(bob, third, at=now).outcome == Outcome.REDEEMED


def test_redeem_up_to_the_customers_limit_in_a_batch(alice: User, batch: Batch, now: datetime, rules) -> None:
    first, second = make_codes(batch, 2, at=now)
    other = create_batch(terms=promo_terms(now, name="Other"), at=now)
    elsewhere = make_codes(other, 1, at=now)[0]
    rules(max_redemptions_per_customer_per_batch=1)
    redeem(alice, first, at=now)

    assert redeem(alice, second, at=now).reason == Reason.CUSTOMER_BATCH
    assert redeem(alice, elsewhere, at=now).outcome == Outcome.REDEEMED


def test_redeem_up_to_the_customers_limit_in_a_day(alice: User, batch: Batch, rules) -> None:
    # 21:30 in Kigali is half past seven in the evening UTC; midnight comes at 22:00 UTC.
    evening = datetime.fromisoformat("2030-03-01T21:30:00+00:00")
    Batch.objects.filter(pk=batch.pk).update(expiration_date=evening + timedelta(days=9))
    batch.refresh_from_db()
    first, second = make_codes(batch, 2, at=evening)
    rules(max_redemptions_per_customer_per_day=1)
    redeem(alice, first, at=evening)

    assert redeem(alice, second, at=evening) == RedemptionResult(
        Outcome.LIMIT_REACHED, reason=Reason.CUSTOMER_DAY, retry_after=timedelta(minutes=30)
    )
    assert redeem(alice, second, at=evening + timedelta(minutes=30)).outcome == Outcome.REDEEMED


def test_redeem_again_after_the_cooldown(alice: User, batch: Batch, now: datetime, rules) -> None:
    first, second = make_codes(batch, 2, at=now)
    rules(cooldown_minutes=10)
    redeem(alice, first, at=now)

    assert redeem(alice, second, at=now + timedelta(minutes=4)) == RedemptionResult(
        Outcome.LIMIT_REACHED, reason=Reason.COOLDOWN, retry_after=timedelta(minutes=6)
    )
    assert redeem(alice, second, at=now + timedelta(minutes=10)).outcome == Outcome.REDEEMED


def test_redeem_until_the_budget_is_spent(alice: User, now: datetime) -> None:
    batch = create_batch(terms=promo_terms(now, budget=Decimal(12_000)), at=now)
    codes = make_codes(batch, 3, at=now)

    results = [redeem(alice, code, at=now) for code in codes]

    assert [result.outcome for result in results] == [Outcome.REDEEMED, Outcome.REDEEMED, Outcome.LIMIT_REACHED]
    assert results[2].reason == Reason.BUDGET
    assert [slice_.remaining for slice_ in batch.budget_slices.exclude(remaining=0)] == [Decimal(2000)]


def test_redeem_with_two_refusals_in_turn_leaves_the_budget_whole(
    alice: User, batch: Batch, code: PromoCode, now: datetime, rules
) -> None:
    """A code that is refused takes nothing: limits are looked at before the budget."""
    with_budget = create_batch(terms=promo_terms(now, name="Small", budget=Decimal(5000)), at=now)
    second = make_codes(with_budget, 1, at=now)[0]
    rules(max_redemptions_per_customer=1)
    redeem(alice, code, at=now)

    assert redeem(alice, second, at=now).reason == Reason.CUSTOMER_TOTAL
    assert sum(part.remaining for part in with_budget.budget_slices.all()) == Decimal(5000)


def test_redeem_amount_that_may_no_longer_be_paid_asks_to_try_later(
    alice: User, code: PromoCode, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from disbursements.services import requests

    def refuse(*args: object) -> None:
        raise requests.AmountOutOfRange("RWF 5,000 is not between 1 and 100.")

    monkeypatch.setattr(requests, "_check", refuse)

    assert redeem(alice, code, at=now) == RedemptionResult(Outcome.TRY_LATER)
    assert_nothing_was_paid(code)
