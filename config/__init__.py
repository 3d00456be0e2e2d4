"""Composition root: settings, URLs, Celery, and the wiring of apps that do not know each other."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
