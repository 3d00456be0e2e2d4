"""A developer's machine and `make run`. Reads the servers that `make run` started."""

import os

from config.environment import EnvironmentRefused
from config.local_servers import local_servers

for _name, _value in {
    "SECRET_KEY": "dev-only-" + "x" * 50,
    "FIELD_ENCRYPTION_KEYS": "5M1WHbnGvHkXDGBYyBr6UOAkLM05G0Oo8QyEqfT0Ug4=",
    "ALLOWED_HOSTS": "*",
    "LOG_JSON": "0",
    **local_servers(),
}.items():
    # Variables of the shell win.
    if not os.environ.get(_name):
        os.environ[_name] = _value

try:
    from config.settings.base import *  # noqa: F403
except EnvironmentRefused as refusal:
    raise EnvironmentRefused(f"{refusal} Is `make run` up, with the same DATA_DIR?") from None

WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
