"""When a message is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from notifications.africastalking.answers import Kind, SendResult
from notifications.configuration import NotificationSettings
from notifications.services.schedule import is_too_old, lease_end, next_try, quiet_hours_end

SETTINGS = NotificationSettings(max_tries=4, retry_delays_seconds=[10, 60], hold_minutes=5, give_up_after_hours=2)


@pytest.mark.parametrize(("tries", "seconds"), [(1, 10), (2, 60), (3, 60)])
def test_retries_follow_the_delays_and_the_last_one_repeats(noon, tries, seconds):
    result = SendResult(Kind.RETRY)

    assert next_try(result=result, tries=tries, at=noon, settings=SETTINGS) == noon + timedelta(seconds=seconds)


@pytest.mark.parametrize(("kind", "tries"), [(Kind.RETRY, 4), (Kind.PERMANENT, 1)])
def test_last_try_and_permanent_refusal_end_the_message(noon, kind, tries):
    assert next_try(result=SendResult(kind), tries=tries, at=noon, settings=SETTINGS) is None


@pytest.mark.parametrize("kind", [Kind.HOLD, Kind.OPERATOR])
def test_waiting_for_somebody_goes_on_beyond_the_last_try(noon, kind):
    assert next_try(result=SendResult(kind), tries=9, at=noon, settings=SETTINGS) == noon + timedelta(minutes=5)


# Lagos is one hour ahead of UTC all year.
@pytest.mark.parametrize(
    ("at", "end"),
    [
        (datetime(2026, 11, 20, 19, 0, tzinfo=UTC), datetime(2026, 11, 21, 7, 5, tzinfo=UTC)),
        (datetime(2026, 11, 20, 23, 30, tzinfo=UTC), datetime(2026, 11, 21, 7, 5, tzinfo=UTC)),
        (datetime(2026, 11, 21, 6, 59, tzinfo=UTC), datetime(2026, 11, 21, 7, 5, tzinfo=UTC)),
        (datetime(2026, 11, 21, 7, 0, tzinfo=UTC), None),
        (datetime(2026, 11, 20, 18, 59, tzinfo=UTC), None),
        (datetime(2026, 12, 31, 22, 0, tzinfo=UTC), datetime(2027, 1, 1, 7, 5, tzinfo=UTC)),
    ],
)
def test_message_refused_in_the_quiet_hours_waits_for_the_morning(at, end):
    assert quiet_hours_end(at=at) == end
    assert next_try(result=SendResult(Kind.QUIET_HOURS), tries=9, at=at, settings=SETTINGS) == end


def test_lease_outlasts_both_time_outs(noon):
    settings = NotificationSettings(connect_timeout_seconds=3, read_timeout_seconds=10)

    assert lease_end(at=noon, settings=settings) == noon + timedelta(seconds=43)


def test_message_is_too_old_after_its_hours(noon):
    assert not is_too_old(queued_at=noon, at=noon + timedelta(minutes=119), settings=SETTINGS)
    assert is_too_old(queued_at=noon, at=noon + timedelta(minutes=120), settings=SETTINGS)
