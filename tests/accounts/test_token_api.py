"""Tokens over HTTP: the header, scopes, limits and errors of contract section 3."""

from datetime import timedelta
from typing import Any

import pytest
import redis
import time_machine
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from structlog.testing import capture_logs

from accounts import token_text
from accounts.api import throttles
from accounts.api.throttles import TokenRateThrottle, token_limiter
from accounts.models import ApiToken, TokenUsage
from accounts.remembered_tokens import remembered_tokens
from accounts.services.token_checks import TokenCheckUnavailable
from accounts.services.tokens import change_token, deactivate_token, revoke_token
from audit.models import AuditEvent
from tests.accounts.conftest import AT
from tests.accounts.tokens import make_token
from tests.audit.threads import run_together

pytestmark = [pytest.mark.urls("tests.accounts.tokens"), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def now():
    """Everything happens an hour after the tokens were made."""
    with time_machine.travel(AT + timedelta(hours=1), tick=False) as traveller:
        yield traveller


def get(plain: str | None, path: str = "/loans", client: Client | None = None) -> Any:
    headers = {} if plain is None else {"x-api-token": plain}
    return (client or Client()).get(path, headers=headers)


@pytest.mark.parametrize("name", ["x-api-token", "X-API-Token", "X-Api-Token"])
def test_token_opens_the_door_in_any_case_of_the_header(name: str) -> None:
    _token, plain = make_token()

    answer = Client().get("/loans", headers={name: plain})

    assert (answer.status_code, answer.json()) == (200, {"partner": "token:ops@telco.example", "scopes": ["loans"]})


def test_missing_token_is_401() -> None:
    answer = get(None)

    assert answer.status_code == 401
    assert answer.json() == {"code": "UNAUTHORIZED", "message": "Authentication credentials were not provided."}
    assert answer.headers["WWW-Authenticate"] == 'ApiToken header="x-api-token"'


@pytest.mark.parametrize("plain", ["", "nonsense", "a" * 96, "'; DROP TABLE accounts_api_token; --"])
def test_wrong_token_is_401(plain: str) -> None:
    make_token()

    answer = get(plain)

    assert answer.status_code == 401
    assert answer.json() == {"code": "UNAUTHORIZED", "message": "The API token is not valid."}


def test_revoked_token_is_401_on_the_next_request() -> None:
    token, plain = make_token()
    assert get(plain).status_code == 200
    revoke_token(token_id=token.pk, at=AT)

    answer = get(plain)

    assert (answer.status_code, answer.json()["message"]) == (401, "This API token is revoked.")


def test_expired_token_is_401(now) -> None:
    token, plain = make_token()
    now.move_to(token.expires_at)

    assert get(plain).status_code == 401


def test_missing_scope_is_403() -> None:
    _token, plain = make_token(scopes=["ussd"])

    answer = get(plain)

    assert answer.status_code == 403
    assert answer.json() == {"code": "FORBIDDEN", "message": "This API token lacks the scope loans."}


@pytest.mark.parametrize(
    ("scopes", "status"), [(["monitor"], 200), (["ussd"], 200), (["ussd", "monitor"], 200), (["loans"], 403)]
)
def test_any_one_of_several_scopes_opens(scopes: list[str], status: int) -> None:
    _token, plain = make_token(scopes=scopes)

    assert get(plain, "/either").status_code == status


def test_view_without_a_scope_is_a_mistake() -> None:
    _token, plain = make_token()

    with pytest.raises(ImproperlyConfigured, match="ForgetfulView needs required_scope"):
        get(plain, "/forgetful")


def test_dead_database_is_503(monkeypatch) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise TokenCheckUnavailable

    monkeypatch.setattr("accounts.api.authentication.check_token", fail)

    answer = get("a" * 96)

    assert answer.status_code == 503
    assert answer.json() == {"code": "SERVICE_UNAVAILABLE", "message": "Service temporarily unavailable."}


def test_request_costs_one_statement_once_known(django_assert_num_queries) -> None:
    _token, plain = make_token()
    client = Client()
    get(plain, client=client)

    with django_assert_num_queries(1):
        assert get(plain, client=client).status_code == 200


# Addresses


def get_from(address: str, plain: str, **headers: str) -> Any:
    return Client(REMOTE_ADDR=address).get("/loans", headers={"x-api-token": plain, **headers})


@pytest.mark.parametrize(
    ("address", "status"),
    [("10.1.2.3", 200), ("192.0.2.7", 200), ("::ffff:10.1.2.3", 200), ("192.0.2.8", 401), ("::1", 401), ("", 401)],
)
def test_token_with_a_list_opens_from_there_only(address: str, status: int) -> None:
    _token, plain = make_token(allowed_ips=["10.0.0.0/8", "192.0.2.7"])

    assert get_from(address, plain).status_code == status


def test_strange_address_is_401_and_leaks_no_list() -> None:
    token, plain = make_token(allowed_ips=["10.0.0.0/8"])

    with capture_logs() as lines:
        answer = get_from("192.0.2.8", plain)

    assert answer.status_code == 401
    assert answer.json() == {"code": "UNAUTHORIZED", "message": "This API token may not be used from this address."}
    (line,) = [line for line in lines if line["event"] == "token_from_elsewhere"]
    assert (line["token"], line["address"], line["log_level"]) == (token.prefix, "192.0.2.8", "warning")
    assert "10.0.0.0" not in str(lines) + str(answer.headers) + answer.content.decode()
    assert plain not in str(lines)
    token.refresh_from_db()
    assert (token.last_used_at, TokenUsage.objects.count()) == (None, 0)


def test_address_is_the_one_our_own_proxy_saw(settings: Any) -> None:
    """A caller writes what it likes into the header, to the left of what our proxy adds."""
    _token, plain = make_token(allowed_ips=["10.0.0.0/8"])

    assert get_from("192.0.2.8", plain, x_forwarded_for="10.1.1.1").status_code == 401
    settings.TRUSTED_PROXIES = 1
    assert get_from("192.0.2.9", plain, x_forwarded_for="10.1.1.1, 192.0.2.8").status_code == 401
    assert get_from("192.0.2.9", plain, x_forwarded_for="192.0.2.8, 10.1.1.1").status_code == 200


def test_changed_list_counts_from_the_next_request() -> None:
    token, plain = make_token()
    assert get_from("192.0.2.8", plain).status_code == 200
    for allowed, status in ((["10.0.0.0/8"], 401), (["192.0.2.0/24"], 200), ([], 200)):
        change_token(token_id=token.pk, changes={"allowed_ips": allowed}, changed_by=None, at=AT)

        assert get_from("192.0.2.8", plain).status_code == status


# Nothing is written


def revoke_a_second_ago(token: ApiToken) -> None:
    revoke_token(token_id=token.pk, at=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("spoil", "status", "code"),
    [
        (revoke_a_second_ago, 401, "UNAUTHORIZED"),
        (lambda token: deactivate_token(token_id=token.pk, at=AT), 401, "UNAUTHORIZED"),
        (lambda token: ApiToken.objects.update(expires_at=timezone.now()), 401, "UNAUTHORIZED"),
        (lambda token: ApiToken.objects.update(retires_at=timezone.now()), 401, "UNAUTHORIZED"),
        (lambda token: ApiToken.objects.update(allowed_ips=["10.0.0.0/8"]), 401, "UNAUTHORIZED"),
        (lambda token: ApiToken.objects.update(token_hash=token_text.hash_digest("x")), 401, "UNAUTHORIZED"),
        (lambda token: ApiToken.objects.update(scopes=["ussd"]), 403, "FORBIDDEN"),
    ],
    ids=["revoked", "inactive", "expired", "retired", "elsewhere", "wrong", "scope"],
)
def test_what_is_turned_away_writes_nothing(spoil: Any, status: int, code: str) -> None:
    """Neither while the process remembers the token nor as a new process. A missing scope alone counts as a use."""
    token, plain = make_token()
    assert get(plain).status_code == 200
    spoil(token)
    before = list(TokenUsage.objects.values_list("requests", flat=True)), AuditEvent.objects.count()

    with CaptureQueriesContext(connection) as queries:
        answer = get(plain)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert {query["sql"].split()[0] for query in queries} == {"SELECT"}
    remembered_tokens.forget()
    assert get(plain).status_code == status
    assert (list(TokenUsage.objects.values_list("requests", flat=True)), AuditEvent.objects.count()) == before


# Limits


def test_limit_is_exact_and_says_when_to_come_back(now) -> None:
    _token, plain = make_token(rate_limit=3)
    client = Client()
    assert get(plain, client=client).status_code == 200
    now.shift(10)
    assert [get(plain, client=client).status_code for _ in range(3)] == [200, 200, 429]

    answer = get(plain, client=client)

    assert answer.status_code == 429
    assert answer.json()["code"] == "RATE_LIMITED"
    assert answer.headers["Retry-After"] == "50"
    # The first of the three leaves the window; the other two do not yet.
    now.shift(50.5)
    assert [get(plain, client=client).status_code for _ in range(2)] == [200, 429]


def test_limit_is_each_tokens_own() -> None:
    _token, plain = make_token(rate_limit=1)
    _other, other_plain = make_token(partner_email="other@telco.example", rate_limit=2)

    assert [get(plain).status_code for _ in range(2)] == [200, 429]
    assert [get(other_plain).status_code for _ in range(3)] == [200, 200, 429]


def test_limit_counts_refused_scopes_but_not_wrong_tokens() -> None:
    """DRF asks for permission before it counts; a wrong token has no count."""
    _token, plain = make_token(rate_limit=1)

    assert [get(plain, "/either").status_code for _ in range(3)] == [403, 403, 403]
    assert get(plain).status_code == 200


def test_limit_is_exact_under_parallel_requests() -> None:
    token, _plain = make_token(rate_limit=20)
    request = type("Request", (), {"auth": token})()

    results = run_together(8, lambda _n: sum(TokenRateThrottle().allow_request(request, None) for _ in range(10)))

    assert sum(results) == 20


@pytest.mark.parametrize("error", [redis.ConnectionError("refused"), redis.TimeoutError("slow"), OSError("gone")])
def test_limit_is_open_when_redis_is_away(error: Exception, monkeypatch) -> None:
    def fail(*_args: Any) -> bool:
        raise error

    _token, plain = make_token(rate_limit=1)
    monkeypatch.setattr(throttles, "token_limiter", type("Dead", (), {"hit": fail}))

    assert [get(plain).status_code for _ in range(3)] == [200, 200, 200]


def test_limit_stays_shut_when_redis_leaves_after_counting(monkeypatch) -> None:
    token, plain = make_token(rate_limit=1)
    assert get(plain).status_code == 200

    def fail(*_args: Any) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(token_limiter(), "get_window_stats", fail)
    answer = get(plain)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert ApiToken.objects.get() == token
