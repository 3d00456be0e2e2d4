"""The book on disk: one SQLite file, written before anything is answered.

Write-ahead log with `synchronous=NORMAL`: what was committed survives a killed process. The file is
locked for as long as the process lives, so that two sandboxes never settle the same transfer.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IN_MEMORY = ":memory:"
FILE_NAME = "sandbox.sqlite3"
SCHEMA_VERSION = 2

SCHEMA = """
CREATE TABLE api_users (
    id TEXT PRIMARY KEY,
    product TEXT NOT NULL,
    callback_host TEXT NOT NULL,
    api_key TEXT
);
CREATE TABLE tokens (
    token TEXT PRIMARY KEY,
    api_user TEXT NOT NULL,
    product TEXT NOT NULL,
    expires_ms INTEGER NOT NULL
);
CREATE TABLE floats (
    environment TEXT PRIMARY KEY,
    currency TEXT NOT NULL,
    hundredths INTEGER NOT NULL
);
CREATE TABLE transfers (
    reference_id TEXT PRIMARY KEY,
    api_user TEXT NOT NULL,
    environment TEXT NOT NULL,
    hundredths INTEGER NOT NULL CHECK (hundredths > 0),
    currency TEXT NOT NULL,
    external_id TEXT NOT NULL,
    party_id_type TEXT NOT NULL,
    party_id TEXT NOT NULL,
    payer_message TEXT,
    payee_note TEXT,
    callback_url TEXT,
    callback_plan TEXT NOT NULL,
    callback_delay_ms INTEGER NOT NULL,
    planned_reason TEXT,
    held INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'PENDING',
    reason TEXT,
    financial_transaction_id TEXT
);
CREATE INDEX transfers_due ON transfers (due_ms) WHERE status = 'PENDING' AND held = 0;
CREATE TABLE messages (
    id TEXT PRIMARY KEY,
    recipient TEXT NOT NULL,
    sender TEXT NOT NULL,
    message TEXT NOT NULL,
    sent_ms INTEGER NOT NULL
);
-- An id is never given twice: one still under way when the books are emptied must not be taken for another.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    method TEXT NOT NULL,
    url TEXT NOT NULL,
    content_type TEXT NOT NULL,
    body TEXT NOT NULL,
    due_ms INTEGER NOT NULL,
    tries_left INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed', 'dropped')),
    result TEXT
);
CREATE INDEX deliveries_due ON deliveries (due_ms) WHERE state = 'waiting';
CREATE INDEX deliveries_subject ON deliveries (subject);
"""
# What came later, by the version that a book had before it.
UPGRADES = {
    1: """
CREATE TABLE pay_requests (
    reference_id TEXT PRIMARY KEY,
    api_user TEXT NOT NULL,
    environment TEXT NOT NULL,
    hundredths INTEGER NOT NULL CHECK (hundredths > 0),
    currency TEXT NOT NULL,
    external_id TEXT NOT NULL,
    party_id_type TEXT NOT NULL,
    party_id TEXT NOT NULL,
    payer_message TEXT,
    payee_note TEXT,
    callback_url TEXT,
    callback_plan TEXT NOT NULL,
    callback_delay_ms INTEGER NOT NULL,
    planned_reason TEXT,
    held INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'PENDING',
    reason TEXT,
    financial_transaction_id TEXT
);
CREATE INDEX pay_requests_due ON pay_requests (due_ms) WHERE status = 'PENDING' AND held = 0;
CREATE INDEX pay_requests_paid ON pay_requests (environment) WHERE status = 'SUCCESSFUL';
""",
}

CLEAR = """
DELETE FROM transfers;
DELETE FROM pay_requests;
DELETE FROM messages;
DELETE FROM deliveries;
DELETE FROM floats;
"""


class StoreUnavailable(Exception):
    """The folder cannot hold a book, or another sandbox holds it. The message says what to do."""


class Store:
    """One connection, used by the event loop's thread only."""

    def __init__(self, data: str) -> None:
        """Open the book in folder `data`, or an empty one in memory. Raises StoreUnavailable."""
        try:
            self._connection = open_book(data)
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(explain_failure(data, error)) from error

    def execute(self, sql: str, values: tuple[object, ...] | dict[str, object] = ()) -> sqlite3.Cursor:
        return self._connection.execute(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All the statements inside, or none of them."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def clear(self) -> None:
        """Empty the books. API users and tokens stay."""
        for statement in CLEAR.split(";"):
            self._connection.execute(statement)

    def close(self) -> None:
        self._connection.close()


def open_book(data: str) -> sqlite3.Connection:
    if data != IN_MEMORY:
        folder = Path(data)
        folder.mkdir(parents=True, exist_ok=True)
        data = str(folder / FILE_NAME)
    connection = sqlite3.connect(data, isolation_level=None, timeout=1)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version <= SCHEMA_VERSION:
        scripts = [SCHEMA] if version == 0 else []
        scripts += [script for before, script in UPGRADES.items() if before >= version]
        for statement in ";".join(scripts).split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    else:
        raise sqlite3.DatabaseError(f"it was written by a newer version ({version}, not {SCHEMA_VERSION})")
    connection.execute("COMMIT")
    return connection


def explain_failure(data: str, error: Exception) -> str:
    if "locked" in str(error):
        return f"another sandbox is using {data}: stop it, or choose another folder with --data"
    return f"cannot keep a book in {data}: {error}. Choose another folder with --data, or delete this one"
