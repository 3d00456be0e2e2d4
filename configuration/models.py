"""Versions of settings that staff may change (architecture section 6)."""

import pgtrigger
from django.conf import settings
from django.db import models


class ConfigurationVersion(models.Model):
    """One version of one category; the highest version is in force. Rows are only ever added: a trigger sees to it.

    `values` holds the fields that staff have set, as JSON with its secrets encrypted (`configuration.storage`);
    every other field follows the code's default.
    """

    category = models.CharField(max_length=50)
    version = models.PositiveIntegerField()
    values = models.JSONField()
    reason = models.TextField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: changed from the command line",
    )
    created_at = models.DateTimeField()

    class Meta:
        db_table = "configuration_version"
        ordering = ["category", "-version"]
        verbose_name = "settings version"
        verbose_name_plural = "settings"
        constraints = [
            models.UniqueConstraint(fields=["category", "version"], name="configuration_version_unique"),
            models.CheckConstraint(condition=models.Q(version__gte=1), name="configuration_version_from_one"),
        ]
        triggers = [
            pgtrigger.Protect(name="configuration_version_append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.category} v{self.version}"
