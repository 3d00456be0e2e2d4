"""`POST /disbursement/token/` and `POST /collection/token/` (notes A3). A token opens its own product only."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.bodies import read_body
from sandbox.momo.access import (
    Product,
    issue_token,
    require_api_user,
    require_product,
)
from sandbox.momo.answers import Refusal, rejected_by_firewall
from sandbox.momo.calls import Endpoint, momo_call
from sandbox.momo.environments import ENVIRONMENTS
from sandbox.world import World


def token_endpoint(product: Product) -> Endpoint:
    async def create_token(request: Request, world: World) -> Response:
        body = await read_body(request)
        content_type = request.headers.get("content-type", "")
        if body and (content_type.startswith("application/x-www-form-urlencoded") or b"grant_type=" in body):
            raise rejected_by_firewall()
        require_product(request, world, product)
        if world.behaviour.new_platform and request.headers.get("x-target-environment") not in ENVIRONMENTS:
            raise missing_environment()
        user = require_api_user(request, world)
        token = issue_token(world, user=user, product=product)
        return JSONResponse(
            {
                "access_token": token,
                "token_type": "access_token",
                "expires_in": world.behaviour.token_seconds,
            }
        )

    return momo_call("token", product=product)(create_token)


def missing_environment() -> Refusal:
    return Refusal(JSONResponse({"error": "Invalid or missing X-Target-Environment header"}, status_code=400))


routes = [
    Route("/disbursement/token/", token_endpoint("disbursement"), methods=["POST"]),
    Route("/collection/token/", token_endpoint("collection"), methods=["POST"]),
]
