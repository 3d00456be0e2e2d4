"""Kinds of gateways."""

from django.db import models


class GatewayKind(models.TextChoices):
    """The wire format a gateway speaks."""

    AFRICAS_TALKING = "africastalking", "Africa's Talking (form, whole history)"
    LAST_INPUT = "lastinput", "JSON with the last input (spec 3)"
    JSON = "json", "JSON middle server"
