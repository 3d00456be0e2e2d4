"""Gateways: made and changed by services with an audit event each, in the admin too; secrets are shown once."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from audit.models import AuditEvent
from configuration.encryption import decrypt
from tests.ussd.conftest import PROMO
from ussd.models import Gateway, SessionEvent, TurnRecord
from ussd.selectors import active_gateways
from ussd.services.gateways import GatewayRefused, change_gateway, create_gateway, reveal_secret, rotate_secret

pytestmark = pytest.mark.django_db

GOOD = {"slug": "telco", "name": "Telco", "kind": "json", "service_codes": {"*384#": "menu"}}


def events() -> list[str]:
    return list(AuditEvent.objects.filter(action__startswith="ussd.").order_by("id").values_list("action", flat=True))


def test_secret_is_encrypted_and_never_in_the_audit_trail(now: Any) -> None:
    gateway, secret = create_gateway(**GOOD, at=now)
    second = rotate_secret(gateway_id=gateway.pk, at=now)
    gateway.refresh_from_db()

    assert secret != second
    assert second not in gateway.secret
    assert reveal_secret(gateway=gateway) == decrypt(gateway.secret) == second
    assert events() == ["ussd.gateway.created", "ussd.gateway.secret_rotated"]
    for event in AuditEvent.objects.all():
        assert secret not in f"{event.before}{event.after}"
        assert second not in f"{event.before}{event.after}"


def test_change_is_recorded_with_before_and_after(now: Any) -> None:
    gateway, _secret = create_gateway(**GOOD, at=now)

    change_gateway(gateway_id=gateway.pk, changes={"name": "Telco", "region": "KE"}, at=now)
    change_gateway(gateway_id=gateway.pk, changes={"region": "KE"}, at=now)

    event = AuditEvent.objects.get(action="ussd.gateway.changed")
    assert (event.before, event.after) == ({"region": "RW"}, {"region": "KE"})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "smoke"}, "kind"),
        ({"slug": "Not A Slug"}, "slug"),
        ({"slug": ""}, "slug"),
        ({"name": " "}, "name"),
        ({"region": "rw"}, "region"),
        ({"region": "ZZ"}, "region"),
        ({"service_codes": {}}, "service_codes"),
        ({"service_codes": {"*384#": "nothing"}}, "service_codes"),
        ({"service_codes": {"*384#": "help"}}, "service_codes"),
        ({"service_codes": {"384": "menu"}}, "service_codes"),
        ({"service_codes": {"*384#": "menu", "*384": "promo"}}, "service_codes"),
        ({"service_codes": "x"}, "service_codes"),
        ({"allowed_ips": ["300.1.1.1"]}, "allowed_ips"),
    ],
)
def test_gateway_that_makes_no_sense_is_refused(now: Any, change: dict[str, Any], field: str) -> None:
    with pytest.raises(GatewayRefused) as refusal:
        create_gateway(**GOOD | change, at=now)

    assert list(refusal.value.messages) == [field]
    assert Gateway.objects.count() == 0
    assert events() == []


def test_slug_taken_is_refused(now: Any) -> None:
    create_gateway(**GOOD, at=now)

    with pytest.raises(GatewayRefused, match="There already is a gateway 'telco'"):
        create_gateway(**GOOD, at=now)


def test_what_identifies_a_gateway_cannot_be_changed(now: Any) -> None:
    gateway, _secret = create_gateway(**GOOD, at=now)

    with pytest.raises(GatewayRefused, match="slug cannot be changed"):
        change_gateway(gateway_id=gateway.pk, changes={"slug": "other"}, at=now)


def test_secret_no_key_reads_leaves_the_others_working(now: Any) -> None:
    gateway, _secret = create_gateway(**GOOD, at=now)
    create_gateway(**GOOD | {"slug": "other"}, at=now)
    Gateway.objects.filter(pk=gateway.pk).update(secret="damaged")

    known = active_gateways()

    assert known["telco"].secret == ""
    assert known["other"].secret != ""
    assert "secret" not in repr(known["other"])


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(User.objects.create_superuser(email="boss@starhash.example", password="x" * 12))
    return client


FORM = {
    "slug": "telco",
    "name": "Telco",
    "kind": "africastalking",
    "service_codes": '{"*384*1234#": "promo"}',
    "allowed_ips": "10.0.0.1, 192.0.2.0/24",
    "region": "RW",
    "is_active": "on",
}


def test_admin_adds_a_gateway_and_shows_its_address_once(boss: Client) -> None:
    response = boss.post(reverse("admin:ussd_gateway_add"), FORM, follow=True)

    gateway = Gateway.objects.get()
    secret = reveal_secret(gateway=gateway)
    assert f"/api/v1/ussd/handle/telco/{secret}/" in response.content.decode()
    assert gateway.service_codes == {PROMO: "promo"}
    assert gateway.allowed_ips == ["10.0.0.1/32", "192.0.2.0/24"]
    page = boss.get(reverse("admin:ussd_gateway_change", args=[gateway.pk])).content.decode()
    assert secret not in page
    assert gateway.secret not in page
    assert AuditEvent.objects.get(action="ussd.gateway.created").actor_label == "boss@starhash.example"


def test_admin_says_what_is_wrong_beside_the_field(boss: Client) -> None:
    bad = {"service_codes": '{"*384#": "nothing"}', "allowed_ips": "not an address"}

    page = boss.post(reverse("admin:ussd_gateway_add"), FORM | bad).content.decode()
    assert "There is no journey" in page
    assert "does not appear to be an IPv4 or IPv6 network" in page
    page = boss.post(reverse("admin:ussd_gateway_add"), FORM | {"service_codes": "{"}).content.decode()
    assert "Write JSON such as" in page
    assert Gateway.objects.count() == 0


def test_admin_changes_through_the_service(boss: Client) -> None:
    boss.post(reverse("admin:ussd_gateway_add"), FORM)
    gateway = Gateway.objects.get()
    secret = gateway.secret

    change = {name: value for name, value in FORM.items() if name not in {"slug", "kind", "is_active"}}
    boss.post(reverse("admin:ussd_gateway_change", args=[gateway.pk]), change | {"name": "Renamed"})

    gateway.refresh_from_db()
    assert (gateway.name, gateway.is_active, gateway.secret) == ("Renamed", False, secret)
    assert events() == ["ussd.gateway.created", "ussd.gateway.changed"]


def test_admin_makes_a_new_secret_only_when_asked_by_form(boss: Client, now: Any) -> None:
    gateway, secret = create_gateway(**GOOD, at=now)
    address = reverse("admin:ussd_gateway_make_new_secret", args=[gateway.pk])

    assert "Make a new secret" in boss.get(address).content.decode()
    gateway.refresh_from_db()
    assert reveal_secret(gateway=gateway) == secret
    page = boss.post(address, follow=True).content.decode()
    gateway.refresh_from_db()
    assert reveal_secret(gateway=gateway) != secret
    assert reveal_secret(gateway=gateway) in page


@pytest.mark.parametrize("model", [TurnRecord, SessionEvent])
def test_admin_lists_logs_without_counting(boss: Client, now: Any, model: type) -> None:
    common = {"at": now, "session_id": "ATUid_1", "phone": "+250788123456", "service_code": PROMO}
    if model is TurnRecord:
        common |= {"gateway": "telco", "journey": "promo", "screen": "promo.code", "ends": False, "took_ms": 3}
    for number in (1, 2, 3):
        model.objects.create(**common | {"session_id": f"ATUid_{number}"})
    name = f"admin:ussd_{model._meta.model_name}_changelist"

    with CaptureQueriesContext(connection) as queries:
        page = boss.get(reverse(name), {"q": "ATUid_2"}).content.decode()
    assert "ATUid_2" in page
    assert "ATUid_1" not in page
    assert not [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert boss.get(reverse(f"admin:ussd_{model._meta.model_name}_add")).status_code == 403


def test_log_search_uses_the_index(boss: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT * FROM ussd_turn WHERE phone = '+250788123456' ORDER BY id DESC LIMIT 50")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "phone" in plan and "Index" in plan
