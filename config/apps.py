"""The composition root as an app: it owns commands that look at the whole house, and the wiring."""

from django.apps import AppConfig


class ConfigAppConfig(AppConfig):
    """Connects apps that do not know each other, once all are loaded."""

    name = "config"

    def ready(self) -> None:
        from config import celery_context, checks, request_context  # noqa: F401  (app ready: checks and signals)
