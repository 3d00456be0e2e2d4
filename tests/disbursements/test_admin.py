"""The back office over payouts: quick lists, whole searches, and buttons that call services."""

import re
from datetime import datetime
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from disbursements.models import Disbursement
from disbursements.statuses import Alarm, ErrorClass
from ledger.models import Account
from tests.disbursements.conftest import Line, request_payout
from tests.disbursements.fake_provider import World, refused
from tests.disbursements.test_callbacks import call_back

pytestmark = pytest.mark.django_db

LIST = "admin:disbursements_disbursement_changelist"


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(User.objects.create_superuser(email="root@example.com", password="x"))
    return client


def person_with(*permissions: str) -> User:
    person = User.objects.create_user(email=f"{'-'.join(permissions)}@example.com".replace("_", "-"), password="x")
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return person


def press(client: Client, line: Line, button: str, **data: str):
    page = reverse(f"admin:disbursements_disbursement_{button}", args=[line.id])
    return client.post(page, {"_form_submitted": "True", **data})


def shown_messages(client: Client, line: Line) -> str:
    return client.get(reverse("admin:disbursements_disbursement_change", args=[line.id])).content.decode()


def test_list_shows_payouts_without_counting_them(root: Client, budget: Account, now: datetime, owner, world) -> None:
    for number in range(3):
        request_payout(budget, now, key=f"key-{number}")

    page = root.get(reverse(LIST)).content.decode()

    assert page.count("+250788123456") == 3
    assert "RWF 5,000" in page


@pytest.mark.parametrize("rows", [1, 3])
def test_list_costs_the_same_for_any_number_of_rows(
    root: Client, budget: Account, now: datetime, owner, world, rows: int, django_assert_max_num_queries
) -> None:
    for number in range(rows):
        request_payout(budget, now, key=f"key-{number}")
    root.get(reverse(LIST))

    with django_assert_max_num_queries(6) as queries:
        root.get(reverse(LIST))

    assert not any("COUNT(" in query["sql"].upper() for query in queries.captured_queries)


@pytest.mark.parametrize(
    "term",
    [
        lambda line: "+250788123456",
        lambda line: "0788 123 456",
        lambda line: "250788123456",
        lambda line: "test-1",
        lambda line: str(line.id),
        lambda line: str(line.attempt.pk),
    ],
)
def test_search_takes_whole_values(root: Client, line: Line, budget: Account, term) -> None:
    request_payout(budget, line.at, key="other", payee="+250788000000")
    line.go()

    page = root.get(reverse(LIST), {"q": term(line)}).content.decode()

    assert str(line.id) in page
    assert "+250788000000" not in page


def test_search_for_nothing_known_finds_nothing(root: Client, line: Line) -> None:
    for term in ("nobody", "+250788999999", "6f1f3a94-1111-4111-8111-111111111111", "%", "\u20ac"):
        page = root.get(reverse(LIST), {"q": term})
        assert (page.status_code, str(line.id) in page.content.decode()) == (200, False)


@pytest.mark.parametrize("attention", ["alarm", "stuck"])
def test_attention_filter(root: Client, line: Line, budget: Account, attention: str) -> None:
    Disbursement.objects.filter(pk=line.id).update(alarm=Alarm.LOST, open_since=line.at.replace(year=2020))
    fine = request_payout(budget, line.at, key="fine")

    page = root.get(reverse(LIST), {"attention": attention}).content.decode()

    assert (str(line.id) in page, str(fine.pk) in page) == (True, False)


def test_payout_page_shows_its_attempts_and_no_field_to_fill(root: Client, line: Line) -> None:
    line.go()

    page = root.get(reverse("admin:disbursements_disbursement_change", args=[line.id])).content.decode()

    assert str(line.attempt.pk) in page
    assert not re.search(r'<(input|textarea)[^>]*name="(amount|payee|status)"', page)


