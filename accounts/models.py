"""People and partners: one `User` for customers and staff, and the tokens of partners."""

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Lower, Upper

from accounts.statuses import Language, TokenStatus


class UserManager(BaseUserManager["User"]):
    """Makes staff; customers are made by `accounts.services.customers.register_customer`."""

    def create_user(self, *, email: str, password: str | None = None, **fields: Any) -> "User":
        """A staff member who signs in by e-mail address."""
        user = self.model(email=email.lower(), is_staff=True, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, *, email: str, password: str | None = None, **fields: Any) -> "User":
        """A staff member with every permission."""
        return self.create_user(email=email, password=password, is_superuser=True, is_verified=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Sign-in names are e-mail addresses in any case."""
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A customer known by phone, or a staff member known by e-mail; one person may be both (contract section 1)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    phone = models.CharField(max_length=16, unique=True, null=True, blank=True, help_text="E.164, with the plus")
    email = models.EmailField("e-mail", unique=True, null=True, blank=True, help_text="Staff sign in with it")
    first_name = models.CharField(max_length=80, blank=True)
    last_name = models.CharField(max_length=80, blank=True)
    language = models.CharField(
        max_length=2, choices=Language, blank=True, help_text="Empty until the customer has chosen"
    )
    network = models.CharField(max_length=40, blank=True, help_text="Network last seen serving the phone")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    is_verified = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        db_table = "accounts_user"
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="user_recent"),
            # A few among a million customers, found without reading the million.
            models.Index(fields=["-created_at", "-id"], condition=models.Q(is_staff=True), name="user_staff"),
            models.Index(fields=["-created_at", "-id"], condition=models.Q(is_active=False), name="user_inactive"),
            # Parts of numbers, addresses and names; Django's icontains compares UPPER().
            GinIndex(
                *(OpClass(Upper(field), "gin_trgm_ops") for field in ("phone", "email", "first_name", "last_name")),
                name="user_search",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email__isnull=True) | models.Q(email=Lower("email")),
                name="user_email_lower",
            ),
            models.CheckConstraint(
                condition=models.Q(phone__isnull=False) | models.Q(email__isnull=False),
                name="user_phone_or_email",
            ),
            models.CheckConstraint(
                condition=models.Q(phone__isnull=True) | models.Q(phone__regex=r"^\+[1-9][0-9]{6,14}$"),
                name="user_phone_e164",
            ),
            models.CheckConstraint(
                condition=models.Q(is_staff=False) | models.Q(email__isnull=False), name="user_staff_email"
            ),
        ]

    def __str__(self) -> str:
        return self.email or self.phone or str(self.pk)

    def get_username(self) -> str:
        """What people call this account: e-mail for staff, phone for customers."""
        return str(self)

    def clean(self) -> None:
        """The address in lower case. Django's own would copy a customer's phone into the address."""
        self.email = self.email.lower() if self.email else None


class ApiToken(models.Model):
    """A partner's key to the API (contract section 3). The token itself is shown once and never stored."""

    partner_email = models.EmailField("partner")
    name = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=8, help_text="The token's first characters, to find it by")
    checksum = models.CharField(
        max_length=8, help_text="A few bits of another hash of the token, so that a wrong one costs no bcrypt"
    )
    token_hash = models.CharField(max_length=80, help_text="bcrypt over the SHA-256 of the token")
    scopes = ArrayField(models.CharField(max_length=30), help_text="ussd, loans, onboarding, monitor")
    gateway = models.CharField(max_length=50, blank=True, help_text="Gateway whose wire format this partner speaks")
    status = models.CharField(max_length=10, choices=TokenStatus, default=TokenStatus.ACTIVE)
    rate_limit = models.PositiveIntegerField(default=1000, help_text="Requests a minute")
    allowed_ips = ArrayField(
        models.CharField(max_length=50),
        default=list,
        blank=True,
        help_text="Addresses or networks it may be used from. Empty: any",
    )
    expires_at = models.DateTimeField()
    retires_at = models.DateTimeField(
        null=True, blank=True, help_text="Set when it was replaced: until then both work, from then on it opens nothing"
    )
    replaces = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by")
    last_used_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "accounts_api_token"
        verbose_name = "API token"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["prefix"], name="token_prefix")]
        constraints = [
            models.UniqueConstraint(
                Upper("partner_email"),
                condition=models.Q(status="active", retires_at__isnull=True),
                name="token_one_active_per_partner",
            ),
            models.UniqueConstraint(
                Upper("partner_email"),
                condition=models.Q(status="active", retires_at__isnull=False),
                name="token_one_retiring_per_partner",
            ),
            models.CheckConstraint(condition=models.Q(rate_limit__gt=0), name="token_rate_limit_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.partner_email} ({self.prefix}…)"

    @property
    def opens_until(self) -> datetime:
        """From this moment on it opens nothing, whatever its status: it has expired, or was replaced."""
        return min(self.expires_at, self.retires_at or self.expires_at)


class TokenUsage(models.Model):
    """How often a token came on a day (UTC), written a few seconds after the requests.

    `requests` are all that came with the valid token from an allowed address; `refused` of them were over the
    token's limit.
    """

    token = models.ForeignKey(ApiToken, on_delete=models.PROTECT, related_name="usage", db_index=False)
    day = models.DateField()
    requests = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "accounts_token_usage"
        ordering = ["-day"]
        # No index of its own for the key: the constraint's begins with it.
        constraints = [models.UniqueConstraint(fields=["token", "day"], name="token_usage_once_a_day")]

    def __str__(self) -> str:
        return f"{self.token_id} on {self.day}"
