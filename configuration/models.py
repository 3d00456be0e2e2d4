"""Versions of settings that staff may change (architecture section 6)."""

from django.conf import settings
from django.db import models


class ConfigurationVersion(models.Model):
    """One version of one category; the highest version is in force. Rows are only ever added.

    `values` holds what differs from nothing: the whole category as JSON, secrets in it encrypted.
    """

    category = models.CharField(max_length=50)
    version = models.PositiveIntegerField()
    values = models.JSONField()
    reason = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "configuration_version"
        ordering = ["category", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["category", "version"], name="configuration_version_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.category} v{self.version}"
