"""`manage.py doctor`: what it finds comes with its fix, and dead servers are findings too."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
import redis
import requests
from cryptography.fernet import Fernet
from django.core.management import call_command
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from pydantic import SecretStr

from config.doctor import broker, database, outside, secrets
from config.doctor.findings import Finding, Group, Verdict, examine, judge
from config.management.commands import doctor
from configuration.services import change_category
from disbursements.configuration import NigeriaPayments, PaymentSettings, ProviderAccount
from loans.collection_settings import CollectionSettings
from notifications.configuration import NotificationSettings
from tests.config.processes import PRODUCTION, run_python
from ussd.services.gateways import create_gateway, rotate_secret
from ussd.statuses import GatewayKind

OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL


def verdicts(findings: list[Finding]) -> dict[str, Verdict]:
    """By name; whatever is not well has a fix, whatever is well has none."""
    assert all(bool(finding.fix) == (finding.verdict != OK) for finding in findings)
    return {finding.name: finding.verdict for finding in findings}


# ---- the frame ----------------------------------------------------------------------------------------------------


def break_down() -> list[Finding]:
    raise ValueError("first line\nsecond line")


def be_well() -> list[Finding]:
    return [judge("health", True, "well", "no fix needed")]


def test_a_check_that_breaks_hides_no_other() -> None:
    findings = examine([Group("group", checks=(break_down, be_well))])

    assert findings == [
        Finding("break down", FAIL, "could not be checked: first line", "Mend what the message names."),
        Finding("health", OK, "well"),
    ]


def test_a_dead_server_is_one_finding_and_nothing_waits_for_it_again() -> None:
    waited: list[str] = []

    def look() -> list[Finding]:
        waited.append("look")
        return []

    findings = examine([Group("server", reach=break_down, fix="Start it.", checks=(look,)), Group("x", (be_well,))])

    assert findings == [
        Finding("server", FAIL, "does not answer: first line", "Start it."),
        Finding("health", OK, "well"),
    ]
    assert waited == []


@pytest.mark.parametrize(("verdict", "code"), [(OK, 0), (WARN, 0), (FAIL, 1)])
def test_command_ends_with_1_when_money_is_at_risk(
    monkeypatch: pytest.MonkeyPatch, verdict: Verdict, code: int
) -> None:
    found = judge("thing", verdict == OK, "as seen", "Mend it.", otherwise=verdict)
    monkeypatch.setattr(doctor, "GROUPS", [Group("group", checks=(lambda: [found],))])
    words, as_json = StringIO(), StringIO()

    codes = []
    for arguments, out in ((["doctor"], words), (["doctor", "--json"], as_json)):
        try:
            call_command(*arguments, stdout=out)
            codes.append(0)
        except SystemExit as end:
            codes.append(int(str(end.code)))

    fix = "" if verdict == OK else "Mend it."
    assert codes == [code, code]
    assert words.getvalue() == f"{verdict:>4}  thing: as seen\n" + (f"      fix: {fix}\n" if fix else "")
    assert json.loads(as_json.getvalue()) == [{"name": "thing", "verdict": str(verdict), "seen": "as seen", "fix": fix}]


def test_with_everything_dead_it_answers_soon_and_in_findings() -> None:
    outcome = run_python("manage.py", "doctor", "--json", env=PRODUCTION | {"PUBLIC_URL": ""})

    found = {finding["name"]: finding["verdict"] for finding in json.loads(outcome.out)}
    assert found == {
        "postgres": "fail",
        "redis": "fail",
        "broker": "fail",
        "broker visibility": "ok",
        "callback address": "warn",
        "secret key": "ok",
    }
    assert (outcome.code, outcome.err) == (1, "")
    assert outcome.seconds < 45


# ---- PostgreSQL ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_migrations_clock_and_time_zone_are_well() -> None:
    database.reach_postgres()

    found = verdicts(database.check_migrations() + database.check_clock() + database.check_time_zone())

    assert found == {"migrations": OK, "clock": OK, "time zone": OK}


@pytest.mark.django_db
def test_a_clock_that_is_off_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    late = SimpleNamespace(now=lambda zone: datetime.now(zone) - timedelta(seconds=5))
    monkeypatch.setattr(database, "datetime", late)

    (finding,) = database.check_clock()

    assert finding.verdict == FAIL
    # The question itself takes its time.
    assert 4.9 <= float(finding.seen.split()[0]) < 60
    assert "NTP" in finding.fix


@pytest.mark.parametrize("value", ["on", "off"])
def test_durability(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setattr(database, "_show", lambda _name: value)

    findings = database.check_durability()

    expected = OK if value == "on" else FAIL
    assert verdicts(findings) == {
        f"postgres {name}": expected for name in ("fsync", "synchronous_commit", "full_page_writes")
    }


def test_too_few_connections_for_our_pools(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(database, "_show", lambda _name: "59")
    monkeypatch.setitem(settings.DATABASES["default"]["OPTIONS"], "pool", {"max_size": 10})

    assert verdicts(database.check_connections()) == {"postgres connections": WARN}
    monkeypatch.setattr(database, "_show", lambda _name: "60")
    assert verdicts(database.check_connections()) == {"postgres connections": OK}


# ---- Redis and Celery ---------------------------------------------------------------------------------------------


class FakeRedis:
    """Answers CONFIG GET from a dictionary, or refuses it as hosted ones do."""

    def __init__(self, values: dict[str, str] | None) -> None:
        self.values = values

    def config_get(self, name: str) -> dict[str, str]:
        if self.values is None:
            raise redis.ResponseError("unknown command 'CONFIG'")
        return {name: self.values[name]}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"maxmemory-policy": "noeviction", "appendonly": "yes"}, [OK, OK]),
        ({"maxmemory-policy": "allkeys-lru", "appendonly": "no"}, [FAIL, WARN]),
        (None, [OK, OK]),
    ],
)
def test_redis_that_forgets_is_found(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str] | None, expected: list[Verdict]
) -> None:
    monkeypatch.setattr(broker, "get_redis_connection", lambda _alias: FakeRedis(values))

    assert list(verdicts(broker.check_redis()).values()) == expected


def test_redelivery_before_the_longest_task_ends_is_found(settings: Any) -> None:
    assert verdicts(broker.check_visibility()) == {"broker visibility": OK}
    settings.CELERY_TASK_TIME_LIMIT = 3000
    assert verdicts(broker.check_visibility()) == {"broker visibility": FAIL}


@pytest.mark.parametrize(
    ("queues", "verdict", "fix"),
    [
        ([["payouts"], ["notifications", "exports", "default"]], OK, ""),
        ([["payouts"], ["default"]], FAIL, "Start: celery -A config worker -Q exports,notifications"),
        ([], FAIL, "Start: celery -A config worker -Q default,exports,notifications,payouts"),
    ],
)
def test_queues_without_a_worker_are_named(
    monkeypatch: pytest.MonkeyPatch, queues: list[list[str]], verdict: Verdict, fix: str
) -> None:
    answers = {f"w{number}": [{"name": name} for name in names] for number, names in enumerate(queues)}
    asked = SimpleNamespace(active_queues=lambda: answers or None)
    monkeypatch.setattr(broker, "app", SimpleNamespace(control=SimpleNamespace(inspect=lambda timeout: asked)))

    (finding,) = broker.check_workers()

    assert (finding.verdict, finding.fix) == (verdict, fix)


def test_the_real_broker_is_reached() -> None:
    broker.reach_redis()
    broker.reach_broker()


@pytest.mark.django_db
@pytest.mark.parametrize(("minutes", "verdict"), [(None, FAIL), (11, FAIL), (3, OK)])
def test_beat_that_stopped_is_found(now: datetime, minutes: int | None, verdict: Verdict) -> None:
    PeriodicTask.objects.all().delete()
    if minutes is not None:
        every, _ = IntervalSchedule.objects.get_or_create(every=5, period="seconds")
        PeriodicTask.objects.create(
            name="sweep", task="x", interval=every, last_run_at=now - timedelta(minutes=minutes)
        )

    assert verdicts(broker.check_beat()) == {"beat": verdict}


# ---- the outside --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "status", "sandbox", "verdict"),
    [
        ("https://pay.example.com", 200, False, OK),
        ("http://pay.example.com", 200, True, OK),
        ("http://pay.example.com", 200, False, WARN),
        ("https://pay.example.com", 502, False, WARN),
        ("https://pay.example.com", None, False, WARN),
        ("", None, False, WARN),
    ],
)
def test_callback_address(
    monkeypatch: pytest.MonkeyPatch, settings: Any, url: str, status: int | None, sandbox: bool, verdict: Verdict
) -> None:
    settings.PUBLIC_URL, settings.SANDBOX = url, sandbox
    asked: list[str] = []

    def get(address: str, **_options: object) -> SimpleNamespace:
        asked.append(address)
        if status is None:
            raise requests.ConnectTimeout("no route")
        return SimpleNamespace(status_code=status)

    monkeypatch.setattr(requests, "get", get)

    assert verdicts(outside.check_callbacks()) == {"callback address": verdict}
    assert asked == ([f"{url}/healthz/live"] if url else [])


@pytest.mark.django_db
@pytest.mark.parametrize(("available", "verdict"), [(Decimal(500), OK), (None, FAIL)])
def test_provider_is_asked_for_our_float(
    monkeypatch: pytest.MonkeyPatch, available: Decimal | None, verdict: Verdict
) -> None:
    provider = SimpleNamespace(balance=lambda currency: SimpleNamespace(available=available, currency=currency))
    asked: list[str] = []
    monkeypatch.setattr(outside, "provider_for", lambda slug: asked.append(slug) or provider)

    assert verdicts(outside.check_provider()) == {"payout provider RWF": verdict, "payout provider NGN": verdict}
    assert asked == ["mtn_momo", "mtn_momo_ng"]


@pytest.mark.parametrize(("available", "verdict"), [(Decimal(500), OK), (None, FAIL)])
def test_collections_are_asked_what_was_collected(
    monkeypatch: pytest.MonkeyPatch, available: Decimal | None, verdict: Verdict
) -> None:
    client = SimpleNamespace(balance=lambda currency: SimpleNamespace(available=available, currency=currency))
    monkeypatch.setattr(outside, "current", lambda category: CollectionSettings())
    monkeypatch.setattr(outside, "build_client", lambda chosen: client)

    assert verdicts(outside.check_collections()) == {"requests to pay": verdict}


def test_collections_switched_off_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "current", lambda category: CollectionSettings(enabled=False))
    monkeypatch.setattr(outside, "build_client", None)

    assert verdicts(outside.check_collections()) == {"requests to pay": OK}


@pytest.mark.django_db
def test_account_that_is_switched_off_is_not_asked(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    provider = SimpleNamespace(balance=lambda currency: SimpleNamespace(available=Decimal(1), currency=currency))
    monkeypatch.setattr(outside, "provider_for", lambda _slug: provider)
    change_category(NigeriaPayments, changes={"momo_enabled": False}, changed_by=None, reason="No lending", at=now)

    assert verdicts(outside.check_provider()) == {"payout provider RWF": OK}
    assert verdicts(outside.check_accounts()) == {"payout accounts": OK}


@pytest.mark.parametrize(
    ("naira", "verdict", "seen"),
    [
        ({}, OK, "payouts in NGN and RWF"),
        ({"momo_currency": "RWF"}, FAIL, "RWF by more than one account"),
        ({"momo_currency": "RWF", "momo_enabled": False}, OK, "payouts in RWF"),
    ],
)
def test_two_accounts_for_one_currency_are_found(
    monkeypatch: pytest.MonkeyPatch, naira: dict[str, Any], verdict: Verdict, seen: str
) -> None:
    monkeypatch.setattr(outside, "all_accounts", lambda: [PaymentSettings(), NigeriaPayments(**naira)])

    (finding,) = outside.check_accounts()

    assert (finding.name, finding.verdict, finding.seen) == ("payout accounts", verdict, seen)


def test_no_account_that_pays_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "all_accounts", lambda: [PaymentSettings(momo_enabled=False)])

    assert verdicts(outside.check_accounts()) == {"payout accounts": FAIL}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"username": "acme", "api_key": SecretStr("k"), "delivery_report_secret": SecretStr("s")}, [OK, OK]),
        ({"username": "acme", "api_key": SecretStr(""), "delivery_report_secret": SecretStr("")}, [WARN, FAIL]),
    ],
)
def test_sms(monkeypatch: pytest.MonkeyPatch, settings: Any, changes: dict[str, Any], expected: list[Verdict]) -> None:
    settings.SANDBOX = False
    monkeypatch.setattr(outside, "current", lambda _category: NotificationSettings(**changes))

    found = verdicts(outside.check_sms())

    assert found == dict(zip(["SMS delivery reports", "SMS credentials"], expected, strict=True))


@pytest.mark.parametrize(("key", "verdict"), [("k" * 50, OK), ("k" * 49, FAIL), ("dev-only-" + "x" * 50, FAIL)])
def test_secret_key(settings: Any, key: str, verdict: Verdict) -> None:
    settings.SECRET_KEY = key

    assert verdicts(secrets.check_secret_key()) == {"secret key": verdict}


@pytest.mark.django_db
def test_a_new_key_says_what_still_needs_the_old_one(settings: Any, now: datetime) -> None:
    old, new = settings.FIELD_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    gateway, _secret = create_gateway(
        slug="at", name="AT", kind=GatewayKind.AFRICAS_TALKING, service_codes={"*1#": "promo"}, at=now
    )
    save = partial(change_category, NotificationSettings, changed_by=None, reason="test", at=now)
    save(changes={"api_key": "first"})
    assert verdicts(secrets.check_stored_secrets()) == {"stored secrets": OK, "old encryption keys": OK}

    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    findings = secrets.check_stored_secrets()
    assert verdicts(findings) == {"stored secrets": OK, "old encryption keys": WARN}
    assert findings[1].seen == "still needed for gateway at, settings notifications"

    save(changes={"max_tries": 4})
    rotate_secret(gateway_id=gateway.pk, at=now)
    assert verdicts(secrets.check_stored_secrets()) == {"stored secrets": OK, "old encryption keys": OK}

    settings.FIELD_ENCRYPTION_KEYS = [old]
    findings = secrets.check_stored_secrets()
    assert verdicts(findings) == {"stored secrets": FAIL, "old encryption keys": OK}
    assert findings[0].seen == "unreadable: gateway at, settings notifications"


@pytest.mark.parametrize(
    ("sandbox", "address", "verdict"),
    [
        (True, "http://127.0.0.1:8001", OK),
        (True, "https://proxy.momoapi.mtn.com", FAIL),
        (False, "https://proxy.momoapi.mtn.com", OK),
    ],
)
@pytest.mark.parametrize("account", [PaymentSettings, NigeriaPayments, CollectionSettings])
def test_the_sandbox_beside_real_money_is_found(
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    account: type[ProviderAccount] | type[CollectionSettings],
    sandbox: bool,
    address: str,
    verdict: Verdict,
) -> None:
    settings.SANDBOX, settings.SANDBOX_URL = sandbox, "http://127.0.0.1:8001"
    categories: tuple[type[ProviderAccount], ...] = (PaymentSettings, NigeriaPayments)
    accounts = [category(momo_base_url=address) if category is account else category() for category in categories]
    collections = CollectionSettings(base_url=address) if account is CollectionSettings else CollectionSettings()
    monkeypatch.setattr(outside, "all_accounts", lambda: accounts)
    monkeypatch.setattr(outside, "current", lambda category: collections)

    assert verdicts(outside.check_sandbox()) == {"sandbox mode": verdict}
