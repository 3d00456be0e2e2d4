"""When a message that was not taken is looked at again, if ever. Plain functions of the time given."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from notifications.africastalking.answers import Kind, SendResult
from notifications.configuration import NotificationSettings

# Nigeria's rule: no promotional sender id between 20:00 and 08:00 (answer 409). A few minutes' grace at the end.
QUIET_ZONE = ZoneInfo("Africa/Lagos")
QUIET_FROM, QUIET_UNTIL = time(20), time(8)
QUIET_GRACE = timedelta(minutes=5)
# Beyond both time-outs, so that a lease never ends while its worker still waits for an answer.
LEASE_MARGIN = timedelta(seconds=30)


def lease_end(*, at: datetime, settings: NotificationSettings) -> datetime:
    """Until when a worker that claims a message at `at` has it for itself."""
    seconds = settings.connect_timeout_seconds + settings.read_timeout_seconds
    return at + timedelta(seconds=seconds) + LEASE_MARGIN


def next_try(*, result: SendResult, tries: int, at: datetime, settings: NotificationSettings) -> datetime | None:
    """When to try again after the `tries`-th try gave `result`, which is not acceptance. None: never."""
    if result.kind is Kind.QUIET_HOURS:
        return quiet_hours_end(at=at)
    if result.kind in (Kind.HOLD, Kind.OPERATOR):
        return at + timedelta(minutes=settings.hold_minutes)
    if result.kind is Kind.RETRY and tries < settings.max_tries:
        delays = settings.retry_delays_seconds
        return at + timedelta(seconds=delays[min(tries, len(delays)) - 1])
    return None


def uses_up_a_try(result: SendResult) -> bool:
    """Waiting for somebody, or for the morning, does not count against the message."""
    return result.kind in (Kind.RETRY, Kind.PERMANENT)


def quiet_hours_end(*, at: datetime) -> datetime | None:
    """The end of the quiet hours that `at` lies in; None outside them: then the refusal has another reason."""
    local = at.astimezone(QUIET_ZONE)
    if QUIET_UNTIL <= local.time() < QUIET_FROM:
        return None
    day = local.date() if local.time() < QUIET_UNTIL else local.date() + timedelta(days=1)
    return datetime.combine(day, QUIET_UNTIL, tzinfo=QUIET_ZONE).astimezone(at.tzinfo) + QUIET_GRACE


def is_too_old(*, queued_at: datetime, at: datetime, settings: NotificationSettings) -> bool:
    """Whether nobody would understand the message any more."""
    return at - queued_at >= timedelta(hours=settings.give_up_after_hours)
