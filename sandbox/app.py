"""The application: what each target serves, the control page, and the workers behind them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox.controls import InvalidOrder, answer_invalid_order
from sandbox.deliveries import Courier
from sandbox.momo import account_api, provisioning_api, token_api, transfer_api
from sandbox.momo import control_api as momo_control
from sandbox.momo.answers import gateway_error
from sandbox.momo.book import fill_floats
from sandbox.momo.collections import control_api as collections_control
from sandbox.momo.collections import request_api
from sandbox.momo.collections.settlement import Collector
from sandbox.momo.settlement import Settler
from sandbox.sms import control_api as sms_control
from sandbox.sms import messaging_api
from sandbox.worker import Worker
from sandbox.world import World, first_behaviour, world_of

PAGE = Path(__file__).with_name("page.html")


async def show_page(request: Request) -> Response:
    return HTMLResponse(PAGE.read_text(encoding="utf-8"))


async def show_health(request: Request) -> Response:
    world_of(request).store.execute("SELECT 1")
    return JSONResponse({"status": "ok"})


async def reset(request: Request) -> Response:
    """Back to the start: empty books, full floats, no faults, first behaviour. API users and tokens
    stay, so that a client keeps its session."""
    reset_world(world_of(request))
    return JSONResponse({"status": "ok"})


async def answer_unknown_path(request: Request, error: Exception) -> Response:
    return gateway_error(404, "Resource not found").response


def reset_world(world: World) -> None:
    world.momo_faults.clear()
    world.collection_faults.clear()
    world.sms_faults.clear()
    world.behaviour = first_behaviour(world.options)
    world.delivery_url = world.options.delivery_url
    with world.store.transaction():
        world.store.clear()
        fill_floats(world.store, whole_units=world.options.momo_float)


def build_app(world: World) -> Starlette:
    """Serves `world`; its workers live as long as the application."""
    settler = Settler(world)
    collector = Collector(world)
    courier = Courier(world)
    workers = (
        Worker(name="settlement", step=settler.settle_due, bell=world.settlement_bell),
        Worker(name="collections", step=collector.settle_due, bell=world.collection_bell),
        Worker(name="deliveries", step=courier.send_due, bell=world.delivery_bell),
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with world.store.transaction():
            fill_floats(world.store, whole_units=world.options.momo_float)
        tasks = [asyncio.create_task(worker.run()) for worker in workers]
        yield
        for task in tasks:
            task.cancel()
        courier.close()
        world.store.close()

    app = Starlette(
        routes=[
            Route("/", show_page, methods=["GET"]),
            Route("/_sandbox/health", show_health, methods=["GET"]),
            Route("/_sandbox/reset", reset, methods=["POST"]),
            *momo_control.routes,
            *collections_control.routes,
            *sms_control.routes,
            *token_api.routes,
            *transfer_api.routes,
            *request_api.routes,
            *account_api.routes,
            *provisioning_api.routes,
            *messaging_api.routes,
        ],
        exception_handlers={InvalidOrder: answer_invalid_order, 404: answer_unknown_path},
        lifespan=lifespan,
    )
    # MTN answers 404 for a path with a slash too few or too many, it does not redirect.
    app.router.redirect_slashes = False
    app.state.world = world
    return app
