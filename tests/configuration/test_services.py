"""Changing settings: versions, refusals, audit."""

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.test.utils import CaptureQueriesContext
from pydantic import SecretStr

from audit.models import AuditEvent
from configuration import services
from configuration.changes import FieldChange, InvalidConfiguration
from configuration.models import ConfigurationVersion
from configuration.selectors import UnknownVersion, category_history, current, stored_category
from configuration.services import (
    ConfigurationConflict,
    NothingChanged,
    change_category,
    preview_change,
    preview_roll_back,
    roll_back_category,
)
from tests.configuration.categories import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(django_user_model):
    return django_user_model.objects.create(email="manager@example.com", is_staff=True)


def change(noon, *, by=None, reason="Because", **changes):
    return change_category(Shop, changes=changes, changed_by=by, reason=reason, at=noon)


def test_change_is_the_next_version_and_in_force_at_once(noon, manager):
    row = change(noon, by=manager, staff=5, till_key="open sesame")

    assert (row.version, row.reason, row.created_by, row.created_at) == (1, "Because", manager, noon)
    assert current(Shop) == Shop(staff=5, till_key="open sesame")
    assert row.values.keys() == {"staff", "till_key"}
    assert "sesame" not in str(row.values)


def test_second_change_keeps_what_the_first_set(noon):
    change(noon, staff=5, till_key="t")
    change(noon, name="Big shop")

    assert current(Shop) == Shop(staff=5, till_key="t", name="Big shop")


def test_change_leaves_one_audit_event_with_only_the_changed_fields(noon, manager):
    change(noon, by=manager, staff=5, till_key="open sesame", open=True)

    event = AuditEvent.objects.get()
    assert event.action == "configuration.changed"
    assert (event.target_type, event.target_id) == ("configuration.category", "shop")
    assert event.before == {"staff": 2, "till_key": event.before["till_key"]}
    assert event.after["staff"] == 5
    assert "sesame" not in str([event.before, event.after])
    assert (event.actor_id, event.actor_label, event.reason) == (str(manager.pk), "manager@example.com", "Because")
    assert event.at == noon


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_change_without_a_usable_reason_is_refused(noon, reason):
    with pytest.raises(InvalidConfiguration) as refused:
        change(noon, staff=5, reason=reason)

    assert refused.value.errors.keys() == {"reason"}
    assert nothing_written()


def test_bad_value_is_refused_and_nothing_is_written(noon):
    with pytest.raises(InvalidConfiguration) as refused:
        change(noon, staff=50, name="Big shop")

    assert refused.value.errors == {"staff": ["Input should be less than or equal to 9."]}
    assert nothing_written()
    assert current(Shop) == Shop()


def test_change_to_the_values_in_force_is_refused(noon):
    change(noon, staff=5)

    with pytest.raises(NothingChanged):
        change(noon, staff=5, name="Corner shop")

    assert ConfigurationVersion.objects.count() == 1
    assert AuditEvent.objects.count() == 1


def test_change_that_expects_an_older_version_is_refused(noon):
    change(noon, staff=5)

    with pytest.raises(ConfigurationConflict, match="version 1 is in force, not 0"):
        change_category(Shop, changes={"staff": 6}, changed_by=None, reason="r", at=noon, expected_version=0)

    assert current(Shop).staff == 5
    assert ConfigurationVersion.objects.count() == 1


def test_roll_back_writes_the_old_values_as_a_new_version(noon):
    change(noon, staff=5, till_key="first")
    change(noon, staff=6, till_key="second", name="Big shop")

    row = roll_back_category(Shop, version=1, changed_by=None, reason="Too big", at=noon)

    assert (row.version, row.reason) == (3, "Rolled back to version 1: Too big")
    assert current(Shop) == Shop(staff=5, till_key="first")
    event = AuditEvent.objects.order_by("-pk")[0]
    assert event.before["staff"] == 6
    assert event.after.keys() == {"staff", "till_key", "name"}


def test_roll_back_to_version_zero_gives_the_defaults(noon):
    change(noon, staff=5)

    roll_back_category(Shop, version=0, changed_by=None, reason="r", at=noon)

    assert current(Shop) == Shop()


def test_roll_back_to_an_unknown_version_is_refused(noon):
    change(noon, staff=5)

    with pytest.raises(UnknownVersion, match="Shop has no version 7"):
        roll_back_category(Shop, version=7, changed_by=None, reason="r", at=noon)

    assert ConfigurationVersion.objects.count() == 1


def test_roll_back_to_the_values_in_force_is_refused(noon):
    change(noon, staff=5)

    with pytest.raises(NothingChanged):
        roll_back_category(Shop, version=1, changed_by=None, reason="r", at=noon)


