"""Gateways that send us turns, the log of turns, and what gateways tell of ended sessions."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from ussd.statuses import GatewayKind


class Gateway(models.Model):
    """A system that sends USSD turns (contract section 4). Changed by `ussd.services.gateways` only."""

    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, choices=GatewayKind)
    secret = models.TextField(
        blank=True, help_text="Encrypted; the last part of the address for gateways without headers"
    )
    allowed_ips = ArrayField(
        models.CharField(max_length=50),
        default=list,
        blank=True,
        help_text="Addresses or networks its requests come from, separated by commas. Empty: any",
    )
    service_codes = models.JSONField(
        default=dict, help_text='Service code to journey: {"*384*1234#": "promo", "*384#": "menu"}'
    )
    region = models.CharField(max_length=2, default="RW", help_text="Country of its numbers (ISO 3166, two letters)")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "ussd_gateway"
        ordering = ["slug"]
        permissions = [("system_monitoring", "Can watch and clear USSD sessions")]

    def __str__(self) -> str:
        return self.slug


class TurnRecord(models.Model):
    """One turn as it was answered. Written in bulk, off the hot path; partitioned by month of `at`.

    In the database the key is (id, at); `uid` is made when the turn is answered, so that storing it twice
    stores it once.
    """

    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    at = models.DateTimeField()
    gateway = models.CharField(max_length=50)
    session_id = models.CharField(max_length=128)
    phone = models.CharField(max_length=16)
    network = models.CharField(max_length=40, blank=True)
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
        verbose_name = "turn"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["phone", "-id"], name="ussd_turn_by_phone"),
            models.Index(fields=["session_id", "-id"], name="ussd_turn_by_session"),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.screen}"


class SessionEvent(models.Model):
    """What Africa's Talking says of an ended session. Told by anybody who knows the address: evidence, not truth.

    Written in bulk; partitioned by month of `at`, when we heard it.
    """

    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    at = models.DateTimeField()
    session_id = models.CharField(max_length=128)
    phone = models.CharField(max_length=40)
    service_code = models.CharField(max_length=40)
    network_code = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=40)
    duration_ms = models.PositiveIntegerField(null=True)
    hops = models.PositiveIntegerField(null=True)
    cost = models.CharField(max_length=40, blank=True)
    input = models.CharField(max_length=180, blank=True, help_text="Codes are masked")
    last_reply = models.CharField(max_length=200, blank=True)
    error_message = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "ussd_session_event"
        ordering = ["-id"]
        indexes = [models.Index(fields=["session_id"], name="ussd_event_by_session")]

    def __str__(self) -> str:
        return f"{self.session_id} {self.status}"
