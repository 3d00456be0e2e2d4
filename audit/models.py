"""The append-only record of business acts (architecture section 5)."""

import uuid

from django.db import models


class AuditEvent(models.Model):
    """One business act. Written by `audit.services.record` only; triggers refuse changes and removal.

    The table is partitioned by month of `at` (`audit.partitions`), so in the database its key is (id, at);
    Django needs to know only `id`. Nothing holds a foreign key to it, and it holds none: actors and targets
    are kept as text, so that the record outlives them.
    """

    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField("UUID", default=uuid.uuid4, editable=False)
    at = models.DateTimeField("time")
    action = models.CharField(max_length=100)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = models.CharField("actor", max_length=254)
    ip = models.GenericIPAddressField("IP address", null=True)
    request_id = models.CharField(max_length=64, blank=True)
    target_type = models.CharField(max_length=100)
    target_id = models.CharField(max_length=64)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    integrity_hash = models.CharField(max_length=64)

    class Meta:
        db_table = "audit_event"
        ordering = ["-id"]
        # Each ends with the id, so that a list filtered by it reads newest first without sorting.
        indexes = [
            models.Index(fields=["action", "id"], name="audit_event_by_action"),
            models.Index(fields=["target_id", "id"], name="audit_event_by_target"),
            models.Index(fields=["target_type", "id"], name="audit_event_by_type"),
            models.Index(fields=["actor_label", "id"], name="audit_event_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_type} {self.target_id}"
