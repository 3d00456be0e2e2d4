"""Making, switching off and revoking tokens."""

import re
from datetime import timedelta
from typing import Any

import bcrypt
import pytest
from django.db import IntegrityError, transaction

from accounts import token_text
from accounts.models import ApiToken, User
from accounts.services import tokens
from accounts.services.authority import NotAllowed
from accounts.services.token_requests import InvalidTokenRequest, PartnerHasActiveToken, TokenMoveRefused
from accounts.services.tokens import activate_token, create_token, deactivate_token, revoke_token
from accounts.statuses import TokenStatus
from audit.canonical import MASK
from audit.models import AuditEvent
from tests.accounts.conftest import AT
from tests.accounts.tokens import make_token
from tests.audit.threads import run_together

LATER = AT + timedelta(hours=1)


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


@pytest.mark.django_db
def test_create_token_shows_it_once_and_stores_only_hashes(real_bcrypt) -> None:
    token, plain = create_token(
        partner_email=" Ops@Telco.Example ", scopes=["loans", "ussd", "ussd"], gateway="mtn-ng", created_by=None, at=AT
    )

    assert re.fullmatch(r"[0-9a-f]{96}", plain)
    stored = ApiToken.objects.get()
    assert stored == token
    assert (stored.partner_email, stored.scopes, stored.gateway) == ("ops@telco.example", ["ussd", "loans"], "mtn-ng")
    assert (stored.prefix, stored.status, stored.rate_limit) == (plain[:8], "active", 1000)
    assert stored.expires_at == AT + timedelta(days=30)
    assert stored.token_hash.startswith("$2b$10$")
    assert bcrypt.checkpw(token_text.digest_of(plain).encode(), stored.token_hash.encode())
    assert all(plain[8:20] not in str(value) for value in ApiToken.objects.values().get().values())


@pytest.mark.django_db
def test_create_token_leaves_one_event_without_secrets() -> None:
    token, plain = make_token()

    event = AuditEvent.objects.get()
    assert (event.action, event.target_id, event.actor_label) == ("token.created", str(token.pk), "system")
    assert event.after["partner_email"] == "ops@telco.example"
    assert event.after["prefix"] == plain[:8]
    text = str(event.after)
    assert MASK not in text
    assert token.token_hash not in text
    assert token.checksum not in text
    assert plain[8:20] not in text


@pytest.mark.django_db
def test_create_token_by_a_super_administrator() -> None:
    root = User.objects.create_superuser(email="root@example.com")

    token, _plain = make_token(created_by=root)

    assert token.created_by == root


@pytest.mark.django_db
@pytest.mark.parametrize("flags", [{"is_superuser": False}, {"is_superuser": True, "is_active": False}])
def test_create_token_is_for_super_administrators_only(flags: dict[str, bool]) -> None:
    teller = User.objects.create_user(email="teller@example.com", **flags)

    with pytest.raises(NotAllowed, match="Only a Super Administrator can make API tokens"):
        make_token(created_by=teller)

    assert not ApiToken.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"partner_email": "telco"}, "partner_email", "not an e-mail address"),
        ({"partner_email": ""}, "partner_email", "not an e-mail address"),
        ({"scopes": []}, "scopes", "at least one scope"),
        ({"scopes": [" "]}, "scopes", "at least one scope"),
        ({"scopes": ["loans", "all", "bank"]}, "scopes", "Unknown scope all, bank: choose from ussd, loans"),
        ({"days": 0}, "days", "Between 1 and 3,650 days"),
        ({"days": 3651}, "days", "Between 1 and 3,650 days"),
        ({"rate_limit": 0}, "rate_limit", "Between 1 and 1,000,000"),
        ({"gateway": "mtn ng"}, "gateway", "not a gateway's short name"),
        ({"gateway": "g" * 51}, "gateway", "At most 50"),
        ({"name": "n" * 101}, "name", "At most 100"),
    ],
)
def test_create_token_refuses(changes: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidTokenRequest, match=words) as refusal:
        make_token(**changes)

    assert refusal.value.field == field
    assert not ApiToken.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_create_token_takes_a_named_one_in_the_sandbox_only(settings) -> None:
    named = "0123456789abcdef" * 6
    settings.SANDBOX = False
    with pytest.raises(InvalidTokenRequest, match="Only the sandbox"):
        make_token(plain=named)
    settings.SANDBOX = True
    with pytest.raises(InvalidTokenRequest, match="in the shape of one"):
        make_token(plain="guessable")
    assert not ApiToken.objects.exists()

    _token, plain = make_token(plain=named)

    assert plain == named


@pytest.mark.django_db
def test_create_token_refuses_a_second_active_one() -> None:
    first, _plain = make_token()

    with pytest.raises(PartnerHasActiveToken, match=r"ops@telco.example has an active token already: revoke"):
        make_token(partner_email="OPS@telco.example")

    assert ApiToken.objects.get() == first
    assert actions() == ["token.created"]


