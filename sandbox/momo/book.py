"""The book of transfers and floats: every read and write of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.amounts import HUNDREDTHS, number_amount, show_amount
from sandbox.clock import show_time
from sandbox.momo.environments import ENVIRONMENTS
from sandbox.store import Store

PENDING = "PENDING"


@dataclass(frozen=True, kw_only=True)
class Transfer:
    reference_id: str
    api_user: str
    environment: str
    hundredths: int
    currency: str
    external_id: str
    party_id_type: str
    party_id: str
    payer_message: str | None
    payee_note: str | None
    callback_url: str | None
    callback_plan: str  # "send", or the callback fault it met when accepted
    callback_delay_ms: int
    planned_reason: str | None  # the reason it will fail with; None: it will be paid
    held: int  # 1: stays pending until released
    created_ms: int
    due_ms: int
    status: str = PENDING
    reason: str | None = None
    financial_transaction_id: str | None = None


def add_transfer(store: Store, transfer: Transfer) -> None:
    store.execute(
        "INSERT INTO transfers VALUES (:reference_id, :api_user, :environment, :hundredths, :currency,"
        " :external_id, :party_id_type, :party_id, :payer_message, :payee_note, :callback_url,"
        " :callback_plan, :callback_delay_ms, :planned_reason, :held, :created_ms, :due_ms, :status,"
        " :reason, :financial_transaction_id)",
        vars(transfer),
    )


def find_transfer(store: Store, reference_id: str) -> Transfer | None:
    row = store.execute("SELECT * FROM transfers WHERE reference_id = ?", (reference_id,)).fetchone()
    return row and Transfer(**dict(row))


def list_transfers(
    store: Store,
    *,
    external_id: str | None = None,
    party_id: str | None = None,
    status: str | None = None,
    limit: int | None = None,
) -> list[Transfer]:
    """Transfers in the order they came, the latest `limit` of them."""
    rows = store.execute(
        "SELECT * FROM transfers WHERE (?1 IS NULL OR external_id = ?1)"
        " AND (?2 IS NULL OR party_id = ?2) AND (?3 IS NULL OR status = ?3)"
        " ORDER BY rowid DESC LIMIT ?4",
        (external_id, party_id, status, -1 if limit is None else limit),
    ).fetchall()
    return [Transfer(**dict(row)) for row in reversed(rows)]


def due_transfers(store: Store, *, at_ms: int, limit: int) -> list[Transfer]:
    rows = store.execute(
        "SELECT * FROM transfers WHERE status = 'PENDING' AND held = 0 AND due_ms <= ? ORDER BY due_ms, rowid LIMIT ?",
        (at_ms, limit),
    ).fetchall()
    return [Transfer(**dict(row)) for row in rows]


def next_due_ms(store: Store) -> int | None:
    (due_ms,) = store.execute("SELECT min(due_ms) FROM transfers WHERE status = 'PENDING' AND held = 0").fetchone()
    return due_ms if due_ms is None else int(due_ms)


def release_transfers(store: Store, *, reference_id: str | None = None, at_ms: int) -> int:
    """Let pending transfers settle now: one, or every held one. How many there were."""
    return store.execute(
        "UPDATE transfers SET held = 0, due_ms = ?1 WHERE status = 'PENDING'"
        " AND ((?2 IS NULL AND held = 1) OR reference_id = ?2)",
        (at_ms, reference_id),
    ).rowcount


def record_paid(store: Store, reference_id: str, *, financial_transaction_id: str) -> None:
    store.execute(
        "UPDATE transfers SET status = 'SUCCESSFUL', financial_transaction_id = ? WHERE reference_id = ?",
        (financial_transaction_id, reference_id),
    )


def record_failed(store: Store, reference_id: str, *, reason: str) -> None:
    store.execute("UPDATE transfers SET status = 'FAILED', reason = ? WHERE reference_id = ?", (reason, reference_id))


def fill_floats(store: Store, *, whole_units: int) -> None:
    """Give every environment that has no float yet `whole_units` of its currency."""
    for environment in ENVIRONMENTS.values():
        store.execute(
            "INSERT OR IGNORE INTO floats (environment, currency, hundredths) VALUES (?, ?, ?)",
            (environment.name, environment.currency, whole_units * HUNDREDTHS),
        )


def read_float(store: Store, environment: str) -> int:
    (hundredths,) = store.execute("SELECT hundredths FROM floats WHERE environment = ?", (environment,)).fetchone()
    return int(hundredths)


def take_from_float(store: Store, environment: str, hundredths: int) -> bool:
    """Whether there was enough; if so it is gone."""
    taken = store.execute(
        "UPDATE floats SET hundredths = hundredths - ?1 WHERE environment = ?2 AND hundredths >= ?1",
        (hundredths, environment),
    )
    return taken.rowcount == 1


def set_floats(store: Store, environments: Sequence[str], hundredths: int) -> None:
    with store.transaction():
        for environment in environments:
            store.execute("UPDATE floats SET hundredths = ? WHERE environment = ?", (hundredths, environment))


def show_floats(store: Store) -> list[dict[str, Any]]:
    rows = store.execute("SELECT environment, currency, hundredths FROM floats ORDER BY rowid").fetchall()
    return [
        {
            "environment": row["environment"],
            "currency": row["currency"],
            "amount": number_amount(row["hundredths"]),
        }
        for row in rows
    ]


def book_entry(transfer: Transfer) -> dict[str, Any]:
    """A line of the book (contract section 9). The amount is a JSON number."""
    return {
        "referenceId": transfer.reference_id,
        "externalId": transfer.external_id,
        "amount": number_amount(transfer.hundredths),
        "currency": transfer.currency,
        "partyId": transfer.party_id,
        "status": transfer.status,
        "createdAt": show_time(transfer.created_ms),
    }


def status_body(transfer: Transfer, *, reason_as: str) -> dict[str, Any]:
    """The status of a transfer as MTN answers it (notes A5)."""
    body: dict[str, Any] = {
        "amount": show_amount(transfer.hundredths),
        "currency": transfer.currency,
        "externalId": transfer.external_id,
        "payee": {"partyIdType": transfer.party_id_type, "partyId": transfer.party_id},
    }
    if transfer.payer_message is not None:
        body["payerMessage"] = transfer.payer_message
    if transfer.payee_note is not None:
        body["payeeNote"] = transfer.payee_note
    if transfer.financial_transaction_id is not None:
        body["financialTransactionId"] = transfer.financial_transaction_id
    body["status"] = transfer.status
    if transfer.reason is not None:
        as_object = {"code": transfer.reason, "message": f"Transfer failed: {transfer.reason}"}
        body["reason"] = as_object if reason_as == "object" else transfer.reason
    return body
