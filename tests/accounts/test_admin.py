"""The back office's pages about people, groups and tokens, clicked through."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.services.customers import register_customer
from accounts.services.token_checks import check_token
from accounts.services.tokens import create_token
from audit.models import AuditEvent

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, 4, 28, tzinfo=UTC)
PASSWORD = "a long password of ours"
USERS = reverse("admin:accounts_user_changelist")
TOKENS = reverse("admin:accounts_apitoken_changelist")


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser(email="root@example.com", password=PASSWORD)


@pytest.fixture
def browser(root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def teller() -> User:
    user = User.objects.create_user(email="teller@example.com", password=PASSWORD)
    wanted = ["view_user", "change_user", "view_apitoken", "add_apitoken"]
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    return user


@pytest.fixture
def teller_browser(teller: User) -> Client:
    client = Client()
    client.force_login(teller)
    return client


def page(name: str, obj: Any) -> str:
    return reverse(f"admin:{name}", args=[obj.pk])


# People


def test_people_list_never_counts(browser: Client) -> None:
    for number in range(3):
        register_customer(phone=f"+25078812345{number}", at=AT)

    with CaptureQueriesContext(connection) as queries:
        answer = browser.get(USERS)

    assert answer.status_code == 200
    assert len(answer.context["cl"].result_list) == 4
    assert [query["sql"] for query in queries if "COUNT(" in query["sql"]] == []
    assert len(queries) == 3


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=0788123451", ["+250788123451"]),
        ("?q=%2B250 788 123 451", ["+250788123451"]),
        ("?q=8123451", ["+250788123451"]),
        ("?q=ROOT", ["root@example.com"]),
        ("?q=nobody", []),
        ("?kind=staff", ["root@example.com"]),
        ("?kind=customers", ["+250788123452", "+250788123451"]),
        ("?kind=off", ["+250788123452"]),
        ("?language__exact=rw", ["+250788123451"]),
        ("?created_at_from=2020-01-01&created_at_to=2020-01-02", []),
        ("?created_at_from=nonsense", ["+250788123452", "+250788123451", "root@example.com"]),
    ],
)
def test_people_list_finds(query: str, found: list[str], browser: Client) -> None:
    register_customer(phone="+250788123451", at=AT)
    register_customer(phone="+250788123452", at=AT)
    User.objects.filter(phone="+250788123451").update(language="rw")
    User.objects.filter(phone="+250788123452").update(is_active=False)

    answer = browser.get(USERS + query)

    assert [str(user) for user in answer.context["cl"].result_list] == found


def test_people_list_asks_for_longer_words(browser: Client) -> None:
    answer = browser.get(USERS + "?q=ro")

    assert list(answer.context["cl"].result_list) == []
    assert "Search for at least 3 characters." in answer.content.decode()


def test_people_add_makes_staff(browser: Client, root: User) -> None:
    form = {
        "email": "Ama@Example.com", "first_name": "Ama", "last_name": "Uwase",
        "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD,
    }  # fmt: skip
    answer = browser.post(reverse("admin:accounts_user_add"), form)

    user = User.objects.get(email="ama@example.com")
    assert answer.headers["Location"] == page("accounts_user_change", user)
    assert (user.is_staff, user.is_superuser, user.check_password(PASSWORD)) == (True, False, True)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.actor_label) == ("staff.created", str(root.pk), "root@example.com")
    assert event.ip == "127.0.0.1"
    assert event.request_id


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"email": "ROOT@example.com"}, "already exists"),
        ({"email": ""}, "This field is required"),
        ({"password2": "different from the first"}, "didn’t match"),
        ({"password1": "short", "password2": "short"}, "at least 12 characters"),
    ],
)
def test_people_add_refuses(changes: dict[str, str], words: str, browser: Client) -> None:
    form = {"email": "ama@example.com", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}

    answer = browser.post(reverse("admin:accounts_user_add"), form | changes)

    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert User.objects.count() == 1
    assert not AuditEvent.objects.exists()


def test_people_change_goes_through_the_service(browser: Client, teller: User) -> None:
    group = Group.objects.create(name="Tellers")
    form = {"email": "Desk@example.com", "first_name": "Ama", "is_active": "on", "is_staff": "on", "groups": group.pk}

    answer = browser.post(page("accounts_user_change", teller), form)

    assert answer.status_code == 302
    teller.refresh_from_db()
    assert (teller.email, teller.first_name, list(teller.groups.all())) == ("desk@example.com", "Ama", [group])
    assert teller.check_password(PASSWORD)
    event = AuditEvent.objects.get()
    assert event.action == "user.changed"
    assert set(event.after) == {"email", "first_name", "groups"}


def test_people_change_of_a_customer_keeps_phone_and_empty_address(browser: Client) -> None:
    customer = register_customer(phone="+250788123456", at=AT)

    browser.post(page("accounts_user_change", customer), {"first_name": "Ama", "is_active": "on", "phone": "0"})

    customer.refresh_from_db()
    assert (customer.phone, customer.email, customer.first_name) == ("+250788123456", None, "Ama")


def test_people_change_shows_the_services_refusal(browser: Client, root: User) -> None:
    answer = browser.post(page("accounts_user_change", root), {"email": "root@example.com", "is_staff": "on"})

    assert answer.status_code == 200
    assert "You cannot take away your own access" in answer.content.decode()
    root.refresh_from_db()
    assert root.is_superuser


def test_people_change_by_staff_leaves_powers_alone(teller_browser: Client) -> None:
    other = User.objects.create_user(email="other@example.com")

    form = {"email": "other@example.com", "first_name": "Eric", "is_superuser": "on"}
    answer = teller_browser.post(page("accounts_user_change", other), form)

    assert answer.status_code == 302
    other.refresh_from_db()
    assert (other.first_name, other.is_superuser, other.is_active) == ("Eric", False, True)


def test_super_administrators_are_closed_to_staff(teller_browser: Client, root: User) -> None:
    assert teller_browser.post(page("accounts_user_change", root), {"email": "x@example.com"}).status_code == 403
    password_page = reverse("admin:auth_user_password_change", args=[root.pk])
    assert teller_browser.post(password_page, {"password1": PASSWORD, "password2": PASSWORD}).status_code == 403
    assert teller_browser.get(reverse("admin:accounts_user_add")).status_code == 403
    assert teller_browser.get(reverse("admin:auth_group_changelist")).status_code == 403
    root.refresh_from_db()
    assert root.email == "root@example.com"


def test_people_are_never_deleted(browser: Client, teller: User) -> None:
    assert browser.post(page("accounts_user_delete", teller), {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=teller.pk).exists()


def test_password_of_staff_is_set(browser: Client, teller: User) -> None:
    address = reverse("admin:auth_user_password_change", args=[teller.pk])
    assert browser.get(address).status_code == 200

    answer = browser.post(address, {"password1": "another long password", "password2": "another long password"})

    assert answer.status_code == 302
    teller.refresh_from_db()
    assert teller.check_password("another long password")
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_label) == ("user.password_set", "root@example.com")


def test_password_of_ones_own_is_changed(teller_browser: Client, teller: User) -> None:
    new = "another long password"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}

    answer = teller_browser.post(reverse("admin:password_change"), form)

    assert answer.headers["Location"] == reverse("admin:password_change_done")
    teller.refresh_from_db()
    assert teller.check_password(new)
    assert AuditEvent.objects.get().action == "user.password_set"
    # The session that changed it stays.
    assert teller_browser.get(reverse("admin:index")).status_code == 200


# Groups


def test_groups_are_added_changed_and_deleted_through_services(browser: Client) -> None:
    permission = Permission.objects.get(codename="view_user")
    browser.post(reverse("admin:auth_group_add"), {"name": "Tellers", "permissions": [permission.pk]})
    group = Group.objects.get()
    browser.post(page("auth_group_change", group), {"name": "Desk", "permissions": []})
    browser.post(page("auth_group_delete", group), {"post": "yes"})

    assert not Group.objects.exists()
    events = AuditEvent.objects.order_by("id")
    assert [event.action for event in events] == ["group.saved", "group.saved", "group.deleted"]
    assert events[1].before == {"name": "Tellers", "permissions": ["accounts.view_user"]}


def test_groups_are_deleted_from_the_list_through_the_service(browser: Client) -> None:
    groups = [Group.objects.create(name=name) for name in ("One", "Two")]
    chosen = {"action": "delete_selected", "_selected_action": [group.pk for group in groups], "post": "yes"}

    browser.post(reverse("admin:auth_group_changelist"), chosen)

    assert not Group.objects.exists()
    assert AuditEvent.objects.filter(action="group.deleted").count() == 2


# Tokens


def make(email: str = "ops@telco.example") -> tuple[ApiToken, str]:
    return create_token(partner_email=email, scopes=["loans"], created_by=None, at=timezone.now())


TOKEN_FORM = {"partner_email": "ops@telco.example", "scopes": ["ussd", "loans"], "days": "7", "rate_limit": "50"}


def test_token_is_made_and_shown_once(browser: Client, root: User) -> None:
    assert browser.get(reverse("admin:accounts_apitoken_add")).status_code == 200

    answer = browser.post(reverse("admin:accounts_apitoken_add"), TOKEN_FORM)

    (plain,) = re.findall(r"[0-9a-f]{96}", answer.content.decode())
    token = check_token(plain, at=timezone.now())
    assert (token.scopes, token.rate_limit, token.created_by) == (["ussd", "loans"], 50, root)
    assert "no-store" in answer.headers["Cache-Control"]
    assert plain not in str(dict(browser.session))
    assert plain not in str(browser.cookies)
    for address in (TOKENS, page("accounts_apitoken_change", token)):
        content = browser.get(address).content.decode()
        assert plain not in content
        assert token.token_hash not in content
        assert token.checksum not in content
        assert plain[:8] in content


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"partner_email": "taken@telco.example"}, "has an active token already: revoke that one first"),
        ({"partner_email": "telco"}, "Enter a valid email address"),
        ({"scopes": []}, "This field is required"),
        ({"scopes": ["all"]}, "Select a valid choice"),
        ({"days": "0"}, "greater than or equal to 1"),
        ({"gateway": "a b"}, "valid “slug”"),
    ],
)
def test_token_form_refuses(changes: dict[str, Any], words: str, browser: Client) -> None:
    make("taken@telco.example")

    answer = browser.post(reverse("admin:accounts_apitoken_add"), TOKEN_FORM | changes)

    assert words in answer.content.decode()
    assert ApiToken.objects.count() == 1


def test_token_is_made_by_super_administrators_only(teller_browser: Client) -> None:
    """Even with the permission to add."""
    assert teller_browser.get(reverse("admin:accounts_apitoken_add")).status_code == 403
    assert teller_browser.post(reverse("admin:accounts_apitoken_add"), TOKEN_FORM).status_code == 403
    assert not ApiToken.objects.exists()


def press(client: Client, token: ApiToken, button: str, **form: str) -> Any:
    address = reverse(f"admin:accounts_apitoken_{button}", args=[token.pk])
    return client.post(address, {"_form_submitted": "on", **form})


def test_token_is_switched_off_on_and_revoked_by_buttons(browser: Client) -> None:
    token, _plain = make()
    states = []
    for button in ("switch_off", "switch_on", "revoke", "switch_on"):
        answer = press(browser, token, button, reason="why not")
        assert answer.headers["HX-Redirect"] == page("accounts_apitoken_change", token)
        token.refresh_from_db()
        states.append(token.status)

    assert states == ["inactive", "active", "revoked", "revoked"]
    assert "A token that is revoked cannot become active." in browser.get(TOKENS).content.decode()
    assert AuditEvent.objects.get(action="token.revoked").reason == "why not"


def test_token_buttons_do_nothing_when_only_looked_at(browser: Client) -> None:
    token, _plain = make()

    answer = browser.get(reverse("admin:accounts_apitoken_revoke", args=[token.pk]))

    assert "Revoke this token?" in answer.content.decode()
    token.refresh_from_db()
    assert token.status == "active"


def test_token_buttons_need_the_permission_and_the_csrf_token(teller_browser: Client, root: User) -> None:
    token, _plain = make()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(root)

    assert press(teller_browser, token, "revoke").status_code == 403
    assert press(strict, token, "revoke").status_code == 403

    token.refresh_from_db()
    assert token.status == "active"


@pytest.mark.parametrize(
    ("status", "buttons"),
    [("active", ["revoke", "switch_off"]), ("inactive", ["revoke", "switch_on"]), ("revoked", [])],
)
def test_token_page_shows_the_buttons_its_status_allows(status: str, buttons: list[str], browser: Client) -> None:
    token, _plain = make()
    ApiToken.objects.update(status=status)

    content = browser.get(page("accounts_apitoken_change", token)).content.decode()

    names = ["revoke", "switch_off", "switch_on"]
    assert [name for name in names if reverse(f"admin:accounts_apitoken_{name}", args=[token.pk]) in content] == buttons


def test_tokens_are_revoked_from_the_list(browser: Client) -> None:
    tokens = [make(f"{name}@telco.example")[0] for name in ("one", "two", "three")]
    chosen = {"action": "revoke_selected", "_selected_action": [token.pk for token in tokens[:2]]}

    browser.post(TOKENS, chosen)

    assert [ApiToken.objects.get(pk=token.pk).status for token in tokens] == ["revoked", "revoked", "active"]
    assert AuditEvent.objects.filter(action="token.revoked", actor_label="root@example.com").count() == 2


def test_expired_token_is_called_expired(browser: Client) -> None:
    create_token(partner_email="ops@telco.example", scopes=["loans"], created_by=None, days=1, at=AT.replace(year=2020))

    assert "Expired" in browser.get(TOKENS).content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_token_list_costs_the_same_however_long(count: int, browser: Client, django_assert_num_queries) -> None:
    for number in range(count):
        make(f"{number}@telco.example")

    with django_assert_num_queries(3):
        browser.get(TOKENS)


@pytest.mark.parametrize(
    "name",
    ["periodictask", "intervalschedule", "crontabschedule", "clockedschedule"],
)
def test_schedule_pages_open(name: str, browser: Client) -> None:
    assert browser.get(reverse(f"admin:django_celery_beat_{name}_changelist")).status_code == 200
    assert browser.get(reverse(f"admin:django_celery_beat_{name}_add")).status_code == 200
