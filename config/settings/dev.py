"""A developer's machine and `make run`. Reads the servers that `make run` started."""

import os

from config.environment import local_servers

for _name, _value in {
    "SECRET_KEY": "dev-only-" + "x" * 50,
    "FIELD_ENCRYPTION_KEYS": "5M1WHbnGvHkXDGBYyBr6UOAkLM05G0Oo8QyEqfT0Ug4=",
    "DATABASE_URL": "postgres://app:app@127.0.0.1:54329/app",
    "REDIS_URL": "redis://127.0.0.1:63799",
    "ALLOWED_HOSTS": "*",
    "LOG_JSON": "0",
}.items():
    if _name.lower() not in local_servers():
        os.environ.setdefault(_name, _value)

from config.settings.base import *  # noqa: E402, F403

WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