@pytest.mark.parametrize("model", ["attempt", "providercallback", "providerbalance", "disbursement"])
def test_lists_and_pages_open(root: Client, line: Line, world: World, model: str) -> None:
    world.next_fates, world.balance = [refused(ErrorClass.FLOAT)], Decimal(1)
    line.go()
    callback = call_back(line)
    line.go()

    assert root.get(reverse(f"admin:disbursements_{model}_changelist")).status_code == 200
    assert root.get(reverse(f"admin:disbursements_{model}_changelist"), {"q": str(line.attempt.pk)}).status_code == 200
    assert root.get(reverse(f"admin:disbursements_{model}_add")).status_code == 403
    if model == "providercallback":
        page = root.get(reverse("admin:disbursements_providercallback_change", args=[callback.pk]))
        assert page.status_code == 200


def test_approve_button(root: Client, budget: Account, now: datetime, owner, world, maker: User, configure) -> None:
    configure(approval_threshold=Decimal(1))
    line = Line(request_payout(budget, now, requested_by=maker), now)

    answer = press(root, line, "approve")

    assert answer.headers["HX-Redirect"] == reverse("admin:disbursements_disbursement_change", args=[line.id])
    assert (line.row.status, line.row.approved_by.email) == ("queued", "root@example.com")
    assert "Approved" in shown_messages(root, line)


def test_maker_is_shown_the_refusal(client: Client, budget: Account, now: datetime, owner, world, configure) -> None:
    configure(approval_threshold=Decimal(1))
    maker = person_with("approve_disbursement", "view_disbursement")
    line = Line(request_payout(budget, now, requested_by=maker), now)
    client.force_login(maker)

    press(client, line, "approve")

    assert line.row.status == "awaiting_approval"
    assert "Another person must approve this payout." in shown_messages(client, line)


def test_retry_button_asks_for_a_reason(root: Client, line: Line, world: World) -> None:
    world.next_fates = [refused(ErrorClass.PERMANENT)]
    line.go()
    line.go()

    press(root, line, "retry", reason="")
    assert line.row.status == "failed"
    press(root, line, "retry", reason="wallet opened")

    assert (line.row.status, line.events) == ("queued", ["failed", "retried"])


def test_cancel_button(root: Client, line: Line) -> None:
    press(root, line, "cancel", reason="wrong campaign")

    assert line.row.status == "cancelled"


def test_clear_button(root: Client, line: Line) -> None:
    Disbursement.objects.filter(pk=line.id).update(alarm=Alarm.CONFIGURATION)

    press(root, line, "clear", reason="key mended")

    assert (line.row.alarm, line.events) == ("", ["alarm_cleared"])


@pytest.mark.parametrize(
    ("button", "says", "status"),
    [("clear", "Money may have moved", "processing"), ("settle", "Settled as paid", "completed")],
)
def test_doubt_is_ended_by_the_providers_word_only(
    root: Client, line: Line, button: str, says: str, status: str
) -> None:
    line.go()
    Disbursement.objects.filter(pk=line.id).update(alarm=Alarm.LOST)

    press(root, line, button, reason="MTN confirmed")

    assert says in shown_messages(root, line)
    assert line.row.status == status


def test_not_paid_button(root: Client, line: Line, world: World) -> None:
    line.go()
    Disbursement.objects.filter(pk=line.id).update(alarm=Alarm.LOST)
    press(root, line, "not_paid", reason="MTN confirmed")
    assert "not sure that nothing was paid" in shown_messages(root, line)

    world.fates[line.attempt.pk] = refused(ErrorClass.PERMANENT)
    press(root, line, "not_paid", reason="MTN confirmed")

    assert (line.row.status, line.row.alarm, line.attempt.status) == ("queued", "", "refused")


def test_looking_at_a_button_does_nothing(root: Client, line: Line) -> None:
    page = root.get(reverse("admin:disbursements_disbursement_cancel", args=[line.id]))

    assert (page.status_code, line.row.status) == (200, "queued")
    assert "The money stays with us" in page.content.decode()


@pytest.mark.parametrize("button", ["approve", "retry", "cancel", "clear", "settle", "not_paid"])
def test_buttons_need_their_permission(client: Client, line: Line, button: str) -> None:
    client.force_login(person_with("view_disbursement"))

    answer = press(client, line, button, reason="x")

    assert (answer.status_code, line.row.status, line.events) == (403, "queued", [])


def test_button_that_does_not_apply_is_refused(root: Client, line: Line) -> None:
    assert press(root, line, "retry", reason="x").status_code == 403
    assert press(root, line, "approve").status_code == 403
    assert (line.row.status, line.events) == ("queued", [])
