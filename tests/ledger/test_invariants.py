"""The ledger's invariants find what the database would have refused, and the command says so."""

import json
from datetime import datetime
from decimal import Decimal
from io import StringIO

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.models import User
from ledger import invariants
from ledger.models import Account
from ledger.selectors import balance_of
from ledger.services import open_account, open_float_account, post, reverse
from ledger.statuses import AccountKind

pytestmark = pytest.mark.django_db


@pytest.fixture
def book() -> tuple[Account, Account]:
    """500 francs put into a wallet, and a posting undone."""
    now: datetime = timezone.now()
    cash = open_account(code="cash", kind=AccountKind.ASSET, currency="RWF", name="Cash")
    wallet = open_account(
        code="wallet:a", kind=AccountKind.LIABILITY, currency="RWF", name="Wallet", keeps_balance=True
    )
    for key in ("in", "again"):
        post(key=key, description="", entries=[(cash, Decimal(500)), (wallet, Decimal(-500))], at=now)
    reverse(posting_key="again", key="again:undo", description="", at=now)
    return cash, wallet


def tamper(sql: str) -> None:
    """What a hand in the database could do, past every trigger."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"SET session_replication_role = replica; {sql}; SET session_replication_role = DEFAULT")


def run_check() -> dict[str, object]:
    out = StringIO()
    with pytest.raises(CommandError, match="broken") as error:
        call_command("check_invariants", "--json", stdout=out)
    assert error.value.returncode == 1
    return {line["name"]: line["breaches"] for line in json.loads(out.getvalue())["invariants"] if not line["ok"]}


@pytest.mark.usefixtures("book")
def test_whole_book_passes() -> None:
    out = StringIO()

    call_command("check_invariants", stdout=out)

    assert "ok      ledger.postings_balanced" in out.getvalue()
    assert "BROKEN" not in out.getvalue()


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize(
    ("sql", "broken"),
    [
        ("UPDATE ledger_entry SET amount = 400 WHERE amount = 500", {"ledger.postings_balanced", "ledger.reversals"}),
        ("DELETE FROM ledger_entry WHERE amount > 0", {"ledger.postings_balanced"}),
        ("UPDATE ledger_entry SET currency = 'EUR'", {"ledger.entry_currencies"}),
        ("UPDATE ledger_balance SET amount = 501", {"ledger.kept_balances"}),
        ("DELETE FROM ledger_balance", {"ledger.kept_balances"}),
    ],
)
def test_tampering_is_found(sql: str, broken: set[str]) -> None:
    tamper(sql)

    found = run_check()

    assert broken <= set(found)
    assert all(found.values())


def test_kept_balance_of_a_system_account_is_found(book: tuple[Account, Account]) -> None:
    tamper(f"INSERT INTO ledger_balance (account_id, amount, updated_at) VALUES ({book[0].pk}, 500, now())")

    assert list(run_check()) == ["ledger.kept_balances"]


def test_posting_without_lines_is_found() -> None:
    tamper(
        "INSERT INTO ledger_posting (id, key, description, posted_at, created_at)"
        " VALUES (gen_random_uuid(), 'empty', '', now(), now())"
    )

    assert run_check() == {"ledger.postings_balanced": [{"subject": "empty", "detail": "no lines"}]}


def test_name_is_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "_invariants", {})
    invariants.register_invariant("a", list)
    invariants.register_invariant("a", list)

    with pytest.raises(ImproperlyConfigured):
        invariants.register_invariant("a", tuple)


def test_top_up_command_enters_money() -> None:
    User.objects.create_user(email="treasurer@example.com", password="x")
    out = StringIO()

    call_command(
        "record_float_top_up",
        "--amount=100000",
        "--reference=BANK-1",
        "--by=Treasurer@example.com",
        stdout=out,
    )

    assert out.getvalue() == "RWF 100,000 entered for mtn_momo.\n"
    assert balance_of(open_float_account(provider="mtn_momo", currency="RWF")) == Decimal(100_000)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--amount=x", "--by=treasurer@example.com"], "x is not an amount"),
        (["--amount=-5", "--by=treasurer@example.com"], "positive amount"),
        (["--amount=5", "--by=treasurer@example.com", "--currency=XYZ"], "Unknown currency"),
        (["--amount=5", "--by=nobody@example.com"], "No staff member"),
    ],
)
def test_top_up_command_refuses_with_words(arguments: list[str], words: str) -> None:
    User.objects.create_user(email="treasurer@example.com", password="x")

    with pytest.raises(CommandError, match=words):
        call_command("record_float_top_up", "--reference=BANK-1", *arguments)
