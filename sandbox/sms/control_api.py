"""`/_sandbox/sms…`: the messages that reached a phone, faults, and where reports go."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.controls import read_count, read_order
from sandbox.deliveries import show_deliveries
from sandbox.sms.book import show_messages
from sandbox.sms.orders import SmsFaultOrder
from sandbox.world import world_of


class DeliveryUrlOrder(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    # Empty: reports are not sent.
    url: str = Field(pattern=r"^(https?://[^\s/]+\S*)?$")


async def read_messages(request: Request) -> Response:
    query = request.query_params
    return JSONResponse(
        show_messages(
            world_of(request).store,
            recipient=query.get("to"),
            limit=read_count(query.get("limit"), name="limit"),
        )
    )


async def read_faults(request: Request) -> Response:
    return JSONResponse(world_of(request).sms_faults.show())


async def set_fault(request: Request) -> Response:
    world = world_of(request)
    world.sms_faults.set(await read_order(request, SmsFaultOrder))
    return JSONResponse(world.sms_faults.show())


async def read_delivery_url(request: Request) -> Response:
    return JSONResponse({"url": world_of(request).delivery_url})


async def set_delivery_url(request: Request) -> Response:
    """Reports of later messages go there, until a reset or a restart."""
    world = world_of(request)
    world.delivery_url = (await read_order(request, DeliveryUrlOrder)).url
    return JSONResponse({"url": world.delivery_url})


async def read_reports(request: Request) -> Response:
    """What became of delivery reports."""
    return JSONResponse(show_deliveries(world_of(request).store, kind="sms"))


routes = [
    Route("/_sandbox/sms", read_messages, methods=["GET"]),
    Route("/_sandbox/sms/faults", read_faults, methods=["GET"]),
    Route("/_sandbox/sms/faults", set_fault, methods=["POST"]),
    Route("/_sandbox/sms/delivery-url", read_delivery_url, methods=["GET"]),
    Route("/_sandbox/sms/delivery-url", set_delivery_url, methods=["POST"]),
    Route("/_sandbox/sms/reports", read_reports, methods=["GET"]),
]
