"""What a redemption does when the database says no: try later when nothing can have happened, else tell the caller."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import OperationalError
from django_redis import get_redis_connection
from structlog.testing import capture_logs

from accounts.models import User
from configuration import snapshot
from configuration.selectors import current
from configuration.services import change_category
from disbursements.configuration import PaymentSettings
from promos import throttles
from promos.configuration import PromoRules
from promos.models import PromoCode, Redemption
from promos.services import redemptions
from promos.services.redemptions import RedemptionResult
from promos.statuses import Outcome
from tests.promos.conftest import redeem

pytestmark = pytest.mark.django_db


def failing_with(error: Exception) -> Any:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError(str(error)) from error

    return fail


def tries_counted(customer: User) -> int:
    client = get_redis_connection("sessions")
    wrong, under_way, _blocked = throttles._keys(customer.phone or "")
    return int(client.zcard(wrong)) + int(client.zcard(under_way))


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.LockNotAvailable("lock"),
        psycopg.errors.DeadlockDetected("ring"),
        psycopg.errors.SerializationFailure("again"),
        psycopg.errors.QueryCanceled("too long"),
    ],
)
def test_passing_trouble_asks_to_try_later_and_costs_no_try(
    error: Exception, alice: User, code: PromoCode, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(redemptions, "lock_code", failing_with(error))
        assert redeem(alice, code, at=now) == RedemptionResult(Outcome.TRY_LATER)

    assert tries_counted(alice) == 0
    assert redeem(alice, code, at=now).outcome == Outcome.REDEEMED


def test_lost_connection_goes_up_because_nobody_knows_what_was_stored(
    alice: User, code: PromoCode, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redemptions, "lock_code", failing_with(psycopg.OperationalError("server closed")))

    with pytest.raises(OperationalError):
        redeem(alice, code, at=now)

    assert tries_counted(alice) == 0
    assert Redemption.objects.count() == 0


def test_trouble_while_writing_leaves_nothing_behind(
    alice: User, code: PromoCode, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(redemptions, "record", failing_with(psycopg.errors.DeadlockDetected("ring")))
        assert redeem(alice, code, at=now).outcome == Outcome.TRY_LATER

    code.refresh_from_db()
    assert (code.status, Redemption.objects.count()) == ("active", 0)
    assert redeem(alice, code, at=now).outcome == Outcome.REDEEMED


@pytest.mark.parametrize("changes", [{"momo_currency": "EUR"}, {"max_amount": Decimal(4999)}])
def test_code_that_payouts_no_longer_allow_stays_good(
    changes: dict[str, Any], alice: User, code: PromoCode, now: datetime
) -> None:
    change_category(PaymentSettings, changes=changes, changed_by=None, reason="Test", at=now)

    with capture_logs() as logs:
        assert redeem(alice, code, at=now) == RedemptionResult(Outcome.TRY_LATER)

    code.refresh_from_db()
    assert (code.status, Redemption.objects.count(), tries_counted(alice)) == ("active", 0, 0)
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["redemption_not_payable"]


@pytest.mark.parametrize("unread", [PaymentSettings, PromoRules])
def test_nothing_is_promised_while_the_limits_in_force_are_not_known(
    unread: type, alice: User, code: PromoCode, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_category(PaymentSettings, changes={"approval_threshold": 1000}, changed_by=None, reason="Test", at=now)
    current(PaymentSettings)
    with monkeypatch.context() as patch:
        # As in a process that has just started and could not reach the database for a moment.
        patch.setitem(snapshot._known, unread.slug, snapshot.Known(snapshot.UNREAD, 0, unread(), is_certain=False))
        assert redeem(alice, code, at=now) == RedemptionResult(Outcome.TRY_LATER)

    assert (Redemption.objects.count(), tries_counted(alice)) == (0, 0)
    assert redeem(alice, code, at=now).outcome == Outcome.REDEEMED
    assert Redemption.objects.get().disbursement.status == "awaiting_approval"


@pytest.mark.parametrize("key", ["k" * 500, "with\nlines and 😀 and \x00", ""])
def test_any_key_of_a_session_works_and_repeats(key: str, alice: User, code: PromoCode, now: datetime) -> None:
    first = redeem(alice, code, at=now, key=key)
    again = redeem(alice, code, at=now, key=key)

    assert (first.outcome, again.outcome) == (Outcome.REDEEMED, Outcome.REDEEMED)
    assert (again.said_before, again.redemption_id) == (True, first.redemption_id)


def test_same_session_id_of_another_customer_is_another_session(
    alice: User, bob: User, code: PromoCode, now: datetime
) -> None:
    redeem(alice, code, at=now, key="1234")

    assert redeem(bob, code, at=now, key="1234") == RedemptionResult(Outcome.ALREADY_USED)
