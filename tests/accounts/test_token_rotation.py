"""A token is replaced by another without a moment in which neither works."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from accounts.models import ApiToken, User
from accounts.services import token_rotation, tokens
from accounts.services.authority import NotAllowed
from accounts.services.token_checks import TokenInvalid, check_token
from accounts.services.token_requests import InvalidTokenRequest, PartnerHasActiveToken, TokenMoveRefused
from accounts.services.token_rotation import rotate_token
from accounts.services.tokens import activate_token, create_token, deactivate_token, revoke_token
from audit.models import AuditEvent
from tests.accounts.conftest import AT
from tests.accounts.tokens import make_token
from tests.audit.threads import run_together

pytestmark = pytest.mark.django_db
UNTIL = AT + timedelta(hours=24)
SECOND = timedelta(seconds=1)


def rotate(token: ApiToken, **changes: Any) -> tuple[ApiToken, str]:
    wanted: dict[str, Any] = {"token_id": token.pk, "until": UNTIL, "rotated_by": None, "at": AT}
    return rotate_token(**wanted | changes)


def opens(plain: str, at: datetime) -> bool:
    try:
        check_token(plain, at=at)
    except TokenInvalid:
        return False
    return True


def test_both_work_until_the_chosen_time_and_then_the_new_one_alone() -> None:
    old, old_plain = make_token()

    _new, new_plain = rotate(old)

    assert [(opens(old_plain, at), opens(new_plain, at)) for at in (AT, UNTIL - SECOND, UNTIL, UNTIL + SECOND)] == [
        (True, True),
        (True, True),
        (False, True),
        (False, True),
    ]
    with pytest.raises(TokenInvalid, match="was replaced by another on 2026-11-21"):
        check_token(old_plain, at=UNTIL)


def test_the_successor_is_like_the_old_one() -> None:
    root = User.objects.create_superuser(email="root@example.com")
    with time_machine.travel(AT):
        old, old_plain = make_token(
            scopes=["ussd", "loans"], gateway="telco", name="live", rate_limit=7, allowed_ips=["10.0.0.0/8"], days=90
        )

    new, plain = rotate(old, rotated_by=root, reason="yearly")

    same = ("partner_email", "name", "scopes", "gateway", "rate_limit", "allowed_ips", "status")
    assert [getattr(new, name) for name in same] == [getattr(old, name) for name in same]
    assert (new.replaces, new.created_by, new.retires_at) == (old, root, None)
    assert new.expires_at == AT + timedelta(days=90)
    assert plain != old_plain
    created, rotated = AuditEvent.objects.filter(target_id__in=[str(new.pk), str(old.pk)]).order_by("-id")[:2]
    assert (created.action, created.target_id, created.after["replaces_id"]) == ("token.created", str(new.pk), old.pk)
    assert (rotated.action, rotated.target_id, rotated.reason) == ("token.rotated", str(old.pk), "yearly")
    assert (rotated.after["replaced_by"], rotated.before) == (new.prefix, {"retires_at": None})
    assert plain not in str([created.after, rotated.after])


def test_days_of_the_successor_can_be_chosen() -> None:
    old, _plain = make_token()

    assert rotate(old, days=5)[0].expires_at == AT + timedelta(days=5)


def test_without_overlap_the_old_one_stops_at_once() -> None:
    old, old_plain = make_token()
    assert opens(old_plain, AT)

    _new, new_plain = rotate(old, until=AT)

    assert (opens(old_plain, AT), opens(new_plain, AT)) == (False, True)


def test_overlap_ends_with_the_old_ones_life() -> None:
    old, _plain = make_token(days=1)

    rotate(old, until=AT + timedelta(days=3))

    old.refresh_from_db()
    assert old.retires_at == old.expires_at == AT + timedelta(days=1)


def test_remembered_token_obeys_also_while_the_database_is_away() -> None:
    old, old_plain = make_token()
    rotate(old)
    assert opens(old_plain, AT)

    def refuse(*_statement: object) -> None:
        raise OperationalError("gone")

    with connection.execute_wrapper(refuse):
        assert (opens(old_plain, UNTIL - SECOND), opens(old_plain, UNTIL)) == (True, False)


@pytest.mark.parametrize("until", [AT - SECOND, AT + timedelta(days=90) + SECOND])
def test_absurd_overlap_is_refused(until: datetime) -> None:
    old, _plain = make_token()

    with pytest.raises(InvalidTokenRequest, match="at most 90 days"):
        rotate(old, until=until)

    assert ApiToken.objects.get().retires_at is None


def test_absurd_days_are_refused_and_nothing_is_written() -> None:
    old, plain = make_token()
    events = AuditEvent.objects.count()

    with pytest.raises(InvalidTokenRequest, match="Between 1 and"):
        rotate(old, days=0)

    assert ApiToken.objects.get().retires_at is None
    assert (opens(plain, UNTIL), AuditEvent.objects.count()) == (True, events)


@pytest.mark.parametrize("move", [revoke_token, deactivate_token])
def test_token_that_opens_nothing_is_not_rotated(move: Any) -> None:
    old, _plain = make_token()
    move(token_id=old.pk, at=AT)

    with pytest.raises(TokenMoveRefused, match="Only a token that opens doors"):
        rotate(old)


def test_expired_token_is_not_rotated() -> None:
    old, _plain = make_token(days=1)
    later = AT + timedelta(days=1)

    with pytest.raises(TokenMoveRefused, match="Only a token that opens doors"):
        rotate(old, at=later, until=later)

    assert ApiToken.objects.get().status == "active"


def test_token_is_replaced_once() -> None:
    old, _plain = make_token()
    rotate(old)

    with pytest.raises(TokenMoveRefused, match="replaced already; it works until 2026-11-21 04:28 UTC"):
        rotate(old)


def test_successor_waits_until_the_first_overlap_is_over() -> None:
    """Two tokens of a partner work at a time, never three."""
    first, first_plain = make_token()
    second, second_plain = rotate(first)

    with pytest.raises(PartnerHasActiveToken, match="has been replaced and still works: revoke that one first"):
        rotate(second)
    assert opens(second_plain, UNTIL)
    assert ApiToken.objects.count() == 2

    third, third_plain = rotate(second, at=UNTIL, until=UNTIL + SECOND)
    first.refresh_from_db()
    assert (first.status, third.replaces) == ("inactive", second)
    assert [opens(plain, UNTIL) for plain in (first_plain, second_plain, third_plain)] == [False, True, True]


def test_retiring_token_can_be_revoked_at_once() -> None:
    """It leaked: waiting for the end of the overlap is too long."""
    old, old_plain = make_token()
    new, new_plain = rotate(old)
    revoke_token(token_id=old.pk, at=AT)

    assert (opens(old_plain, AT), opens(new_plain, AT)) == (False, True)
    assert rotate(new)[0].replaces == new


def test_retired_token_is_not_switched_on_again() -> None:
    old, old_plain = make_token()
    rotate(old)
    deactivate_token(token_id=old.pk, at=AT)
    activate_token(token_id=old.pk, at=AT)
    assert opens(old_plain, AT)
    deactivate_token(token_id=old.pk, at=AT)

    with pytest.raises(TokenMoveRefused, match="was replaced and retired on 2026-11-21"):
        activate_token(token_id=old.pk, at=UNTIL)


def test_new_token_is_refused_while_the_successor_lives_and_puts_a_retired_one_away() -> None:
    old, _plain = make_token()
    new, _new_plain = rotate(old)
    with pytest.raises(PartnerHasActiveToken, match="active token already"):
        make_token(at=UNTIL)
    revoke_token(token_id=new.pk, at=UNTIL)

    make_token(at=UNTIL)

    old.refresh_from_db()
    assert old.status == "inactive"
    assert AuditEvent.objects.get(action="token.deactivated").reason == "It had been replaced."


def test_only_super_administrators_rotate() -> None:
    old, _plain = make_token()
    teller = User.objects.create_user(email="teller@example.com")

    with pytest.raises(NotAllowed):
        rotate(old, rotated_by=teller)


def test_unknown_token_does_not_exist() -> None:
    old, _plain = make_token()

    with pytest.raises(ApiToken.DoesNotExist):
        rotate(old, token_id=old.pk + 1)


def test_database_holds_one_retiring_token_per_partner() -> None:
    old, _plain = make_token()
    rotate(old)

    with pytest.raises(IntegrityError, match="token_one_retiring_per_partner"), transaction.atomic():
        ApiToken.objects.filter(retires_at__isnull=True).update(retires_at=UNTIL)
    with pytest.raises(IntegrityError, match="token_one_active_per_partner"), transaction.atomic():
        ApiToken.objects.filter(pk=old.pk).update(retires_at=None)


# Two at once


def outcomes(results: list[Any]) -> list[str]:
    return sorted("made" if isinstance(result, tuple) else type(result).__name__ for result in results)


@pytest.mark.django_db(transaction=True)
def test_two_who_rotate_at_once_make_one_successor() -> None:
    old, _plain = make_token()

    results = run_together(4, lambda _number: rotate(old))

    assert outcomes(results) == ["TokenMoveRefused"] * 3 + ["made"]
    assert ApiToken.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_only_the_constraints_stand_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: everybody finds the token free to be replaced before anybody writes."""
    old, _plain = make_token()

    def look(partner: str) -> list[ApiToken]:
        return list(ApiToken.objects.filter(partner_email=partner, status="active"))

    monkeypatch.setattr(tokens, "lock_active_tokens", look)

    results = run_together(3, lambda _number: rotate(old), hold=(token_rotation, "_lock_replaceable"))

    assert outcomes(results) == ["IntegrityError"] * 2 + ["made"]
    assert ApiToken.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_rotating_and_making_at_once_never_lock_in_a_circle() -> None:
    first, _plain = make_token()
    second, _second_plain = rotate(first)

    def act(number: int) -> Any:
        if number % 2:
            return rotate(second, at=UNTIL, until=UNTIL)
        return create_token(partner_email="ops@telco.example", scopes=["loans"], created_by=None, at=UNTIL)

    results = run_together(4, act)

    assert [result for result in results if isinstance(result, DatabaseError)] == []
    assert outcomes(results).count("made") == 1
