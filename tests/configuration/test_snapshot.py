"""What readers get, and what it costs the database."""

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from configuration import registry, snapshot
from configuration.models import ConfigurationVersion
from configuration.selectors import current
from configuration.services import change_category
from notifications.configuration import NotificationSettings
from tests.configuration.categories import Shop, registered

CHILD = """
import sys, time, django
django.setup()
from configuration.registry import register_category
from configuration.selectors import current
from tests.configuration.categories import Shop
register_category(Shop)
while True:
    print(current(Shop).staff, flush=True)
    time.sleep(0.05)
"""


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr(snapshot.time, "monotonic", lambda: self.now)

    def advance(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@contextmanager
def database_away():
    """Nothing listens where this thread's connection looks for PostgreSQL."""
    wrapper = connections["default"]
    there = wrapper.settings_dict
    wrapper.close()
    wrapper.settings_dict = {**there, "PORT": "1"}
    try:
        yield
    finally:
        wrapper.settings_dict = there


def write_behind_our_back(version=1, **values):
    """A version as another process writes it: this process is not told."""
    ConfigurationVersion.objects.create(
        category="shop", version=version, values=values, reason="r", created_at=datetime.now(UTC)
    )


@pytest.mark.django_db
def test_all_categories_together_cost_one_select_in_three_seconds(clock):
    with CaptureQueriesContext(connection) as queries:
        for _ in range(50):
            current(Shop)
            current(NotificationSettings)
            clock.advance(0.05)

    assert len(queries) == 1


@pytest.mark.django_db
def test_change_by_another_process_is_seen_after_three_seconds_and_not_before(clock):
    assert current(Shop).staff == 2
    write_behind_our_back(staff=7)

    clock.advance(2.9)
    assert current(Shop).staff == 2
    clock.advance(0.2)
    assert current(Shop).staff == 7


@pytest.mark.django_db
def test_unchanged_category_keeps_its_object(clock):
    first = current(Shop)
    clock.advance(4)

    assert current(Shop) is first


@pytest.mark.django_db
def test_change_that_was_rolled_back_is_forgotten(clock):
    change = {"changed_by": None, "reason": "r", "at": datetime.now(UTC)}
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        change_category(Shop, changes={"staff": 7}, **change)
        assert current(Shop).staff == 7
        raise ZeroDivisionError

    change_category(Shop, changes={"staff": 8}, **change)

    assert current(Shop).staff == 8


@pytest.mark.django_db
def test_category_registered_late_has_its_stored_values(clock):
    with registered():
        write_behind_our_back(staff=7)
        registry._categories.pop("shop")
        current(NotificationSettings)
        registry.register_category(Shop)
        clock.advance(4)

        assert current(Shop).staff == 7


def test_reader_without_a_database_gets_defaults():
    # This test may not touch the database, so reading it fails.
    assert current(Shop) == Shop()


@pytest.mark.django_db(transaction=True)
def test_database_away_leaves_the_last_known_values_and_is_asked_once_in_three_seconds(clock, monkeypatch):
    write_behind_our_back(staff=7)
    assert current(Shop).staff == 7
    asked = []
    read = snapshot._read_rows

    def count_and_read():
        asked.append(clock.now)
        return read()

    monkeypatch.setattr(snapshot, "_read_rows", count_and_read)
    clock.advance(4)

    with database_away():
        for _ in range(60):
            assert current(Shop).staff == 7
            clock.advance(0.1)

    assert len(asked) == 2


@pytest.mark.django_db(transaction=True)
def test_change_is_read_once_the_database_is_back(clock):
    with database_away():
        assert current(Shop).staff == 2

    write_behind_our_back(staff=7)
    clock.advance(4)

    assert current(Shop).staff == 7


@pytest.mark.django_db
def test_reader_in_a_failed_transaction_gets_the_last_known_values(clock):
    current(Shop)
    clock.advance(4)

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        transaction.set_rollback(True)
        assert current(Shop).staff == 2
        raise ZeroDivisionError


@pytest.mark.django_db
def test_readers_do_not_wait_for_the_one_who_looks(monkeypatch):
    current(Shop)
    snapshot.expire_snapshot()
    looking, go_on = threading.Event(), threading.Event()

    def slow_read():
        looking.set()
        assert go_on.wait(60)
        return {}

    monkeypatch.setattr(snapshot, "_read_rows", slow_read)
    slow = threading.Thread(target=current, args=[Shop])
    slow.start()
    assert looking.wait(60)

    started = time.monotonic()
    values = current(Shop)
    waited = time.monotonic() - started

    go_on.set()
    slow.join()
    assert values == Shop()
    # Whoever waited for the one who looks would wait a minute.
    assert waited < 30


@pytest.mark.django_db(transaction=True)
def test_running_process_obeys_a_change():
    """Within the five seconds promised: it looks more often than that, and a process that reads sees what it finds."""
    assert snapshot.LOOK_EVERY_SECONDS <= 4
    name = connection.settings_dict["NAME"]
    base, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    environment = os.environ | {"DATABASE_URL": f"{base}/{name}", "DJANGO_SETTINGS_MODULE": "config.settings.test"}
    child = subprocess.Popen([sys.executable, "-c", CHILD], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "2\n"
        change_category(Shop, changes={"staff": 7}, changed_by=None, reason="r", at=datetime.now(UTC))
        started = time.monotonic()

        while child.stdout.readline() != "7\n":
            assert time.monotonic() - started < 60
    finally:
        child.kill()
        child.communicate()
