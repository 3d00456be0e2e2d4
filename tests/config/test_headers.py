"""What every answer says to browsers, and who is allowed to look."""

import pytest
from django.test import Client, override_settings


def policy(response: object) -> dict[str, list[str]]:
    header: str = response.headers["Content-Security-Policy"]  # type: ignore[attr-defined]
    return {name: words for name, *words in (part.split() for part in header.split(";"))}


@pytest.mark.django_db
def test_pages_run_only_our_own_scripts(client: Client) -> None:
    for path in ("/", "/simulator/", "/healthz/live", "/nowhere/"):
        found = policy(client.get(path))
        assert found["script-src"] == ["'self'"], path
        assert found["default-src"] == ["'self'"]
        assert (found["frame-ancestors"], found["object-src"]) == (["'none'"], ["'none'"])
        assert (found["form-action"], found["base-uri"]) == (["'self'"], ["'self'"])


@pytest.mark.django_db
def test_only_the_back_office_may_evaluate(client: Client) -> None:
    # The admin theme does; without it nobody can click "Log in".
    assert policy(client.get("/admin/login/"))["script-src"] == ["'self'", "'unsafe-eval'"]
    assert policy(client.get("/admin"))["script-src"] == ["'self'"]


@pytest.mark.django_db
def test_other_headers(client: Client) -> None:
    headers = client.get("/").headers

    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.django_db
def test_the_front_door_shows_the_sandbox_only_where_it_is(client: Client) -> None:
    assert client.get("/").content.count(b"<li>") == 3
    with override_settings(SANDBOX=False):
        page = client.get("/")
    assert page.content.count(b"<li>") == 1
    assert b"/simulator/" not in page.content


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/simulator/", "/simulator/inbox/?phone=%2B250788123456", "/simulator/codes/"])
def test_the_phone_exists_in_the_sandbox_only(client: Client, path: str) -> None:
    with override_settings(SANDBOX=False):
        assert client.get(path).status_code == 404
