"""How every MoMo call is answered: the fault first, then the firewall, then the call itself."""

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from sandbox.momo.access import Product, faults_of, pass_firewall
from sandbox.momo.answers import Refusal, error
from sandbox.momo.orders import ANSWER_MODES, Call, draw_fault
from sandbox.silence import NoAnswer
from sandbox.world import World, world_of

Endpoint = Callable[[Request], Awaitable[Response]]
Handler = Callable[[Request, World], Awaitable[Response]]


def momo_call(call: Call | None = None, *, product: Product = "disbursement") -> Callable[[Handler], Endpoint]:
    """Make an endpoint of a handler. `call` names it for the product's faults; without one no fault strikes it."""

    def decorate(handler: Handler) -> Endpoint:
        @wraps(handler)
        async def endpoint(request: Request) -> Response:
            world = world_of(request)
            return await answer_call(request, world, handler, call, product)

        return endpoint

    return decorate


async def answer_call(
    request: Request, world: World, handler: Handler, call: Call | None, product: Product
) -> Response:
    fault = draw_fault(faults_of(world, product), modes=ANSWER_MODES, call=call)
    if fault is None:
        return await run_handler(request, world, handler)
    if fault.mode == "http_503":
        return error(503, "SERVICE_UNAVAILABLE").response
    if fault.mode.endswith("after_accept"):
        # The work is done, only its answer is lost.
        await run_handler(request, world, handler)
    if fault.mode.startswith("timeout"):
        return NoAnswer(delay_ms=fault.delay_ms)
    return error(500, "INTERNAL_PROCESSING_ERROR").response


async def run_handler(request: Request, world: World, handler: Handler) -> Response:
    try:
        pass_firewall(request, world)
        return await handler(request, world)
    except Refusal as refusal:
        return refusal.response
