"""Counts of a day."""

from django.db import models


class FunnelDay(models.Model):
    """Counts of one day, network, partner: from offer to repayment. Computed in the background."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField(help_text="In the country's time zone")
    network = models.CharField(max_length=40, blank=True)
    partner = models.CharField(max_length=254, blank=True)
    offered = models.PositiveIntegerField(default=0, help_text="Offers shown")
    refused = models.PositiveIntegerField(default=0, help_text="Asked, and nothing could be offered")
    approved = models.PositiveIntegerField(default=0)
    disbursed = models.PositiveIntegerField(default=0)
    repaid = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "loans_funnel_day"
        ordering = ["-day", "network", "partner"]
        constraints = [models.UniqueConstraint(fields=["day", "network", "partner"], name="funnel_day_unique")]

    def __str__(self) -> str:
        return f"{self.day} {self.network} {self.partner}"
