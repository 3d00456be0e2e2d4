from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils import timezone


class AuditConfig(AppConfig):
    """The append-only record of business acts."""

    name = "audit"
    verbose_name = "Audit trail"

    def ready(self) -> None:
        post_migrate.connect(create_partitions, sender=self, dispatch_uid="audit.create_partitions")


def create_partitions(**_kwargs: Any) -> None:
    """A fresh database has its partitions before the first event, without waiting for the scheduler."""
    from django.db import connection  # app ready

    from audit.models import AuditEvent  # app ready
    from audit.services import partitions  # app ready

    # Migrating back to nothing has removed the table.
    if AuditEvent._meta.db_table in connection.introspection.table_names():
        partitions.create_partitions(at=timezone.now())
