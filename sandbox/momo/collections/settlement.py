"""From pending to paid or failed: the customer decides here, and the callback is put in the post."""

import asyncio
import json
from itertools import cycle
from typing import Any

from sandbox.deliveries import Parcel, add_delivery, record_dropped
from sandbox.momo.collections.book import (
    PayRequest,
    due_requests,
    find_request,
    next_due_ms,
    record_failed,
    record_paid,
    status_body,
)
from sandbox.momo.settlement import BATCH, make_transaction_id
from sandbox.world import World

DELIVERY_KIND = "momo-collection"


class Collector:
    """Ends what is due, a batch per commit. The rows are the queue, so a restart loses nothing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._alternating = cycle(("PUT", "POST"))

    async def settle_due(self, at_ms: int) -> int | None:
        """End everything due at `at_ms`; the time of the next one, if any."""
        store = self._world.store
        while requests := due_requests(store, at_ms=at_ms, limit=BATCH):
            with store.transaction():
                for request in requests:
                    self._settle(request, at_ms=at_ms)
            self._world.delivery_bell.set()
            await asyncio.sleep(0)  # let requests in between two batches
        return next_due_ms(store)

    def _settle(self, request: PayRequest, *, at_ms: int) -> None:
        store = self._world.store
        if request.planned_reason is not None:
            record_failed(store, request.reference_id, reason=request.planned_reason)
        else:
            record_paid(store, request.reference_id, financial_transaction_id=make_transaction_id())
        settled = find_request(store, request.reference_id)
        if settled is not None and settled.callback_url is not None:
            self._post_callback(settled, settled.callback_url, at_ms=at_ms)

    def _post_callback(self, request: PayRequest, url: str, *, at_ms: int) -> None:
        behaviour = self._world.behaviour
        method = behaviour.callback_method
        parcel = Parcel(
            kind=DELIVERY_KIND,
            subject=request.reference_id,
            method=next(self._alternating) if method == "alternate" else method,
            url=url,
            content_type="application/json",
            body=json.dumps(callback_body(request)),
        )
        if request.callback_plan == "drop_callback":
            record_dropped(self._world.store, parcel, at_ms=at_ms)
            return
        for _ in range(2 if request.callback_plan == "duplicate_callback" else 1):
            add_delivery(
                self._world.store,
                parcel,
                due_ms=at_ms + request.callback_delay_ms,
                tries=behaviour.callback_tries,
            )


def callback_body(request: PayRequest) -> dict[str, Any]:
    """As for transfers (notes A8): the status, the reason a plain string, never our reference."""
    body = status_body(request, reason_as="string")
    body.pop("payerMessage", None)
    return body
