"""Demo data and demo access: loaded once, complete, and in the sandbox only."""

import json
import re
from datetime import datetime
from io import StringIO
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.phone_numbers import parse_phone
from accounts.services.token_checks import check_token
from accounts.statuses import TokenScope
from audit.models import AuditEvent
from config.demo.loader import load_demo
from configuration.models import ConfigurationVersion
from configuration.selectors import current
from disbursements.configuration import NigeriaPayments, PaymentSettings
from ledger.invariants import registered_invariants
from ledger.models import Posting
from ledger.selectors import balance_of
from ledger.services.accounts import open_float_account
from loans.models import CreditProfile, Loan, Repayment, ScoreChange
from loans.services.offers import make_offers
from promos.models import Batch, GenerationRun, PromoCode
from promos.statuses import CodeStatus
from ussd.models import Gateway
from ussd.registry import journey_names
from ussd.simulator.cast import AMINA, CHIDI, MUSA, NGOZI
from ussd.statuses import GatewayKind

MODELS = (
    User,
    ApiToken,
    Gateway,
    ConfigurationVersion,
    Batch,
    GenerationRun,
    PromoCode,
    Loan,
    Repayment,
    ScoreChange,
    Posting,
    AuditEvent,
)

pytestmark = pytest.mark.django_db(transaction=True)


def counts() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in MODELS}


def access() -> dict[str, Any]:
    out = StringIO()
    call_command("demo_access", "--json", stdout=out)
    return json.loads(out.getvalue())


def test_everything_is_loaded_once(settings: Any) -> None:
    at = timezone.now()
    load_demo(at=at)
    first = counts()

    load_demo(at=timezone.now())

    assert counts() == first
    assert {name: first[name] for name in ("ApiToken", "Gateway", "Batch", "GenerationRun", "PromoCode")} == {
        "ApiToken": 1,
        "Gateway": 3,
        "Batch": 1,
        "GenerationRun": 1,
        "PromoCode": 500,
    }
    assert PromoCode.objects.filter(status=CodeStatus.ACTIVE).count() == 500
    for category, currency, environment in (
        (PaymentSettings, "RWF", "mtnrwanda"),
        (NigeriaPayments, "NGN", "mtnnigeria"),
    ):
        assert balance_of(open_float_account(provider=category.provider, currency=currency)) == 100_000_000
        chosen = current(category)
        assert (chosen.momo_base_url, chosen.momo_currency) == (settings.SANDBOX_URL, currency)
        assert (chosen.momo_target_environment, bool(chosen.momo_api_user)) == (environment, True)
    assert set(AuditEvent.objects.values_list("actor_label", flat=True)) <= {"demo data", "admin@starhash.example"}


def test_what_staff_changed_stays(now: datetime) -> None:
    load_demo(at=now)
    Batch.objects.update(description="Ours now")
    User.objects.filter(is_staff=True).update(first_name="Adèle")

    load_demo(at=now)

    assert Batch.objects.get().description == "Ours now"
    assert User.objects.get(is_staff=True).first_name == "Adèle"


def test_access_has_the_shape_of_the_contract(settings: Any, now: datetime) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    load_demo(at=now)

    found = access()

    assert list(found) == ["web", "sandbox", "staff", "apiTokens", "gateways", "customers"]
    assert (found["web"], found["sandbox"]) == ("http://127.0.0.1:8000", settings.SANDBOX_URL)
    assert [sorted(member) for member in found["staff"]] == [["email", "password", "role"]]
    assert found["staff"][0]["role"] == "Super Administrator"
    (token,) = found["apiTokens"]
    assert sorted(token) == ["partner", "scopes", "token"]
    assert sorted(token["scopes"]) == sorted(TokenScope.values)
    assert {tuple(sorted(gateway)) for gateway in found["gateways"]} == {("kind", "secret", "serviceCodes", "slug")}
    # One for each wire format, each with a service code for every journey.
    assert sorted(gateway["kind"] for gateway in found["gateways"]) == sorted(GatewayKind.values)
    for gateway in found["gateways"]:
        assert set(gateway["serviceCodes"].values()) == set(journey_names())
    assert {tuple(customer) for customer in found["customers"]} == {("phone", "about")}


