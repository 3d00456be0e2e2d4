"""What may be changed of a token that a partner uses already, and what may not."""

from typing import Any

import pytest

from accounts.models import ApiToken, User
from accounts.services.authority import NotAllowed
from accounts.services.token_requests import MOST_ALLOWED_IPS, InvalidTokenRequest, TokenMoveRefused
from accounts.services.tokens import change_token, revoke_token
from audit.models import AuditEvent
from tests.accounts.conftest import AT
from tests.accounts.tokens import make_token

pytestmark = pytest.mark.django_db


def change(token: ApiToken, changes: dict[str, Any], **rest: Any) -> ApiToken:
    wanted: dict[str, Any] = {"token_id": token.pk, "changes": changes, "changed_by": None, "at": AT}
    return change_token(**wanted | rest)


def test_change_is_kept_with_before_and_after() -> None:
    token, _plain = make_token(allowed_ips=["192.0.2.7"])

    change(token, {"rate_limit": 5, "allowed_ips": ["10.0.0.0/8"], "name": ""}, reason="moved house")

    token.refresh_from_db()
    assert (token.rate_limit, token.allowed_ips) == (5, ["10.0.0.0/8"])
    event = AuditEvent.objects.get(action="token.changed")
    assert event.before == {"rate_limit": 1000, "allowed_ips": ["192.0.2.7/32"]}
    assert event.after == {"rate_limit": 5, "allowed_ips": ["10.0.0.0/8"]}
    assert event.reason == "moved house"


def test_the_same_again_changes_nothing() -> None:
    token, _plain = make_token(allowed_ips=["192.0.2.7"])

    change(token, {"rate_limit": 1000, "allowed_ips": ["192.0.2.7"]})

    assert not AuditEvent.objects.filter(action="token.changed").exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"rate_limit": 0}, "rate_limit"),
        ({"rate_limit": 1_000_001}, "rate_limit"),
        ({"allowed_ips": ["10.0.0.1/8"]}, "allowed_ips"),
        ({"allowed_ips": [f"10.0.{number}.0/24" for number in range(MOST_ALLOWED_IPS + 1)]}, "allowed_ips"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": ["monitor"]}, "scopes"),
        ({"status": "active"}, "status"),
    ],
)
def test_bad_change_is_refused_whole(changes: dict[str, Any], field: str) -> None:
    token, _plain = make_token()

    with pytest.raises(InvalidTokenRequest) as refusal:
        change(token, {"rate_limit": 5} | changes)

    assert refusal.value.field == field
    token.refresh_from_db()
    assert token.rate_limit == 1000


def test_revoked_token_is_not_changed() -> None:
    token, _plain = make_token()
    revoke_token(token_id=token.pk, at=AT)

    with pytest.raises(TokenMoveRefused):
        change(token, {"rate_limit": 5})


def test_only_super_administrators_change_what_a_token_may_do() -> None:
    token, _plain = make_token()
    teller = User.objects.create_user(email="teller@example.com")

    with pytest.raises(NotAllowed):
        change(token, {"allowed_ips": []}, changed_by=teller)
