"""The gateways as a process knows them: one small SELECT every few seconds serves every turn."""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from django.db import Error

from accounts import address_lists
from configuration.encryption import UnreadableSecret, decrypt
from ussd.models import Gateway
from ussd.watchdog import database_work_ends

# Seconds between looks at the database, whether the last look succeeded or not.
LOOK_EVERY_SECONDS = 3.0
# Seconds a look may take; the turn that looks has its own work to do after it.
FOR_A_LOOK = 2.0

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class KnownGateway:
    """What a turn needs of a gateway. `secret` is in clear and stays in this process; empty: no address with one."""

    slug: str
    kind: str
    secret: str = field(repr=False)
    networks: tuple[str, ...]
    service_codes: Mapping[str, str]
    region: str

    def allows(self, address: str | None) -> bool:
        """Whether a request may come from this address; without a list, from any."""
        return address_lists.allows(self.networks, address)


class GatewaysUnknown(Exception):
    """The database has not been reachable since this process started: nobody can be recognised."""

    code = "SERVICE_UNAVAILABLE"


_known: dict[str, KnownGateway] | None = None
_next_look = 0.0
_look_lock = threading.Lock()


def active_gateways() -> Mapping[str, KnownGateway]:
    """Active gateways by slug, at most a few seconds old; the last known ones while PostgreSQL is away.

    Raises GatewaysUnknown when there are no last known ones.
    """
    # One thread looks. The others go on with what is known; only at the very start do they wait.
    if time.monotonic() >= _next_look and _look_lock.acquire(blocking=_known is None):
        try:
            if time.monotonic() >= _next_look:
                _look()
        finally:
            _look_lock.release()
    if _known is None:
        raise GatewaysUnknown("The gateways cannot be read: the database is away.")
    return _known


def expire_gateways() -> None:
    """Look again at the next turn; a change of a gateway calls this after its commit."""
    global _next_look
    _next_look = 0.0


def forget_gateways() -> None:
    """Begin as a new process does: nothing known. For tests, whose database forgets too."""
    global _known
    _known = None
    expire_gateways()


def _look() -> None:
    global _known, _next_look
    try:
        with database_work_ends(within=FOR_A_LOOK):
            found = {row.slug: _as_known(row) for row in Gateway.objects.filter(is_active=True)}
    except Error as error:
        logger.warning("gateways_unreadable", error=str(error))
    else:
        _known = found
    _next_look = time.monotonic() + LOOK_EVERY_SECONDS


def _as_known(row: Gateway) -> KnownGateway:
    try:
        secret = decrypt(row.secret) if row.secret else ""
    except UnreadableSecret:
        # The others still work; this one can be reached with a token only, until its secret is changed.
        logger.error("gateway_secret_unreadable", gateway=row.slug)
        secret = ""
    return KnownGateway(
        slug=row.slug,
        kind=row.kind,
        secret=secret,
        networks=tuple(row.allowed_ips),
        service_codes=row.service_codes,
        region=row.region,
    )


def _start_afresh_in_child() -> None:
    global _look_lock
    # Another thread of the parent may have held the lock at the moment of the fork.
    _look_lock = threading.Lock()


os.register_at_fork(after_in_child=_start_afresh_in_child)
