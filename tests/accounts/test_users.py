"""The user row: staff by e-mail, customers by phone, and what the database refuses."""

from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User

PASSWORD = "a long password of ours"


@pytest.mark.django_db
def test_create_user_makes_staff_with_lower_case_address() -> None:
    user = User.objects.create_user(email="Ama@Example.COM", password=PASSWORD)

    assert (user.email, user.is_staff, user.is_superuser, str(user)) == (
        "ama@example.com",
        True,
        False,
        "ama@example.com",
    )
    assert user.check_password(PASSWORD)


@pytest.mark.django_db
def test_createsuperuser_command_works(monkeypatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)

    call_command("createsuperuser", "--noinput", "--email", "Root@Example.com", verbosity=0)

    user = User.objects.get()
    assert (user.email, user.is_superuser, user.is_staff, user.is_verified) == ("root@example.com", True, True, True)


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["ama@example.com", "AMA@example.COM"])
def test_sign_in_takes_the_address_in_any_case(typed: str) -> None:
    user = User.objects.create_user(email="ama@example.com", password=PASSWORD)

    assert authenticate(username=typed, password=PASSWORD) == user
    assert authenticate(username=typed, password="wrong") is None


@pytest.mark.django_db
def test_sign_in_to_the_admin_page() -> None:
    User.objects.create_superuser(email="ama@example.com", password=PASSWORD)
    client = Client()

    answer = client.post("/admin/login/", {"username": " AMA@example.com ", "password": PASSWORD, "next": "/admin/"})

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert client.get("/admin/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fields",
    [
        {"phone": "+250788123456"},
        {"email": "ama@example.com", "is_staff": True, "is_active": False},
        {"email": "ama@example.com", "is_staff": False},
    ],
)
def test_sign_in_to_the_admin_page_is_for_active_staff(fields: dict[str, Any]) -> None:
    user = User(**fields)
    user.set_password(PASSWORD)
    user.save()
    client = Client()

    answer = client.post("/admin/login/", {"username": str(user), "password": PASSWORD})

    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({}, "user_phone_or_email"),
        ({"phone": "0788123456"}, "user_phone_e164"),
        ({"phone": "+0788123456"}, "user_phone_e164"),
        ({"email": "Ama@example.com"}, "user_email_lower"),
        ({"phone": "+250788123456", "is_staff": True}, "user_staff_email"),
    ],
)
def test_user_row_refuses(fields: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        User.objects.create(**fields)

    assert not User.objects.exists()


@pytest.mark.django_db
def test_user_clean_leaves_a_customer_without_address() -> None:
    customer = User(phone="+250788123456")

    customer.clean()

    assert customer.email is None


def test_user_clean_lowers_the_address() -> None:
    user = User(email="Ama@Example.com")

    user.clean()

    assert user.email == "ama@example.com"
