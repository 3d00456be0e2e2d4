"""Loading the demo data: each part once, so that a second start finds everything as it was left."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import ApiToken, User
from accounts.services.customers import register_customer
from accounts.services.staff import create_staff
from accounts.services.tokens import create_token
from audit.context import acting
from config.demo import cast
from config.demo.lending import load_lending
from config.demo.secrets import demo_password, demo_token
from configuration.categories import Category
from configuration.models import ConfigurationVersion
from configuration.services import NothingChanged, change_category
from ledger.services import record_float_top_up
from loans.collection_settings import CollectionSettings
from notifications.configuration import NotificationSettings
from promos.models import Batch
from promos.services.batches import create_batch
from promos.services.generation import order_codes, run_generation
from promos.terms import BatchTerms
from ussd.models import Gateway
from ussd.services.gateways import create_gateway
from ussd.simulator.cast import CAST


def load_demo(*, at: datetime) -> None:
    """Everything a stranger needs to dial a code and see it paid. Parts that are there already stay untouched."""
    with acting(label="demo data"):
        staff = [_staff_member(member, at=at) for member in cast.STAFF]
        _accounts(entered_by=staff[0], at=at)
        _configure(CollectionSettings, cast.COLLECTION_CREDENTIALS, at=at)
        _configure(NotificationSettings, cast.SMS_CREDENTIALS, at=at)
        _partner_token(at=at)
        _gateways(at=at)
        _customers(at=at)
        _batch(created_by=staff[0], at=at)
        load_lending(entered_by=staff[0], at=at)


def _staff_member(member: cast.StaffMember, *, at: datetime) -> User:
    found = User.objects.filter(email=member.email).first()
    return found or create_staff(
        email=member.email,
        password=demo_password(member.email),
        first_name=member.first_name,
        is_superuser=member.is_superuser,
        created_by=None,
        at=at,
    )


def _accounts(*, entered_by: User, at: datetime) -> None:
    """Every market's account speaks to the sandbox, and the books know the float that it has there."""
    for category, currency in cast.ACCOUNTS:
        _configure(category, cast.MOMO_CREDENTIALS, at=at)
        record_float_top_up(
            provider=category.provider,
            amount=cast.FLOAT,
            currency=currency,
            reference="demo",
            by=entered_by,
            at=at,
        )


def _configure(category: type[Category], changes: dict[str, Any], *, at: datetime) -> None:
    if ConfigurationVersion.objects.filter(category=category.slug).exists():
        return
    with suppress(NothingChanged):
        change_category(category, changes=changes, changed_by=None, reason="Credentials of the sandbox", at=at)


def _partner_token(*, at: datetime) -> None:
    if not ApiToken.objects.filter(partner_email=cast.PARTNER).exists():
        create_token(
            partner_email=cast.PARTNER,
            scopes=cast.PARTNER_SCOPES,
            days=3650,
            created_by=None,
            plain=demo_token(cast.PARTNER),
            at=at,
        )


def _gateways(*, at: datetime) -> None:
    for slug, name, kind in cast.GATEWAYS:
        if not Gateway.objects.filter(slug=slug).exists():
            create_gateway(slug=slug, name=name, kind=kind, service_codes=cast.SERVICE_CODES, at=at)


def _customers(*, at: datetime) -> None:
    """Everybody of the cast but the one who has never dialled."""
    for person in CAST:
        if not person.is_new:
            register_customer(phone=person.phone, at=at)


def _batch(*, created_by: User, at: datetime) -> None:
    if Batch.objects.filter(name=cast.BATCH).exists():
        return
    with transaction.atomic():
        batch = create_batch(
            terms=BatchTerms(
                name=cast.BATCH,
                description="Codes under the lids of paint cans, for trying things out.",
                amount_per_code=cast.AMOUNT,
                currency=cast.CURRENCY,
                expiration_date=at + timedelta(days=cast.VALID_DAYS),
            ),
            assigned_user=created_by,
            created_by=created_by,
            at=at,
        )
        run = order_codes(batch_id=batch.pk, count=cast.CODES, ordered_by=created_by, nudge=False, at=at)
    run_generation(run_id=run.pk)
