"""Log lines: one JSON object each, with the request's id, without phone numbers and without secret addresses."""

import io
import json
import logging
import logging.config
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.test import Client

from config.logs import logging_config, mask_phones, mask_text

PHONE = "+250788123456"
SECRET = "fN3-qUite_secret"


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Everything logged in the test, as production would write it."""
    stream = io.StringIO()
    # The very list of processors must come back: loggers made before hold it, and other tests listen through it.
    before = structlog.get_config()
    config = logging_config(level="INFO", as_json=True)
    config["handlers"]["console"]["stream"] = stream
    logging.config.dictConfig(config)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.configure(**before)
    logging.config.dictConfig(settings.LOGGING)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("+250788123456", "250…456"),
        ("phone 250788123456 paid", "phone 250…456 paid"),
        ("tel:0788123456.", "tel:078…456."),
        ("?phone=%2B250788123456&x=1", "?phone=250…456&x=1"),
        ("?phone=%2b250788123456", "?phone=250…456"),
        ("/queue/+2348012345678/", "/queue/234…678/"),
        ("a=+250788123456,b=+250788765432", "a=250…456,b=250…432"),
        ("{'msisdn': '254712345678'}", "{'msisdn': '254…678'}"),
        # Not phone numbers, and useful as they are.
        ("500 RWF", "500 RWF"),
        ("88f0a0e4-9f3c-4f1e-8c39-123456789012", "88f0a0e4-9f3c-4f1e-8c39-123456789012"),
        ("2026-11-20T05:05:38.924815Z", "2026-11-20T05:05:38.924815Z"),
        ("127.0.0.1:51333", "127.0.0.1:51333"),
    ],
)
def test_phone_numbers_are_masked_in_every_form(text: str, masked: str) -> None:
    assert mask_phones(text) == masked


@pytest.mark.parametrize(
    "path", [f"/api/v1/ussd/handle/demo-at/{SECRET}/", f"/api/v1/webhooks/ussd/delivery/{SECRET}?x=1"]
)
def test_secret_addresses_are_masked(path: str) -> None:
    assert SECRET not in mask_text(f"POST {path}")
    assert mask_text(path).startswith(path.split(SECRET)[0] + "…")


def test_any_value_of_an_event_is_masked(lines: Callable[[], list[dict[str, Any]]]) -> None:
    structlog.get_logger("promos").info(
        "paid",
        to=PHONE,
        msisdn=250788123456,
        nested={"list": [PHONE, (PHONE,)], PHONE: 1},
        thing=ValueError(PHONE),
        amount=Decimal("5000.00"),
        count=12,
        share=0.5,
        done=True,
        nothing=None,
        reference=uuid.UUID("88f0a0e4-9f3c-4f1e-8c39-123456789012"),
    )

    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "paid",
        "level": "info",
        "logger": "promos",
        "to": "250…456",
        "msisdn": "250…456",
        "nested": {"list": ["250…456", ["250…456"]], "250…456": 1},
        "thing": "250…456",
        "amount": "5000.00",
        "count": 12,
        "share": 0.5,
        "done": True,
        "nothing": None,
        "reference": "88f0a0e4-9f3c-4f1e-8c39-123456789012",
    }


def test_lines_of_other_libraries_are_masked_with_their_tracebacks(lines: Callable[[], list[dict[str, Any]]]) -> None:
    try:
        raise RuntimeError(f"no wallet for {PHONE}")
    except RuntimeError:
        logging.getLogger("some.library").exception("calling %s failed", PHONE)

    (line,) = lines()
    assert line["event"] == "calling 250…456 failed"
    assert line["exception"].endswith("RuntimeError: no wallet for 250…456")
    assert "788123" not in json.dumps(line)


@pytest.mark.django_db
def test_a_request_has_one_id_and_shows_no_number(client: Client, lines: Callable[[], list[dict[str, Any]]]) -> None:
    client.get(f"/api/ussd/health?phone={PHONE}", headers={"x-request-id": "from-outside"})

    started, finished = lines()
    assert (started["event"], finished["event"], finished["code"]) == ("request_started", "request_finished", 200)
    assert uuid.UUID(started["request_id"]) and started["request_id"] == finished["request_id"]
    assert started["ip"] == "127.0.0.1"
    assert "788123" not in json.dumps([started, finished])


def test_idle_sweeps_stay_out(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger("celery.beat").info("Scheduler: Sending due task sweep-due-disbursements")
    logging.getLogger("celery.beat").error("beat has lost its database")

    assert [line["event"] for line in lines()] == ["beat has lost its database"]
