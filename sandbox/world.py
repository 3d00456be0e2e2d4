"""Everything that is the state of one sandbox, handed to whoever serves a request."""

import asyncio
from dataclasses import dataclass, field

from starlette.requests import Request

from sandbox.faults import FaultSwitch
from sandbox.momo.orders import Behaviour, CollectionFaultOrder, MomoFaultOrder
from sandbox.momo.rate_limit import StatusLimit
from sandbox.options import Options
from sandbox.sms.orders import SmsFaultOrder
from sandbox.store import Store


@dataclass(kw_only=True)
class World:
    options: Options
    store: Store
    behaviour: Behaviour
    delivery_url: str
    momo_faults: FaultSwitch[MomoFaultOrder] = field(default_factory=FaultSwitch)
    collection_faults: FaultSwitch[CollectionFaultOrder] = field(default_factory=FaultSwitch)
    sms_faults: FaultSwitch[SmsFaultOrder] = field(default_factory=FaultSwitch)
    status_limit: StatusLimit = field(default_factory=StatusLimit)
    # Rung when a transfer or a request to pay may have fallen due, and when something is to be delivered.
    settlement_bell: asyncio.Event = field(default_factory=asyncio.Event)
    collection_bell: asyncio.Event = field(default_factory=asyncio.Event)
    delivery_bell: asyncio.Event = field(default_factory=asyncio.Event)


def build_world(*, options: Options, store: Store) -> World:
    return World(
        options=options,
        store=store,
        behaviour=first_behaviour(options),
        delivery_url=options.delivery_url,
    )


def first_behaviour(options: Options) -> Behaviour:
    """The behaviour asked for at the start. Raises pydantic.ValidationError when out of range."""
    return Behaviour.model_validate({name: getattr(options, name) for name in Behaviour.model_fields})


def world_of(request: Request) -> World:
    world = request.app.state.world
    assert isinstance(world, World)
    return world
