"""`POST /disbursement/v1_0/transfer` and its status (notes A4, A5)."""

import asyncio
import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.clock import now_ms
from sandbox.momo.access import require_caller
from sandbox.momo.answers import bad_request, error, too_many_requests
from sandbox.momo.book import Transfer, add_transfer, find_transfer, status_body
from sandbox.momo.calls import momo_call
from sandbox.momo.environments import has_wallet
from sandbox.momo.orders import ACCEPT_MODES, CALLBACK_MODES
from sandbox.momo.scenarios import ONGOING_NUMBER, TRANSFER_REASONS, is_scenario_number
from sandbox.momo.transfer_request import TransferRequest, read_transfer_request
from sandbox.world import World

NO_WALLET = "PAYEE_NOT_FOUND"


@momo_call("transfer")
async def create_transfer(request: Request, world: World) -> Response:
    if world.behaviour.latency_ms:
        await asyncio.sleep(world.behaviour.latency_ms / 1000)
    caller = require_caller(request, world, "transfer")
    accept_transfer(world, await read_transfer_request(request, caller), at_ms=now_ms())
    return Response(status_code=202)


def accept_transfer(world: World, asked: TransferRequest, *, at_ms: int) -> None:
    """Write the transfer into the book and have it settled. A known reference is refused with 409."""
    if find_transfer(world.store, asked.reference_id):
        raise error(409, "RESOURCE_ALREADY_EXIST")
    fault = world.momo_faults.draw(ACCEPT_MODES)
    mode = fault.mode if fault else "none"
    is_ongoing = asked.body.payee.partyId == ONGOING_NUMBER
    add_transfer(
        world.store,
        Transfer(
            reference_id=asked.reference_id,
            api_user=asked.caller.user.id,
            environment=asked.caller.environment.name,
            hundredths=asked.hundredths,
            currency=asked.body.currency,
            external_id=asked.body.externalId,
            party_id_type=asked.body.payee.partyIdType,
            party_id=asked.body.payee.partyId,
            payer_message=asked.body.payerMessage,
            payee_note=asked.body.payeeNote,
            callback_url=asked.callback_url,
            callback_plan=mode if mode in CALLBACK_MODES else "send",
            callback_delay_ms=fault.delay_ms if fault and mode == "late_callback" else 0,
            planned_reason=fault.reason if fault and mode == "refuse" else plan_reason(asked),
            held=int(mode == "stay_pending"),
            created_ms=at_ms,
            due_ms=at_ms + (world.behaviour.ongoing_ms if is_ongoing else world.behaviour.settle_ms),
        ),
    )
    world.settlement_bell.set()


def plan_reason(asked: TransferRequest) -> str | None:
    """The reason the transfer will fail with, None when it will be paid (if the float allows)."""
    payee = asked.body.payee
    if payee.partyIdType == "MSISDN" and is_scenario_number(payee.partyId):
        return TRANSFER_REASONS.get(payee.partyId)
    if asked.caller.environment.country and payee.partyIdType != "MSISDN":
        return NO_WALLET
    return None if has_wallet(asked.caller.environment, payee.partyId) else NO_WALLET


@momo_call("status")
async def read_transfer(request: Request, world: World) -> Response:
    caller = require_caller(request, world, "status")
    now = now_ms()
    rate = world.behaviour.status_rate
    if rate and not world.status_limit.allows(caller.token, rate=rate, at_ms=now):
        raise too_many_requests()
    try:
        reference_id = str(uuid.UUID(request.path_params["reference_id"]))
    except ValueError:
        raise bad_request("the reference in the path must be a UUID") from None
    transfer = find_transfer(world.store, reference_id)
    is_visible = (
        transfer is not None
        and transfer.api_user == caller.user.id
        and transfer.environment == caller.environment.name
        and transfer.created_ms + world.behaviour.lookup_lag_ms <= now
    )
    if transfer is None or not is_visible:
        raise error(404, "RESOURCE_NOT_FOUND")
    return JSONResponse(status_body(transfer, reason_as=world.behaviour.reason_as))


routes = [
    Route("/disbursement/v1_0/transfer", create_transfer, methods=["POST"]),
    Route("/disbursement/v1_0/transfer/{reference_id}", read_transfer, methods=["GET"]),
]
