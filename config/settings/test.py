"""The test suite: real PostgreSQL and Valkey from DATABASE_URL and REDIS_URL, sandbox mode on."""

import os

os.environ["SECRET_KEY"] = "test-only-" + "x" * 50
os.environ["FIELD_ENCRYPTION_KEYS"] = "5M1WHbnGvHkXDGBYyBr6UOAkLM05G0Oo8QyEqfT0Ug4="
os.environ["SANDBOX"] = "1"
os.environ["ALLOWED_HOSTS"] = "*"
os.environ["LOG_JSON"] = "0"
os.environ.setdefault("LOG_LEVEL", "WARNING")
os.environ.setdefault("PUBLIC_URL", "http://127.0.0.1:8000")
# Parallel test processes share one Redis; each has its own keys.
os.environ["REDIS_KEY_PREFIX"] = (
    f"{os.environ.get('REDIS_KEY_PREFIX', 'test')}-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
)

from config.settings.base import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Tests run threads beside each other; each closes its own connection.
DATABASES["default"]["OPTIONS"]["pool"] = False  # type: ignore[index]
# Nothing is collected for tests; files are found where they lie.
WHITENOISE_AUTOREFRESH = True
