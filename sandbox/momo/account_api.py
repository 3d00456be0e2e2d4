"""Balance and account holders (notes A7, A10)."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.amounts import show_amount
from sandbox.clock import now_ms
from sandbox.momo.access import Caller, require_caller
from sandbox.momo.answers import bad_request, error
from sandbox.momo.book import read_float
from sandbox.momo.calls import momo_call
from sandbox.momo.environments import has_wallet
from sandbox.momo.scenarios import HOLDER_ERRORS, INACTIVE_HOLDER, is_scenario_number
from sandbox.world import World

ID_TYPES = frozenset({"msisdn", "email", "party_code"})


@momo_call("balance")
async def read_balance(request: Request, world: World) -> Response:
    caller = require_caller(request, world, "balance")
    currency = request.path_params.get("currency", caller.environment.currency)
    if currency != caller.environment.currency:
        raise error(500, "INVALID_CURRENCY")
    hundredths = read_float(world.store, caller.environment.name)
    return JSONResponse({"availableBalance": show_amount(hundredths), "currency": currency})


@momo_call()
async def read_active(request: Request, world: World) -> Response:
    caller = require_caller(request, world, None)
    party_id = read_holder(request)
    return JSONResponse({"result": party_id != INACTIVE_HOLDER and is_holder(caller, party_id)})


@momo_call()
async def read_basic_user_info(request: Request, world: World) -> Response:
    """A made-up person, the same for every number."""
    caller = require_caller(request, world, None)
    if not is_holder(caller, read_holder(request)):
        raise error(404, "RESOURCE_NOT_FOUND")
    return JSONResponse(
        {
            "sub": "0",
            "name": "Sand Box",
            "given_name": "Sand",
            "family_name": "Box",
            "birthdate": "1976-08-13",
            "locale": "sv_SE",
            "gender": "MALE",
            "updated_at": now_ms() // 1000,
        }
    )


def read_holder(request: Request) -> str:
    """The identifier asked about. Refuses an upper-case id type, and numbers that stand for errors."""
    if request.path_params["id_type"] not in ID_TYPES:
        raise bad_request("the id type is msisdn, email or party_code, in lower case")
    party_id: str = request.path_params["party_id"]
    if party_id in HOLDER_ERRORS:
        raise error(*HOLDER_ERRORS[party_id])
    return party_id


def is_holder(caller: Caller, party_id: str) -> bool:
    return is_scenario_number(party_id) or has_wallet(caller.environment, party_id)


routes = [
    Route("/disbursement/v1_0/account/balance", read_balance, methods=["GET"]),
    Route("/disbursement/v1_0/account/balance/{currency}", read_balance, methods=["GET"]),
    Route("/disbursement/v1_0/accountholder/{id_type}/{party_id}/active", read_active, methods=["GET"]),
    Route(
        "/disbursement/v1_0/accountholder/{id_type}/{party_id}/basicuserinfo",
        read_basic_user_info,
        methods=["GET"],
    ),
]
