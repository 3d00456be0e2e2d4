"""Vocabularies of people and tokens."""

from enum import nonmember

from django.db import models


class Language(models.TextChoices):
    """Languages of customers' words."""

    ENGLISH = "en", "English"
    KINYARWANDA = "rw", "Ikinyarwanda"
    SWAHILI = "sw", "Kiswahili"
    FRENCH = "fr", "Français"


class TokenStatus(models.TextChoices):
    """Whether a partner's token opens doors (contract section 3).

    A token that was replaced stays active until its time to retire: it does open doors, and the contract knows no
    fourth status. `ApiToken.retires_at` tells the two apart, also to the constraint of one active token per partner.
    """

    ACTIVE = "active", "Active"
    INACTIVE = "inactive", "Inactive"
    REVOKED = "revoked", "Revoked"

    # Revoked is for ever.
    MOVES = nonmember({"active": {"inactive", "revoked"}, "inactive": {"active", "revoked"}, "revoked": set[str]()})


class TokenScope(models.TextChoices):
    """What a token may do."""

    USSD = "ussd", "USSD turns"
    LOANS = "loans", "Loan callbacks"
    ONBOARDING = "onboarding", "Onboarding"
    MONITOR = "monitor", "Monitoring"
