"""Guess-blocking: five a minute, thirty an hour, a hundred a day, then an hour's block (contract section 4)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from redis import ConnectionError as RedisConnectionError

from accounts.models import User
from promos import throttles
from promos.models import Batch, CodeAttempt
from promos.services.redemptions import RedemptionResult
from promos.statuses import Outcome
from tests.audit.threads import run_together
from tests.promos.conftest import actions, make_codes, redeem

pytestmark = pytest.mark.django_db

UNKNOWN = "ABCD-EF26-GH11-JK20"
BLOCKED = RedemptionResult(Outcome.TOO_MANY_ATTEMPTS, retry_after=timedelta(hours=1))
ROADS = ["redis", "database"]


class DeadRedis:
    """Every command fails, as when the server is gone."""

    def register_script(self, _script: str) -> Any:
        return self.zrem

    def zrem(self, *_args: Any, **_kwargs: Any) -> Any:
        raise RedisConnectionError("gone")


@pytest.fixture(params=ROADS)
def road(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same promises with Redis and without."""
    if request.param == "database":
        monkeypatch.setattr(throttles, "_client", DeadRedis)
    return request.param


def guess(customer: User, at: datetime) -> Outcome:
    return redeem(customer, UNKNOWN, at=at).outcome


def test_sixth_wrong_code_in_a_minute_blocks_for_an_hour(road: str, alice: User, now: datetime) -> None:
    assert [guess(alice, now) for _ in range(5)] == [Outcome.NOT_FOUND] * 5

    assert redeem(alice, UNKNOWN, at=now + timedelta(seconds=59)) == BLOCKED

    almost = now + timedelta(minutes=60, seconds=58)
    assert redeem(alice, UNKNOWN, at=almost) == RedemptionResult(
        Outcome.TOO_MANY_ATTEMPTS, retry_after=timedelta(seconds=1)
    )
    assert guess(alice, almost + timedelta(seconds=1)) == Outcome.NOT_FOUND


def test_block_is_recorded_once(road: str, alice: User, now: datetime) -> None:
    for _ in range(9):
        guess(alice, now)

    outcomes = list(CodeAttempt.objects.order_by("id").values_list("outcome", flat=True))
    assert outcomes == ["NOT_FOUND"] * 5 + ["TOO_MANY_ATTEMPTS"]
    assert actions() == ["promo.guessing.blocked"]


def test_five_wrong_codes_are_forgotten_after_a_minute(road: str, alice: User, now: datetime) -> None:
    for _ in range(5):
        guess(alice, now)

    assert guess(alice, now + timedelta(minutes=1)) == Outcome.NOT_FOUND


def test_thirty_first_wrong_code_in_an_hour_blocks(road: str, alice: User, now: datetime) -> None:
    outcomes = [guess(alice, now + timedelta(seconds=61 * number)) for number in range(31)]

    assert outcomes == [Outcome.NOT_FOUND] * 30 + [Outcome.TOO_MANY_ATTEMPTS]


def test_wrong_code_above_the_days_number_blocks(road: str, alice: User, now: datetime, rules) -> None:
    rules(attempts_per_day=6, attempts_per_hour=5, block_minutes=1)
    outcomes = [guess(alice, now + timedelta(hours=2 * number)) for number in range(7)]

    assert outcomes == [Outcome.NOT_FOUND] * 6 + [Outcome.TOO_MANY_ATTEMPTS]
    assert guess(alice, now + timedelta(hours=24)) == Outcome.NOT_FOUND


def test_blocked_phone_cannot_redeem_a_good_code_either(
    road: str, alice: User, bob: User, batch: Batch, now: datetime
) -> None:
    code = make_codes(batch, 1, at=now)[0]
    for _ in range(6):
        guess(alice, now)

    assert redeem(alice, code, at=now).outcome == Outcome.TOO_MANY_ATTEMPTS
    assert redeem(bob, code, at=now).outcome == Outcome.REDEEMED


def test_blocked_phone_still_hears_its_first_outcome(road: str, alice: User, batch: Batch, now: datetime) -> None:
    code = make_codes(batch, 1, at=now)[0]
    first = redeem(alice, code, at=now)
    for _ in range(6):
        guess(alice, now)

    again = redeem(alice, code, at=now)

    assert (again.outcome, again.redemption_id, again.said_before) == (Outcome.REDEEMED, first.redemption_id, True)


def test_good_codes_and_typing_errors_use_up_no_try(road: str, alice: User, batch: Batch, now: datetime) -> None:
    for code in make_codes(batch, 12, at=now):
        assert redeem(alice, code, at=now).outcome == Outcome.REDEEMED
        assert redeem(alice, "hello", at=now).outcome == Outcome.INVALID_FORMAT

    assert guess(alice, now) == Outcome.NOT_FOUND


def test_redis_that_dies_between_counting_and_answering_takes_no_outcome_away(
    alice: User, batch: Batch, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = make_codes(batch, 1, at=now)[0]
    begin_try = throttles.begin_try

    def begin_and_die(**arguments: Any) -> throttles.Try:
        begun = begin_try(**arguments)
        monkeypatch.setattr(throttles, "_client", DeadRedis)
        return begun

    monkeypatch.setattr(throttles, "begin_try", begin_and_die)

    assert redeem(alice, code, at=now).outcome == Outcome.REDEEMED


def test_what_redis_counted_is_known_to_the_database_when_redis_dies(
    alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        guess(alice, now)
    monkeypatch.setattr(throttles, "_client", DeadRedis)

    assert redeem(alice, UNKNOWN, at=now) == BLOCKED


@pytest.mark.django_db(transaction=True)
def test_guesses_at_once_are_counted_exactly(road: str, alice: User, now: datetime, rules: Any) -> None:
    rules(lock_wait_seconds=60)
    outcomes = run_together(20, lambda _number: guess(alice, now))

    assert sorted(outcomes) == ["NOT_FOUND"] * 5 + ["TOO_MANY_ATTEMPTS"] * 15


@pytest.mark.django_db(transaction=True)
def test_good_codes_at_once_from_one_phone_never_start_a_block(
    alice: User, batch: Batch, now: datetime, rules: Any
) -> None:
    """Tries under way use up what is left for a moment; they are no guesses."""
    rules(lock_wait_seconds=60)
    codes = make_codes(batch, 12, at=now)

    outcomes = run_together(12, lambda number: redeem(alice, codes[number], at=now).outcome)

    assert set(outcomes) <= {Outcome.REDEEMED, Outcome.TOO_MANY_ATTEMPTS}
    assert actions("promo.guessing") == []
    again = [redeem(alice, code, at=now).outcome for code in codes]
    assert again == [Outcome.REDEEMED] * 12
