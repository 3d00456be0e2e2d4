"""Messages and reports in the back office."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import AuditEvent
from notifications.models import DeliveryReport, SmsMessage
from notifications.services import queueing
from notifications.statuses import MessageStatus
from tests.notifications.messages import only_message, queue

pytestmark = pytest.mark.django_db

LIST = "admin:notifications_smsmessage_changelist"
REPORTS = "admin:notifications_deliveryreport_changelist"


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    monkeypatch.setattr(queueing.send_message, "delay", lambda *, message_id: None)


def staff(django_user_model, *permissions):
    user = django_user_model.objects.create(email="staff@example.com", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


@pytest.fixture
def manager(client, django_user_model):
    """May send messages again."""
    user = staff(django_user_model, "view_smsmessage", "change_smsmessage", "view_deliveryreport")
    client.force_login(user)
    return user


@pytest.fixture
def failed(noon):
    message = queue(noon)
    SmsMessage.objects.update(status=MessageStatus.SENDING)
    SmsMessage.objects.update(status=MessageStatus.FAILED, next_action_at=None, error_code="UNKNOWN")
    return message


def send_again(client, *messages):
    data = {"action": "send_failed_again", "_selected_action": [str(message.pk) for message in messages]}
    response = client.post(reverse(LIST), data, follow=True)
    return [str(message) for message in response.context["messages"]]


def test_failed_message_is_sent_again_in_the_name_of_the_person(client, manager, failed):
    assert send_again(client, failed) == ["1 put back into the queue."]

    assert only_message().status == MessageStatus.QUEUED
    assert AuditEvent.objects.get(action="notifications.message.sent_again").actor_label == "staff@example.com"


def test_message_that_has_not_failed_is_left_alone_and_said(client, manager, noon, failed):
    waiting = queue(noon, key="waiting")

    assert send_again(client, failed, waiting) == [
        "1 put back into the queue.",
        "1 × not sent again. This message has not failed: waiting to be sent.",
    ]


def test_person_who_may_only_look_cannot_send_again(client, django_user_model, failed):
    client.force_login(staff(django_user_model, "view_smsmessage"))

    assert "Send again" not in client.get(reverse(LIST)).content.decode()
    send_again(client, failed)

    assert only_message().status == MessageStatus.FAILED


@pytest.mark.parametrize("name", [LIST, REPORTS])
def test_outsider_sees_nothing(client, django_user_model, name):
    client.force_login(staff(django_user_model))

    assert client.get(reverse(name)).status_code == 403


def test_nobody_edits_or_deletes(client, admin_user, failed):
    client.force_login(admin_user)
    page = reverse("admin:notifications_smsmessage_change", args=[failed.pk])

    assert client.get(page).status_code == 200
    assert client.post(page, {"status": "delivered"}).status_code == 403
    assert client.post(page.replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    assert client.get(reverse("admin:notifications_smsmessage_add")).status_code == 403
    assert only_message().status == MessageStatus.FAILED


@pytest.mark.parametrize("rows", [1, 3])
def test_lists_cost_the_same_for_any_number_of_rows(client, manager, noon, rows):
    for number in range(rows):
        queue(noon, key=f"m{number}")
        DeliveryReport.objects.create(
            provider_message_id=f"ATXid_{number}", status="Success", payload={}, received_at=noon
        )
    costs = []
    for name in (LIST, REPORTS):
        with CaptureQueriesContext(connection) as queries:
            response = client.get(reverse(name))
        assert response.status_code == 200
        costs.append(len([query for query in queries if "notifications_" in query["sql"] and "FROM" in query["sql"]]))

    assert costs == [1, 1]


def test_lists_never_count_or_group_all_rows(client, manager, noon):
    queue(noon)
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse(LIST))
        client.get(reverse(REPORTS))

    sql = " ".join(query["sql"] for query in queries if '"notifications_' in query["sql"])
    assert "COUNT(" not in sql
    assert "DISTINCT" not in sql


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=%2B250788123456", 1),
        ("q=k1", 1),
        ("q=25078", 0),
        ("status__exact=queued", 1),
        ("status__exact=failed", 0),
        ("template=test.paid", 1),
        ("template=other", 0),
    ],
)
def test_messages_are_found_by_phone_key_status_and_template(client, manager, noon, query, found):
    queue(noon)

    response = client.get(f"{reverse(LIST)}?{query}")

    assert len(response.context["cl"].result_list) == found


@pytest.mark.parametrize(
    ("query", "found"), [("q=ATXid_1", 1), ("q=ATXid", 0), ("status=Success", 1), ("status=Failed", 0)]
)
def test_reports_are_found_by_id_and_status(client, manager, noon, query, found):
    DeliveryReport.objects.create(provider_message_id="ATXid_1", status="Success", payload={}, received_at=noon)

    response = client.get(f"{reverse(REPORTS)}?{query}")

    assert len(response.context["cl"].result_list) == found
