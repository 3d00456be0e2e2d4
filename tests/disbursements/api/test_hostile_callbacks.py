"""A stored callback that is rubbish is looked at once and done with; no worker trips over it again and again."""

from datetime import UTC, datetime

import pytest

from disbursements.models import ProviderCallback
from disbursements.services.callbacks import process_callback, store_callback
from disbursements.statuses import CallbackResult

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[" * 60_000,
        '{"externalId": "\\u0000"}',
        '{"externalId": "a\\u0000b"}',
        '{"externalId": {"a": 1}}',
        '{"externalId": "\\ud800"}',
        '{"externalId": 7, "status": ["SUCCESSFUL"]}',
        '{"externalId": "' + "x" * 60_000 + '"}',
    ],
)
def test_rubbish_is_of_an_unknown_reference(body: str) -> None:
    stored = store_callback(provider="mtn_momo", reference="", method="POST", headers={}, body=body, ip=None, at=NOON)

    result = process_callback(callback_id=stored.pk, at=NOON)

    stored.refresh_from_db()
    assert result == stored.result == CallbackResult.UNKNOWN_REFERENCE
    assert (stored.processed_at, stored.body) == (NOON, body)
    assert ProviderCallback.objects.count() == 1
