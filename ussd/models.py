"""Gateways that send us turns, and the log of turns."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from ussd.statuses import GatewayKind


class Gateway(models.Model):
    """A system that sends USSD turns (contract section 4)."""

    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, choices=GatewayKind)
    secret = models.TextField(
        blank=True, help_text="Encrypted; the last part of the address for gateways without headers"
    )
    allowed_ips = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    service_codes = models.JSONField(default=dict, help_text="Service code to journey")
    region = models.CharField(
        max_length=2, default="RW", help_text="Country of numbers written without a country code"
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "ussd_gateway"
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class TurnRecord(models.Model):
    """One turn as it was answered. Written in bulk, off the hot path; partitioned by month of `at`."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    gateway = models.CharField(max_length=50)
    session_id = models.CharField(max_length=128)
    phone = models.CharField(max_length=16)
    service_code = models.CharField(max_length=40)
    journey = models.CharField(max_length=30)
    screen = models.CharField(max_length=60)
    input = models.CharField(max_length=180, help_text="Codes are masked")
    reply = models.CharField(max_length=200)
    outcome = models.CharField(max_length=40, blank=True)
    ends = models.BooleanField()
    took_ms = models.PositiveIntegerField()

    class Meta:
        db_table = "ussd_turn"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.session_id} {self.screen}"