def test_what_access_prints_opens_the_doors(client: Client, now: datetime) -> None:
    load_demo(at=now)
    found = access()

    (staff,) = found["staff"]
    assert client.login(username=staff["email"], password=staff["password"])
    assert client.get("/admin/").status_code == 200
    (token,) = found["apiTokens"]
    assert re.fullmatch("[0-9a-f]{96}", token["token"])
    assert check_token(token["token"], at=now).partner_email == token["partner"]
    (gateway,) = [gateway for gateway in found["gateways"] if gateway["kind"] == GatewayKind.AFRICAS_TALKING]
    code = next(code for code, journey in gateway["serviceCodes"].items() if journey == "promo")
    turn = {"sessionId": "s", "phoneNumber": found["customers"][0]["phone"], "serviceCode": code, "text": ""}
    path = f"/api/v1/ussd/handle/{gateway['slug']}/{gateway['secret']}/"
    reply = client.post(path, urlencode(turn), content_type="application/x-www-form-urlencoded")
    assert reply.content.startswith(b"CON ")


def test_customers_are_known_but_for_the_new_one(now: datetime) -> None:
    load_demo(at=now)

    phones = {customer["phone"]: customer["about"] for customer in access()["customers"]}

    assert [phone for phone in phones if parse_phone(phone, any_country=True) != phone] == []
    strangers = set(phones) - set(User.objects.values_list("phone", flat=True))
    assert {phones[phone] for phone in strangers} == {
        "Diane: new, has never dialled before",
        "Bisi: in Lagos, new, has never dialled before",
    }


def test_borrowers_have_the_past_that_their_stories_tell(now: datetime) -> None:
    load_demo(at=now)

    phones = [NGOZI.phone, MUSA.phone, AMINA.phone]
    found = {
        phone: (
            profile.score,
            profile.credit_limit,
            profile.total_loans,
            profile.outstanding,
            [terms.amount for terms in make_offers(phone=phone, session_id="", network="", partner="", at=now).terms],
        )
        for phone in phones
        for profile in CreditProfile.objects.filter(customer__phone=phone)
    }
    assert found == {
        NGOZI.phone: (680, 60_000, 2, 0, [30_000, 45_000, 60_000]),
        MUSA.phone: (295, 5_000, 1, 0, [2_500, 3_750, 5_000]),
        AMINA.phone: (300, 10_000, 1, 10_000, [5_000, 7_500, 10_000]),
    }
    assert not CreditProfile.objects.filter(customer__phone=CHIDI.phone).exists()
    assert {name: list(check()) for name, check in registered_invariants().items() if list(check())} == {}


def test_people_read_it_too(now: datetime) -> None:
    load_demo(at=now)
    out = StringIO()

    call_command("demo_access", stdout=out)

    lines = out.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["sign", "API"] + ["dial"] * 3 + ["customer"] * 12
    assert "*123# (promo)" in lines[2]


def test_a_shell_reads_it_too(now: datetime) -> None:
    load_demo(at=now)
    out = StringIO()

    call_command("demo_access", "--shell", stdout=out)

    variables = dict(line.split("=", 1) for line in out.getvalue().splitlines())
    found = access()
    assert list(variables) == ["WEB", "SANDBOX", "TOKEN", "GATEWAY", "SECRET", "CODE"]
    assert variables["TOKEN"] == found["apiTokens"][0]["token"]
    assert {"slug": variables["GATEWAY"], "secret": variables["SECRET"]}.items() <= found["gateways"][0].items()
    assert PromoCode.objects.get(code=variables["CODE"].replace("-", "")).status == CodeStatus.ACTIVE


@pytest.mark.parametrize("command", ["load_demo", "demo_access"])
def test_outside_the_sandbox_both_are_refused(command: str) -> None:
    before = counts()

    with override_settings(SANDBOX=False), pytest.raises(CommandError, match="sandbox mode"):
        call_command(command, stdout=StringIO())

    assert counts() == before