def test_roll_back_to_a_secret_no_key_reads_is_refused(noon, settings):
    change(noon, till_key="first")
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    change(noon, staff=3)

    with pytest.raises(InvalidConfiguration) as refused:
        roll_back_category(Shop, version=1, changed_by=None, reason="r", at=noon)

    assert refused.value.errors.keys() == {"till_key"}
    assert ConfigurationVersion.objects.count() == 2


def test_secret_that_cannot_be_read_now_survives_a_change_of_another_field(noon, settings):
    keys = settings.FIELD_ENCRYPTION_KEYS
    change(noon, till_key="first")
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    change(noon, staff=3)

    settings.FIELD_ENCRYPTION_KEYS = keys

    assert stored_category(Shop).values == Shop(till_key="first", staff=3)


def test_secret_is_read_after_the_keys_were_rotated(noon, settings):
    change(noon, till_key="first")

    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEYS]

    assert stored_category(Shop).values.till_key == SecretStr("first")


def test_preview_tells_what_would_change_and_writes_nothing(noon):
    change(noon, staff=5)

    preview = preview_change(Shop, changes={"staff": 6, "till_key": "t"})

    assert preview.version == 1
    assert preview.changes == [FieldChange("staff", 5, 6), FieldChange("till_key", "", "********")]
    assert ConfigurationVersion.objects.count() == 1


def test_preview_refuses_what_saving_would_refuse():
    with pytest.raises(InvalidConfiguration):
        preview_change(Shop, changes={"staff": 50})
    with pytest.raises(NothingChanged):
        preview_change(Shop, changes={"staff": 2})


def test_preview_of_a_roll_back_tells_the_way_back(noon):
    change(noon, staff=5)
    change(noon, staff=6)

    assert preview_roll_back(Shop, version=1).changes == [FieldChange("staff", 6, 5)]


def test_history_is_newest_first_with_what_each_version_changed(noon, manager):
    change(noon, by=manager, reason="one", staff=5)
    change(noon + timedelta(hours=1), reason="two", name="Big shop")
    change(noon, reason="three", staff=6)

    history = category_history(Shop, limit=2)

    assert [(entry.version, entry.reason, entry.by) for entry in history] == [
        (3, "three", "command line"),
        (2, "two", "command line"),
    ]
    assert history[1].changes == [FieldChange("name", "Corner shop", "Big shop")]
    older = category_history(Shop, limit=2, before=2)
    assert [(entry.version, entry.by, entry.changes) for entry in older] == [
        (1, str(manager), [FieldChange("staff", 2, 5)])
    ]


@pytest.mark.parametrize(
    "statement", ["UPDATE configuration_version SET reason = 'x'", "DELETE FROM configuration_version"]
)
def test_database_refuses_to_change_history(noon, statement):
    change(noon, staff=5)

    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        connection.cursor().execute(statement)

    assert ConfigurationVersion.objects.get().reason == "Because"


def test_change_reads_once_and_writes_twice(noon):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        change(noon, staff=5)

    kinds = [query["sql"].split(maxsplit=1)[0] for query in queries]
    assert kinds == ["SAVEPOINT", "SELECT", "SELECT", "INSERT", "INSERT", "RELEASE"]


def nothing_written() -> bool:
    return not ConfigurationVersion.objects.exists() and not AuditEvent.objects.exists()


def change_at_once(noon, monkeypatch, *, lock: bool) -> list[BaseException]:
    """Two people change different fields, both having read before either writes, if the lock lets them."""
    barrier = threading.Barrier(2)
    # With the lock nobody else comes, however long one waits; without it both are sure to.
    patience = 1 if lock else 60
    read = services.stored_category

    def read_and_wait(category):
        found = read(category)
        # Broken: the lock kept the other one out, as it should.
        with suppress(threading.BrokenBarrierError):
            barrier.wait(timeout=patience)
        return found

    monkeypatch.setattr(services, "stored_category", read_and_wait)
    if not lock:
        monkeypatch.setattr(services, "lock_category", lambda slug: None)
    raised: list[BaseException] = []

    def run(changes):
        try:
            change_category(Shop, changes=changes, changed_by=None, reason="r", at=noon)
        except Exception as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[changes]) for changes in ({"staff": 5}, {"name": "Big shop"})]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


@pytest.mark.django_db(transaction=True)
def test_two_at_once_without_the_lock_lose_a_change(noon, monkeypatch):
    raised = change_at_once(noon, monkeypatch, lock=False)

    assert len(raised) == 1
    assert ConfigurationVersion.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_once_get_consecutive_versions_and_both_changes(noon, monkeypatch):
    raised = change_at_once(noon, monkeypatch, lock=True)

    assert raised == []
    assert sorted(ConfigurationVersion.objects.values_list("version", flat=True)) == [1, 2]
    assert stored_category(Shop).values == Shop(staff=5, name="Big shop")
