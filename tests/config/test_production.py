"""Production settings: they start with what they need and nothing less, and pass the deployment checks."""

import json

import pytest

from tests.config.processes import PRODUCTION, run_python

REQUIRED = ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "DATABASE_URL", "REDIS_URL")
SHOW = """
import json
from django.conf import settings as s
db = s.DATABASES["default"]
print(json.dumps({
    "debug": s.DEBUG, "sandbox": s.SANDBOX, "hosts": s.ALLOWED_HOSTS, "secure": [s.SESSION_COOKIE_SECURE,
    s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT], "hsts": s.SECURE_HSTS_SECONDS, "options": db["OPTIONS"],
    "password": db["PASSWORD"], "proxy": s.SECURE_PROXY_SSL_HEADER,
    "broker": s.CELERY_BROKER_URL, "sessions": s.CACHES["sessions"]["LOCATION"],
}))
"""


@pytest.mark.slow
def test_deployment_checks_are_clean() -> None:
    outcome = run_python("manage.py", "check", "--deploy", "--fail-level", "WARNING", env=PRODUCTION)

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "System check identified no issues (0 silenced).\n"


def test_checks_say_what_would_go_wrong() -> None:
    risky = {"SANDBOX": "1", "PUBLIC_URL": "http://pay.example.com", "TRUSTED_PROXIES": "0"}

    outcome = run_python(
        "manage.py", "check", "--deploy", "--tag", "security", "--fail-level", "WARNING", env=PRODUCTION | risky
    )

    assert outcome.code == 1
    assert [code for code in ("E001", "W001", "W002") if f"(starhash.{code})" in outcome.err] == [
        "E001",
        "W001",
        "W002",
    ]
    assert outcome.err.count("HINT: ") == 3


@pytest.mark.parametrize("name", REQUIRED)
def test_start_without_a_required_variable_names_it(name: str) -> None:
    without = {key: value for key, value in PRODUCTION.items() if key != name}

    outcome = run_python("manage.py", "migrate", env=without)

    assert (outcome.code, outcome.out) == (1, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith(f"starhash: Environment variables: {name} is not set (")


def test_settings_are_strict() -> None:
    env = PRODUCTION | {
        "DATABASE_URL": "postgres://starhash:p%40ss@db/starhash?sslmode=verify-full",
        "REDIS_BROKER_URL": "amqp://broker",
        "REDIS_SESSION_URL": "redis://sessions",
        "ALLOWED_HOSTS": "pay.example.com, 127.0.0.1",
    }

    found = json.loads(run_python("-c", SHOW, env=env).out)

    assert (found["debug"], found["sandbox"], found["secure"]) == (False, False, [True, True, True])
    assert found["hsts"] >= 31_536_000
    assert found["hosts"] == ["pay.example.com", "127.0.0.1"]
    assert (found["password"], found["options"]["sslmode"]) == ("p@ss", "verify-full")
    assert (found["broker"], found["sessions"]) == ("amqp://broker", "redis://sessions")
    assert found["proxy"] == ["HTTP_X_FORWARDED_PROTO", "https"]


def test_behind_pgbouncer_nothing_outlives_a_transaction() -> None:
    found = json.loads(run_python("-c", SHOW, env=PRODUCTION | {"BEHIND_PGBOUNCER": "1"}).out)

    assert "pool" not in found["options"]
    assert found["options"]["prepare_threshold"] is None
