"""Who may call: firewall, subscription key, API user, token, environment (notes A1-A3, A9)."""

import base64
import binascii
import secrets
from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request

from sandbox.clock import now_ms
from sandbox.faults import FaultSwitch
from sandbox.momo.answers import (
    bad_request,
    error,
    forbidden_by_firewall,
    gateway_error,
    login_error,
    missing_length,
)
from sandbox.momo.environments import ENVIRONMENTS, SANDBOX, Environment
from sandbox.momo.orders import TOKEN_EXPIRED, Call, CollectionFaultOrder, MomoFaultOrder, draw_fault
from sandbox.store import Store
from sandbox.world import World

Product = Literal["disbursement", "collection"]
INVALID_KEY = (
    "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription."
)
MISSING_KEY = (
    "Access denied due to missing subscription key. Make sure to include subscription key when making "
    "requests to an API."
)


@dataclass(frozen=True, kw_only=True)
class ApiUser:
    id: str
    api_key: str | None
    callback_host: str
    product: str | None  # None: the demo merchant, who has both


@dataclass(frozen=True, kw_only=True)
class Caller:
    user: ApiUser
    environment: Environment
    token: str


def pass_firewall(request: Request, world: World) -> None:
    """What stands in front of everything: a length on every POST, and on the new platform no
    `python-requests`."""
    if world.behaviour.new_platform and "python-requests" in request.headers.get("user-agent", ""):
        raise forbidden_by_firewall()
    if request.method == "POST" and "content-length" not in request.headers:
        raise missing_length()


def require_subscription(request: Request, world: World) -> Product:
    """The product whose subscription key the request carries. Refuses with 401."""
    key = request.headers.get("ocp-apim-subscription-key")
    if not key:
        raise gateway_error(401, MISSING_KEY)
    if key == world.options.momo_subscription_key:
        return "disbursement"
    if key == world.options.momo_collection_key:
        return "collection"
    raise gateway_error(401, INVALID_KEY)


def require_product(request: Request, world: World, product: str) -> None:
    """Refuses the key of another product, with the answer for a wrong key."""
    if require_subscription(request, world) != product:
        raise gateway_error(401, INVALID_KEY)


def find_api_user(world: World, user_id: str) -> ApiUser | None:
    if user_id == world.options.momo_api_user:
        return ApiUser(
            id=user_id,
            api_key=world.options.momo_api_key,
            callback_host=world.options.callback_host,
            product=None,
        )
    row = world.store.execute("SELECT * FROM api_users WHERE id = ?", (user_id,)).fetchone()
    return row and ApiUser(**dict(row))


def require_api_user(request: Request, world: World) -> ApiUser:
    """The API user of the Basic credentials. Refuses with 401 `invalid_client` or `login_failed`;
    credentials that are not plain base64 give 500 on the new platform."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise login_error("invalid_client")
    try:
        user_id, _, api_key = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        if world.behaviour.new_platform:
            raise error(500, "INTERNAL_PROCESSING_ERROR") from None
        raise login_error("invalid_client") from None
    user = find_api_user(world, user_id)
    if user is None:
        raise login_error("invalid_client")
    if user.api_key is None or user.api_key != api_key:
        raise login_error("login_failed")
    return user


def issue_token(world: World, *, user: ApiUser, product: Product) -> str:
    """A new opaque token for one product; expired ones are forgotten."""
    token = secrets.token_urlsafe(48)
    now = now_ms()
    with world.store.transaction():
        world.store.execute("DELETE FROM tokens WHERE expires_ms <= ?", (now,))
        world.store.execute(
            "INSERT INTO tokens (token, api_user, product, expires_ms) VALUES (?, ?, ?, ?)",
            (token, user.id, product, now + world.behaviour.token_seconds * 1000),
        )
    return token


def revoke_tokens(store: Store, product: Product) -> None:
    store.execute("DELETE FROM tokens WHERE product = ?", (product,))


def faults_of(world: World, product: Product) -> FaultSwitch[MomoFaultOrder] | FaultSwitch[CollectionFaultOrder]:
    """The switch of this product's faults: each is made to fail by itself."""
    return world.momo_faults if product == "disbursement" else world.collection_faults


def require_caller(request: Request, world: World, call: Call | None, *, product: Product = "disbursement") -> Caller:
    """Key, token and environment of a call to the product, in the order the gateway looks at them.

    The fault `token_expired` strikes here: it revokes every token of the product issued so far.
    """
    require_product(request, world, product)
    if draw_fault(faults_of(world, product), modes={TOKEN_EXPIRED}, call=call):
        revoke_tokens(world.store, product)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        raise gateway_error(401, "Unauthorized. Access token is missing or invalid.")
    row = world.store.execute("SELECT * FROM tokens WHERE token = ?", (token,)).fetchone()
    if row is None or row["product"] != product or row["expires_ms"] <= now_ms():
        raise login_error("invalid_token")
    user = find_api_user(world, row["api_user"])
    if user is None:
        raise login_error("invalid_token")
    return Caller(user=user, environment=require_environment(request, user, product), token=token)


def require_environment(request: Request, user: ApiUser, product: Product) -> Environment:
    """The target environment. A provisioned API user has the sandbox only, and only its own product."""
    name = request.headers.get("x-target-environment")
    if not name:
        raise bad_request("X-Target-Environment is missing")
    environment = ENVIRONMENTS.get(name)
    is_demo = user.product is None
    if environment is None or not (is_demo or (name == SANDBOX and user.product == product)):
        raise error(500, "NOT_ALLOWED_TARGET_ENVIRONMENT")
    return environment
