"""`/_sandbox/momo/…`: faults, float, behaviour and the book of transfers (contract section 9)."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.amounts import InvalidAmount, parse_amount
from sandbox.clock import now_ms
from sandbox.controls import InvalidOrder, read_count, read_order
from sandbox.deliveries import show_deliveries
from sandbox.faults import NO_FAULT
from sandbox.momo.book import (
    book_entry,
    find_transfer,
    list_transfers,
    release_transfers,
    set_floats,
    show_floats,
)
from sandbox.momo.environments import ENVIRONMENTS
from sandbox.momo.orders import Behaviour, MomoFaultOrder
from sandbox.world import World, world_of


class FloatOrder(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    amount: int | float | str
    currency: str
    environment: str | None = None


class SettleOrder(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    # The name on the wire.
    reference_id: str | None = Field(default=None, alias="referenceId")


async def read_faults(request: Request) -> Response:
    return JSONResponse(world_of(request).momo_faults.show())


async def set_fault(request: Request) -> Response:
    """Replace the fault. Mode `none` also lets go what `stay_pending` holds."""
    world = world_of(request)
    order = await read_order(request, MomoFaultOrder)
    world.momo_faults.set(order)
    if order.mode == NO_FAULT:
        settle_now(world, reference_id=None)
    return JSONResponse(world.momo_faults.show())


async def settle(request: Request) -> Response:
    """Let one pending transfer settle now, or every one that `stay_pending` holds."""
    world = world_of(request)
    order = await read_order(request, SettleOrder)
    if order.reference_id is not None and find_transfer(world.store, order.reference_id) is None:
        raise InvalidOrder("no transfer has this referenceId", status=404)
    return JSONResponse({"released": settle_now(world, reference_id=order.reference_id)})


def settle_now(world: World, *, reference_id: str | None) -> int:
    released = release_transfers(world.store, reference_id=reference_id, at_ms=now_ms())
    world.settlement_bell.set()
    return released


async def read_floats(request: Request) -> Response:
    return JSONResponse(show_floats(world_of(request).store))


async def set_float(request: Request) -> Response:
    """Set the float of a currency, in every environment that uses it or in the one named."""
    world = world_of(request)
    order = await read_order(request, FloatOrder)
    chosen = [
        environment
        for environment in ENVIRONMENTS.values()
        if environment.currency == order.currency and order.environment in {None, environment.name}
    ]
    if not chosen:
        raise InvalidOrder("currency, environment: no such environment takes this currency")
    try:
        hundredths = parse_amount(str(order.amount), minor_units=chosen[0].minor_units)
    except InvalidAmount as invalid:
        raise InvalidOrder(f"amount: {invalid}") from None
    set_floats(world.store, [environment.name for environment in chosen], hundredths)
    return JSONResponse(show_floats(world.store))


async def read_book(request: Request) -> Response:
    query = request.query_params
    transfers = list_transfers(
        world_of(request).store,
        external_id=query.get("externalId"),
        party_id=query.get("partyId"),
        status=query.get("status"),
        limit=read_count(query.get("limit"), name="limit"),
    )
    return JSONResponse([book_entry(transfer) for transfer in transfers])


async def read_callbacks(request: Request) -> Response:
    """What became of the callbacks of one transfer, or of all."""
    world = world_of(request)
    return JSONResponse(show_deliveries(world.store, kind="momo", subject=request.query_params.get("referenceId")))


async def read_behaviour(request: Request) -> Response:
    return JSONResponse(world_of(request).behaviour.model_dump(by_alias=True))


async def change_behaviour(request: Request) -> Response:
    """Change the named values, keep the others. They last until a reset or a restart."""
    world = world_of(request)
    world.behaviour = await read_order(request, Behaviour, over=world.behaviour)
    return JSONResponse(world.behaviour.model_dump(by_alias=True))


routes = [
    Route("/_sandbox/momo/faults", read_faults, methods=["GET"]),
    Route("/_sandbox/momo/faults", set_fault, methods=["POST"]),
    Route("/_sandbox/momo/settle", settle, methods=["POST"]),
    Route("/_sandbox/momo/float", read_floats, methods=["GET"]),
    Route("/_sandbox/momo/float", set_float, methods=["POST"]),
    Route("/_sandbox/momo/transfers", read_book, methods=["GET"]),
    Route("/_sandbox/momo/callbacks", read_callbacks, methods=["GET"]),
    Route("/_sandbox/momo/behaviour", read_behaviour, methods=["GET"]),
    Route("/_sandbox/momo/behaviour", change_behaviour, methods=["POST"]),
]
