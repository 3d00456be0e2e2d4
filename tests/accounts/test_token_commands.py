"""The commands of contract section 8."""

import io
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import ApiToken
from accounts.services.token_checks import TokenInvalid, check_token
from audit.models import AuditEvent

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def create(*arguments: str) -> dict[str, Any]:
    return json.loads(run("create_api_token", "--partner", "ops@telco.example", "--json", *arguments))


def test_create_api_token_prints_a_working_token() -> None:
    shown = create("--scopes", "ussd,loans", "--days", "7", "--gateway", "telco")

    token = check_token(shown["token"], at=timezone.now())
    assert shown == {
        "partner": "ops@telco.example",
        "token": shown["token"],
        "prefix": shown["token"][:8],
        "scopes": ["ussd", "loans"],
        "gateway": "telco",
        "expiresAt": token.expires_at.isoformat().replace("+00:00", "Z"),
    }
    assert timedelta(days=6.9) < datetime.fromisoformat(shown["expiresAt"]) - timezone.now() <= timedelta(days=7)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_label, event.actor_id) == ("token.created", "command:create_api_token", "")


def test_create_api_token_speaks_to_people() -> None:
    words = run("create_api_token", "--partner", "ops@telco.example", "--scopes", "loans").splitlines()

    token = ApiToken.objects.get()
    assert words[0] == "Token for ops@telco.example, scopes loans:"
    assert check_token(words[1], at=timezone.now()) == token
    assert words[2] == f"It expires on {token.expires_at:%Y-%m-%d}. It is not stored: keep it now."
    assert token.expires_at - token.created_at < timedelta(days=30, seconds=5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scopes", "all"], "Unknown scope all"),
        (["--scopes", ","], "at least one scope"),
        (["--scopes", "loans", "--days", "0"], "Between 1 and"),
        (["--scopes", "loans", "--days", "soon"], "invalid int value"),
        (["--scopes", "loans", "--gateway", "a b"], "short name"),
        ([], "--scopes"),
    ],
)
def test_create_api_token_refuses(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        create(*arguments)

    assert not ApiToken.objects.exists()


def test_create_api_token_refuses_a_second_active_one() -> None:
    create("--scopes", "loans")

    with pytest.raises(CommandError, match="has an active token already: revoke that one first"):
        create("--scopes", "loans")

    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize("by", ["partner", "prefix"])
def test_revoke_api_token_shuts_it_out(by: str) -> None:
    shown = create("--scopes", "loans")
    other = create("--scopes", "loans", "--partner", "other@telco.example")
    named = {"partner": "OPS@telco.example", "prefix": shown["prefix"].upper()}[by]

    out = run("revoke_api_token", f"--{by}", named, "--reason", "leaked", "--json")

    assert json.loads(out) == {"revoked": [{"partner": "ops@telco.example", "prefix": shown["prefix"]}]}
    with pytest.raises(TokenInvalid, match="revoked"):
        check_token(shown["token"], at=timezone.now())
    assert check_token(other["token"], at=timezone.now()).partner_email == "other@telco.example"
    event = AuditEvent.objects.get(action="token.revoked")
    assert (event.actor_label, event.reason) == ("command:revoke_api_token", "leaked")


def test_revoke_api_token_speaks_to_people() -> None:
    shown = create("--scopes", "loans")

    assert run("revoke_api_token", "--prefix", shown["prefix"]) == f"Revoked {shown['prefix']}… of ops@telco.example.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--partner", "nobody@telco.example"], "No such token"),
        (["--prefix", "00000000"], "No such token"),
        ([], "one of the arguments --partner --prefix is required"),
    ],
)
def test_revoke_api_token_refuses(arguments: list[str], words: str) -> None:
    create("--scopes", "loans")

    with pytest.raises(CommandError, match=words):
        run("revoke_api_token", *arguments)

    assert ApiToken.objects.get().status == "active"
