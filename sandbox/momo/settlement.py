"""From pending to paid or failed: money leaves the float here, and the callback is put in the post."""

import asyncio
import json
import secrets
from itertools import cycle
from typing import Any

from sandbox.deliveries import Parcel, add_delivery, record_dropped
from sandbox.momo.book import (
    Transfer,
    due_transfers,
    find_transfer,
    next_due_ms,
    record_failed,
    record_paid,
    status_body,
    take_from_float,
)
from sandbox.world import World

BATCH = 200
SHORT_OF_FUNDS = "NOT_ENOUGH_FUNDS"


class Settler:
    """Settles what is due, a batch per commit. The rows are the queue, so a restart loses nothing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._alternating = cycle(("PUT", "POST"))

    async def settle_due(self, at_ms: int) -> int | None:
        """Settle everything due at `at_ms`; the time of the next one, if any."""
        store = self._world.store
        while transfers := due_transfers(store, at_ms=at_ms, limit=BATCH):
            with store.transaction():
                for transfer in transfers:
                    self._settle(transfer, at_ms=at_ms)
            self._world.delivery_bell.set()
            await asyncio.sleep(0)  # let requests in between two batches
        return next_due_ms(store)

    def _settle(self, transfer: Transfer, *, at_ms: int) -> None:
        store = self._world.store
        if transfer.planned_reason is not None:
            record_failed(store, transfer.reference_id, reason=transfer.planned_reason)
        elif take_from_float(store, transfer.environment, transfer.hundredths):
            record_paid(store, transfer.reference_id, financial_transaction_id=make_transaction_id())
        else:
            record_failed(store, transfer.reference_id, reason=SHORT_OF_FUNDS)
        settled = find_transfer(store, transfer.reference_id)
        if settled is not None and settled.callback_url is not None:
            self._post_callback(settled, settled.callback_url, at_ms=at_ms)

    def _post_callback(self, transfer: Transfer, url: str, *, at_ms: int) -> None:
        method = self._world.behaviour.callback_method
        parcel = Parcel(
            kind="momo",
            subject=transfer.reference_id,
            method=next(self._alternating) if method == "alternate" else method,
            url=url,
            content_type="application/json",
            body=json.dumps(callback_body(transfer)),
        )
        if transfer.callback_plan == "drop_callback":
            record_dropped(self._world.store, parcel, at_ms=at_ms)
            return
        copies = 2 if transfer.callback_plan == "duplicate_callback" else 1
        for _ in range(copies):
            add_delivery(
                self._world.store,
                parcel,
                due_ms=at_ms + transfer.callback_delay_ms,
                tries=self._world.behaviour.callback_tries,
            )


def callback_body(transfer: Transfer) -> dict[str, Any]:
    """The status without the payer's message; the reason always a plain string; never our reference
    (notes A8)."""
    body = status_body(transfer, reason_as="string")
    body.pop("payerMessage", None)
    return body


def make_transaction_id() -> str:
    return str(1_000_000_000 + secrets.randbelow(9_000_000_000))
