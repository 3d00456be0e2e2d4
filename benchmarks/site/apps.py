"""The app of the bare views' table."""

from django.apps import AppConfig


class BenchmarkSite(AppConfig):
    """Its table is made by `migrate --run-syncdb`: it has no history to migrate."""

    name = "benchmarks.site"
    label = "bench"
    default_auto_field = "django.db.models.BigAutoField"
