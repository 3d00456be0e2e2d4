"""The back office's pages about tokens: rotating, limits, usage."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.services.token_checks import check_token
from accounts.services.token_rotation import rotate_token
from accounts.services.token_usage import Counts, add_usage
from accounts.services.tokens import create_token, deactivate_token, revoke_token
from audit.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser(email="root@example.com")


@pytest.fixture
def browser(root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def teller_browser() -> Client:
    """May see and revoke tokens, and is no Super Administrator."""
    teller = User.objects.create_user(email="teller@example.com")
    wanted = ["view_apitoken", "add_apitoken", "change_apitoken"]
    teller.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client = Client()
    client.force_login(teller)
    return client


@pytest.fixture
def made() -> tuple[ApiToken, str]:
    return create_token(
        partner_email="ops@telco.example",
        scopes=["loans"],
        allowed_ips=["127.0.0.1"],
        name="live",
        created_by=None,
        at=timezone.now(),
    )


def page(token: ApiToken) -> str:
    return reverse("admin:accounts_apitoken_change", args=[token.pk])


def button(token: ApiToken, name: str) -> str:
    return reverse(f"admin:accounts_apitoken_{name}", args=[token.pk])


def test_token_is_rotated_and_the_new_one_shown_once(browser: Client, made: tuple[ApiToken, str], root: User) -> None:
    old, old_plain = made
    assert "Rotate the token of ops@telco.example" in browser.get(button(old, "rotate")).content.decode()

    answer = browser.post(button(old, "rotate"), {"hours": "48", "days": "", "reason": "yearly"})

    content = answer.content.decode()
    (plain,) = re.findall(r"[0-9a-f]{96}", content)
    now = timezone.now()
    new = check_token(plain, at=now, address="127.0.0.1")
    old.refresh_from_db()
    assert (new.replaces, new.created_by, new.allowed_ips) == (old, root, ["127.0.0.1/32"])
    assert timedelta(hours=47.9) < old.retires_at - now <= timedelta(hours=48)
    assert f"The old token {old.prefix}… works until" in content
    assert "no-store" in answer.headers["Cache-Control"]
    assert check_token(old_plain, at=now, address="127.0.0.1") == old
    assert AuditEvent.objects.get(action="token.rotated").actor_label == "root@example.com"
    assert "Retiring" in browser.get(page(old)).content.decode()
    assert str(new) in browser.get(page(old)).content.decode()
    assert str(old) in browser.get(page(new)).content.decode()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"hours": ""}, "This field is required"),
        ({"hours": "-1"}, "greater than or equal to 0"),
        ({"hours": "2161"}, "less than or equal to 2160"),
        ({"hours": "1", "days": "0"}, "greater than or equal to 1"),
    ],
)
def test_rotation_form_refuses(form: dict[str, str], words: str, browser: Client, made: tuple[ApiToken, str]) -> None:
    answer = browser.post(button(made[0], "rotate"), form)

    assert words in answer.content.decode()
    assert ApiToken.objects.get().retires_at is None


def test_rotation_page_shows_the_services_refusal(browser: Client, made: tuple[ApiToken, str]) -> None:
    browser.post(button(made[0], "rotate"), {"hours": "48"})

    answer = browser.post(button(made[0], "rotate"), {"hours": "48"})

    assert "The token has been replaced already; it works until" in answer.content.decode()
    assert ApiToken.objects.count() == 2


@pytest.mark.parametrize("wrong", ["4711", "nonsense", "²"])
def test_buttons_of_no_token(wrong: str, browser: Client) -> None:
    form = {"_form_submitted": "on", "rate_limit": "50", "hours": "1"}
    statuses = {
        name: browser.post(reverse(f"admin:accounts_apitoken_{name}", args=[wrong]), form).status_code
        for name in ("rotate", "change_limits", "revoke")
    }

    # A dialog sends back to the token's page, which says that there is none.
    dialog = 200 if wrong == "4711" else 404
    assert statuses == {"rotate": 404, "change_limits": dialog, "revoke": dialog}
    assert browser.get(reverse("admin:accounts_apitoken_change", args=[wrong])).status_code == 302


def test_limits_are_changed_in_a_dialog(browser: Client, made: tuple[ApiToken, str]) -> None:
    token, _plain = made
    dialog = browser.get(button(token, "change_limits")).content.decode()
    assert "127.0.0.1/32" in dialog
    assert 'value="1000"' in dialog

    form = {"_form_submitted": "on", "name": "", "rate_limit": "50", "allowed_ips": "10.0.0.0/8, ::1", "reason": "why"}
    answer = browser.post(button(token, "change_limits"), form)

    assert answer.headers["HX-Redirect"] == page(token)
    token.refresh_from_db()
    assert (token.name, token.rate_limit, token.allowed_ips) == ("", 50, ["10.0.0.0/8", "::1/128"])
    event = AuditEvent.objects.get(action="token.changed")
    assert (event.actor_label, event.reason) == ("root@example.com", "why")
    assert "10.0.0.0/8, ::1/128" in browser.get(page(token)).content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"allowed_ips": "10.0.0.1/8"}, "has host bits set"),
        ({"allowed_ips": "office"}, "does not appear to be"),
        ({"rate_limit": "0"}, "greater than or equal to 1"),
    ],
)
def test_limits_dialog_refuses(
    changes: dict[str, str], words: str, browser: Client, made: tuple[ApiToken, str]
) -> None:
    form = {"_form_submitted": "on", "rate_limit": "50", "allowed_ips": "", "reason": ""}

    answer = browser.post(button(made[0], "change_limits"), form | changes)

    assert words in answer.content.decode()
    assert ApiToken.objects.get().rate_limit == 1000


@pytest.mark.parametrize("name", ["rotate", "change_limits"])
def test_only_super_administrators_get_there(name: str, teller_browser: Client, made: tuple[ApiToken, str]) -> None:
    form = {"_form_submitted": "on", "hours": "1", "rate_limit": "50"}

    assert teller_browser.get(button(made[0], name)).status_code == 403
    assert teller_browser.post(button(made[0], name), form).status_code == 403
    content = teller_browser.get(page(made[0])).content.decode()
    assert button(made[0], name) not in content
    assert button(made[0], "revoke") in content
    assert ApiToken.objects.get().rate_limit == 1000


@pytest.mark.parametrize("name", ["rotate", "change_limits"])
def test_nothing_happens_without_the_csrf_token(name: str, root: User, made: tuple[ApiToken, str]) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(root)

    assert strict.post(button(made[0], name), {"hours": "1", "rate_limit": "50"}).status_code == 403


def retire(token: ApiToken) -> None:
    at = timezone.now()
    rotate_token(token_id=token.pk, until=at, rotated_by=None, at=at)


@pytest.mark.parametrize(
    ("move", "state", "shown"),
    [
        (lambda token: None, "Active", ["rotate", "change_limits"]),
        (lambda token: deactivate_token(token_id=token.pk, at=timezone.now()), "Inactive", ["change_limits"]),
        (lambda token: revoke_token(token_id=token.pk, at=timezone.now()), "Revoked", []),
        (retire, "Replaced", ["change_limits"]),
    ],
    ids=["active", "inactive", "revoked", "replaced"],
)
def test_page_shows_state_and_the_buttons_it_allows(
    move: Any, state: str, shown: list[str], browser: Client, made: tuple[ApiToken, str]
) -> None:
    move(made[0])

    content = browser.get(page(made[0])).content.decode()

    assert state in content
    assert [name for name in ("rotate", "change_limits") if button(made[0], name) in content] == shown


def test_page_shows_the_last_thirty_days(browser: Client, made: tuple[ApiToken, str]) -> None:
    token, _plain = made
    today = timezone.now().date()
    assert "None in the last thirty days." in browser.get(page(token)).content.decode()
    add_usage({(token.pk, today): Counts(1234, 56), (token.pk, today - timedelta(days=2)): Counts(8, 0)})

    with CaptureQueriesContext(connection) as queries:
        content = browser.get(page(token)).content.decode()

    assert len([query for query in queries if "accounts_token_usage" in query["sql"]]) == 1

    rows = re.findall(r"<tr class.*?</tr>", content.split('id="usage"')[1].split("</table>")[0], re.DOTALL)
    assert [re.findall(r">([\d-]+)</td>", row) for row in rows] == [
        [f"{today}", "1234", "56"],
        [f"{today - timedelta(days=2)}", "8", "0"],
    ]
    assert content.count(" over the limit") == 30
