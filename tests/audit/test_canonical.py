"""The canonical form, told in bytes, and the cleaning before it."""

import hashlib
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from accounts.statuses import Language
from audit.canonical import (
    MASK,
    canonical_form,
    clean_address,
    clean_text,
    clean_values,
    is_secret,
    row_hash,
    utc_text,
)
from audit.models import AuditEvent


def make_event() -> AuditEvent:
    return AuditEvent(
        uid=UUID("11111111-2222-4333-8444-555555555555"),
        at=datetime(2026, 11, 20, 6, 28, 0, 5, tzinfo=timezone(timedelta(hours=2))),
        action="loan.approved",
        actor_id="7",
        actor_label="ama@example.com",
        ip="10.0.0.1",
        request_id="r-1",
        target_type="loans.loan",
        target_id="LOAN-1",
        before={},
        after={"b": "2.50", "a": "é"},
        reason="fits",
    )


def test_canonical_form_is_sorted_json_with_utc_times() -> None:
    assert canonical_form(make_event()) == (
        b'{"action":"loan.approved","actor_id":"7","actor_label":"ama@example.com",'
        b'"after":{"a":"\\u00e9","b":"2.50"},"at":"2026-11-20T04:28:00.000005Z","before":{},'
        b'"ip":"10.0.0.1","reason":"fits","request_id":"r-1","target_id":"LOAN-1",'
        b'"target_type":"loans.loan","uid":"11111111-2222-4333-8444-555555555555","v":1}'
    )


def test_row_hash_is_sha256_of_the_form() -> None:
    event = make_event()

    assert row_hash(event) == hashlib.sha256(canonical_form(event)).hexdigest()
    assert len(row_hash(event)) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"action": "loan.refused"},
        {"actor_id": "8"},
        {"actor_label": "x"},
        {"ip": None},
        {"request_id": ""},
        {"target_type": "x"},
        {"target_id": "LOAN-2"},
        {"before": {"a": None}},
        {"after": {"b": "2.5", "a": "é"}},
        {"reason": ""},
        {"uid": UUID("11111111-2222-4333-8444-555555555556")},
        {"at": datetime(2026, 11, 20, 4, 28, 0, 6, tzinfo=UTC)},
    ],
)
def test_row_hash_notices_every_change(change: dict[str, object]) -> None:
    event = make_event()
    for name, value in change.items():
        setattr(event, name, value)

    assert row_hash(event) != row_hash(make_event())


def test_utc_text_refuses_a_time_without_zone() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        utc_text(datetime(2026, 11, 20))


def test_clean_values_makes_json_that_survives_storing() -> None:
    cleaned = clean_values(
        {
            "amount": Decimal("5000.00"),
            "rate": 1e16,
            "at": datetime(2026, 11, 20, 4, 0, tzinfo=UTC),
            "day": date(2026, 11, 20),
            "id": UUID(int=1),
            "language": Language.KINYARWANDA,
            "scopes": {"ussd", "loans"},
            "steps": (1, None, True),
            "words": "a\x00b\ud800",
            7: "number keys become text",
        }
    )

    assert cleaned == {
        "amount": "5000.00",
        "rate": "1e+16",
        "at": "2026-11-20T04:00:00.000000Z",
        "day": "2026-11-20",
        "id": "00000000-0000-0000-0000-000000000001",
        "language": "rw",
        "scopes": ["loans", "ussd"],
        "steps": [1, None, True],
        "words": "a\ufffdb?",
        "7": "number keys become text",
    }


def test_clean_values_masks_secrets_at_any_depth() -> None:
    cleaned = clean_values(
        {"api_key": "k", "momo": {"subscriptionKey": "k", "host": "h"}, "list": [{"password": "p"}], "token": ""}
    )

    assert cleaned == {
        "api_key": MASK,
        "momo": {"subscriptionKey": MASK, "host": "h"},
        "list": [{"password": MASK}],
        "token": "",
    }


@pytest.mark.parametrize(
    "key",
    ["secret", "client_secret", "apiKey", "api-key", "X-API-TOKEN", "PASSWORD", "userPin", "Authorization", "APIKey"],
)
def test_is_secret_knows_secrets_by_name(key: str) -> None:
    assert is_secret(key)


@pytest.mark.parametrize("key", ["token_id", "token_prefix", "spinner", "code", "key", "secretary", "pinned", ""])
def test_is_secret_leaves_other_words_alone(key: str) -> None:
    assert not is_secret(key)


@pytest.mark.parametrize(
    ("address", "stored"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("nowhere", None),
        ("", None),
        (None, None),
    ],
)
def test_clean_address(address: str | None, stored: str | None) -> None:
    assert clean_address(address) == stored


def test_clean_text_cuts_at_the_longest() -> None:
    assert clean_text("abcdef", longest=3) == "abc"
