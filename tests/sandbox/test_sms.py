"""`POST /version1/messaging` and its delivery reports (SMS notes, sections 6 and 7)."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests

from sandbox.options import DEMO_SMS_API_KEY
from tests.sandbox.conftest import Receiver
from tests.support.sandbox_process import SandboxProcess

RWANDAN, KENYAN = "+250788123456", "+254711000001"


def send(sandbox: SandboxProcess, *, headers: dict[str, str] | None = None, **changes: Any) -> requests.Response:
    """Send as a good client does; a change to None leaves a field out."""
    form = {"username": "sandbox", "to": RWANDAN, "message": "You have been paid.", "from": "STARHASH"}
    form |= changes
    good = {"apiKey": DEMO_SMS_API_KEY, "Accept": "application/json"}
    return sandbox.http.post(
        f"{sandbox.url}/version1/messaging",
        data={name: value for name, value in form.items() if value is not None},
        headers=good | (headers or {}),
        timeout=30,
    )


def recipients(response: requests.Response) -> list[dict[str, Any]]:
    assert response.status_code == 201, response.text
    found: list[dict[str, Any]] = response.json()["SMSMessageData"]["Recipients"]
    return found


def test_message_is_accepted_and_reaches_the_phone(sandbox):
    response = send(sandbox)

    [recipient] = recipients(response)
    assert recipient.pop("messageId").startswith("ATXid_")
    assert recipient == {
        "statusCode": 101,
        "number": RWANDAN,
        "status": "Success",
        "cost": "RWF 10.0000",
    }
    assert response.json()["SMSMessageData"]["Message"] == "Sent to 1/1 Total Cost: RWF 10.0000"
    [message] = sandbox.sms()
    sent_at = datetime.fromisoformat(message.pop("at"))
    assert abs((datetime.now(UTC) - sent_at).total_seconds()) < 60
    assert message == {"to": RWANDAN, "message": "You have been paid."}


def test_inbox_is_newest_last_and_can_be_filtered(sandbox):
    for to, text in ((RWANDAN, "one"), (KENYAN, "two"), (RWANDAN, "three")):
        send(sandbox, to=to, message=text)

    assert [sms["message"] for sms in sandbox.sms()] == ["one", "two", "three"]
    assert [sms["message"] for sms in sandbox.sms(RWANDAN)] == ["one", "three"]
    assert [sms["message"] for sms in sandbox.get("sms", limit=2)] == ["two", "three"]


def test_text_arrives_as_it_was_sent(sandbox):
    text = "Murakoze & 5 + 5 = 10 % é ₦ 😀\nligne 2"

    send(sandbox, message=text)

    assert sandbox.sms()[0]["message"] == text


def test_many_recipients_are_answered_one_by_one(sandbox):
    response = send(sandbox, to=f"{RWANDAN}, +250788990406,0788123456,{KENYAN}")

    assert [(found["number"], found["statusCode"]) for found in recipients(response)] == [
        (RWANDAN, 101),
        ("+250788990406", 406),
        ("0788123456", 403),
        (KENYAN, 101),
    ]
    assert [sms["to"] for sms in sandbox.sms()] == [RWANDAN, KENYAN]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (401, "RiskHold"),
        (402, "InvalidSenderId"),
        (403, "InvalidPhoneNumber"),
        (404, "UnsupportedNumberType"),
        (405, "InsufficientBalance"),
        (406, "UserInBlacklist"),
        (407, "CouldNotRoute"),
        (409, "DoNotDisturbRejection"),
        (500, "InternalServerError"),
        (501, "GatewayError"),
        (502, "RejectedByGateway"),
    ],
)
def test_demo_number_is_rejected_with_its_code(sandbox, code, status):
    number = f"+250788990{code}"

    assert recipients(send(sandbox, to=number)) == [
        {"statusCode": code, "number": number, "status": status, "cost": "0", "messageId": "None"}
    ]
    assert sandbox.sms() == []


@pytest.mark.parametrize("arguments", [{"headers": {"apiKey": "wrong"}}, {"username": "somebody"}])
def test_wrong_credentials_get_401_in_plain_text(sandbox, arguments):
    response = send(sandbox, **arguments)

    assert (response.status_code, response.text) == (401, "The supplied authentication is invalid")
    assert response.headers["content-type"].startswith("text/plain")
    assert sandbox.sms() == []


@pytest.mark.parametrize("sender", ["NOTMINE", "A sender id much too long", "!"])
def test_unregistered_sender_gets_201_without_recipients(sandbox, sender):
    response = send(sandbox, **{"from": sender})

    assert response.status_code == 201
    assert response.json() == {"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}}
    assert sandbox.sms() == []


def test_sender_may_be_left_out(sandbox):
    assert recipients(send(sandbox, **{"from": None}))[0]["statusCode"] == 101


@pytest.mark.parametrize("field", ["username", "to", "message"])
def test_missing_field_gets_400(sandbox, field):
    response = send(sandbox, **{field: None})

    assert response.status_code == 400
    assert field in response.text
    assert sandbox.sms() == []


def test_json_body_gets_415(sandbox):
    response = sandbox.http.post(f"{sandbox.url}/version1/messaging", json={}, timeout=30)

    assert response.status_code == 415


def test_answer_is_xml_unless_json_is_accepted(sandbox):
    response = send(sandbox, headers={"Accept": "*/*"})

    assert response.status_code == 201
    assert response.headers["content-type"].startswith("application/xml")
    assert "<statusCode>101</statusCode>" in response.text


class TestReports:
    @pytest.fixture(autouse=True)
    def reports_go_to_the_receiver(self, sandbox, receiver):
        sandbox.send_reports_to(receiver.url)

    def wait_for(self, sandbox: SandboxProcess, receiver: Receiver, count: int) -> list[dict[str, str]]:
        sandbox.wait_until(lambda: len(receiver.received) >= count, what=f"{count} reports")
        return [{name: values[0] for name, values in parse_qs(report.body).items()} for report in receiver.received]

    def test_report_names_the_message(self, sandbox, receiver):
        [recipient] = recipients(send(sandbox))

        [report] = self.wait_for(sandbox, receiver, 1)

        assert report == {
            "id": recipient["messageId"],
            "status": "Success",
            "phoneNumber": RWANDAN,
            "networkCode": "63510",
        }
        assert receiver.received[0].method == "POST"
        assert receiver.received[0].content_type == "application/x-www-form-urlencoded"

    @pytest.mark.parametrize(
        ("number", "status", "reason"),
        [
            ("+250788991001", "Failed", "DeliveryFailure"),
            ("+250788991002", "Rejected", "UserInBlackList"),
            ("+250788991003", "AbsentSubscriber", None),
            ("+250788991004", "Expired", None),
        ],
    )
    def test_demo_number_has_its_report(self, sandbox, receiver, number, status, reason):
        send(sandbox, to=number)

        [report] = self.wait_for(sandbox, receiver, 1)

        assert (report["status"], report.get("failureReason")) == (status, reason)

    @pytest.mark.parametrize(
        ("number", "network"),
        [(KENYAN, "63902"), ("+2348031234567", "62130"), ("+250728123456", "63514"), ("+46733123450", "99999")],
    )
    def test_report_names_the_network(self, sandbox, receiver, number, network):
        send(sandbox, to=number)

        [report] = self.wait_for(sandbox, receiver, 1)

        assert (report["phoneNumber"], report["networkCode"]) == (number, network)

    def test_rejected_message_has_no_report(self, sandbox):
        send(sandbox, to="+250788990406")

        assert sandbox.get("sms/reports") == []

    def test_drop_report_sends_none(self, sandbox, receiver):
        sandbox.sms_faults("drop_report", times=1)
        send(sandbox, to=RWANDAN)
        send(sandbox, to=KENYAN)

        [report] = self.wait_for(sandbox, receiver, 1)

        assert report["phoneNumber"] == KENYAN
        assert sandbox.get("sms/reports")[0]["state"] == "dropped"

    def test_duplicate_report_sends_two_alike(self, sandbox, receiver):
        sandbox.sms_faults("duplicate_report", times=1)
        send(sandbox)

        first, second = self.wait_for(sandbox, receiver, 2)

        assert first == second


def test_no_report_without_an_address(sandbox):
    send(sandbox)

    assert sandbox.get("sms/reports") == []


def test_timeout_sends_the_message_and_says_nothing(sandbox):
    sandbox.sms_faults("timeout", times=1, delayMs=50)

    with pytest.raises(requests.ConnectionError):
        send(sandbox)

    assert len(sandbox.sms()) == 1
    assert send(sandbox).status_code == 201


def test_http_500_sends_nothing(sandbox):
    sandbox.sms_faults("http_500", times=1)

    assert send(sandbox).status_code == 500
    assert sandbox.sms() == []
    assert send(sandbox).status_code == 201


def test_reject_gives_every_recipient_the_code(sandbox):
    sandbox.sms_faults("reject", statusCode=405, times=1)

    response = send(sandbox, to=f"{RWANDAN},{KENYAN}")

    assert [found["status"] for found in recipients(response)] == ["InsufficientBalance"] * 2
    assert sandbox.sms() == []


def test_sms_faults_repeat_with_their_seed(sandbox):
    def run() -> list[int]:
        sandbox.sms_faults("http_500", probability=0.5, seed=3)
        return [send(sandbox).status_code for _ in range(20)]

    first = run()

    assert run() == first
    assert set(first) == {201, 500}
