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
    allowed = "192.0.2.7, 10.0.0.0/8"
    shown = create(
        "--scopes", "ussd,loans", "--days", "7", "--gateway", "telco", "--limit", "50", "--allow-from", allowed
    )

    token = check_token(shown["token"], at=timezone.now(), address="10.1.1.1")
    assert (token.rate_limit, token.allowed_ips) == (50, ["192.0.2.7/32", "10.0.0.0/8"])
    assert shown == {
        "partner": "ops@telco.example",
        "token": shown["token"],
        "prefix": shown["token"][:8],
        "scopes": ["ussd", "loans"],
        "gateway": "telco",
        "rateLimit": 50,
        "allowedFrom": ["192.0.2.7/32", "10.0.0.0/8"],
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
    assert token.expires_at - token.created_at < timedelta(days=30, minutes=5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scopes", "all"], "Unknown scope all"),
        (["--scopes", ","], "at least one scope"),
        (["--scopes", "loans", "--days", "0"], "Between 1 and"),
        (["--scopes", "loans", "--days", "soon"], "invalid int value"),
        (["--scopes", "loans", "--gateway", "a b"], "short name"),
        (["--scopes", "loans", "--limit", "0"], "Between 1 and 1,000,000 requests a minute"),
        (["--scopes", "loans", "--allow-from", "10.0.0.1/8"], "has host bits set"),
        (["--scopes", "loans", "--allow-from", "office"], "does not appear to be an IPv4 or IPv6 network"),
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


def rotated(*arguments: str) -> dict[str, Any]:
    return json.loads(run("rotate_api_token", "--json", *arguments))


@pytest.mark.parametrize("by", ["partner", "prefix"])
def test_rotate_api_token_gives_another(by: str) -> None:
    old = create("--scopes", "ussd,loans", "--limit", "50", "--days", "7")
    create("--scopes", "loans", "--partner", "other@telco.example")
    named = {"partner": "OPS@telco.example", "prefix": old["prefix"].upper()}[by]

    shown = rotated(f"--{by}", named, "--overlap-hours", "1.5", "--reason", "yearly")

    now = timezone.now()
    until = datetime.fromisoformat(shown["replaces"]["worksUntil"])
    assert timedelta(hours=1.4) < until - now <= timedelta(hours=1.5)
    assert shown["replaces"]["prefix"] == old["prefix"]
    assert {name: shown[name] for name in ("partner", "scopes", "rateLimit")} == {
        "partner": "ops@telco.example",
        "scopes": ["ussd", "loans"],
        "rateLimit": 50,
    }
    assert check_token(old["token"], at=now).pk != check_token(shown["token"], at=now).pk
    with pytest.raises(TokenInvalid, match="replaced"):
        check_token(old["token"], at=until)
    event = AuditEvent.objects.get(action="token.rotated")
    assert (event.actor_label, event.reason) == ("command:rotate_api_token", "yearly")


@pytest.mark.parametrize("offset", ["", "+02:00"])
def test_rotate_api_token_until_a_moment(offset: str) -> None:
    create("--scopes", "loans", "--days", "300")
    wanted = (timezone.now() + timedelta(days=7)).replace(microsecond=0)
    hours = 2 if offset else 0
    typed = (wanted + timedelta(hours=hours)).replace(tzinfo=None).isoformat() + offset

    shown = rotated("--partner", "ops@telco.example", "--until", typed, "--days", "90")

    assert shown["replaces"]["worksUntil"] == wanted.isoformat().replace("+00:00", "Z")
    assert ApiToken.objects.get(replaces__isnull=True).retires_at == wanted


def test_rotate_api_token_speaks_to_people() -> None:
    old = create("--scopes", "loans")

    words = run("rotate_api_token", "--partner", "ops@telco.example").splitlines()

    retiring = ApiToken.objects.get(prefix=old["prefix"])
    assert check_token(words[1], at=timezone.now()).replaces == retiring
    assert words[3] == f"The old one ({old['prefix']}…) works until {retiring.retires_at:%Y-%m-%d %H:%M} UTC."
    assert timedelta(hours=23.9) < retiring.retires_at - timezone.now() <= timedelta(hours=24)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--partner", "nobody@telco.example"], "No such active token"),
        (["--prefix", "00000000"], "No such active token"),
        ([], "one of the arguments --partner --prefix is required"),
        (["--partner", "ops@telco.example", "--overlap-hours", "-1"], "at most 90 days"),
        (["--partner", "ops@telco.example", "--overlap-hours", "1e99"], "too large"),
        (["--partner", "ops@telco.example", "--overlap-hours", "nan"], "NaN"),
        (["--partner", "ops@telco.example", "--until", "2020-01-01"], "From now on"),
        (["--partner", "ops@telco.example", "--until", "tomorrow"], "invalid"),
        (["--partner", "ops@telco.example", "--until", "2030-01-01", "--overlap-hours", "1"], "not allowed with"),
        (["--partner", "ops@telco.example", "--days", "0"], "Between 1 and"),
    ],
)
def test_rotate_api_token_refuses(arguments: list[str], words: str) -> None:
    create("--scopes", "loans")

    with pytest.raises(CommandError, match=words):
        run("rotate_api_token", *arguments)

    assert ApiToken.objects.get().retires_at is None
