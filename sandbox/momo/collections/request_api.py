"""`POST /collection/v1_0/requesttopay`, its status, and what was collected (notes A4, A5, A7)."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.amounts import InvalidAmount, parse_amount, show_amount
from sandbox.bodies import read_body
from sandbox.clock import now_ms
from sandbox.controls import explain
from sandbox.momo.access import Caller, Product, require_caller
from sandbox.momo.answers import bad_request, error, too_many_requests
from sandbox.momo.calls import momo_call
from sandbox.momo.collections.book import PayRequest, add_request, collected, find_request, status_body
from sandbox.momo.collections.scenarios import fate_of
from sandbox.momo.orders import ACCEPT_MODES, CALLBACK_MODES
from sandbox.momo.transfer_request import (
    MSISDN,
    PLAIN_TEXT,
    Party,
    read_callback_url,
    read_reference_id,
    require_json,
)
from sandbox.world import World

PRODUCT: Product = "collection"


class RequestBody(BaseModel):
    """MTN's names, as sent. Unknown fields are ignored, as MTN does."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True)

    amount: str
    currency: str = Field(min_length=1)
    externalId: str = Field(min_length=1, max_length=100)
    payer: Party
    payerMessage: str | None = Field(default=None, max_length=160, pattern=PLAIN_TEXT)
    payeeNote: str | None = Field(default=None, max_length=160, pattern=PLAIN_TEXT)


@dataclass(frozen=True, kw_only=True)
class Asked:
    caller: Caller
    reference_id: str
    hundredths: int
    callback_url: str | None
    body: RequestBody


@momo_call("requesttopay", product=PRODUCT)
async def create_request(request: Request, world: World) -> Response:
    if world.behaviour.latency_ms:
        await asyncio.sleep(world.behaviour.latency_ms / 1000)
    caller = require_caller(request, world, "requesttopay", product=PRODUCT)
    accept_request(world, await read_request(request, caller), at_ms=now_ms())
    return Response(status_code=202)


async def read_request(request: Request, caller: Caller) -> Asked:
    """What is asked for. Refuses with 400 what is malformed, with MTN's 500 codes what the merchant may not do."""
    reference_id = read_reference_id(request)
    require_json(request)
    try:
        body = RequestBody.model_validate_json(await read_body(request))
    except ValidationError as invalid:
        raise bad_request(explain(invalid)) from None
    callback_url = read_callback_url(request, caller)
    if body.payer.partyIdType == "MSISDN" and not MSISDN.fullmatch(body.payer.partyId):
        raise bad_request("payer.partyId: digits with country code, no plus sign")
    if body.currency != caller.environment.currency:
        raise error(500, "INVALID_CURRENCY")
    try:
        hundredths = parse_amount(body.amount, minor_units=caller.environment.minor_units)
    except InvalidAmount as invalid_amount:
        raise bad_request(f"amount: {invalid_amount}") from None
    if hundredths == 0:
        raise bad_request("amount: must be above zero")
    return Asked(caller=caller, reference_id=reference_id, hundredths=hundredths, callback_url=callback_url, body=body)


def accept_request(world: World, asked: Asked, *, at_ms: int) -> None:
    """Write the request into the book and have its customer decide. A known reference is refused with 409."""
    if find_request(world.store, asked.reference_id):
        raise error(409, "RESOURCE_ALREADY_EXIST")
    fault = world.collection_faults.draw(ACCEPT_MODES)
    mode = fault.mode if fault else "none"
    payer, environment = asked.body.payer, asked.caller.environment
    fate = fate_of(environment, party_id_type=payer.partyIdType, party_id=payer.partyId)
    add_request(
        world.store,
        PayRequest(
            reference_id=asked.reference_id,
            api_user=asked.caller.user.id,
            environment=environment.name,
            hundredths=asked.hundredths,
            currency=asked.body.currency,
            external_id=asked.body.externalId,
            party_id_type=payer.partyIdType,
            party_id=payer.partyId,
            payer_message=asked.body.payerMessage,
            payee_note=asked.body.payeeNote,
            callback_url=asked.callback_url,
            callback_plan=mode if mode in CALLBACK_MODES else "send",
            callback_delay_ms=fault.delay_ms if fault and mode == "late_callback" else 0,
            planned_reason=fault.reason if fault and mode == "refuse" else fate.reason,
            held=int(mode == "stay_pending"),
            created_ms=at_ms,
            due_ms=at_ms + (world.behaviour.ongoing_ms if fate.is_slow else world.behaviour.settle_ms),
        ),
    )
    world.collection_bell.set()


@momo_call("status", product=PRODUCT)
async def read_status(request: Request, world: World) -> Response:
    caller = require_caller(request, world, "status", product=PRODUCT)
    now = now_ms()
    rate = world.behaviour.status_rate
    if rate and not world.status_limit.allows(caller.token, rate=rate, at_ms=now):
        raise too_many_requests()
    try:
        reference_id = str(uuid.UUID(request.path_params["reference_id"]))
    except ValueError:
        raise bad_request("the reference in the path must be a UUID") from None
    found = find_request(world.store, reference_id)
    is_visible = (
        found is not None
        and found.api_user == caller.user.id
        and found.environment == caller.environment.name
        and found.created_ms + world.behaviour.lookup_lag_ms <= now
    )
    if found is None or not is_visible:
        raise error(404, "RESOURCE_NOT_FOUND")
    return JSONResponse(status_body(found, reason_as=world.behaviour.reason_as))


@momo_call("balance", product=PRODUCT)
async def read_balance(request: Request, world: World) -> Response:
    """What customers have paid and nobody has taken out."""
    caller = require_caller(request, world, "balance", product=PRODUCT)
    balance = show_amount(collected(world.store, caller.environment.name))
    return JSONResponse({"availableBalance": balance, "currency": caller.environment.currency})


routes = [
    Route("/collection/v1_0/requesttopay", create_request, methods=["POST"]),
    Route("/collection/v1_0/requesttopay/{reference_id}", read_status, methods=["GET"]),
    Route("/collection/v1_0/account/balance", read_balance, methods=["GET"]),
]
