"""What staff may set of payouts, and what they may not."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from disbursements.configuration import MTN_PRODUCTION_URL, PaymentSettings


def test_defaults_speak_to_the_sandbox_only_in_sandbox_mode(settings: object) -> None:
    settings.SANDBOX, settings.SANDBOX_URL = True, "http://127.0.0.1:8001"  # type: ignore[attr-defined]
    assert PaymentSettings().momo_base_url == "http://127.0.0.1:8001"

    settings.SANDBOX = False  # type: ignore[attr-defined]
    assert PaymentSettings().momo_base_url == MTN_PRODUCTION_URL


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("momo_base_url", "proxy.momoapi.mtn.com"),
        ("momo_base_url", "ftp://proxy.momoapi.mtn.com"),
        ("momo_base_url", "https://user:password@proxy.momoapi.mtn.com"),
        ("momo_base_url", "https://proxy.momoapi.mtn.com/disbursement"),
        ("momo_base_url", "https://proxy.momoapi.mtn.com:port"),
        ("momo_base_url", "https://"),
        ("momo_target_environment", "MTN Rwanda"),
        ("momo_currency", "rwf"),
        ("momo_api_user", "a\nb"),
        ("momo_api_key", "a\r\nX-Evil: 1"),
        ("momo_api_key", "clé"),
        ("momo_subscription_key", " padded "),
        ("momo_user_agent", "python-requests/2.34"),
        ("momo_user_agent", "Python-Requests"),
        ("momo_user_agent", ""),
        ("momo_user_agent", "a\nb"),
        ("momo_callback_networks", ["not an address"]),
        ("momo_callback_networks", ["10.0.0.1/8"]),
        ("max_retries", 6),
        ("retry_delays_seconds", {"promo": []}),
        ("retry_delays_seconds", {"promo": [0]}),
        ("poll_delays_seconds", []),
        ("poll_delays_seconds", [8 * 86_400]),
        ("min_amount", -1),
        ("max_amount", "NaN"),
        ("breaker_failures", 0),
        ("unheard_of", 1),
    ],
)
def test_value_that_cannot_work_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        PaymentSettings(**{name: value})

    assert {error["loc"][0] for error in refused.value.errors()} == {name}


@pytest.mark.django_db
def test_refusals_name_the_fields() -> None:
    assert PaymentSettings().refusals() == {}
    assert list(PaymentSettings(min_amount=Decimal(10), max_amount=Decimal(5)).refusals()) == ["min_amount"]


@pytest.mark.django_db
def test_refusals_outside_the_sandbox_want_https(settings: object) -> None:
    settings.SANDBOX = False  # type: ignore[attr-defined]

    assert list(PaymentSettings(momo_base_url="http://momo.example").refusals()) == ["momo_base_url"]
    assert PaymentSettings(momo_base_url="https://momo.example").refusals() == {}


def test_secrets_are_hidden() -> None:
    payments = PaymentSettings(momo_api_key="the-key", momo_subscription_key="the-other")

    assert "the-" not in repr(payments)
