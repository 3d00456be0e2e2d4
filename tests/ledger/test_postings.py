"""Postings: balanced, once, never edited."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone

from accounts.models import User
from ledger.models import Account, Balance, Entry, Posting
from ledger.selectors import balance_of
from ledger.services import (
    AccountMismatch,
    AlreadyReversed,
    InsufficientBalance,
    InvalidPosting,
    NotInTransaction,
    PostingConflict,
    open_account,
    post,
    reverse,
)
from ledger.statuses import AccountKind

pytestmark = pytest.mark.django_db


def open_system(code: str, currency: str = "RWF") -> Account:
    return open_account(code=code, kind=AccountKind.ASSET, currency=currency, name=code)


def open_wallet(code: str) -> Account:
    return open_account(code=code, kind=AccountKind.LIABILITY, currency="RWF", name=code, keeps_balance=True)


def post_lines(key: str, *lines: tuple[Account, int]) -> Posting:
    return post(
        key=key,
        description="test",
        entries=[(account, Decimal(amount)) for account, amount in lines],
        at=timezone.now(),
    )


def check_deferred() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_post_moves_money_between_accounts() -> None:
    cash, budget = open_system("cash"), open_system("budget")

    posting = post_lines("one", (cash, 500), (budget, -500))

    check_deferred()
    assert [(entry.account_id, entry.amount) for entry in posting.entries.order_by("id")] == [
        (cash.pk, Decimal(500)),
        (budget.pk, Decimal(-500)),
    ]
    assert (balance_of(cash), balance_of(budget)) == (Decimal(500), Decimal(-500))


def test_post_costs_two_statements(django_assert_num_queries) -> None:
    cash, budget = open_system("cash"), open_system("budget")

    with django_assert_num_queries(2):
        post_lines("one", (cash, 500), (budget, -500))


def test_same_key_and_lines_give_the_first_posting() -> None:
    cash, budget = open_system("cash"), open_system("budget")
    first = post_lines("one", (cash, 500), (budget, -500))

    again = post_lines("one", (budget, -500), (cash, 500))

    assert again == first
    assert (Posting.objects.count(), Entry.objects.count()) == (1, 2)


def test_same_key_with_other_lines_is_refused() -> None:
    cash, budget = open_system("cash"), open_system("budget")
    post_lines("one", (cash, 500), (budget, -500))

    with pytest.raises(PostingConflict):
        post_lines("one", (cash, 501), (budget, -501))

    assert balance_of(cash) == Decimal(500)


@pytest.mark.parametrize("amounts", [(500, -499), (0, 0), (500, 500)])
def test_lines_that_do_not_add_up_are_refused(amounts: tuple[int, int]) -> None:
    cash, budget = open_system("cash"), open_system("budget")

    with pytest.raises(InvalidPosting):
        post_lines("one", (cash, amounts[0]), (budget, amounts[1]))

    assert Posting.objects.count() == 0


def test_each_currency_adds_up_by_itself() -> None:
    francs, euros = open_system("francs"), open_system("euros", "EUR")

    with pytest.raises(InvalidPosting):
        post_lines("one", (francs, 500), (euros, -500))


def test_a_single_line_and_a_fraction_of_a_franc_are_refused() -> None:
    cash, budget = open_system("cash"), open_system("budget")

    with pytest.raises(InvalidPosting):
        post_lines("one", (cash, 0))
    with pytest.raises(InvalidPosting):
        half = Decimal("0.5")
        post(key="two", description="", entries=[(cash, half), (budget, -half)], at=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_post_outside_a_transaction_is_refused() -> None:
    cash, budget = open_system("cash"), open_system("budget")

    with pytest.raises(NotInTransaction):
        post_lines("one", (cash, 500), (budget, -500))


def test_reverse_undoes_once() -> None:
    cash, budget = open_system("cash"), open_system("budget")
    original = post_lines("one", (cash, 500), (budget, -500))

    reversal = reverse(posting_key="one", key="one:undo", description="wrong", at=timezone.now())
    again = reverse(posting_key="one", key="one:undo", description="wrong", at=timezone.now())

    assert reversal == again
    assert reversal.reverses == original
    assert (balance_of(cash), balance_of(budget)) == (0, 0)
    with pytest.raises(AlreadyReversed):
        reverse(posting_key="one", key="one:undo-again", description="wrong", at=timezone.now())
    assert balance_of(cash) == 0


def test_wallet_keeps_its_balance_and_never_goes_below_zero() -> None:
    cash, wallet, other = open_system("cash"), open_wallet("wallet:a"), open_wallet("wallet:b")
    post_lines("in", (cash, 500), (wallet, -500))

    with pytest.raises(InsufficientBalance) as refusal:
        post_lines("out", (wallet, 501), (other, -501))
    assert (refusal.value.available, refusal.value.needed) == (Decimal(500), Decimal(501))
    assert not Posting.objects.filter(key="out").exists()

    post_lines("move", (wallet, 500), (other, -500))
    assert list(Balance.objects.order_by("pk").values_list("amount", flat=True)) == [0, 500]


def test_repeat_of_a_wallet_posting_gets_the_first_answer_even_when_money_is_gone() -> None:
    cash, wallet, other = open_system("cash"), open_wallet("wallet:a"), open_wallet("wallet:b")
    post_lines("in", (cash, 500), (wallet, -500))
    first = post_lines("move", (wallet, 500), (other, -500))

    assert post_lines("move", (wallet, 500), (other, -500)) == first
    assert Balance.objects.get(account=other).amount == 500


def test_database_refuses_a_balance_below_zero() -> None:
    wallet = open_wallet("wallet:a")

    with pytest.raises(IntegrityError, match="balance_not_below_zero"), transaction.atomic():
        Balance.objects.filter(account=wallet).update(amount=-1)


def test_database_refuses_an_unbalanced_posting() -> None:
    cash = open_system("cash")
    posting = Posting.objects.create(key="raw", description="", posted_at=timezone.now())
    Entry.objects.create(posting=posting, account=cash, amount=5, currency="RWF")

    with pytest.raises(IntegrityError, match="does not add up to zero in RWF"), transaction.atomic():
        check_deferred()
    # The test's own clean-up checks constraints too; make it whole.
    Entry.objects.create(posting=posting, account=cash, amount=-5, currency="RWF")


def test_database_refuses_a_line_added_to_an_old_posting() -> None:
    cash, budget = open_system("cash"), open_system("budget")
    posting = post_lines("one", (cash, 500), (budget, -500))
    check_deferred()

    with pytest.raises(IntegrityError, match="does not add up"), transaction.atomic():
        Entry.objects.create(posting=posting, account=cash, amount=5, currency="RWF")
        check_deferred()


def test_database_refuses_a_posting_without_lines() -> None:
    with pytest.raises(IntegrityError, match="has no lines"), transaction.atomic():
        Posting.objects.create(key="raw", description="", posted_at=timezone.now())
        check_deferred()


def test_database_refuses_a_line_in_another_currency_than_its_account() -> None:
    cash, budget = open_system("cash"), open_system("budget")
    posting = post_lines("one", (cash, 500), (budget, -500))

    with pytest.raises(IntegrityError, match="is not kept in EUR"), transaction.atomic():
        Entry.objects.create(posting=posting, account=cash, amount=5, currency="EUR")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET amount = amount + 1",
        "UPDATE ledger_posting SET description = 'x'",
        "DELETE FROM ledger_entry",
        "TRUNCATE ledger_entry",
        "TRUNCATE ledger_posting CASCADE",
        "UPDATE ledger_account SET currency = 'EUR'",
    ],
)
def test_database_refuses_changes_of_history(statement: str) -> None:
    post_lines("one", (open_system("cash"), 500), (open_system("budget"), -500))
    check_deferred()

    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert Entry.objects.count() == 2


def test_open_account_gives_the_same_account_and_refuses_another_kind() -> None:
    first = open_system("cash")

    assert open_system("cash") == first
    with pytest.raises(AccountMismatch):
        open_account(code="cash", kind=AccountKind.LIABILITY, currency="RWF", name="cash")
    with pytest.raises(AccountMismatch):
        open_account(code="cash", kind=AccountKind.ASSET, currency="EUR", name="cash")


@pytest.mark.django_db(transaction=True)
def test_open_account_costs_nothing_once_committed(django_assert_num_queries) -> None:
    open_system("cash")

    with django_assert_num_queries(0):
        open_system("cash")


@pytest.mark.django_db(transaction=True)
def test_open_account_forgets_one_that_was_rolled_back() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        open_system("cash")
        raise RuntimeError("rolled back")

    assert Account.objects.get(pk=open_system("cash").pk).code == "cash"


def test_wallet_has_an_owner() -> None:
    owner = User.objects.create(phone="+250788123456")

    wallet = open_account(
        code="wallet:c",
        kind=AccountKind.LIABILITY,
        currency="RWF",
        name="Wallet",
        keeps_balance=True,
        owner=owner,
    )

    assert wallet.owner == owner
    with pytest.raises(AccountMismatch):
        open_wallet("wallet:c")
