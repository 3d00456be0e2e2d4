"""Sandbox provisioning: an API user of one's own, for the environment `sandbox` (notes A9)."""

import re
import secrets
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.bodies import read_body
from sandbox.controls import explain
from sandbox.momo.access import ApiUser, find_api_user, require_subscription
from sandbox.momo.answers import bad_request, error
from sandbox.momo.calls import momo_call
from sandbox.momo.environments import SANDBOX
from sandbox.momo.transfer_request import read_reference_id
from sandbox.world import World

_IP_ADDRESS = re.compile(r"[0-9.]+")


class ApiUserBody(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True)

    # A host name: no scheme, port or path.
    providerCallbackHost: str = Field(pattern=r"^[A-Za-z0-9.-]{1,253}$")


@momo_call()
async def create_api_user(request: Request, world: World) -> Response:
    product = require_subscription(request, world)
    user_id = read_reference_id(request)
    try:
        body = ApiUserBody.model_validate_json(await read_body(request))
    except ValidationError as invalid:
        raise bad_request(explain(invalid)) from None
    if _IP_ADDRESS.fullmatch(body.providerCallbackHost):
        raise bad_request("providerCallbackHost: a name, not an IP address")
    if find_api_user(world, user_id):
        raise error(409, "RESOURCE_ALREADY_EXIST")
    world.store.execute(
        "INSERT INTO api_users (id, product, callback_host) VALUES (?, ?, ?)",
        (user_id, product, body.providerCallbackHost),
    )
    return Response(status_code=201)


@momo_call()
async def create_api_key(request: Request, world: World) -> Response:
    """A new key; the one before stops working."""
    user = require_known_user(request, world)
    api_key = secrets.token_hex(16)
    world.store.execute("UPDATE api_users SET api_key = ? WHERE id = ?", (api_key, user.id))
    return JSONResponse({"apiKey": api_key}, status_code=201)


@momo_call()
async def read_api_user(request: Request, world: World) -> Response:
    user = require_known_user(request, world)
    return JSONResponse({"providerCallbackHost": user.callback_host, "targetEnvironment": SANDBOX})


def require_known_user(request: Request, world: World) -> ApiUser:
    """The provisioned user in the path. The demo merchant is not one: its key is a start option."""
    require_subscription(request, world)
    user = find_api_user(world, request.path_params["user_id"])
    if user is None or user.product is None:
        raise error(404, "RESOURCE_NOT_FOUND")
    return user


routes = [
    Route("/v1_0/apiuser", create_api_user, methods=["POST"]),
    Route("/v1_0/apiuser/{user_id}/apikey", create_api_key, methods=["POST"]),
    Route("/v1_0/apiuser/{user_id}", read_api_user, methods=["GET"]),
]
