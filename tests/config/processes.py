"""Processes of ours with exactly the environment a test gives them."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "/nonexistent"
KEY = "5M1WHbnGvHkXDGBYyBr6UOAkLM05G0Oo8QyEqfT0Ug4="
# Everything production needs; nobody listens at these addresses.
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "config.settings.production",
    "DATABASE_URL": "postgres://starhash:hush-db@127.0.0.1:1/starhash",
    "REDIS_URL": "redis://:hush-redis@127.0.0.1:1",
    "SECRET_KEY": "kX" + "9mQ-4tZ_vB7wR2" * 5,
    "FIELD_ENCRYPTION_KEYS": KEY,
    "ALLOWED_HOSTS": "pay.example.com",
    "PUBLIC_URL": "https://pay.example.com",
    "TRUSTED_PROXIES": "1",
}


@dataclass(frozen=True)
class Outcome:
    """What became of a process."""

    code: int
    out: str
    err: str
    seconds: float


def run_python(*arguments: str, env: dict[str, str]) -> Outcome:
    """Run our interpreter in the project's folder. Nothing of the tests' environment reaches it but PATH."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, *arguments],
        check=False,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": NOWHERE, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Outcome(done.returncode, done.stdout, done.stderr, time.monotonic() - began)
