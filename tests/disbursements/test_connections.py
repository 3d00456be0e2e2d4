"""A worker's thread holds no pooled connection while it speaks with a provider."""

import copy

import pytest
from django.conf import settings
from django.db.utils import ConnectionHandler

from disbursements.services import connections
from disbursements.services.connections import release_connection


@pytest.fixture
def pooled(db, monkeypatch: pytest.MonkeyPatch):
    """A real connection from a real pool of one."""
    default = copy.deepcopy(settings.DATABASES["default"])
    default["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 1, "timeout": 2}
    wrapper = ConnectionHandler({"default": default})["default"]
    monkeypatch.setattr(connections, "connection", wrapper)
    wrapper.ensure_connection()
    yield wrapper
    wrapper.close()
    wrapper.close_pool()


def test_connection_goes_back_to_the_pool_and_comes_again(pooled) -> None:
    assert pooled.pool.get_stats()["pool_available"] == 0

    release_connection()

    assert pooled.pool.get_stats()["pool_available"] == 1
    with pooled.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_open_transaction_keeps_its_connection(pooled) -> None:
    pooled.set_autocommit(False)
    pooled.in_atomic_block = True

    release_connection()

    assert pooled.connection is not None
    pooled.in_atomic_block = False
    pooled.rollback()
    pooled.set_autocommit(True)
