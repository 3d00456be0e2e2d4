"""The typed environment: what is missing or wrong says so itself, and no secret is shown."""

import os

import pytest

from config.environment import Environment, EnvironmentRefused, environment
from tests.config.processes import KEY

GOOD = {
    "DATABASE_URL": "postgres://starhash:hush@db:5432/starhash",
    "REDIS_URL": "redis://:hush@valkey:6379",
    "SECRET_KEY": "k" * 60,
    "FIELD_ENCRYPTION_KEYS": KEY,
}


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Environment:
    """The environment made of these variables alone."""
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in (GOOD | variables).items():
        monkeypatch.setenv(name, value)
    return environment.__wrapped__()


def refusal(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    with pytest.raises(EnvironmentRefused) as caught:
        read(monkeypatch, **variables)
    assert caught.value.__suppress_context__
    return str(caught.value)


def test_four_variables_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch)

    assert (found.database_url, found.redis_url) == (GOOD["DATABASE_URL"], GOOD["REDIS_URL"])
    assert (found.sandbox, found.trusted_proxies, found.log_level, found.log_json) == (False, 0, "INFO", True)
    assert "hush" not in repr(found.secret_key)


@pytest.mark.parametrize("name", sorted(GOOD))
@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str | None) -> None:
    for field in Environment.model_fields:
        monkeypatch.delenv(field.upper(), raising=False)
    for other, good in GOOD.items():
        monkeypatch.setenv(other, good)
    monkeypatch.delenv(name)
    if value is not None:
        monkeypatch.setenv(name, value)

    with pytest.raises(EnvironmentRefused, match=rf"^Environment variables: {name} is not set \([^;]+\)\.$"):
        environment.__wrapped__()


def test_everything_that_is_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    words = refusal(monkeypatch, DATABASE_URL="", SECRET_KEY="", TRUSTED_PROXIES="many")

    assert [name for name in Environment.model_fields if f"{name.upper()} " in words] == [
        "database_url",
        "secret_key",
        "trusted_proxies",
    ]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DATABASE_URL", "mysql://root:hush@db/x", "DATABASE_URL must start with postgres:// or postgresql://"),
        ("REDIS_URL", "valkey:hush", "REDIS_URL must start with redis://, rediss:// or unix://"),
        ("REDIS_SESSION_URL", "http://:hush@x", "REDIS_SESSION_URL must start with redis://, rediss:// or unix://"),
        ("PUBLIC_URL", "hush.example.com", "PUBLIC_URL must start with http:// or https://"),
        ("SANDBOX_URL", "hush:8001", "SANDBOX_URL must start with http:// or https://"),
        ("FIELD_ENCRYPTION_KEYS", f"{KEY},hush", "FIELD_ENCRYPTION_KEYS must hold Fernet keys, separated by commas"),
        ("FIELD_ENCRYPTION_KEYS", " , ", "FIELD_ENCRYPTION_KEYS must hold Fernet keys, separated by commas"),
        ("LOG_LEVEL", "hush", "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR"),
        ("TRUSTED_PROXIES", "-1", "TRUSTED_PROXIES Input should be greater than or equal to 0"),
        ("DATABASE_POOL_SIZE", "0", "DATABASE_POOL_SIZE Input should be greater than or equal to 1"),
        ("SANDBOX", "hush", "SANDBOX Input should be a valid boolean"),
    ],
)
def test_a_bad_value_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    said = refusal(monkeypatch, **{name: value})

    assert words in said
    assert "hush" not in said and KEY not in said


def test_addresses_lose_their_last_slash_and_levels_may_be_small(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, PUBLIC_URL="https://pay.example.com/", LOG_LEVEL="warning")

    assert (found.public_url, found.log_level) == ("https://pay.example.com", "WARNING")


def test_environment_is_read_once() -> None:
    assert environment() is environment()
    assert os.environ["DATABASE_URL"] == environment().database_url
