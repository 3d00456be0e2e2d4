"""The book of messages that reached a phone."""

from typing import Any

from sandbox.clock import show_time
from sandbox.store import Store


def add_message(store: Store, *, message_id: str, recipient: str, sender: str, message: str, at_ms: int) -> None:
    store.execute(
        "INSERT INTO messages (id, recipient, sender, message, sent_ms) VALUES (?, ?, ?, ?, ?)",
        (message_id, recipient, sender, message, at_ms),
    )


def show_messages(store: Store, *, recipient: str | None = None, limit: int | None = None) -> list[dict[str, Any]]:
    """Messages as contract section 9 names them, newest last, the latest `limit` of them."""
    rows = store.execute(
        "SELECT recipient, message, sent_ms FROM messages WHERE ?1 IS NULL OR recipient = ?1"
        " ORDER BY rowid DESC LIMIT ?2",
        (recipient, -1 if limit is None else limit),
    ).fetchall()
    return [
        {"to": row["recipient"], "message": row["message"], "at": show_time(row["sent_ms"])} for row in reversed(rows)
    ]
