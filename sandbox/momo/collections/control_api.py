"""`/_sandbox/momo/collections…`: faults and the book of requests to pay."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.clock import now_ms
from sandbox.controls import InvalidOrder, read_count, read_order
from sandbox.deliveries import show_deliveries
from sandbox.faults import NO_FAULT
from sandbox.momo.collections.book import book_entry, find_request, list_requests, release_requests
from sandbox.momo.collections.settlement import DELIVERY_KIND
from sandbox.momo.control_api import SettleOrder
from sandbox.momo.orders import CollectionFaultOrder
from sandbox.world import World, world_of

BASE = "/_sandbox/momo/collections"


async def read_faults(request: Request) -> Response:
    return JSONResponse(world_of(request).collection_faults.show())


async def set_fault(request: Request) -> Response:
    """Replace the fault. Mode `none` also lets go what `stay_pending` holds."""
    world = world_of(request)
    order = await read_order(request, CollectionFaultOrder)
    world.collection_faults.set(order)
    if order.mode == NO_FAULT:
        settle_now(world, reference_id=None)
    return JSONResponse(world.collection_faults.show())


async def settle(request: Request) -> Response:
    """Have one customer decide now, or every one that `stay_pending` holds."""
    world = world_of(request)
    order = await read_order(request, SettleOrder)
    if order.reference_id is not None and find_request(world.store, order.reference_id) is None:
        raise InvalidOrder("no request to pay has this referenceId", status=404)
    return JSONResponse({"released": settle_now(world, reference_id=order.reference_id)})


def settle_now(world: World, *, reference_id: str | None) -> int:
    released = release_requests(world.store, reference_id=reference_id, at_ms=now_ms())
    world.collection_bell.set()
    return released


async def read_book(request: Request) -> Response:
    query = request.query_params
    requests = list_requests(
        world_of(request).store,
        external_id=query.get("externalId"),
        party_id=query.get("partyId"),
        status=query.get("status"),
        limit=read_count(query.get("limit"), name="limit"),
    )
    return JSONResponse([book_entry(found) for found in requests])


async def read_callbacks(request: Request) -> Response:
    """What became of the callbacks of one request to pay, or of all."""
    store = world_of(request).store
    return JSONResponse(show_deliveries(store, kind=DELIVERY_KIND, subject=request.query_params.get("referenceId")))


routes = [
    Route(BASE, read_book, methods=["GET"]),
    Route(f"{BASE}/faults", read_faults, methods=["GET"]),
    Route(f"{BASE}/faults", set_fault, methods=["POST"]),
    Route(f"{BASE}/settle", settle, methods=["POST"]),
    Route(f"{BASE}/callbacks", read_callbacks, methods=["GET"]),
]
