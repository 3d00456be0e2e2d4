"""The guard against outbound HTTP inside a transaction."""

import threading

import pytest
import requests
from django.db import connection, transaction

from tests.support.no_http_in_transaction import HttpInTransaction, forbid_http_in_transaction

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def address(sandbox):
    return f"{sandbox.url}/_sandbox/health"


def test_call_between_transactions_is_allowed(address):
    with forbid_http_in_transaction() as refused:
        assert requests.get(address, timeout=30).ok

    assert refused == []


def test_call_inside_a_transaction_fails_even_when_swallowed(address):
    def speak():
        with transaction.atomic():
            try:
                requests.get(address, timeout=30)
            except Exception:
                return "swallowed"

    with (
        pytest.raises(HttpInTransaction, match=r"GET .* inside a transaction on default"),
        forbid_http_in_transaction(),
    ):
        assert speak() == "swallowed"


def test_transaction_of_another_thread_does_not_count(address):
    answers = []

    def speak():
        answers.append(requests.get(address, timeout=30).status_code)
        connection.close()

    with forbid_http_in_transaction(), transaction.atomic():
        thread = threading.Thread(target=speak)
        thread.start()
        thread.join()

    assert answers == [200]
