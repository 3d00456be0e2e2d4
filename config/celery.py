"""The Celery application. Tasks carry ids only; the rows they name are the real queue."""

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")

app = Celery("starhash")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**_kwargs: object) -> None:
    """Celery would replace our logging; a receiver here, even an empty one, makes it leave logging alone."""
