"""Gateways: made, changed, given a new secret. Each act leaves one audit event; secrets never stand in it."""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import phonenumbers
from django.db import IntegrityError, transaction

from accounts.address_lists import parse_networks
from audit import services as audit
from configuration.encryption import decrypt, encrypt
from ussd.locks import lock_gateway
from ussd.models import Gateway
from ussd.registry import journey_names
from ussd.selectors import expire_gateways
from ussd.service_codes import InvalidServiceCode, normalise_service_code
from ussd.statuses import GatewayKind

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")
CHANGEABLE = ("name", "allowed_ips", "service_codes", "region", "is_active")


class GatewayRefused(ValueError):
    """The gateway cannot be stored like that; `messages` says why, by field. Nothing was written."""

    code = "GATEWAY_REFUSED"

    def __init__(self, messages: dict[str, str]) -> None:
        self.messages = messages
        super().__init__(" ".join(messages.values()))


def check_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of CHANGEABLE as they are stored. Raises GatewayRefused with everything that is wrong."""
    checks: dict[str, Callable[[Any], Any]] = {
        "name": _name,
        "allowed_ips": parse_networks,
        "service_codes": _service_codes,
        "region": _region,
        "is_active": bool,
    }
    stored, wrong = {}, {}
    for field, value in values.items():
        try:
            stored[field] = checks[field](value)
        except ValueError as error:
            wrong[field] = str(error)
    if wrong:
        raise GatewayRefused(wrong)
    return stored


def create_gateway(
    *,
    slug: str,
    name: str,
    kind: str,
    service_codes: Mapping[str, str],
    at: datetime,
    region: str = "RW",
    allowed_ips: Sequence[str] = (),
) -> tuple[Gateway, str]:
    """A new gateway and its secret, the last part of its address `/api/v1/ussd/handle/<slug>/<secret>/`.

    Raises GatewayRefused for an unknown kind, journey or country, bad service codes or networks, a slug taken.
    """
    if kind not in GatewayKind.values:
        raise GatewayRefused({"kind": f"Choose one of {', '.join(GatewayKind.values)}."})
    if not _SLUG.fullmatch(slug):
        raise GatewayRefused({"slug": "Use 1 to 50 lower-case letters, digits and hyphens."})
    values = check_values(
        {"name": name, "allowed_ips": allowed_ips, "service_codes": service_codes, "region": region, "is_active": True}
    )
    secret = secrets.token_urlsafe(32)
    gateway = Gateway(slug=slug, kind=kind, secret=encrypt(secret), **values)
    try:
        with transaction.atomic():
            gateway.save(force_insert=True)
            audit.record("ussd.gateway.created", target=gateway, after={"slug": slug, "kind": kind, **values}, at=at)
            transaction.on_commit(expire_gateways)
    except IntegrityError as error:
        raise GatewayRefused({"slug": f"There already is a gateway {slug!r}."}) from error
    return gateway, secret


def change_gateway(*, gateway_id: int, changes: Mapping[str, Any], at: datetime) -> Gateway:
    """Change some of CHANGEABLE; its wire format and slug stay. The same values change nothing.

    Every process obeys within a few seconds. Raises GatewayRefused.
    """
    if unknown := set(changes) - set(CHANGEABLE):
        raise GatewayRefused({name: f"{name} cannot be changed." for name in sorted(unknown)})
    values = check_values(changes)
    with transaction.atomic():
        gateway = lock_gateway(gateway_id)
        after = {name: value for name, value in values.items() if getattr(gateway, name) != value}
        if not after:
            return gateway
        before = {name: getattr(gateway, name) for name in after}
        for name, value in after.items():
            setattr(gateway, name, value)
        gateway.updated_at = at
        gateway.save(update_fields=[*after, "updated_at"])
        audit.record("ussd.gateway.changed", target=gateway, before=before, after=after, at=at)
        transaction.on_commit(expire_gateways)
    return gateway


def rotate_secret(*, gateway_id: int, at: datetime) -> str:
    """A new secret, shown this once; the old address stops working within a few seconds."""
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        gateway = lock_gateway(gateway_id)
        gateway.secret = encrypt(secret)
        gateway.updated_at = at
        gateway.save(update_fields=["secret", "updated_at"])
        audit.record("ussd.gateway.secret_rotated", target=gateway, at=at)
        transaction.on_commit(expire_gateways)
    return secret


def reveal_secret(*, gateway: Gateway) -> str:
    """The secret in clear, for the terminal's handset and the sandbox's phone. Raises UnreadableSecret."""
    return decrypt(gateway.secret)


def _name(value: str) -> str:
    if not value.strip() or len(value) > 100:
        raise ValueError("A name has 1 to 100 characters.")
    return value.strip()


def _region(value: str) -> str:
    if value not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("A country is two capital letters, such as RW.")
    return value


def _service_codes(value: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(value, Mapping) or not value:
        raise ValueError('Write service codes as {"*384*1234#": "promo"}; at least one.')
    stored: dict[str, str] = {}
    for code, journey in value.items():
        if journey not in journey_names():
            raise ValueError(f"There is no journey {journey!r}; choose one of {', '.join(journey_names())}.")
        try:
            normal = normalise_service_code(code)
        except InvalidServiceCode as error:
            raise ValueError(f"{error}.") from error
        if normal in stored:
            raise ValueError(f"{normal} stands there twice.")
        stored[normal] = journey
    return stored
