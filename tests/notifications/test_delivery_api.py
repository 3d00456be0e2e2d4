"""The address that delivery reports are posted to."""

import pytest
from django.db import DatabaseError
from django.urls import reverse

from notifications.api import delivery_reports
from notifications.models import DeliveryReport
from notifications.services import queueing
from notifications.services.sending import send_message
from notifications.statuses import MessageStatus
from tests.notifications.messages import configure, only_message, queue

URL = "/api/v1/webhooks/ussd/delivery/"
FORM = "application/x-www-form-urlencoded"
REPORT = "id=ATXid_1&status=Success&phoneNumber=%2B250788123456&networkCode=63510"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    monkeypatch.setattr(queueing.send_message, "delay", lambda *, message_id: None)


def post(client, body=REPORT, *, url=URL, content_type=FORM):
    return client.post(url, data=body, content_type=content_type)


@pytest.mark.parametrize("url", [URL, URL.rstrip("/")])
def test_report_is_stored_and_answered_with_and_without_slash(client, url):
    response = post(client, url=url)

    assert (response.status_code, response.content) == (200, b"OK\n")
    stored = DeliveryReport.objects.get()
    assert stored.payload["phoneNumber"] == "+250788123456"


def test_repeated_and_unknown_reports_are_answered_alike(client):
    assert [post(client).status_code for _ in range(3)] == [200, 200, 200]

    assert DeliveryReport.objects.count() == 3


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("x=1", FORM, 400),
        ("status=Success", FORM, 400),
        ("id=ATXid_1", FORM, 400),
        ("id=ATXid_1&status=a%00b", FORM, 400),
        ("id=" + "x" * 200 + "&status=Success", FORM, 400),
        ('{"id": "ATXid_1", "status": "Success"}', "application/json", 415),
        (REPORT, "text/plain", 415),
        (REPORT + "&x=" + "y" * 9000, FORM, 413),
    ],
)
def test_what_is_no_report_is_refused_and_not_stored(client, body, content_type, status):
    response = post(client, body, content_type=content_type)

    assert response.status_code == status
    assert not DeliveryReport.objects.exists()


def test_other_methods_are_refused(client):
    assert client.get(URL).status_code == 405


@pytest.mark.parametrize("url", [URL, f"{URL}wrong/", f"{URL}wrong", f"{URL}s3cret-/"])
def test_wrong_or_missing_secret_is_not_found(client, noon, url):
    configure(noon, delivery_report_secret="s3cret")

    assert post(client, url=url).status_code == 404
    assert not DeliveryReport.objects.exists()


@pytest.mark.parametrize("url", [f"{URL}s3cret/", f"{URL}s3cret"])
def test_right_secret_opens(client, noon, url):
    configure(noon, delivery_report_secret="s3cret")

    assert post(client, url=url).status_code == 200
    assert reverse("delivery-report-secret", args=["s3cret"]) == f"{URL}s3cret/"


def test_unasked_secret_is_not_found(client):
    assert post(client, url=f"{URL}anything/").status_code == 404


def test_report_that_could_not_be_stored_may_be_sent_again(client, monkeypatch):
    def fail(**_fields):
        raise DatabaseError("away")

    monkeypatch.setattr(delivery_reports, "receive_report", fail)

    assert post(client).status_code == 503


@pytest.mark.django_db(transaction=True)
def test_message_is_delivered_by_the_provider_of_the_sandbox(noon, sandbox, live_server):
    sandbox.send_reports_to(live_server.url + URL)
    sandbox.sms_faults("duplicate_report", times=1)
    message = queue(noon)

    send_message(message_id=message.id, at=noon)

    def results():
        return sorted(DeliveryReport.objects.values_list("result", flat=True))

    sandbox.wait_until(lambda: results() == ["applied", "repeated"], what="two reports to be applied")
    assert only_message().status == MessageStatus.DELIVERED
