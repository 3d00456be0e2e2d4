"""gunicorn in production. Threads, because a turn waits for the database more than it computes."""

import os
from typing import Any

from config.environment import EnvironmentRefused, environment

bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
worker_class = "gthread"
# A turn answers within 8 s by itself; a worker silent for longer than this is stuck.
timeout = 30
graceful_timeout = 20
keepalive = 30
# Workers are replaced now and then, not all at once, so that a slow leak never matters.
max_requests = 20_000
max_requests_jitter = 2_000
accesslog = None
errorlog = "-"


def on_starting(_server: Any) -> None:
    """What is missing from the environment is said once and in one line, before any worker starts."""
    try:
        environment()
    except EnvironmentRefused as refusal:
        raise SystemExit(f"starhash: {refusal}") from None
