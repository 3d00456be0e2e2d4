"""Health endpoints (contract section 8): small, quick, and true about what is away."""

import time
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from config import health
from tests.support.ports import closed_port
from tests.ussd.outages import database_at, silent_server

LIVE, READY = "/healthz/live", "/healthz/ready"
# A prober gives up after a few seconds; so do we before: two or three for each server. Without limits it were for ever.
QUICK = 20.0


@pytest.fixture(autouse=True)
def _look_at_migrations_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", False)


def move_all_redis(settings: Any, port: int) -> None:
    settings.CACHES = {
        alias: values | {"LOCATION": f"redis://127.0.0.1:{port}"} for alias, values in settings.CACHES.items()
    }


def test_live_needs_nothing_behind_it(client: Client) -> None:
    response = client.get(LIVE)

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_ready_when_everything_answers(client: Client) -> None:
    response = client.get(READY)

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "ok", "redis": "ok", "migrations": "ok"}


@pytest.mark.django_db
@pytest.mark.parametrize("path", [LIVE, READY])
def test_head_is_answered_and_other_methods_are_not(client: Client, path: str) -> None:
    head = client.head(path)

    assert (head.status_code, head.content) == (200, b"")
    assert [client.post(path).status_code, client.delete(path).status_code] == [405, 405]


@pytest.mark.django_db(transaction=True)
def test_not_ready_without_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with database_at(monkeypatch, closed_port()):
        response = client.get(READY)

    assert response.status_code == 503
    assert response.json() == {
        "status": "unavailable",
        "database": "unreachable",
        "redis": "ok",
        "migrations": "unknown",
    }
    assert client.get(READY).status_code == 200


@pytest.mark.django_db
def test_not_ready_without_redis(client: Client, settings: Any) -> None:
    move_all_redis(settings, closed_port())

    response = client.get(READY)

    assert response.status_code == 503
    assert response.json() == {
        "status": "unavailable",
        "database": "ok",
        "redis": "unreachable",
        "migrations": "ok",
    }


@pytest.mark.django_db(transaction=True)
def test_servers_that_hang_do_not_hold_the_answer(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with silent_server() as port, database_at(monkeypatch, port):
        move_all_redis(settings, port)
        began = time.monotonic()
        ready, live = client.get(READY), client.get(LIVE)

    assert time.monotonic() - began < QUICK
    assert (ready.status_code, live.status_code) == (503, 200)
    assert [ready.json()["database"], ready.json()["redis"]] == ["unreachable", "unreachable"]


@pytest.mark.django_db
def test_not_ready_before_migrations(client: Client, django_assert_num_queries: Any) -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("ussd", "0002_growing_tables")

    response = client.get(READY)

    assert response.status_code == 503
    assert response.json()["migrations"] == "1 pending"
    recorder.record_applied("ussd", "0002_growing_tables")
    assert client.get(READY).status_code == 200
    # Known by now: a probe costs one statement.
    with django_assert_num_queries(1):
        assert client.get(READY).status_code == 200