@pytest.mark.django_db
def test_create_token_after_revoking_the_first() -> None:
    first, _plain = make_token()
    revoke_token(token_id=first.pk, at=AT)

    second, _plain = make_token()

    assert second.pk != first.pk
    assert actions() == ["token.created", "token.revoked", "token.created"]


@pytest.mark.django_db
def test_create_token_retires_an_expired_one() -> None:
    first, _plain = make_token(days=1)

    make_token(at=AT + timedelta(days=1))

    first.refresh_from_db()
    assert first.status == "inactive"
    assert actions() == ["token.created", "token.deactivated", "token.created"]


@pytest.mark.django_db(transaction=True)
def test_create_token_at_once_gives_one() -> None:
    results = run_together(4, lambda _number: make_token(), hold=(tokens, "lock_active_tokens"))

    assert sum(isinstance(result, PartnerHasActiveToken) for result in results) == 3
    assert ApiToken.objects.count() == 1
    assert actions() == ["token.created"]


@pytest.mark.django_db
def test_one_active_token_is_the_databases_word() -> None:
    """The control: without the service's words, the constraint still refuses."""
    make_token()

    with pytest.raises(IntegrityError, match="token_one_active_per_partner"), transaction.atomic():
        ApiToken.objects.create(partner_email="OPS@TELCO.example", scopes=["loans"], expires_at=AT)


@pytest.mark.django_db
def test_revoke_token_is_for_ever_and_said_once() -> None:
    token, _plain = make_token()

    revoke_token(token_id=token.pk, reason="leaked", at=LATER)
    revoke_token(token_id=token.pk, reason="again", at=LATER + timedelta(hours=1))

    token.refresh_from_db()
    assert (token.status, token.revoked_at) == ("revoked", LATER)
    event = AuditEvent.objects.get(action="token.revoked")
    assert (event.before, event.reason) == ({"status": "active"}, "leaked")
    for move in (activate_token, deactivate_token):
        with pytest.raises(TokenMoveRefused, match="revoked cannot become"):
            move(token_id=token.pk, at=LATER)


def revoke_four_times_at_once(**options: Any) -> int:
    """How many events it left."""
    token, _plain = make_token()
    run_together(4, lambda _number: revoke_token(token_id=token.pk, at=LATER), **options)
    assert ApiToken.objects.get().status == "revoked"
    return AuditEvent.objects.filter(action="token.revoked").count()


@pytest.mark.django_db(transaction=True)
def test_revoke_token_at_once_is_said_once() -> None:
    assert revoke_four_times_at_once() == 1


@pytest.mark.django_db(transaction=True)
def test_revoke_token_without_the_lock_is_said_too_often(monkeypatch) -> None:
    """The control: everybody finds it active."""
    monkeypatch.setattr(tokens, "lock_token", lambda token_id: ApiToken.objects.get(pk=token_id))

    assert revoke_four_times_at_once(hold=(tokens, "lock_token")) == 4


@pytest.mark.django_db
def test_deactivate_and_activate_token() -> None:
    token, _plain = make_token()

    assert deactivate_token(token_id=token.pk, at=LATER).status == "inactive"
    assert deactivate_token(token_id=token.pk, at=LATER).status == "inactive"
    assert activate_token(token_id=token.pk, at=LATER).status == "active"
    assert activate_token(token_id=token.pk, at=LATER).status == "active"

    assert actions() == ["token.created", "token.deactivated", "token.activated"]


@pytest.mark.django_db
def test_activate_token_refuses_an_expired_one() -> None:
    token, _plain = make_token(days=1)
    deactivate_token(token_id=token.pk, at=LATER)

    with pytest.raises(TokenMoveRefused, match="expired on 2026-11-21"):
        activate_token(token_id=token.pk, at=AT + timedelta(days=1))

    token.refresh_from_db()
    assert token.status == "inactive"


@pytest.mark.django_db
def test_activate_token_refuses_when_the_partner_has_another() -> None:
    first, _plain = make_token()
    deactivate_token(token_id=first.pk, at=LATER)
    make_token()

    with pytest.raises(PartnerHasActiveToken):
        activate_token(token_id=first.pk, at=LATER)

    first.refresh_from_db()
    assert first.status == "inactive"


@pytest.mark.django_db
def test_activate_token_passes_over_another_that_expired() -> None:
    first, _plain = make_token(days=30)
    deactivate_token(token_id=first.pk, at=LATER)
    second, _plain = make_token(days=1)

    activate_token(token_id=first.pk, at=AT + timedelta(days=2))

    second.refresh_from_db()
    assert second.status == "inactive"


def test_every_token_status_has_its_moves() -> None:
    assert set(TokenStatus.MOVES) == set(TokenStatus.values)
    assert set().union(*TokenStatus.MOVES.values()) <= set(TokenStatus.values)
