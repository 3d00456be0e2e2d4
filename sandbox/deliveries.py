"""What the outside sends to us: callbacks and delivery reports, kept in the book until sent.

A delivery that a killed process had not finished is sent again by the next one.
"""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from typing import Any

import requests

from sandbox.clock import now_ms
from sandbox.store import Store
from sandbox.world import World

PAUSE_BETWEEN_TRIES_MS = 1_000
# MTN waits two seconds for an answer (notes A8).
TIMEOUT_SECONDS = 2.0
PARALLEL = 16
# A kept connection that the receiver closes at the wrong moment would lose a callback.
HEADERS = {"User-Agent": "Sandbox-Callback/1.0", "Connection": "close"}

_local = threading.local()


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """One HTTP request to be sent to the product. `subject` is the transfer or message it is about."""

    kind: str
    subject: str
    method: str
    url: str
    content_type: str
    body: str


def add_delivery(store: Store, parcel: Parcel, *, due_ms: int, tries: int) -> None:
    insert_delivery(store, parcel, due_ms=due_ms, tries=tries, state="waiting")


def record_dropped(store: Store, parcel: Parcel, *, at_ms: int) -> None:
    """A delivery that a fault swallowed: never sent, shown among the others."""
    insert_delivery(store, parcel, due_ms=at_ms, tries=0, state="dropped")


def insert_delivery(store: Store, parcel: Parcel, *, due_ms: int, tries: int, state: str) -> None:
    store.execute(
        "INSERT INTO deliveries (kind, subject, method, url, content_type, body, due_ms, tries_left, state)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*astuple(parcel), due_ms, tries, state),
    )


def show_deliveries(store: Store, *, kind: str, subject: str | None = None) -> list[dict[str, Any]]:
    """What became of deliveries, in the order they were written."""
    rows = store.execute(
        "SELECT subject, method, url, state, result FROM deliveries"
        " WHERE kind = ?1 AND (?2 IS NULL OR subject = ?2) ORDER BY id",
        (kind, subject),
    ).fetchall()
    return [dict(row) for row in rows]


class Courier:
    """Sends what is due, a few at a time, without holding up anybody else."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pool = ThreadPoolExecutor(max_workers=PARALLEL, thread_name_prefix="delivery")
        self._on_the_way: dict[int, asyncio.Task[None]] = {}

    async def send_due(self, at_ms: int) -> int | None:
        """Start what is due at `at_ms`; the time of the next delivery that is not due yet."""
        # Those on their way still wait in the book; one more is the first that is new.
        rows = self._world.store.execute(
            "SELECT id, kind, subject, method, url, content_type, body, due_ms FROM deliveries"
            " WHERE state = 'waiting' ORDER BY due_ms, id LIMIT ?",
            (PARALLEL + 1,),
        ).fetchall()
        for row in rows:
            if row["id"] in self._on_the_way:
                continue
            if row["due_ms"] > at_ms:
                return int(row["due_ms"])
            if len(self._on_the_way) >= PARALLEL:
                return None
            parcel = Parcel(**{name: row[name] for name in Parcel.__dataclass_fields__})
            self._on_the_way[row["id"]] = asyncio.create_task(self._deliver(row["id"], parcel))
        return None

    async def _deliver(self, delivery_id: int, parcel: Parcel) -> None:
        try:
            loop = asyncio.get_running_loop()
            delivered, result = await loop.run_in_executor(self._pool, send_parcel, parcel)
            self._record(delivery_id, delivered=delivered, result=result)
        finally:
            del self._on_the_way[delivery_id]
            self._world.delivery_bell.set()

    def _record(self, delivery_id: int, *, delivered: bool, result: str) -> None:
        self._world.store.execute(
            "UPDATE deliveries SET result = ?, due_ms = ?, tries_left = tries_left - 1, state = CASE"
            " WHEN ? THEN 'delivered' WHEN tries_left > 1 THEN 'waiting' ELSE 'failed' END WHERE id = ?",
            (result, now_ms() + PAUSE_BETWEEN_TRIES_MS, delivered, delivery_id),
        )

    def close(self) -> None:
        for task in self._on_the_way.values():
            task.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)


def send_parcel(parcel: Parcel) -> tuple[bool, str]:
    """Send once, in a thread. Whether it was taken with 2xx, and what came of it. Never raises for
    a receiver that is away, slow or wrong."""
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
        _local.session.trust_env = False
    try:
        response = _local.session.request(
            parcel.method,
            parcel.url,
            data=parcel.body.encode(),
            headers=HEADERS | {"Content-Type": parcel.content_type},
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
        )
    except (requests.RequestException, ValueError) as error:  # ValueError: a host no name service takes
        return False, type(error).__name__
    return 200 <= response.status_code < 300, f"HTTP {response.status_code}"
