"""Checking a token: one statement, no bcrypt in the steady state, and what bites at once."""

from contextlib import ExitStack, nullcontext
from datetime import timedelta
from threading import Barrier
from unittest import mock

import pytest
from django.db import OperationalError, connection

from accounts import remembered_tokens as memory
from accounts import token_text
from accounts.models import ApiToken
from accounts.remembered_tokens import RememberedTokens, remembered_tokens
from accounts.services import token_checks
from accounts.services.token_checks import TokenCheckUnavailable, TokenInvalid, check_token
from accounts.services.tokens import deactivate_token, revoke_token
from tests.accounts.conftest import AT
from tests.accounts.tokens import make_token
from tests.audit.threads import PATIENCE, run_together


@pytest.fixture
def bcrypts():
    """How often bcrypt compared."""
    with mock.patch.object(token_text, "has_hash", wraps=token_text.has_hash) as compared:
        yield compared


@pytest.fixture
def clock(monkeypatch):
    """A monotonic clock that tests move."""
    now = [1000.0]
    monkeypatch.setattr(memory.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.django_db
def test_check_token_costs_one_statement_and_no_bcrypt_once_known(bcrypts, django_assert_num_queries) -> None:
    token, plain = make_token()
    assert check_token(plain, at=AT) == token
    assert bcrypts.call_count == 1

    for _ in range(5):
        with django_assert_num_queries(1) as queries:
            assert check_token(plain, at=AT) == token

    assert bcrypts.call_count == 1
    assert queries[0]["sql"].startswith("SELECT")


@pytest.mark.django_db
def test_check_token_asks_bcrypt_again_after_a_minute(bcrypts, clock) -> None:
    _token, plain = make_token()
    check_token(plain, at=AT)

    clock[0] += 59.9
    check_token(plain, at=AT)
    assert bcrypts.call_count == 1
    clock[0] += 0.1
    check_token(plain, at=AT)

    assert bcrypts.call_count == 2


# Requests at once.
BURST = 8


def check_in_a_burst() -> None:
    """Requests of one partner on a fresh process, all past the quick checks before any bcrypt."""
    token, plain = make_token()
    results = run_together(BURST, lambda _number: check_token(plain, at=AT), hold=(token_text, "has_checksum"))
    assert results == [token] * BURST


@pytest.mark.django_db(transaction=True)
def test_check_token_in_a_burst_asks_bcrypt_once(bcrypts) -> None:
    check_in_a_burst()

    assert bcrypts.call_count == 1


@pytest.mark.django_db(transaction=True)
def test_check_token_in_a_burst_without_turns_asks_bcrypt_often(monkeypatch) -> None:
    """The control: with the lock taken out, each pays. Whoever gets to bcrypt waits there for all the others."""
    monkeypatch.setattr(token_checks, "_one_at_a_time", nullcontext())
    everybody, compare = Barrier(BURST), token_text.has_hash
    paid: list[int] = []

    def wait_and_compare(*args: str) -> bool:
        paid.append(everybody.wait(PATIENCE))
        return compare(*args)

    monkeypatch.setattr(token_text, "has_hash", wait_and_compare)

    check_in_a_burst()

    assert len(paid) == BURST


@pytest.mark.django_db
@pytest.mark.parametrize("plain", ["", "x", "g" * 96, "a" * 95, "a" * 97, "A" * 96, "é" * 96, "a" * 96 + "\n"])
def test_check_token_refuses_what_has_no_shape_without_a_statement(plain: str, django_assert_num_queries) -> None:
    with django_assert_num_queries(0), pytest.raises(TokenInvalid, match=r"^The API token is not valid\.$"):
        check_token(plain, at=AT)


@pytest.mark.django_db
def test_check_token_wrong_costs_one_statement_and_no_bcrypt(bcrypts, django_assert_num_queries) -> None:
    """A prefix that exists and one that does not are answered alike, and neither burns CPU."""
    _token, plain = make_token()

    for wrong in (plain[:8] + token_text.new_token()[8:], token_text.new_token()):
        with django_assert_num_queries(1), pytest.raises(TokenInvalid, match=r"^The API token is not valid\.$"):
            check_token(wrong, at=AT)

    bcrypts.assert_not_called()


@pytest.mark.django_db
def test_check_token_does_not_take_the_checksum_for_the_token(bcrypts) -> None:
    """Somebody whose wrong token has the right checksum meets bcrypt."""
    token, plain = make_token()
    wrong = plain[:8] + token_text.new_token()[8:]
    ApiToken.objects.filter(pk=token.pk).update(checksum=token_text.checksum_of(wrong))

    with pytest.raises(TokenInvalid):
        check_token(wrong, at=AT)

    assert bcrypts.call_count == 1


@pytest.mark.django_db
def test_check_token_tells_apart_tokens_of_one_prefix() -> None:
    with mock.patch.object(token_text, "new_token", side_effect=["ab" * 4 + "1" * 88, "ab" * 4 + "2" * 88]):
        first, first_plain = make_token()
        second, second_plain = make_token(partner_email="other@telco.example")

    assert check_token(first_plain, at=AT) == first
    assert check_token(second_plain, at=AT) == second


@pytest.mark.django_db
def test_check_token_revoked_bites_on_the_next_request() -> None:
    token, plain = make_token()
    check_token(plain, at=AT)
    revoke_token(token_id=token.pk, at=AT)

    with pytest.raises(TokenInvalid, match=r"^This API token is revoked\.$"):
        check_token(plain, at=AT)


@pytest.mark.django_db
def test_check_token_inactive_bites_on_the_next_request() -> None:
    token, plain = make_token()
    check_token(plain, at=AT)
    deactivate_token(token_id=token.pk, at=AT)

    with pytest.raises(TokenInvalid, match=r"^This API token is inactive\.$"):
        check_token(plain, at=AT)


@pytest.mark.django_db
def test_check_token_expires_to_the_moment() -> None:
    token, plain = make_token(days=1)
    assert check_token(plain, at=token.expires_at - timedelta(microseconds=1)) == token

    with pytest.raises(TokenInvalid, match=r"^This API token expired on 2026-11-21\.$"):
        check_token(plain, at=token.expires_at)


@pytest.mark.django_db
def test_check_token_whose_hash_changed_is_not_remembered(bcrypts) -> None:
    """A rotated token: the old one is out at once, though this process remembers it."""
    token, plain = make_token()
    check_token(plain, at=AT)
    other = token_text.new_token()
    ApiToken.objects.filter(pk=token.pk).update(
        token_hash=token_text.hash_digest(token_text.digest_of(other)), checksum=token_text.checksum_of(other)
    )

    with pytest.raises(TokenInvalid):
        check_token(plain, at=AT)

    assert bcrypts.call_count == 1


@pytest.fixture
def no_database():
    """Call it, and PostgreSQL is away for every statement."""

    def refuse(*_statement: object) -> None:
        raise OperationalError("connection refused")

    with ExitStack() as stack:
        yield lambda: stack.enter_context(connection.execute_wrapper(refuse))


@pytest.mark.django_db
def test_check_token_known_lately_works_without_the_database(no_database, clock) -> None:
    token, plain = make_token(days=1)
    check_token(plain, at=AT)
    no_database()

    clock[0] += 899
    assert check_token(plain, at=AT) == token
    with pytest.raises(TokenInvalid, match="expired"):
        check_token(plain, at=token.expires_at)
    clock[0] += 1
    with pytest.raises(TokenCheckUnavailable):
        check_token(plain, at=AT)


@pytest.mark.django_db
def test_check_token_revoked_stays_out_without_the_database(no_database) -> None:
    token, plain = make_token()
    check_token(plain, at=AT)
    revoke_token(token_id=token.pk, at=AT)
    with pytest.raises(TokenInvalid):
        check_token(plain, at=AT)
    no_database()

    with pytest.raises(TokenInvalid, match="revoked"):
        check_token(plain, at=AT)


@pytest.mark.django_db
def test_check_token_unknown_without_the_database_is_unavailable(no_database) -> None:
    _token, plain = make_token()
    no_database()

    with pytest.raises(TokenCheckUnavailable, match="Service temporarily unavailable"):
        check_token(plain, at=AT)


def test_remembered_tokens_are_bounded(monkeypatch) -> None:
    monkeypatch.setattr(memory, "MOST_REMEMBERED", 2)
    remembered = RememberedTokens()
    rows = [ApiToken(pk=number, token_hash=str(number)) for number in range(3)]
    remembered.remember("d0", rows[0])
    remembered.remember("d1", rows[1])
    assert remembered.trusts("d0", rows[0])

    remembered.remember("d2", rows[2])

    assert [remembered.trusts(f"d{number}", rows[number]) for number in range(3)] == [True, False, True]


def test_remembered_tokens_never_hold_the_token() -> None:
    assert "token" not in vars(remembered_tokens)
