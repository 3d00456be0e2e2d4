"""A phone that floods us is asked to wait; others, repeats and outages are not affected."""

from collections.abc import Callable
from datetime import datetime

import pytest

from accounts.models import User
from configuration.services import change_category
from tests.support.ports import closed_port
from tests.ussd.dialling import Handset
from tests.ussd.outages import move_redis
from ussd.configuration import UssdSettings

pytestmark = pytest.mark.django_db(transaction=True)

BUSY = "Service busy. Please try again."


@pytest.fixture(autouse=True)
def five_turns_a_minute(now: datetime) -> None:
    change_category(UssdSettings, changes={"turns_per_minute": 5}, changed_by=None, reason="Test", at=now)


def test_phone_beyond_its_turns_is_told_to_wait(handset: Callable[..., Handset], aline: User) -> None:
    replies = [handset().dial() for _dial in range(7)]

    assert [reply == BUSY for reply in replies] == [False] * 5 + [True] * 2
    assert handset(phone="+250788654321").dial() != BUSY


def test_repeats_do_not_count(handset: Callable[..., Handset], aline: User) -> None:
    phone = handset()
    first = phone.dial()

    assert {phone.repeat() for _time in range(10)} == {first}


def test_nobody_is_counted_without_redis(handset: Callable[..., Handset], aline: User, settings: object) -> None:
    move_redis(settings, closed_port())

    assert BUSY not in [handset().dial() for _dial in range(7)]
