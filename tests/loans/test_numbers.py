"""Loan numbers: unique, restarting each year, without anybody waiting for anybody."""

from datetime import UTC, datetime
from threading import Event, Thread
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction

from loans import numbers
from loans.models import Loan
from loans.numbers import next_loan_number
from loans.services.number_sequences import make_sequences
from loans.statuses import LoanChannel
from loans.tasks import make_number_sequences
from tests.audit.threads import run_together
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
LAGOS = ZoneInfo("Africa/Lagos")
# Years of their own: sequences outlive the test.
FIRST, SECOND, CROWDED, OPEN, NOBODYS = 2091, 2092, 2093, 2094, 2095


def at_noon(year: int, month: int = 6) -> datetime:
    return datetime(year, month, 15, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_sequences() -> None:
    """As before each of these years began."""
    with connection.cursor() as cursor:
        for channel in LoanChannel:
            for year in range(FIRST, NOBODYS + 2):
                cursor.execute(f"DROP SEQUENCE IF EXISTS loans_number_{channel}_{year}")


def take(year: int, channel: LoanChannel = LoanChannel.USSD) -> str:
    return next_loan_number(channel=channel, at=at_noon(year), zone=LAGOS)


def test_numbers_count_by_channel_and_year() -> None:
    assert [take(FIRST), take(FIRST)] == [f"USS-{FIRST}-001", f"USS-{FIRST}-002"]
    assert take(FIRST, LoanChannel.STAFF) == f"LOAN-{FIRST}-001"
    assert take(SECOND) == f"USS-{SECOND}-001"


def test_numbers_grow_wider_after_999() -> None:
    take(FIRST)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT setval('loans_number_ussd_{FIRST}', 999)")

    assert take(FIRST) == f"USS-{FIRST}-1000"
    longest = Loan._meta.get_field("number").max_length
    assert longest is not None and len(f"LOAN-{FIRST}-{10**9}") <= longest


def test_year_is_the_countrys() -> None:
    """Half past eleven at night in UTC is the new year in Lagos."""
    eve = datetime(FIRST, 12, 31, 23, 30, tzinfo=UTC)

    assert next_loan_number(channel=LoanChannel.USSD, at=eve, zone=LAGOS) == f"USS-{SECOND}-001"
    assert next_loan_number(channel=LoanChannel.USSD, at=eve, zone=ZoneInfo("UTC")) == f"USS-{FIRST}-001"


def test_many_at_once_in_a_new_year_get_different_numbers() -> None:
    taken = run_together(20, lambda _number: take(CROWDED))

    assert sorted(taken) == [f"USS-{CROWDED}-{number:03d}" for number in range(1, 21)]


def test_two_who_both_find_no_sequence_make_one() -> None:
    """PostgreSQL looks before it creates: at the barrier both have found none."""
    made = run_together(8, lambda _number: numbers.make_sequence(channel=LoanChannel.USSD, year=CROWDED))

    assert made == [None] * 8
    assert take(CROWDED) == f"USS-{CROWDED}-001"


def test_sequence_that_another_is_making_is_waited_for() -> None:
    """The other's transaction is open, so that nothing of it is seen: then its unique names refuse ours."""
    made, leave = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            numbers.make_sequence(channel=LoanChannel.USSD, year=CROWDED)
            made.set()
            leave.wait(30)
        connection.close()

    first = Thread(target=hold)
    first.start()
    assert made.wait(10)
    taken: list[str] = []
    second = Thread(target=lambda: (taken.append(take(CROWDED)), connection.close()))
    second.start()
    wait_until(_somebody_waits_for_a_lock)
    leave.set()
    first.join()
    second.join(20)

    assert taken == [f"USS-{CROWDED}-001"]


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return cursor.fetchone()[0] > 0


def test_nobody_waits_for_an_open_transaction() -> None:
    """One has taken a number in a transaction that stays open: others take theirs."""
    take(OPEN)
    taken, leave = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            take(OPEN)
            taken.set()
            leave.wait(30)
        connection.close()

    thread = Thread(target=hold)
    thread.start()
    try:
        assert taken.wait(10)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
        assert take(OPEN) == f"USS-{OPEN}-003"
    finally:
        leave.set()
        thread.join()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


def test_missing_sequence_does_not_spoil_the_callers_transaction() -> None:
    with transaction.atomic():
        assert take(NOBODYS) == f"USS-{NOBODYS}-001"
        assert not Loan.objects.exists()
    assert take(NOBODYS) == f"USS-{NOBODYS}-002"


def test_next_years_sequences_are_made_in_december() -> None:
    june = make_sequences(at=at_noon(FIRST))
    december = make_sequences(at=at_noon(FIRST, month=12))
    again = make_sequences(at=at_noon(FIRST, month=12))

    assert june == [f"loans_number_{channel}_{FIRST}" for channel in LoanChannel]
    assert december == again == june + [f"loans_number_{channel}_{SECOND}" for channel in LoanChannel]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relkind = 'S' AND relname = ANY(%s)", [december])
        assert cursor.fetchone() == (4,)


def test_task_makes_this_years_sequences_and_is_safe_to_run_twice() -> None:
    assert make_number_sequences() == make_number_sequences()
