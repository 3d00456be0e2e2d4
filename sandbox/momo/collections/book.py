"""The book of requests to pay: every read and write of them."""

from dataclasses import dataclass
from typing import Any

from sandbox.amounts import number_amount, show_amount
from sandbox.clock import show_time
from sandbox.store import Store

PENDING = "PENDING"


@dataclass(frozen=True, kw_only=True)
class PayRequest:
    """A customer asked to pay the merchant."""

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
    planned_reason: str | None  # the reason it will fail with; None: the customer will pay
    held: int  # 1: stays pending until released
    created_ms: int
    due_ms: int
    status: str = PENDING
    reason: str | None = None
    financial_transaction_id: str | None = None


def add_request(store: Store, request: PayRequest) -> None:
    store.execute(
        "INSERT INTO pay_requests VALUES (:reference_id, :api_user, :environment, :hundredths, :currency,"
        " :external_id, :party_id_type, :party_id, :payer_message, :payee_note, :callback_url,"
        " :callback_plan, :callback_delay_ms, :planned_reason, :held, :created_ms, :due_ms, :status,"
        " :reason, :financial_transaction_id)",
        vars(request),
    )


def find_request(store: Store, reference_id: str) -> PayRequest | None:
    row = store.execute("SELECT * FROM pay_requests WHERE reference_id = ?", (reference_id,)).fetchone()
    return row and PayRequest(**dict(row))


def list_requests(
    store: Store,
    *,
    external_id: str | None = None,
    party_id: str | None = None,
    status: str | None = None,
    limit: int | None = None,
) -> list[PayRequest]:
    """Requests in the order they came, the latest `limit` of them."""
    rows = store.execute(
        "SELECT * FROM pay_requests WHERE (?1 IS NULL OR external_id = ?1)"
        " AND (?2 IS NULL OR party_id = ?2) AND (?3 IS NULL OR status = ?3)"
        " ORDER BY rowid DESC LIMIT ?4",
        (external_id, party_id, status, -1 if limit is None else limit),
    ).fetchall()
    return [PayRequest(**dict(row)) for row in reversed(rows)]


def due_requests(store: Store, *, at_ms: int, limit: int) -> list[PayRequest]:
    rows = store.execute(
        "SELECT * FROM pay_requests WHERE status = 'PENDING' AND held = 0 AND due_ms <= ?"
        " ORDER BY due_ms, rowid LIMIT ?",
        (at_ms, limit),
    ).fetchall()
    return [PayRequest(**dict(row)) for row in rows]


def next_due_ms(store: Store) -> int | None:
    (due_ms,) = store.execute("SELECT min(due_ms) FROM pay_requests WHERE status = 'PENDING' AND held = 0").fetchone()
    return due_ms if due_ms is None else int(due_ms)


def release_requests(store: Store, *, reference_id: str | None = None, at_ms: int) -> int:
    """Let pending requests end now: one, or every held one. How many there were."""
    return store.execute(
        "UPDATE pay_requests SET held = 0, due_ms = ?1 WHERE status = 'PENDING'"
        " AND ((?2 IS NULL AND held = 1) OR reference_id = ?2)",
        (at_ms, reference_id),
    ).rowcount


def record_paid(store: Store, reference_id: str, *, financial_transaction_id: str) -> None:
    store.execute(
        "UPDATE pay_requests SET status = 'SUCCESSFUL', financial_transaction_id = ? WHERE reference_id = ?",
        (financial_transaction_id, reference_id),
    )


def record_failed(store: Store, reference_id: str, *, reason: str) -> None:
    store.execute(
        "UPDATE pay_requests SET status = 'FAILED', reason = ? WHERE reference_id = ?", (reason, reference_id)
    )


def collected(store: Store, environment: str) -> int:
    """Hundredths that customers have paid there."""
    (hundredths,) = store.execute(
        "SELECT coalesce(sum(hundredths), 0) FROM pay_requests WHERE status = 'SUCCESSFUL' AND environment = ?",
        (environment,),
    ).fetchone()
    return int(hundredths)


def book_entry(request: PayRequest) -> dict[str, Any]:
    """A line of the book, as transfers have it (contract section 9), with why it failed or what paid it."""
    return {
        "referenceId": request.reference_id,
        "externalId": request.external_id,
        "amount": number_amount(request.hundredths),
        "currency": request.currency,
        "partyId": request.party_id,
        "status": request.status,
        "createdAt": show_time(request.created_ms),
        "reason": request.reason,
        "financialTransactionId": request.financial_transaction_id,
    }


def status_body(request: PayRequest, *, reason_as: str) -> dict[str, Any]:
    """The status of a request to pay as MTN answers it: a transfer's, with a payer (notes A5)."""
    body: dict[str, Any] = {
        "amount": show_amount(request.hundredths),
        "currency": request.currency,
        "externalId": request.external_id,
        "payer": {"partyIdType": request.party_id_type, "partyId": request.party_id},
    }
    if request.payer_message is not None:
        body["payerMessage"] = request.payer_message
    if request.payee_note is not None:
        body["payeeNote"] = request.payee_note
    if request.financial_transaction_id is not None:
        body["financialTransactionId"] = request.financial_transaction_id
    body["status"] = request.status
    if request.reason is not None:
        as_object = {"code": request.reason, "message": f"Request to pay failed: {request.reason}"}
        body["reason"] = as_object if reason_as == "object" else request.reason
    return body
